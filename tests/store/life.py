"""A system on a disk goes on after a loss of power, as if nothing had happened."""

import hashlib
import json
import os
import time

from lib import KEROS, expect, limit, run, run_keros
from witnesses import IN_FLIGHT, Life, check_image

COUNTING = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sync; done"]


def number(line):
    return int(line) if line.isdigit() else -1


@limit(180)
def test_counts_on():
    """A script counts on after its machine was killed, three times; what it had synced is never counted again."""
    last = 0
    for _ in range(4):
        life = Life(["--disk", "d", "--disk-size", "512M"], COUNTING)
        life.wait_for(lambda line: number(line) >= last + 5)
        life.kill()
        seen = [number(line) for line in life.lines if number(line) > 0]
        # What was printed just before the kill does not always reach us.
        assert last <= seen[0] <= last + IN_FLIGHT, "after %d it began with %d" % (last, seen[0])
        assert seen == list(range(seen[0], seen[0] + len(seen))), seen
        last = seen[-1]
        check_image("d")


def test_next_command():
    """A system whose command has ended runs the next one, and passes its status."""
    options = ["--disk", "d", "--disk-size", "512M"]
    expect(run_keros("echo one; exit 3", options=options), stdout="one\n", status=3)
    expect(run_keros("echo two; exit 4", options=options), stdout="two\n", status=4)
    expect(run_keros(["cat"], stdin="three\n", options=options), stdout="three\n")
    check_image("d")


def test_fresh_without_disk():
    """Without --disk every run is fresh, and there is nothing to wait for in fsync."""
    for _ in range(2):
        expect(run_keros("ls /tmp; echo x > /tmp/f; sync; dd if=/dev/zero of=/tmp/g bs=4k count=4 conv=fsync 2>&1 | grep -c out"),
               stdout="1\n")


def test_clock_goes_on():
    """Monotonic time never goes back over a restart, and does not count the time without power."""
    script = "while :; do cut -d' ' -f1 /proc/uptime; sync; done"
    life = Life(["--disk", "d", "--disk-size", "512M"], ["sh", "-c", script])
    life.wait_for(lambda line: len(life.lines) > 3)
    life.kill()
    before = [float(line) for line in life.lines if line[:1].isdigit()]
    time.sleep(3)                      # without power
    began = time.monotonic()
    life = Life(["--disk", "d"], ["sh", "-c", script])
    life.wait_for(lambda line: len(life.lines) > 3)
    power = time.monotonic() - began
    life.kill()
    after = [float(line) for line in life.lines if line[:1].isdigit()]
    assert before == sorted(before) and after == sorted(after), (before, after)
    # What the next life took is the machine's time; what was between the two is not.  The last line's sync was not answered yet.
    assert before[-2] <= after[0] < before[-1] + power + 0.5, (before[-2:], after[0], power)


def test_wall_clock_is_set_anew():
    """After time without power the wall clock is the machine's, not what it was, and the time that it ran goes on."""
    script = "sync; while :; do echo $(date +%s) $(cut -d. -f1 /proc/uptime); sync; done"
    life = Life(["--disk", "d", "--disk-size", "512M"], ["sh", "-c", script])
    life.wait_for(lambda line: len(life.lines) >= 4)
    life.kill()
    wall, uptime = (int(word) for word in life.lines[-1].split())
    time.sleep(5)                      # without power
    began, began_at = time.monotonic(), time.time()
    life = Life(["--disk", "d"], ["true"])
    life.wait_for(lambda line: len(life.lines) >= 2)
    power = time.monotonic() - began
    life.kill()
    now, up = (int(word) for word in life.lines[1].split())
    assert wall + 5 <= now and began_at - 1 <= now <= time.time() + 1, (wall, now, began_at)
    assert uptime <= up <= uptime + power + 1, (uptime, up, power)


def test_who_sleeps_sleeps_the_rest():
    """Who slept when the power went is woken when the rest of his time has gone by, and does not sleep all of it again."""
    # Half of the time has gone by; who begins to sleep when the machine has started again, for three quarters of it, is up later.
    script = ("(sleep %d; echo first) & sleep %d; sync; echo down; read x; (sleep %d; echo second) & wait")
    for seconds in (4, 16, 64):                # on a slow machine all of it goes by in the first life
        life = Life(["--disk", "d", "--disk-size", "512M"], ["sh", "-c", script % (seconds, seconds // 2, seconds * 3 // 4)], held=True)
        life.wait_for(lambda line: line == b"down")
        life.kill()
        if b"first" not in life.lines:
            break
        os.remove("d")
    life = Life(["--disk", "d"], ["true"])     # its input ends at once, and the script goes on
    life.wait_for(lambda line: line == b"second")
    life.kill()
    assert life.lines[-2:] == [b"first", b"second"], life.lines


@limit(180)
def test_calls_outside_in_flight():
    """Whose call to the host's folder was under way gets an error after the restart, opens anew and goes on; nobody hangs."""
    os.mkdir("share")
    with open("share/big", "wb") as file:
        file.write(os.urandom(4 << 20))
    with open("share/big", "rb") as file:
        sum_of = hashlib.md5(file.read()).hexdigest().encode()
    # Checkpoints all the time, so that many hold a call under way.
    script = "(while :; do sync; done) & n=0; while :; do n=$((n+1)); s=$(md5sum < /w/big 2>/dev/null) && sync && echo A $n $s || echo ERR $n; done"
    options = ["--mem", "48M", "--disk", "d", "--disk-size", "512M", "--rw", "share:/w"]
    errors = last = life_number = 0
    while life_number < 6 or not errors:
        life = Life(options, ["sh", "-c", script])
        life.wait_for(lambda line: len([l for l in life.lines if l.startswith(b"A ")]) >= 2)
        life.kill()
        lines = [line.split() for line in life.lines]
        assert all(words[2] == sum_of for words in lines if words[0] == b"A"), life.lines
        failed = [words for words in lines if words[0] == b"ERR"]
        assert len(failed) <= (1 if life_number else 0), life.lines
        errors += len(failed)
        assert int(lines[0][1]) >= last, (last, life.lines)
        last = int(lines[-1][1])
        life_number += 1
        assert life_number < 40, "no call was ever under way"


def test_checkpoint_verb():
    """keros ckpt saves a running system and tells what that cost; without a store, or a machine, it says so."""
    os.environ["XDG_RUNTIME_DIR"] = os.getcwd()
    result = run([KEROS, "ckpt"])
    assert result.status == 1 and b"no machine runs" in result.stderr, result
    life = Life(["--disk", "d", "--disk-size", "512M"], ["sh", "-c", "echo up; sleep 1000"])
    life.wait_for(lambda line: line == b"up")
    generations = []
    for _ in range(3):
        result = run([KEROS, "ckpt", "--json", "d"])
        assert result.status == 0, result
        figures = json.loads(result.stdout)
        generations.append(figures["generation"])
        assert 0 < figures["stop_ns"] < figures["total_ns"], figures
    assert generations == sorted(set(generations)), generations
    assert b"is on the disk" in run([KEROS, "ckpt", str(life.process.pid)]).stdout
    assert run([KEROS, "ckpt", "other"]).status == 1
    life.kill()
    result = run([KEROS, "store", "--json", "d"])
    assert json.loads(result.stdout)["generation"] >= generations[-1], result
    life = Life([], ["sh", "-c", "echo up; sleep 1000"])
    life.wait_for(lambda line: line == b"up")
    result = run([KEROS, "ckpt"])
    life.kill()
    assert result.status == 1 and b"--disk" in result.stderr, result


def test_native_answers():
    """A machine of a native program answers the owner like any other: saved, looked at, stopped."""
    os.environ["XDG_RUNTIME_DIR"] = os.getcwd()
    life = Life(["--mem", "64M", "--disk", "d", "--disk-size", "512M", "--native", "w_accounts"])
    life.wait_for(lambda line: line.startswith(b"W "))
    result = run([KEROS, "ckpt"], timeout=20)
    assert result.status == 0 and b"is on the disk" in result.stdout, result
    result = run([KEROS, "ps"], timeout=20)
    assert result.status == 0 and b"native" in result.stdout, result
    result = run([KEROS, "stop"], timeout=20)
    assert result.status == 0 and life.join() == 143, (result, life.errors)
    assert run([KEROS, "store", "d"]).status == 0
