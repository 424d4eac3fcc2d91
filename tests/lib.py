"""lib - what the test modules share: running ./keros, running the same on the host, comparing.

A test is a function test_NAME() in tests/SUITE/*.py whose docstring says in a sentence what holds.  It fails by
raising; skip("why") says that this machine lacks what it needs.  @limit(SECONDS) sets another time limit than
the usual one.  Tests run in processes of their own, two at a time, in an empty directory of their own.

A test never supposes that something has happened because time has gone by: it waits for what shows it (until(),
Life.wait_for, Terminal.wait).  What is about time itself counts instructions (--icount).
"""

import difflib
import os
import shutil
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
KEROS = os.path.join(BUILD, "keros")
RUN_SECONDS = 60
# How many times slower than a quiet machine of 2026 one may be: all limits of time are multiplied by it.  They are there
# to end what hangs; no test tells by the clock of the host whether something is right.
PATIENCE = float(os.environ.get("PATIENCE") or 6)

# What a sandbox starts with, so that a host's run sees the same.
GUEST_ENV = {"PATH": "/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin", "HOME": "/root", "TERM": "dumb"}


class Skip(Exception):
    """The test cannot run here; the message says what is missing."""


def skip(why):
    raise Skip(why)


def limit(seconds):
    """Marks a test that may take longer (or must take less) than usual."""
    def mark(function):
        function.limit_seconds = seconds
        return function
    return mark


class Result:
    """What a program left: stdout and stderr (bytes) and status (shell-like: 128+signal when killed)."""

    def __init__(self, stdout, stderr, status):
        self.stdout, self.stderr, self.status = stdout, stderr, status

    def __repr__(self):
        def tail(data):
            return data[-2000:].decode("utf-8", "backslashreplace")
        return "status %d\n--- stdout\n%s\n--- stderr\n%s" % (self.status, tail(self.stdout), tail(self.stderr))


def run(argv, stdin=b"", timeout=RUN_SECONDS, env=None, cwd=None):
    """Runs a program on the host to its end; a program that takes too long (times PATIENCE) is an AssertionError."""
    timeout *= PATIENCE
    if isinstance(stdin, str):
        stdin = stdin.encode()
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=env, cwd=cwd)
    try:
        stdout, stderr = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, stderr = process.communicate()
        raise AssertionError("no end after %d s: %s\n%r" % (timeout, " ".join(argv), Result(stdout, stderr, -1)))
    status = process.returncode
    return Result(stdout, stderr, status if status >= 0 else 128 - status)


def run_keros(args, stdin=b"", timeout=RUN_SECONDS, options=()):
    """keros run OPTIONS -- ARGS; args is a list, or a string for `sh -c`."""
    if isinstance(args, str):
        args = ["sh", "-c", args]
    return run([KEROS, "run", *options, "--", *args], stdin=stdin, timeout=timeout)


def run_native(name, timeout=RUN_SECONDS, options=()):
    """keros run --native NAME: a native test program; its status 0 is success, its log is stdout."""
    return run([KEROS, "run", *options, "--native", name], timeout=timeout)


def run_lua(script, *options, stdin=b"", timeout=RUN_SECONDS):
    """keros lua OPTIONS s.lua, with this text as the script.  Time is instructions, and idle time passes at once."""
    with open("s.lua", "w") as file:
        file.write(script)
    return run([KEROS, "lua", "--icount", *options, "s.lua"], stdin=stdin, timeout=timeout)


def lua_output(script, *options):
    """What a script prints that must end well."""
    result = run_lua(script, *options)
    assert result.status == 0, result
    return result.stdout.decode()


def need_strace():
    """Skips unless there is a strace that may trace here."""
    if not shutil.which("strace") or subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], stdin=subprocess.DEVNULL,
                                                    stderr=subprocess.DEVNULL).returncode:
        skip("strace is not installed, or may not trace")


def child_of(process):
    """The number of the process that this one has started: of a keros command, its machine's."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == process.pid:
            return int(pid)
    raise AssertionError("process %d has no child" % process.pid)


def until(true, what, seconds=60):
    """Waits until true() is, and returns what it answered."""
    end = time.monotonic() + seconds * PATIENCE
    while True:
        answer = true()
        if answer:
            return answer
        assert time.monotonic() < end, "this never came: %s" % what
        time.sleep(0.02)


def folder(name, files=()):
    """A folder of this name here, with files: {path: bytes}."""
    top = os.path.join(os.getcwd(), name)
    os.makedirs(top, exist_ok=True)
    for path, content in dict(files).items():
        full = os.path.join(top, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as out:
            out.write(content)
    return top


def tree_with(files, links=()):
    """Makes a directory to lay over the base tree: {path: bytes, or the host file to copy as ("copy", path)}."""
    top = tempfile.mkdtemp(prefix="tree-", dir=os.getcwd())
    for path, content in files.items():
        full = os.path.join(top, path.lstrip("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if isinstance(content, tuple):
            shutil.copy(content[1], full)
        else:
            with open(full, "wb") as out:
                out.write(content if isinstance(content, bytes) else content.encode())
    for path, target in links:
        full = os.path.join(top, path.lstrip("/"))
        os.makedirs(os.path.dirname(full), exist_ok=True)
        os.symlink(target, full)
    return top


def run_on_host(args, stdin=b"", tree=None, timeout=RUN_SECONDS):
    """Runs the same command on the host, in the same file tree: chroot to the base tree with `tree` over it.

    Needs root (the tests of a sandbox's twin are skipped without it)."""
    if os.geteuid() != 0:
        skip("comparing with the host needs root, for chroot")
    if isinstance(args, str):
        args = ["sh", "-c", args]
    top = host_root(tree)
    return run(["chroot", top, "/bin/busybox", "env", "-i", *["%s=%s" % item for item in GUEST_ENV.items()],
                "/bin/busybox", "sh", "-c", 'cd /root && exec "$@"', "sh", *args], stdin=stdin, timeout=timeout)


def host_root(tree=None):
    """A directory that looks like the sandbox's root: the static binaries and links of the base tree, and tree."""
    top = tempfile.mkdtemp(prefix="host-", dir=os.getcwd())
    for directory in ("bin", "sbin", "usr/bin", "usr/sbin", "dev", "etc", "proc", "root", "tmp", "var", "home",
                      "usr/local/bin"):
        os.makedirs(os.path.join(top, directory), exist_ok=True)
    os.chmod(os.path.join(top, "tmp"), 0o1777)
    shutil.copy("/bin/busybox", os.path.join(top, "bin/busybox"))
    shutil.copy("/bin/bash-static", os.path.join(top, "bin/bash"))
    for path in subprocess.run(["/bin/busybox", "--list-full"], check=True, capture_output=True,
                               text=True).stdout.split():
        full = os.path.join(top, path)
        if "/" in path and not os.path.lexists(full):
            os.symlink("/bin/busybox", full)
    for name, major, minor in (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9)):
        node = os.path.join(top, "dev", name)
        try:
            os.mknod(node, 0o020666, os.makedev(major, minor))
            os.chmod(node, 0o666)
        except PermissionError:
            open(node, "wb").close()
    with open(os.path.join(top, "etc/passwd"), "w") as out:
        out.write("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    with open(os.path.join(top, "etc/group"), "w") as out:
        out.write("root:x:0:\nnogroup:x:65534:\n")
    if tree:
        shutil.copytree(tree, top, symlinks=True, dirs_exist_ok=True)
    return top


def difference(name, want, got):
    """A unified difference of two byte strings, or '' if they are equal."""
    if want == got:
        return ""
    lines = difflib.unified_diff(want.decode("utf-8", "backslashreplace").splitlines(),
                                 got.decode("utf-8", "backslashreplace").splitlines(), "host", "keros", lineterm="")
    return "%s differs:\n%s\n" % (name, "\n".join(list(lines)[:60]))


def expect(result, stdout=None, status=0, stderr=None):
    """Asserts the whole outcome; None = anything."""
    def as_bytes(value):
        return value.encode() if isinstance(value, str) else value
    text = ""
    if stdout is not None:
        text += difference("stdout", as_bytes(stdout), result.stdout)
    if stderr is not None:
        text += difference("stderr", as_bytes(stderr), result.stderr)
    if result.status != status:
        text += "status %d, expected %d\n" % (result.status, status)
    assert not text, "%s%r" % (text, result)


def same_as_host(args, stdin=b"", tree=None, timeout=RUN_SECONDS, options=(), stderr=False):
    """Asserts that the sandbox gives what the host gives with the same binaries on the same files."""
    host = run_on_host(args, stdin=stdin, tree=tree, timeout=timeout)
    if tree:
        options = [*options, "--tree", tree]
    guest = run_keros(args, stdin=stdin, timeout=timeout, options=options)
    expect(guest, stdout=host.stdout, status=host.status, stderr=host.stderr if stderr else None)
    return guest
