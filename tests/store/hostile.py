"""What people and their hosts do to an image: each gets a sentence, or just goes on."""

import os
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import KEROS, limit, run, run_keros, until  # noqa: E402
from upgrade import other_build  # noqa: E402
from witnesses import IN_FLIGHT, Life, check_image  # noqa: E402

OPTIONS = ["--disk", "d", "--disk-size", "512M"]
COUNTING = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo A $i; sync; done"]


def start_and_kill(argv, seconds):
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    return process.communicate()


def goes_on(options=(), command=("echo", "hi")):
    """The next start ends well: with its own command, or with the one that was killed."""
    result = run([KEROS, "run", "--disk", "d", *options, "--", *command], timeout=60)
    assert result.status == 0, result
    check_image("d")
    return result


@limit(240)
def test_killed_while_it_is_made():
    """A new image whose maker was killed at any time is made by the next start; nobody has to remove anything."""
    random.seed(11)
    for _ in range(8):
        if os.path.exists("d"):
            os.remove("d")
        start_and_kill([KEROS, "run", *OPTIONS, "--", "sh", "-c", "echo hi; sync"], random.random() * random.choice((0.04, 0.5)))
        assert goes_on().stdout in (b"hi\n", b""), "another command ran"


def test_half_made():
    """A store whose super block was never written is made anew, of the same size; a file with anything else in it is left alone."""
    def unmade():
        with open("d", "wb") as file:
            file.truncate(512 << 20)
            for frame in (1, 2):
                file.seek(frame * 4096)
                file.write((0x4B43524845524F4B).to_bytes(8, "little") + b"\1" * 500)

    unmade()
    result = goes_on()
    assert b"d: a new store of 512 MiB" in result.stderr and result.stdout == b"hi\n", result
    unmade()
    with open("d", "r+b") as file:
        file.seek(300 << 20)
        file.write(b"somebody's")
    result = run([KEROS, "run", *OPTIONS, "--", "true"])
    assert result.status == 1 and b"holds no store; it is left as it is" in result.stderr, result


def test_blank():
    """Zeroes become a store if a size is given, and not without; what has zeroes only at its beginning never does."""
    with open("d", "wb") as file:
        file.truncate(8 << 20)
    result = run([KEROS, "run", "--disk", "d", "--", "true"])
    assert result.status == 1 and b"holds nothing but zeroes; to make a store in it give its size too" in result.stderr, result
    with open("d", "r+b") as file:     # as a CD-ROM's image has
        file.seek(0x8001)
        file.write(b"CD001")
    result = run([KEROS, "run", *OPTIONS, "--", "true"])
    assert result.status == 1 and b"holds no store" in result.stderr and os.path.getsize("d") == 8 << 20, result
    os.truncate("d", 0)
    os.truncate("d", 8 << 20)
    assert run_keros("echo hi", options=OPTIONS).stdout == b"hi\n"


def test_other_formats():
    """An image of another kind is refused by its name, and left as it is."""
    cases = {"qcow2": (0, b"QFI\xfb\0\0\0\3"), "ext": (1080, b"\x53\xef"), "ELF": (0, b"\x7fELF\2\1\1"), "tar": (257, b"ustar\0"),
             "boot": (510, b"\x55\xaa"), "gzip": (0, b"\x1f\x8b\x08")}
    words = {"qcow2": "a qcow2 image; an image of a store is a raw one", "ext": "an ext file system", "ELF": "a program",
             "tar": "a tar archive", "boot": "a disk with a boot sector", "gzip": "a compressed file (gzip)"}
    for name, (at, text) in cases.items():
        content = bytearray(1 << 20)
        content[at:at + len(text)] = text
        with open(name, "wb") as file:
            file.write(content)
        for argv in ([KEROS, "run", "--disk", name, "--disk-size", "512M", "--", "true"], [KEROS, "store", name]):
            result = run(argv)
            assert result.status in (1, 2) and ("holds no store but " + words[name]).encode() in result.stderr, result
        with open(name, "rb") as file:
            assert file.read() == content, "%s was changed" % name
    with open("far", "wb") as file:
        file.truncate(2 << 40)
    result = run([KEROS, "run", "--disk", "far", "--", "true"])
    assert result.status == 1 and b"nothing but zeroes" in result.stderr, result


@limit(240)
def test_killed_in_an_upgrade():
    """Killed while a newer build begins a new system in an old image: the next start does that, whichever build it is of."""
    other = other_build()
    random.seed(12)
    began = i = 0
    while i < 6 or began < 2:
        if os.path.exists("d"):
            os.remove("d")
        assert run([KEROS, "run", *OPTIONS, "--", "true"], timeout=60).status == 0
        _, errors = start_and_kill([other, "run", "--disk", "d", "--", "sh", "-c", "echo hi; sync"], 0.02 + random.random() * 0.5 * (1 + i // 6))
        began += b"a new system begins in it" in errors
        which = (KEROS, other)[i % 2]
        result = run([which, "run", "--disk", "d", "--", "echo", "hi"], timeout=60)
        assert result.status == 0 and result.stdout in (b"hi\n", b""), result
        check_image("d")
        i += 1
        assert i < 40, "only %d times it came so far" % began


@limit(240)
def test_two_sandboxes():
    """Of two sandboxes both go on after every kill; what either had synced is never lost, and nothing is left out."""
    os.makedirs("t/root")
    with open("t/root/n.sh", "w") as file:
        file.write("i=0; while :; do i=$((i+1)); echo S $i; sync; done")
    random.seed(13)
    last = {b"A": 0, b"S": 0}
    for _ in range(5):
        life = Life(["--tree", "t", *OPTIONS, "--second", "sh /root/n.sh"], COUNTING)
        life.wait_for(lambda line, life=life: len(life.lines) > 4)
        until(lambda life=life: life.errors.count(b"S ") > 4, "what the second sandbox says")
        time.sleep(random.random() * 0.5)
        life.kill()
        text = b"".join(line + b"\n" for line in life.lines) + life.errors
        for who in last:
            seen = [int(n) for n in re.findall(rb"^%s (\d+)\r?\n" % who, text, re.M)]
            assert seen and seen == list(range(seen[0], seen[0] + len(seen))), (who, seen)
            # The last line of a life was not synced yet.
            assert last[who] <= seen[0] <= last[who] + IN_FLIGHT, (who, last, seen)
            last[who] = seen[-1]
        check_image("d")


def qemu_of(life):
    with open("/proc/%d/task/%d/children" % (life.process.pid, life.process.pid)) as file:
        for pid in file.read().split():
            with open("/proc/%s/comm" % pid) as comm:
                if comm.read().startswith("qemu"):
                    return int(pid)
    raise AssertionError("no QEMU")


@limit(120)
def test_qemu_alone_is_killed():
    """The command says that its QEMU was killed, with status 125, and the next start goes on."""
    life = Life(OPTIONS, COUNTING)
    life.wait_for(lambda line: len(life.lines) > 4)
    os.kill(qemu_of(life), signal.SIGKILL)
    assert life.join() == 125 and b"QEMU was killed by signal 9" in life.errors, life.errors
    last = int(life.lines[-1][2:])
    life = Life(OPTIONS, ["true"])
    life.wait_for(lambda line: len(life.lines) > 1)
    life.kill()
    assert last <= int(life.lines[0][2:]) <= last + IN_FLIGHT, (last, life.lines)


@limit(120)
def test_the_image_is_cut_short_under_the_machine():
    """What was behind the end is lost to who needs it; the machine ends with a sentence or goes on, and the next start refuses."""
    life = Life([*OPTIONS, "--mem", "32M", "--verbose"],
                ["sh", "-c", "yes | head -c 30000000 > /tmp/f; sync; echo up; while :; do md5sum /tmp/f; sync; sleep 0.1; done"])
    life.wait_for(lambda line: line == b"up")
    os.truncate("d", 20 << 20)
    until(lambda: b"cannot be read from the disk" in life.errors or life.process.poll() is not None, "a read that fails")
    end = time.monotonic() + 5             # it may end soon
    while time.monotonic() < end and life.process.poll() is None:
        time.sleep(0.2)
    if life.process.poll() is None:
        life.kill()
    else:
        life.join()
        assert life.process.returncode in (121, 125, 135), life.errors
    assert b"KEROS FAILURE" not in life.errors and b"cannot be read from the disk" in life.errors, life.errors
    result = run([KEROS, "run", "--disk", "d", "--", "true"], timeout=60)
    assert result.status == 1 and b"is cut short" in result.stderr, result
