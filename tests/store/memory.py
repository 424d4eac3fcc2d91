"""Working sets larger than the machine, and stores that are nearly full."""

import os

from lib import BUILD, KEROS, limit, run, tree_with
from witnesses import check_image


def pages(mib, *options, timeout=250):
    tree = tree_with({"bin/manypages": ("copy", os.path.join(BUILD, "programs", "manypages"))})
    return run([KEROS, "run", "--tree", tree, *options, "--", "manypages", str(mib)], timeout=timeout)


@limit(600)
def test_larger_than_memory():
    """A sandbox touches 1 GiB on a machine of 128 MiB: writes all of it, and reads it back twice."""
    result = pages(1024, "--mem", "128M", "--disk", "d", timeout=550)
    assert result.status == 0 and result.stdout == b"written\nread\nread\n", result
    check_image("d")


@limit(120)
def test_too_much_for_the_disk():
    """What does not fit the disk is an error for the one who asked; the system and its image stay sound."""
    result = pages(900, "--mem", "64M", "--disk", "d", "--disk-size", "512M", timeout=100)
    assert result.status not in (0, 125), result
    result = run([KEROS, "run", "--disk", "d", "--", "sh", "-c", "echo on"])
    assert result.stdout == b"on\n", result
    check_image("d")


@limit(200)
def test_full():
    """A file that fills the disk ends with ENOSPC, which is reported; what was there before is there, and room can be made."""
    script = ("echo kept > /tmp/k; head -c 314572800 /dev/zero | tr '\\0' x > /tmp/f; cat /tmp/k; rm /tmp/f; "
              "head -c 52428800 /dev/zero | tr '\\0' y > /tmp/g; tail -c 1 /tmp/g; sync; echo synced")
    result = run([KEROS, "run", "--bank", "60000", "--mem", "64M", "--disk", "d", "--disk-size", "256M", "--", "sh", "-c", script], timeout=180)
    assert result.stdout == b"kept\nysynced\n", result
    assert b"No space left on device" in result.stderr and b"d is nearly full: up to" in result.stderr, result
    check_image("d")


@limit(120)
def test_sandbox_goes_on_when_full():
    """Files that fill a sandbox get ENOSPC, and nobody is killed: what is left starts processes, tells, and makes room, twice."""
    script = ("for round in 1 2; do yes | dd of=/tmp/f bs=64k 2>&1 | grep -o 'No space left on device'; "
              "for i in 1 2 3 4 5 6; do sh -c 'echo $0 | cat' $i & done; wait; rm /tmp/f; echo y > /tmp/x && cat /tmp/x; done")
    for options in (["--bank", "4096"], ["--disk", "d", "--disk-size", "256M", "--mem", "64M"]):
        result = run([KEROS, "run", *options, "--", "sh", "-c", script], timeout=100)
        lines = result.stdout.split()
        assert result.status == 0 and b"killed" not in result.stderr, result
        assert lines.count(b"device") == 2 and lines.count(b"y") == 2, result
        assert all(lines.count(b"%d" % i) == 2 for i in range(1, 7)), result
    check_image("d")
