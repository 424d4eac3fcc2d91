"""witnesses - machines that are killed and go on, and what each life must show of the one before.

A load's lines are `K n`.  For K in A (a record that was fsynced) the numbers of a later life must not begin below the
last one seen; for all K they grow by one step within a life; a line `BAD why` is a failure whatever it says.
"""

import os
import random
import re
import signal
import struct
import subprocess
import sys
import threading
import time

import qemu
from lib import BUILD, KEROS, PATIENCE, run, tree_with

LINE = re.compile(rb"^([A-Z]) (\d+)\r?$")
# Lines printed before a kill that the host may not have got: as many as there is room for between machine and reader.
IN_FLIGHT = 60000
MORE_LIVES = 8                 # times as many as were asked for, at the most
STEP = {b"A": 1, b"T": 1, b"C": 8, b"U": 8, b"P": 1, b"L": 8, b"W": None}


class Life:
    """One run of a machine with a disk, its output read as it comes.

    held: its input has no end while it lives, so who reads it is still there when it is killed; in a later life it has."""

    def __init__(self, options, command=(), verb="run", env=None, held=False, before=()):
        input_end, self.held = os.pipe() if held else (subprocess.DEVNULL, None)
        before_command = ["--"] if command and verb != "lua" else []
        self.process = subprocess.Popen([*before, KEROS, verb, *options, *before_command, *command], env=env,
                                        stdin=input_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if held:
            os.close(input_end)
        self.lines, self.errors = [], b""
        self.threads = [threading.Thread(target=read, daemon=True) for read in (self.read_lines, self.read_errors)]
        for thread in self.threads:
            thread.start()

    def read_lines(self):
        for line in self.process.stdout:
            # What a kill cut in the middle may read as another number.
            if line.endswith(b"\n"):
                self.lines.append(line[:-1])

    def read_errors(self):
        for line in self.process.stderr:
            self.errors += line

    def wait_for(self, fits, seconds=60):
        """Until a line fits; the line."""
        end, seen, ended = time.monotonic() + seconds * PATIENCE, 0, False
        while time.monotonic() < end:
            while seen < len(self.lines):
                if fits(self.lines[seen]):
                    return self.lines[seen]
                seen += 1
            if ended:
                raise AssertionError("the machine ended: %r %r" % (self.lines[-5:], self.errors))
            ended = self.process.poll() is not None
            if ended:
                self.join()                    # what it printed last may not have been read yet
            time.sleep(0.02)
        raise AssertionError("nothing came in %d s: %r" % (seconds * PATIENCE, self.lines[-5:]))

    def kill(self):
        """As a loss of power: QEMU dies with the command."""
        self.process.send_signal(signal.SIGKILL)
        self.join()

    def join(self, seconds=60):
        status = self.process.wait(seconds * PATIENCE)
        for thread in self.threads:
            thread.join()
        if self.held is not None:
            os.close(self.held)
            self.held = None
        return status


def check_image(disk):
    result = run([KEROS, "store", disk], timeout=120)
    assert result.status == 0, "the image is not sound after a kill:\n%r" % result


def generation(disk):
    """Of the newest header of an image, whether a machine uses it or not: in frame 1, 2 or a seat (kernel/store/format.h)."""
    with open(disk, "rb") as file:
        super_block = os.pread(file.fileno(), 72, 0)
        log_first, = struct.unpack_from("<I", super_block, 20)
        seats, step = struct.unpack_from("<II", super_block, 64)
        places = [1, 2] + [log_first + n * step for n in range(seats)]
        return max(struct.unpack_from("<I", os.pread(file.fileno(), 24, frame * 4096), 16)[0] for frame in places)


class Witness:
    """Follows a load over its lives."""

    def __init__(self, seed):
        self.last, self.counts, self.seed = {}, {}, seed

    def take(self, lines):
        """The lines of one life, in order."""
        first = True
        before = {}
        for line in lines:
            assert not line.startswith(b"BAD"), "a witness: %r (seed %d)" % (line, self.seed)
            found = LINE.match(line)
            if not found:
                continue
            kind, number = found.group(1), int(found.group(2))
            if kind in before and STEP[kind]:
                assert number == before[kind] + STEP[kind], \
                    "%r after %d (seed %d)" % (line, before[kind], self.seed)
            if kind not in before and kind == b"A" and kind in self.last:
                # It may be further: what was printed just before the kill does not always reach us.
                assert self.last[kind] <= number <= self.last[kind] + IN_FLIGHT, \
                    "a life begins with %r; %d was synced before (seed %d)" % (line, self.last[kind], self.seed)
            before[kind] = number
            self.counts[kind] = self.counts.get(kind, 0) + 1
            first = False
        self.last.update(before)
        return not first


POSIX_LOAD = ["sh", "-c", "witness append /tmp/log & witness chain & witness sockets /tmp/u & witness pages /tmp/p & witness tree /tmp/t & wait"]


def posix_options(disk):
    tree = tree_with({"bin/witness": ("copy", os.path.join(BUILD, "programs", "witness"))})
    return ["--mem", "128M", "--disk", disk, "--disk-size", "512M", "--tree", tree], POSIX_LOAD


def native_options(disk):
    return ["--mem", "64M", "--disk", disk, "--disk-size", "512M", "--native", "w_accounts"], ()


# A domain keeps a chain, another that it has made keeps the same, and what one says must be what the other has.
LUA_LOAD = """
local maker = constructor { program = "local h = 7 return { mix = function(_, k) h = (h * 31 + k) % 2147483647 return h end }" }
local other = maker:seal():yield { bank = bank:make_sub(MiB(4)) }
local h, n = 7, 0
local step = coroutine.wrap(function() while true do n = n + 1; h = (h * 31 + n) % 2147483647; coroutine.yield(n) end end)
while true do
  local k = step()
  if other:mix(k) ~= h then print("BAD two domains are of different moments") os.exit(1) end
  if k % 8 == 0 then print("L " .. k) end
end
"""


def lua_options(disk):
    script = os.path.join(os.getcwd(), "chain.lua")
    with open(script, "w") as file:
        file.write(LUA_LOAD)
    return ["--mem", "64M", "--disk", disk, "--disk-size", "512M"], [script]


class HostTimes:
    """Kills at random times of the host, which a machine under load meets in random states."""

    name = "host times"

    def __init__(self, longest=2.5):
        self.longest = longest

    def choose(self):
        self.seconds = random.uniform(0.3, self.longest)
        return "after %.3f s" % self.seconds

    def live(self, options, command, verb):
        life = Life(options, command, verb)
        time.sleep(self.seconds)
        assert life.process.poll() is None, "the machine ended by itself: %r" % life.errors
        life.kill()
        return life


class Instructions:
    """Kills at random instruction counts of the machine (kill_at.c); half of them soon, in the restart or just after it.

    The counts follow from the seed.  What the machine has done by then may differ a little from run to run: the disk
    and the streams answer in the host's time."""

    name = "instruction counts"
    SOON, LATE = 60 * 10**6, 450 * 10**6
    PLUGIN = os.path.join(BUILD, "tests", "kill_at.so")

    def choose(self):
        self.at = random.randrange(1, random.choice((self.SOON, self.LATE)))
        return "at instruction %d" % self.at

    def live(self, options, command, verb):
        life = Life([*options, "--icount"], command, verb, env=qemu.environment(more=["-plugin", "%s,at=%d" % (self.PLUGIN, self.at)]))
        try:
            status = life.join(240)
        except subprocess.TimeoutExpired:
            life.kill()
            raise AssertionError("the machine did not come so far in two minutes: %r" % life.lines[-3:])
        assert status == 125 and b"killed by signal 9" in life.errors, "it ended by itself: %d %r" % (status, life.errors)
        return life


def kill_loop(options_of, kills, seed, killer=None, enough=None):
    """So many lives, each killed at a random moment; the image is checked after each.  Returns the witness.  What fails
    keeps its image, and says with which seed, and at which kill and moment.

    enough: {kind of line: how many}; on a slow machine there are more lives until so many were seen."""
    random.seed(seed)
    killer = killer or HostTimes()
    disk = os.path.join(os.getcwd(), "kills-%d.disk" % seed)
    options, command = options_of(disk)
    verb = "lua" if options_of is lua_options else "run"
    witness, moments = Witness(seed), []
    for kill in range(kills * MORE_LIVES):
        if kill >= kills and all(witness.counts.get(kind, 0) >= count for kind, count in (enough or {}).items()):
            break
        moments.append(killer.choose())
        try:
            life = killer.live(options, command, verb)
            check_image(disk)
            witness.take(life.lines)
        except AssertionError as error:
            raise AssertionError("seed %d, kill %d, %s: %s\nThe kills before it: %s\nThe image is %s" %
                                 (seed, kill, moments[-1], error, ", ".join(moments[-6:-1]) or "none", disk))
    # The last life must still make progress.
    life = Life(options, command, verb)
    life.wait_for(lambda line: LINE.match(line) is not None)
    life.kill()
    witness.take(life.lines)
    os.remove(disk)
    for kind, count in (enough or {}).items():
        assert witness.counts.get(kind, 0) >= count, "only %r in %d lives (seed %d)" % (witness.counts, kill + 1, seed)
    return witness


def main():
    """make kills N=100: so many at random instruction counts, and half as many at random times; a third of each load."""
    kills = int(os.environ.get("N") or 100)
    seed = int(os.environ.get("SEED") or time.time())
    for killer, share in ((Instructions(), kills), (HostTimes(), (kills + 1) // 2)):
        for name, options_of in (("posix", posix_options), ("native", native_options), ("lua", lua_options)):
            witness = kill_loop(options_of, -(-share // 3), seed, killer)
            print("%s: %d kills at random %s, 0 lost (seed %d; %s)" % (name, -(-share // 3), killer.name, seed, ", ".join(
                "%d %s" % (count, kind.decode()) for kind, count in sorted(witness.counts.items()))), flush=True)


if __name__ == "__main__":
    sys.exit(main())
