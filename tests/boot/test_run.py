"""keros run on the real machine: streams, statuses, files laid over, memory, terminal, time."""

import os
import subprocess
import time

import lib
from lib import KEROS, expect, run_keros

START_MOST = 100_000_000   # the mark of a prompt within a second of wall time, where an emulator executes so many in one


def test_output_and_status():
    """stdout, stderr and the status are the command's, and nothing else appears on stdout."""
    expect(run_keros("echo out; echo err >&2; exit 42"), stdout="out\n", stderr="err\n", status=42)


def test_killed_status():
    """A command killed by a signal ends with 128 + signal."""
    expect(run_keros("kill -KILL $$"), stdout="", status=137)


def test_command_not_there():
    """A command that is not there is status 127 and a sentence on stderr."""
    result = run_keros(["no-such-command"])
    assert result.status == 127 and result.stderr and not result.stdout, result


def test_long_input():
    """Eight megabytes on stdin arrive byte for byte, and back."""
    data = bytes((i * 7 + i // 256) & 0xFF for i in range(1 << 16)) * 128
    result = run_keros(["cat"], stdin=data)
    assert result.status == 0 and result.stdout == data, (result.status, len(result.stdout), result.stderr[-500:])


def test_slow_reader():
    """Megabytes to a reader that sleeps arrive whole: nothing between program and pipe drops what cannot go out."""
    for _ in range(3):
        with subprocess.Popen([KEROS, "run", "--", "sh", "-c", "yes 0123456789abcdef | head -c 3000000"],
                              stdout=subprocess.PIPE) as run:
            time.sleep(1.5)
            data = run.stdout.read()
        assert data == (b"0123456789abcdef\n" * 176471)[:3000000], "%d bytes, wrong ones" % len(data)


def test_unread_input():
    """A command that does not read its long input ends all the same."""
    expect(run_keros(["true"], stdin=bytes(4 << 20)), stdout="")


def test_input_in_pieces():
    """A reader gets what is there, and the end of input as an end."""
    expect(run_keros("dd bs=3 count=1 2>/dev/null; echo; wc -c", stdin=b"abcdefgh"), stdout="abc\n5\n")


def test_tree_directory():
    """Files of --tree DIR lie over the base tree; the base shows through; the host's stay as they are."""
    tree = lib.tree_with({"root/note": "from the host\n", "etc/hostname": "laid-over\n"}, links=[("root/l", "note")])
    result = run_keros("cat l /etc/hostname; ls /bin/busybox; echo changed >note; cat note", options=["--tree", tree])
    expect(result, stdout="from the host\nlaid-over\n/bin/busybox\nchanged\n")
    with open(os.path.join(tree, "root/note")) as file:
        assert file.read() == "from the host\n"


def test_tree_archive():
    """--tree takes a tar archive too."""
    tree = lib.tree_with({"root/d/e/file": "deep\n"})
    lib.run(["tar", "-C", tree, "-czf", "t.tgz", "root"])
    expect(run_keros(["cat", "d/e/file"], options=["--tree", "t.tgz"]), stdout="deep\n")


def test_environment():
    """The command gets PATH, HOME, TERM and what --env says, and starts in /root."""
    result = run_keros("env | sort; pwd", options=["--env", "A=b c"])
    lines = result.stdout.decode().splitlines()
    for want in ("A=b c", "HOME=/root", "PATH=" + lib.GUEST_ENV["PATH"], "/root"):
        assert want in lines, result


def test_small_machine():
    """A sandbox running sh fits in a machine of 32 MiB."""
    expect(run_keros("echo fits", options=["--mem", "32M"]), stdout="fits\n")


def test_caps():
    """--caps says on stderr what the sandbox holds, and leaves stdout alone."""
    result = run_keros(["echo", "hi"], options=["--caps"])
    assert result.stdout == b"hi\n" and b"bank" in result.stderr, result


def test_second_sandbox():
    """A second sandbox runs beside the first and cannot keep it from ending."""
    result = run_keros("sleep 1; echo first", options=["--second", "sh -c 'while :; do :; done'"])
    expect(result, stdout="first\n")


def test_image_leaves_nothing_behind():
    """Making a disk image leaves no temporary file."""
    os.mkdir("tmp")
    os.environ["TMPDIR"] = os.path.abspath("tmp")
    expect(lib.run([lib.KEROS, "image", "disk.img"]), stdout="", stderr="")
    assert os.listdir("tmp") == [] and os.path.getsize("disk.img") > 1 << 20


def test_start():
    """From power-on to the first program of a shell a machine executes no more instructions than promised."""
    tree = lib.tree_with({"bin/ticks": ("copy", os.path.join(lib.BUILD, "programs", "ticks"))})
    result = run_keros("ticks; exit 3", options=["--icount", "--tree", tree])
    print("== shown\n%s of %d instructions" % (result.stdout.decode().strip(), START_MOST))
    assert result.status == 3 and 0 < int(result.stdout) <= START_MOST, result
