"""replay - images rebuilt from the recorded writes of a disk, as power could have left it at any moment.

keros run --disk-log records every write and flush in their order (QEMU's blklogwrites, the format of dm-log-writes).
From that, for every flush: the image with all writes before it; and until the next one, images with any subset of
the writes in between, in any order, each whole or torn in sectors of 512 bytes.  Each image must be sound for the
offline checker and hold a generation not older than the one before; a sample of them is booted, and must show all
witnesses (witnesses.py) and every record that was reported as synced before the moment of the cut.
"""

import json
import mmap
import os
import random
import shutil
import struct
import subprocess
import sys
import time

from lib import KEROS, run
from witnesses import LINE, STEP, Life, native_options, posix_options

SECTOR = 512
FLUSH, DISCARD = 1, 4
MAGIC = 0x6A736677736872


def log_count(path):
    """How many entries the log has by now."""
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as log:
        head = log.read(24)
    return struct.unpack_from("<Q", head, 16)[0] if len(head) == 24 else 0


def log_entries(path):
    """(sector, data) of each write, None for each flush."""
    with open(path, "rb") as file:
        log = file.read()
    magic, version, count, size = struct.unpack_from("<QQQI", log, 0)
    assert magic == MAGIC and version == 1, "no log of writes"
    at = size
    for _ in range(count):
        sector, sectors, flags, _ = struct.unpack_from("<QQQQ", log, at)
        at += size
        assert not flags & DISCARD, "the store discards nothing"
        if sectors:
            yield sector, log[at:at + sectors * SECTOR]
            at += sectors * SECTOR
        if flags & FLUSH:
            yield None


class Recording:
    """A life under load from a new image, its log, and which record was synced when so many entries were logged."""

    def __init__(self, options_of, seconds, name):
        self.base, self.log, self.disk = name + ".base", name + ".log", name + ".disk"
        self.options_of = options_of
        options, command = options_of(self.disk)
        # Only the image is made: there is no machine to start.
        subprocess.run([KEROS, "run", *options, *(["--", *command] if command else [])], env={"PATH": "/nonexistent"},
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["cp", "--sparse=always", self.disk, self.base], check=True)
        self.synced, seen = [], 0
        life = Life([*options, "--disk-log", self.log], command)
        try:
            end = time.monotonic() + 60 + seconds
            until = None                       # from the load's first line on
            while time.monotonic() < min(end, until or end):
                time.sleep(0.005)
                lines = list(life.lines)
                for line in lines[seen:]:
                    assert not line.startswith(b"BAD"), line
                    until = until or (time.monotonic() + seconds if LINE.match(line) else None)
                    if line.startswith(b"A "):
                        # It was printed before it was read, and synced before that.
                        self.synced.append((log_count(self.log), int(line[2:])))
                seen = len(lines)
                assert life.process.poll() is None, "the machine ended: %r" % life.errors
        finally:
            life.kill()
        assert until, "the load never began"
        self.entries = list(log_entries(self.log))

    def synced_by(self, entries):
        """The last record that was reported as synced when the log had so many entries; -1: none."""
        return max([n for at, n in self.synced if at <= entries], default=-1)

    def remove(self):
        for path in (self.base, self.log, self.disk):
            os.remove(path)


class Image:
    """The disk at one moment: what is durable, and for a while what some of the later writes made of it."""

    def __init__(self, base, path):
        subprocess.run(["cp", "--sparse=always", base, path], check=True)
        self.path = path
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 0)
        self.undo = []

    def write(self, sector, data, only=None):
        """only: the numbers of the sectors that arrive."""
        for i in only if only is not None else range(len(data) // SECTOR):
            at = (sector + i) * SECTOR
            self.map[at:at + SECTOR] = data[i * SECTOR:(i + 1) * SECTOR]

    def keep(self, sector, data):
        at = sector * SECTOR
        self.undo.append((at, self.map[at:at + len(data)]))

    def back(self):
        while self.undo:
            at, data = self.undo.pop()
            self.map[at:at + len(data)] = data

    def close(self):
        self.map.close()
        self.file.close()
        os.remove(self.path)


class Replay:
    def __init__(self, recording, images, boots, seed):
        self.recording, self.seed, self.random = recording, seed, random.Random(seed)
        self.images = self.prefixes = self.booted = self.generation = self.newest = 0
        self.restarts = []
        self.image = Image(recording.base, recording.base + ".image")
        flushes = recording.entries.count(None) + 1
        self.each = max(1, -(-images // flushes) - 1)    # reorderings for each flush
        self.boot_each = max(1, flushes * (1 + self.each) // boots) if boots else 0
        self.boot_offset = self.random.randrange(self.boot_each) if boots else 0

    def fail(self, why, at):
        kept = os.path.join(os.getcwd(), "replay-failed.disk")
        self.image.map.flush()
        shutil.copy(self.image.path, kept)
        raise AssertionError("%s (after entry %d of %d, seed %d; kept as %s)" %
                             (why, at, len(self.recording.entries), self.seed, kept))

    def check(self, durable, at):
        """One image; durable: so many entries are before the last flush that it has."""
        self.images += 1
        result = run([KEROS, "store", "--json", self.image.path], timeout=120)
        if result.status != 0:
            self.fail("an image is not sound: %r" % result, at)
        generation = json.loads(result.stdout)["generation"]
        if generation < self.generation:
            self.fail("generation %d came back after %d" % (generation, self.generation), at)
        self.newest = max(self.newest, generation)
        if self.boot_each and self.images % self.boot_each == self.boot_offset:
            self.boot(durable, at)
        return generation

    def boot(self, durable, at):
        """The image goes on: no witness complains, each comes, and nothing that was synced is missing."""
        disk = self.image.path + ".boot"
        self.image.map.flush()
        subprocess.run(["cp", "--sparse=always", self.image.path, disk], check=True)
        options, command = self.recording.options_of(disk)
        began = time.monotonic()
        life = Life(options, command)
        try:
            life.wait_for(lambda line: LINE.match(line) or line.startswith(b"BAD"))
            self.restarts.append(time.monotonic() - began)
            # All kinds, some of each, so that what they compare has been compared.
            kinds = {b"A", b"C", b"U", b"P", b"T"} if self.recording.options_of is posix_options else {b"W"}
            end = time.monotonic() + 20
            while time.monotonic() < end and not any(l.startswith(b"BAD") for l in life.lines) and \
                    {l[:1] for l in life.lines if LINE.match(l)} != kinds:
                time.sleep(0.05)
        except AssertionError as error:
            life.kill()
            self.fail("an image does not go on: %s" % error, at)
        life.kill()
        self.booted += 1
        before = {}
        for line in life.lines:
            if line.startswith(b"BAD"):
                self.fail("a witness: %r" % line, at)
            found = LINE.match(line)
            if not found:
                continue
            kind, number = found.group(1), int(found.group(2))
            if kind in before and STEP[kind] and number != before[kind] + STEP[kind]:
                self.fail("%r after %d" % (line, before[kind]), at)
            if kind not in before and kind == b"A" and number < self.recording.synced_by(durable):
                self.fail("it goes on with %r, but %d was synced" % (line, self.recording.synced_by(durable)), at)
            before[kind] = number
        if set(before) != set(kinds):
            self.fail("only %r went on, of %r" % (sorted(before), sorted(kinds)), at)
        os.remove(disk)

    def reorder(self, epoch, durable, at):
        """Some of the writes since the flush, in some order, some torn."""
        some = [w for w in epoch if self.random.random() < self.random.choice((0.1, 0.5, 0.9, 1))]
        self.random.shuffle(some)
        for sector, data in some:
            self.image.keep(sector, data)
            sectors = range(len(data) // SECTOR)
            torn = self.random.random() < 0.3
            self.image.write(sector, data, [i for i in sectors if self.random.random() < 0.5] if torn else None)
        self.check(durable, at)
        self.image.back()

    def run(self):
        epoch, durable = [], 0
        for at, entry in enumerate([*self.recording.entries, None]):
            if entry is not None:
                epoch.append(entry)
                continue
            for _ in range(self.each):
                self.reorder(epoch, durable, at)
            for sector, data in epoch:
                self.image.write(sector, data)
            # The flush's own entry is logged when it is done; what was synced before that is on the disk.
            epoch, durable = [], at + 1
            self.prefixes += 1
            self.generation = self.check(durable, at)
        self.image.close()
        return self


def replay(options_of, images, boots, seconds, seed):
    recording = Recording(options_of, seconds, os.path.join(os.getcwd(), "replay"))
    done = Replay(recording, images, boots, seed).run()
    recording.remove()
    return done


def summary(name, done):
    restarts = sorted(done.restarts) or [0]
    return "%s: %d images, 0 lost: at %d flushes, %d between them torn and reordered, generations to %d; %d booted, " \
           "restart to the first witness %.2f s median, %.2f s longest (seed %d)" % \
           (name, done.images, done.prefixes, done.images - done.prefixes, done.newest, done.booted,
            restarts[len(restarts) // 2], restarts[-1], done.seed)


def main():
    """make images N=5000: half of them of each load."""
    images = int(os.environ.get("N") or 5000)
    seed = int(os.environ.get("SEED") or time.time())
    total = booted = 0
    for name, options_of in (("posix", posix_options), ("native", native_options)):
        done = replay(options_of, images // 2, max(1, images // 100), max(12, images // 200), seed)
        total, booted = total + done.images, booted + done.booted
        print(summary(name, done), flush=True)
    print("%d images, 0 lost, %d of them booted (seed %d)" % (total, booted, seed))


if __name__ == "__main__":
    sys.exit(main())
