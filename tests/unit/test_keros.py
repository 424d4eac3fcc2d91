"""The keros command alone: streams, statuses, the terminal, complaints; QEMU is tests/unit/fake_qemu.py."""

import os
import re
import select
import signal
import struct
import subprocess
import sys
import time

import lib

HERE = os.path.dirname(os.path.abspath(__file__))


def fake_env():
    """A PATH in which qemu-system-x86_64 is the fake."""
    os.makedirs("bin", exist_ok=True)
    if not os.path.lexists("bin/qemu-system-x86_64"):
        os.symlink(os.path.join(HERE, "fake_qemu.py"), "bin/qemu-system-x86_64")
    env = dict(os.environ)
    env["PATH"] = os.path.abspath("bin") + ":" + env["PATH"]
    return env


def keros(*args, stdin=b"", timeout=30):
    return lib.run([lib.KEROS, *args], stdin=stdin, env=fake_env(), timeout=timeout)


def test_streams_pass_byte_for_byte():
    """Five megabytes of every byte value go through a command and back unchanged."""
    data = bytes(range(256)) * 20000
    result = keros("run", "--", "cat", stdin=data)
    assert result.stdout == data and result.stderr == b"" and result.status == 0, repr(result)[:500]


def test_statuses():
    """The exit status is the command's, 128+signal if it was killed."""
    lib.expect(keros("run", "--", "sh", "-c", "echo out; echo err >&2; exit 42"), stdout="out\n", stderr="err\n", status=42)
    assert keros("run", "--", "sh", "-c", "kill -9 $$").status == 137


def test_command_that_does_not_read():
    """A command that ignores a long input ends all the same."""
    lib.expect(keros("run", "--", "true", stdin=bytes(3 << 20)), stdout="", status=0)


def test_reader_that_goes_away():
    """`keros run yes | head` ends: the command is told that nobody reads."""
    shell = "'%s' run -- yes | head -n 3; exit ${PIPESTATUS[0]}" % lib.KEROS
    result = lib.run(["bash", "-c", shell], env=fake_env(), timeout=20)
    lib.expect(result, stdout="y\ny\ny\n", status=141)


def test_kernel_failure():
    """A kernel failure is status 125, with the kernel's last words on stderr and nothing on stdout."""
    result = keros("run", "--", "@panic")
    lib.expect(result, stdout="", status=125)
    assert b"CHECK 7: the invariant's name" in result.stderr, result


def test_reset_and_power_off():
    """A machine that resets or switches off before the session ends is a failure."""
    assert b"reset" in keros("run", "--", "@reset").stderr
    assert keros("run", "--", "@reset").status == 125
    result = keros("run", "--", "@off")
    assert result.status == 125 and b"status 3" in result.stderr, result


def test_verbose_shows_the_log():
    """--verbose puts the kernel's log on stderr; without it there is none."""
    assert b"fake kernel" in keros("run", "--verbose", "--", "true").stderr
    assert keros("run", "--", "true").stderr == b""


def test_config():
    """What was asked for reaches the guest's config."""
    os.environ["KEROS_TEST_COPY"] = "copied"
    result = keros("run", "--env", "A=b c", "--env=KEROS_TEST_COPY", "--cwd", "/tmp", "--bank", "99", "--caps",
                   "--second", "sleep 1", "--", "@dump")
    lines = result.stdout.decode().split("\n")
    for want in ("console=link", "sandbox=main", "arg=@dump", "env=A=b c", "env=KEROS_TEST_COPY=copied", "cwd=/tmp",
                 "bank=99", "caps=1", "sandbox=second", "arg=sleep", "env=HOME=/root"):
        assert want in lines, (want, lines)
    assert lines.index("console=link") < lines.index("sandbox=main") < lines.index("sandbox=second")
    assert "tty=1" not in lines


def test_complaints():
    """A wrong command line says what is wrong and what to type, and exits with 2."""
    for args, words in ((["foo"], "keros run -- foo"), (["run"], "keros run -- echo"), (["run", "--mem", "x", "--", "a"], "64M"),
                        (["run", "--mem", "1", "--", "a"], "out of range"), (["run", "--bogus", "--", "a"], "--bogus"),
                        (["run", "--tree", "/nonexistent", "--", "a"], "/nonexistent"), (["run", "--mem"], "value"),
                        (["run", "--bank", "-3", "--", "a"], "number of pages"), (["help", "foo"], "foo"),
                        (["image"], "file to write"), (["run", "--env", "NOT_SET_ANYWHERE", "--", "a"], "not set")):
        result = keros(*args)
        assert result.status == 2 and words in result.stderr.decode() and not result.stdout, (args, result)


def test_dry_run_prints_the_qemu_line():
    """--dry-run prints the QEMU line on stdout and starts nothing."""
    result = keros("run", "--dry-run", "--mem", "32M", "--", "true")
    assert result.stdout.startswith(b"qemu-system-x86_64 ") and b"-m 32M " in result.stdout and result.status == 0


def test_killed_keros_leaves_no_machine():
    """QEMU dies with the command, even when that is killed outright."""
    process = subprocess.Popen([lib.KEROS, "run", "--verbose", "--", "@noexit"], env=fake_env(), stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    process.stderr.readline()
    with open("/proc/%d/task/%d/children" % (process.pid, process.pid)) as file:
        child = int(file.read().split()[0])
    process.kill()
    process.wait()

    def is_gone():
        try:
            with open("/proc/%d/stat" % child) as file:
                return file.read().split(")")[1].split()[0] == "Z"
        except FileNotFoundError:
            return True
    lib.until(is_gone, "the end of QEMU %d" % child)


def test_terminate_signal():
    """SIGTERM ends the machine and the command, with status 143."""
    process = subprocess.Popen([lib.KEROS, "run", "--verbose", "--", "@noexit"], env=fake_env(), stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    process.stderr.readline()
    process.terminate()
    assert process.wait(10 * lib.PATIENCE) == 143


def on_terminal(args, keys, rows=30, columns=100):
    """Runs keros on a pseudo-terminal, types keys once its command has printed "go"; returns (output, status, modes same)."""
    import fcntl
    import pty
    import termios
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    before = termios.tcgetattr(slave)
    process = subprocess.Popen([lib.KEROS, *args], env=fake_env(), stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True)
    output, typed, end = b"", False, time.monotonic() + 20 * lib.PATIENCE
    while time.monotonic() < end:
        ready, _, _ = select.select([master], [], [], 0.1)
        if ready:
            output += os.read(master, 65536)
        elif process.poll() is not None:
            break
        if re.search(b"go\r?\n", output) and not typed:
            os.write(master, keys)
            typed = True
    status = process.wait(5 * lib.PATIENCE)
    same = termios.tcgetattr(slave) == before
    os.close(slave)
    os.close(master)
    return output, status, same


def test_terminal_raw_keys_and_restore():
    """On a terminal keys arrive raw, Ctrl-A Ctrl-A is one Ctrl-A, and the terminal is put back."""
    output, status, same = on_terminal(["run", "--verbose", "--", "sh", "-c", "echo go; head -c 4 | od -An -tx1"],
                                       b"\x03\r\x01\x01z")
    assert b"03 0d 01 7a" in output and b"size 30 100" in output and status == 0 and same, (output, status, same)


def test_leave_with_ctrl_a_x():
    """Ctrl-A X leaves, and the terminal is put back."""
    output, status, same = on_terminal(["run", "--verbose", "--", "sh", "-c", "echo go; sleep 100"], b"\x01x")
    assert b"left" in output and status == 129 and same, (output, status, same)
