"""A host whose disk fails or is full: the machine ends with a sentence, and nothing that was synced is lost."""

import errno
import os
import random
import subprocess

from lib import KEROS, limit, run, run_keros, skip
from qemu import failing_disk, failing_read
from witnesses import Life, check_image

OPTIONS = ["--disk", "d", "--disk-size", "512M", "--mem", "64M"]
# A number is printed when it is on the disk.
SYNCED = ["sh", "-c", "i=0; while [ $i -lt 60 ]; do i=$((i+1)); yes $i | head -c 300000 > /tmp/f$((i % 60)); sync; echo $i; done"]


def numbers(result):
    return [int(line) for line in result.stdout.split()]


def stops(environment, reason=b"answers with errors"):
    """A life that ends by the disk's error; the last number that it printed."""
    result = run([KEROS, "run", *OPTIONS, "--", *SYNCED], env=environment, timeout=60)
    assert result.status == 125 and b"the store stopped" in result.stderr and reason in result.stderr, result
    check_image("d")
    return numbers(result)[-1] if result.stdout else 0


def goes_on(last):
    """With a disk that works, from what was saved on."""
    result = run([KEROS, "run", *OPTIONS, "--", "true"], timeout=100)
    seen = numbers(result)
    assert result.status == 0 and seen[0] >= last and seen == list(range(seen[0], 61)), (last, result)


@limit(240)
def test_errors():
    """Writes and flushes that fail for ever, from a random one on: a stop with a sentence, a sound image, and nothing synced lost."""
    random.seed(31)
    for kind, error in (("write", errno.ENOSPC), ("flush", errno.EIO)):
        if os.path.exists("d"):
            os.remove("d")
        nth = random.randrange(60, 120) if kind == "write" else random.randrange(2, 20)
        last = stops(failing_disk(nth, kind, error, False))
        last = max(last, stops(failing_disk(nth, kind, error, False)))
        goes_on(last)


@limit(120)
def test_error_once():
    """A write that fails once is tried again and nobody notices; a flush that fails once is the end of that life."""
    result = run([KEROS, "run", *OPTIONS, "--", *SYNCED], env=failing_disk(100, "write", errno.EIO, True), timeout=100)
    assert result.status == 0 and numbers(result) == list(range(1, 61)), result
    os.remove("d")
    goes_on(stops(failing_disk(12, "flush", errno.EIO, True)))


@limit(180)
def test_read_errors():
    """A frame that cannot be read once is read again; one that never can is missed by who needs it, or the machine ends."""
    life = Life(OPTIONS, ["sh", "-c", "yes | head -c 4000000 > /tmp/f; sync; echo up; read x; md5sum < /tmp/f"], held=True)
    life.wait_for(lambda line: line == b"up")
    life.kill()
    log_first, home_first = 1027, 1027 + 16384
    refused = 0
    for frame in (0, 1, 2, log_first, log_first + 40, home_first):
        for once in (True, False):
            subprocess.run(["cp", "--sparse=always", "d", "tried"], check=True)
            result = run([KEROS, "run", "--disk", "tried", "--mem", "64M", "--", "true"], env=failing_read(frame, once), timeout=60)
            if once:
                assert result.status == 0 and result.stdout.endswith(b"  -\n"), (frame, result)
            elif result.status == 1:
                assert b"Input/output error" in result.stderr and b"the store stop" not in result.stderr, (frame, result)
            elif result.status:
                stopped = b"the disk cannot be read" in result.stderr or b"answers with errors" in result.stderr
                refused += stopped
                missed = b"the disk cannot give back what it is made of" in result.stderr
                assert result.status == 125 and (stopped or missed), (frame, result)
                assert b"C0" not in result.stderr and b"damaged" not in result.stderr, (frame, result)
            check_image("tried")
    assert refused >= 4, refused


@limit(120)
def test_end_not_saved():
    """A command whose end cannot be saved is not told as ended: the status is the machine's, and the next start knows."""
    nth = 2
    for _ in range(60):                        # how many flushes there are before the end depends on how long it all takes
        if os.path.exists("d"):
            os.remove("d")
        result = run([KEROS, "run", *OPTIONS, "--", "sh", "-c", "sync; exit 3"], env=failing_disk(nth, "flush", errno.EIO, True))
        if b"before the command's end was known to be saved" in result.stderr:
            break
        assert result.status in (3, 125), result
        nth = nth + 1 if result.status == 125 else max(2, nth - 1)
    else:
        raise AssertionError("no flush was the one of the end: %r" % result)
    assert result.status == 125, result
    # The flush that failed may have done its work all the same: then the command has ended.
    result = run_keros(["true"], options=OPTIONS)
    assert result.status == (3 if b"goes on where it was" in result.stderr else 0), result
    check_image("d")


@limit(120)
def test_host_full():
    """An image that grows beyond what the host has room for: the sentence says so, and with more room it goes on."""
    os.mkdir("small")
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", "small"], stderr=subprocess.DEVNULL).returncode:
        skip("a full file system needs root, for mount")
    try:
        os.symlink("small/d", "d")
        last = stops(None, b"is full. Make room there")
        subprocess.run(["mount", "-o", "remount,size=256m", "small"], check=True)
        goes_on(last)
    finally:
        subprocess.run(["umount", "small"], check=True)
