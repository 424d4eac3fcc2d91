"""What a program has made durable in a folder of the host, the host has been told to put on its disk."""

import os
import signal

from lib import BUILD, child_of, need_strace, tree_with
from witnesses import Life

CALLS = ("fsync", "fdatasync")


def counted(method):
    """(numbers printed, calls of the host's fsync and fdatasync) while durable.c printed some."""
    os.makedirs("w", exist_ok=True)
    tree = tree_with({"bin/durable": ("copy", os.path.join(BUILD, "programs", "durable"))})
    life = Life(["--tree", tree, "--rw", "w:/w"], ["durable", method, "/w/d"],
                before=["strace", "-f", "--seccomp-bpf", "-qq", "-o", "calls", "-e", "trace=fsync,fdatasync"])
    life.wait_for(lambda line: line.startswith(b"BAD") or sum(l.startswith(b"A ") for l in life.lines) >= 100)
    os.kill(child_of(life.process), signal.SIGTERM)
    life.join()
    assert not any(line.startswith(b"BAD") for line in life.lines), life.lines
    with open("calls") as calls:
        synced = sum(any(" %s(" % name in line for name in CALLS) for line in calls)
    return sum(line.startswith(b"A ") for line in life.lines), synced, (life.lines[-5:], life.errors)


def test_synced_on_the_host():
    """fsync, and each write to a file open with O_SYNC or O_DSYNC, is a sync of the host's file; other writes are none."""
    need_strace()
    for method in ("fsync", "O_SYNC", "O_DSYNC", "writev"):
        numbers, synced, result = counted(method)
        assert numbers >= 3 and synced >= numbers, (method, numbers, synced, result)
    numbers, synced, result = counted("nothing")
    assert numbers >= 3 and synced == 0, (numbers, synced, result)
