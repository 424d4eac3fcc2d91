"""What a program has made durable in a folder of the host, the host has been told to put on its disk."""

import os
import shutil

from lib import BUILD, KEROS, run, skip, tree_with

CALLS = ("fsync", "fdatasync")


def counted(method):
    """(numbers printed, calls of the host's fsync and fdatasync) of a second of durable.c."""
    strace = shutil.which("strace")
    if not strace:
        skip("no strace")
    os.makedirs("w", exist_ok=True)
    tree = tree_with({"bin/durable": ("copy", os.path.join(BUILD, "programs", "durable"))})
    result = run([strace, "-f", "--seccomp-bpf", "-qq", "-o", "calls", "-e", "trace=fsync,fdatasync", KEROS, "run", "--time", "4s",
                  "--tree", tree, "--rw", "w:/w", "--", "durable", method, "/w/d"], timeout=60)
    assert b"BAD" not in result.stdout, result
    with open("calls") as calls:
        synced = sum(any(" %s(" % name in line for name in CALLS) for line in calls)
    return result.stdout.count(b"A "), synced, result


def test_synced_on_the_host():
    """fsync, and each write to a file open with O_SYNC or O_DSYNC, is a sync of the host's file; other writes are none."""
    for method in ("fsync", "O_SYNC", "O_DSYNC", "writev"):
        numbers, synced, result = counted(method)
        assert numbers >= 3 and synced >= numbers, (method, numbers, synced, result)
    numbers, synced, result = counted("nothing")
    assert numbers >= 3 and synced == 0, (numbers, synced, result)
