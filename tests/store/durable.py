"""Every call that promises durability keeps the promise: it is alone with it, and power goes as soon as it has answered."""

import os
import random
import re

from lib import BUILD, limit, tree_with
from witnesses import IN_FLIGHT, Life, check_image

METHODS = ["fsync", "fdatasync", "O_SYNC", "O_DSYNC", "writev", "sendfile", "msync", "sync", "syncfs", "sync_file_range", "directory"]


def options(disk):
    tree = tree_with({"bin/durable": ("copy", os.path.join(BUILD, "programs", "durable"))})
    return ["--mem", "64M", "--disk", disk, "--disk-size", "512M", "--tree", tree]


def numbers(life):
    assert not [line for line in life.lines if line.startswith(b"BAD")], life.lines[-3:]
    return [int(line[2:]) for line in life.lines if re.fullmatch(rb"A \d+", line)]


def two_lives(method):
    """(last number of one life, first of the next, both as seen) for a method by itself."""
    if os.path.exists("d"):
        os.remove("d")
    life = Life(options("d"), ["durable", method, "/tmp/d"])
    life.wait_for(lambda line: line[:2] == b"A " and int(line[2:]) >= 20)
    life.kill()
    last = numbers(life)[-1]
    check_image("d")
    life = Life(["--mem", "64M", "--disk", "d"], ["true"])
    life.wait_for(lambda line: line[:2] == b"A ")
    life.kill()
    return last, numbers(life)[0]


@limit(240)
def test_methods():
    """fsync of a file and of a directory, fdatasync, O_SYNC, O_DSYNC, msync, sync, syncfs: what has answered is there in the next life."""
    for method in METHODS:
        last, first = two_lives(method)
        assert last <= first <= last + IN_FLIGHT, "%s: %d had answered, and the next life begins with %d" % (method, last, first)


@limit(60)
def test_would_notice():
    """A program that asks for nothing is set back: so would be one whose call does not do what it says."""
    for _ in range(8):                         # a checkpoint by itself may come just before the end, though hardly ever
        if os.path.exists("d"):
            os.remove("d")
        life = Life(options("d"), ["sh", "-c", "sync; exec durable nothing /tmp/d"])
        life.wait_for(lambda line: line[:2] == b"A " and int(line[2:]) >= 20)
        life.kill()
        last = numbers(life)[-1]
        life = Life(["--mem", "64M", "--disk", "d"], ["true"])
        life.wait_for(lambda line: line[:2] == b"A ")
        life.kill()
        if numbers(life)[0] < last:
            return
    raise AssertionError("never set back: %d, %d" % (last, numbers(life)[0]))


@limit(240)
def test_storm():
    """Twelve processes fork and fsync at once, power goes at random; no number that had answered is missing in a later life."""
    random.seed(12)
    last, more = {}, options("d")
    for _ in range(6):
        life = Life(more, ["durable", "storm", "/tmp/s", "12"])
        life.wait_for(lambda line: line.startswith(b"S "))
        life.wait_for(lambda line: len(life.lines) > random.randrange(50, 400))
        life.kill()
        assert not [line for line in life.lines if line.startswith(b"BAD")], life.lines[-3:]
        seen = {}
        for line in life.lines:
            found = re.fullmatch(rb"S (\d+) (\d+)", line)
            if found:
                seen.setdefault(int(found.group(1)), []).append(int(found.group(2)))
        for worker, counted in seen.items():
            assert counted == list(range(counted[0], counted[0] + len(counted))), (worker, counted)
            assert counted[0] >= last.get(worker, 0), "process %d: %d had answered, and it goes on with %d" % (worker, last[worker], counted[0])
            last[worker] = counted[-1]
        check_image("d")
    assert len(last) == 12, last
