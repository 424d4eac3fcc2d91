"""Attempts to get out: through paths, links, races, descriptors, calls, instructions, capabilities, clocks, random numbers."""

import hashlib
import os
import re
import socket
import stat

from lib import BUILD, limit, run_keros, tree_with

MARK = "SECRET-outside-7391"
PROGRAM = ("copy", os.path.join(BUILD, "programs/escape"))


def program():
    return tree_with({"root/escape": PROGRAM})


def hostile(name="host"):
    """A folder of the host: a secret, and beside it two folders to be shared that lead there in every way a host can."""
    top = os.path.join(os.getcwd(), name)
    for share in ("w", "r"):
        base = os.path.join(top, share)
        os.makedirs(os.path.join(base, "sub/deep"))
        with open(os.path.join(base, "file"), "w") as out:
            out.write("inside\n")
        for link, target in (("up", ".."), ("upup", "../.."), ("to_secret", "../secret"), ("chain", "chain1"),
                             ("chain1", "chain2"), ("chain2", "up/secret"), ("absolute", os.path.join(top, "secret")),
                             ("root", "/"), ("rootlink", "/" + os.path.join(top, "secret")), ("proc_root", "/proc/self/root" + top),
                             ("dotdot", "sub/../.."), ("self", "."), ("loop", "loop"), ("sub/up2", "../..")):
            os.symlink(target, os.path.join(base, link))
        os.mkfifo(os.path.join(base, "fifo"))
        listener = socket.socket(socket.AF_UNIX)
        here = os.getcwd()
        os.chdir(base)
        listener.bind("socket")
        os.chdir(here)
        listener.listen(1)
        hostile.listeners = getattr(hostile, "listeners", []) + [listener]
        try:
            os.mknod(os.path.join(base, "device"), stat.S_IFCHR | 0o666, os.makedev(1, 5))
        except PermissionError:
            pass
    with open(os.path.join(top, "w/mine"), "w") as out:
        out.write("mine\n")
    with open(os.path.join(top, "secret"), "w") as out:
        out.write(MARK + "\n")
    return top


def picture(top):
    """All that lies below, with types, modes, owners, links and content: what must be the same afterwards."""
    lines = []
    for where, names, files in os.walk(top):
        for name in sorted(names + files):
            path = os.path.join(where, name)
            st = os.lstat(path)
            content = hashlib.sha256(open(path, "rb").read()).hexdigest() if stat.S_ISREG(st.st_mode) else ""
            link = os.readlink(path) if stat.S_ISLNK(st.st_mode) else ""
            lines.append((os.path.relpath(path, top), oct(st.st_mode), st.st_uid, st.st_gid, st.st_nlink, st.st_rdev, content, link))
    return sorted(lines)


def verdicts(result, least):
    """No attempt succeeded, all were made, and their number is at least so many."""
    text = result.stdout.decode("utf-8", "backslashreplace")
    assert "ESCAPED" not in text, "\n".join(line for line in text.splitlines() if "ESCAPED" in line)
    counts = re.search(r"attempts (\d+) escaped 0$", text, re.M)
    assert counts and result.status == 0, result
    assert int(counts.group(1)) == text.count("\nheld ") + text.startswith("held "), text
    assert int(counts.group(1)) >= least, counts.group(0)


def share_options(top):
    return ["--tree", program(), "--rw", top + "/w:/w", "--ro", top + "/r:/r"]


@limit(240)
def test_files():
    """420 attempts by paths, links, descriptors, special files and changes of what is only read: none succeeds, and the host's
    files beside the grant, and all of the read-only one, are as they were."""
    top = hostile()
    before = [line for line in picture(top) if not line[0].startswith("w/") and line[0] != "w"]
    verdicts(run_keros(["./escape", "files", top], options=share_options(top), timeout=200), 400)
    assert before == [line for line in picture(top) if not line[0].startswith("w/") and line[0] != "w"]
    for where, _, files in os.walk(top + "/w"):
        for name in files:
            mode = os.lstat(os.path.join(where, name)).st_mode
            assert not mode & 0o6000 and (name in ("fifo", "socket", "device") or stat.S_ISREG(mode) or stat.S_ISLNK(mode)), name
    assert os.stat(top + "/r/file").st_nlink == 1


@limit(240)
def test_race_inside():
    """11 attempts with names that change between folder and link, and folders that move, while they are walked inside."""
    top = hostile()
    before = [line for line in picture(top) if not line[0].startswith("w")]
    verdicts(run_keros(["./escape", "race", top], options=share_options(top), timeout=220), 11)
    assert before == [line for line in picture(top) if not line[0].startswith("w")]


@limit(120)
def test_race_outside():
    """The host itself swaps a folder of the share for a link to what is outside, thousands of times, while it is read."""
    import threading
    top = hostile()
    os.makedirs(top + "/w/swap/inner")
    stop = threading.Event()
    swaps = [0]

    def swap():
        while not stop.is_set():
            os.rename(top + "/w/swap", top + "/w/kept")
            os.symlink("..", top + "/w/swap")
            os.unlink(top + "/w/swap")
            os.rename(top + "/w/kept", top + "/w/swap")
            swaps[0] += 1

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        result = run_keros("i=0; while [ $i -lt 400 ]; do cat /w/swap/secret /w/swap/inner/../../secret /w/swap/../../secret 2>/dev/null;"
                           " echo x >/w/swap/planted; rm -f /w/swap/planted; cd /w/swap && cat ../secret ../../secret; cd /; i=$((i+1)); done"
                           " 2>/dev/null; echo done", options=share_options(top), timeout=100)
    finally:
        stop.set()
        thread.join()
    assert result.stdout == b"done\n" and swaps[0] > 100, (swaps, result)
    assert not os.path.exists(top + "/planted")


def test_kernel():
    """110 attempts by calls, devices, sockets, signals, privileged instructions, addresses and capability registers."""
    verdicts(run_keros(["./escape", "kernel"], options=["--tree", program()], timeout=100), 105)


def test_clock_and_random():
    """26 attempts to read a clock or get a random number that were not granted; two runs have the same canary and stack."""
    options = ["--tree", program(), "--clock", "none"]
    runs = [run_keros(["./escape", "clock"], options=options, timeout=100) for _ in range(2)]
    for result in runs:
        verdicts(result, 26)
    canaries = [re.search(rb"canary .*", result.stdout).group(0) for result in runs]
    assert canaries[0] == canaries[1], canaries


def test_environment():
    """Nothing of the host's environment, working directory, user or arguments is in the sandbox."""
    os.environ["SECRET_OF_THE_HOST"] = MARK
    result = run_keros("env; cat /proc/self/environ; pwd; id; cat /proc/*/cmdline; ls -la /proc/self/fd; cat /proc/mounts", timeout=60)
    assert MARK.encode() not in result.stdout and os.getcwd().encode() not in result.stdout, result
