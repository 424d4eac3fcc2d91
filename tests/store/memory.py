"""Working sets larger than the machine, and stores that are nearly full."""

import os

from lib import BUILD, KEROS, limit, run, tree_with
from witnesses import check_image


def pages(mib, *options, timeout=250):
    tree = tree_with({"bin/manypages": ("copy", os.path.join(BUILD, "programs", "manypages"))})
    return run([KEROS, "run", "--tree", tree, *options, "--", "manypages", str(mib)], timeout=timeout)


@limit(300)
def test_larger_than_memory():
    """A sandbox writes 256 MiB on a machine of 64 MiB and reads all of it back, twice."""
    result = pages(256, "--mem", "64M", "--disk", "d")
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
