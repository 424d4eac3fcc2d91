"""Looking at a machine that runs: ps, caps, trace, log, stop."""

import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import termios
import time

from lib import KEROS, PATIENCE, limit, run, until
from witnesses import Life

LOOP = ["sh", "-c", "echo up; while :; do sleep 0.05; cat /etc/passwd > /dev/null; done"]


def start(command=LOOP, options=()):
    """A machine of this test's alone."""
    os.environ["XDG_RUNTIME_DIR"] = os.getcwd()
    life = Life(list(options), command)
    life.wait_for(lambda line: line == b"up")
    return life


def keros(*args, status=0):
    result = run([KEROS, *args])
    assert result.status == status, (args, result)
    return result.stdout.decode()


def objects(*args):
    return [json.loads(line) for line in keros(*args).splitlines()]


@limit(120)
def test_processes_and_capabilities():
    """ps names every process; caps says what each holds, in words, and who gave it."""
    life = start()
    names = [process["name"] for process in objects("ps", "--json")]
    assert {"prime", "bank", "console", "session", "posix-server", "sh"} <= set(names), names
    table = keros("ps")
    assert "PROCESS" in table and "posix-server" in table, table
    held = keros("caps", "posix-server")
    assert "given by constructor" in held and "call console" in held and re.search("control of sh(#[0-9]+)?, wholly", held), held
    numbers = {process["name"]: process["oid"] for process in reversed(objects("ps", "--json"))}
    program = objects("caps", "--json", str(numbers["sh"]))
    registers = [c for c in program if c["index"] < 32]
    assert [c["kind"] for c in registers] == ["start"] and registers[0]["target"] == numbers["posix-server"], program
    assert "there is no process" in run([KEROS, "caps", "nobody"]).stderr.decode()
    assert run([KEROS, "caps", "a", "b"]).status == 2
    life.kill()


@limit(120)
def test_trace():
    """trace decodes what a process asks of the personality, and of services; recording ends with it."""
    life = start()
    shell = min(process["oid"] for process in objects("ps", "--json") if process["name"] == "sh")
    lines = keros("trace", "--count", "60", str(shell)).splitlines()
    assert len(lines) >= 60 and any("wait4(" in line or "read(" in line for line in lines), lines[:20]
    assert any("<= " in line for line in lines), lines
    server = keros("trace", "--count", "80", "posix-server")
    assert "node.tree_" in server or "process." in server, server
    assert not any(process["recorded"] for process in objects("ps", "--json"))
    process = subprocess.Popen([KEROS, "trace", "--json", "posix-server"], stdout=subprocess.PIPE)
    first = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30 * PATIENCE)
    assert process.returncode == 0 and first["process"] > 0
    assert not any(process["recorded"] for process in objects("ps", "--json"))
    life.kill()


def unread(stream):
    """How many bytes wait in a pipe."""
    return struct.unpack("i", fcntl.ioctl(stream, termios.FIONREAD, bytes(4)))[0]


def stands_still(stream):
    """Whether a page's worth waits in a pipe, and no more comes: whoever writes to it most likely waits."""
    before = unread(stream)
    time.sleep(0.5)
    return before > 3000 and unread(stream) == before


def test_trace_unread():
    """Interrupted, a trace whose reader stands still ends all the same, and so does the recording."""
    life = start()
    process = subprocess.Popen([KEROS, "trace", "--json", "posix-server"], stdout=subprocess.PIPE)
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    until(lambda: stands_still(process.stdout), "a trace that waits for its reader")
    process.send_signal(signal.SIGINT)
    assert process.wait(30 * PATIENCE) == 0
    process.stdout.close()
    assert not any(process["recorded"] for process in objects("ps", "--json"))
    life.kill()


def ask(life, request):
    """A connection to the machine with this request sent."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect("keros/%d" % life.process.pid)
    connection.sendall(request.encode() + b"\n")
    return connection


def answer(connection):
    """All that comes until the end, in lines."""
    with connection, connection.makefile("rb") as stream:
        return stream.read().splitlines()


def test_slow_asker():
    """Who does not read his answer for a while has it whole when he does: hundreds of lines, and the last of them."""
    life = start(["sh", "-c", "i=0; while [ $i -lt 450 ]; do sleep 1000 & i=$((i+1)); done; echo up; wait"])
    slow = ask(life, "ps")
    keros("log")                               # one is answered after the other: by now all of the first answer is on its way
    lines = answer(slow)
    assert len(lines) > 450 and b"+{" not in lines[-1] and all(b"+{" in line for line in lines[:-1]), (len(lines), lines[-2:])
    life.kill()


@limit(120)
def test_live_graph():
    """graph --live draws the processes that run; what leads out of the sandbox is red."""
    life = start()
    text = keros("graph", "--live")
    assert text.startswith("digraph") and '"posix-server"' in text and "color=red" in text, text
    keros("graph", "--live", "-o", "now.svg")
    with open("now.svg") as file:
        assert "posix&#45;server" in file.read()
    assert run([KEROS, "graph", "--live", "-o", "now.txt"]).status == 2
    arrows = objects("graph", "--live", "--json")
    assert any(arrow["way_out"] for arrow in arrows) and any(arrow["kind"] == "process" for arrow in arrows), arrows
    life.kill()


@limit(120)
def test_revoke():
    """revoke takes a share and a stream back in mid-run: files that are open answer EIO, output EPIPE; the rest goes on."""
    os.makedirs("src")
    with open("src/a", "wb") as file:
        file.write(b"content" * 10000)
    with open("src/b", "w") as file:
        file.write("other\n")
    os.makedirs("kept")
    with open("kept/c", "w") as file:
        file.write("kept\n")
    script = """trap '' PIPE; exec 3</src/a; echo up
until ! head -c 1 <&3 >/dev/null 2>/tmp/e; do sleep 0.05; done; cat /tmp/e
cat /src/b 2>&1; stat /src/a 2>&1; cat /kept/c
while echo x; do sleep 0.05; done 2>/dev/null; echo "output ended with $?" >&2"""
    life = start(["sh", "-c", script], ["--ro", "src:/src", "--ro", "kept:/kept"])
    grants = [(g["kind"], g["guest"]) for g in objects("revoke", "--json")]
    assert sorted(grants) == [("share", "/kept"), ("share", "/src"), ("stream", "stderr"), ("stream", "stdin"),
                              ("stream", "stdout")], grants
    assert "there is no grant" in run([KEROS, "revoke", "/other"]).stderr.decode()
    assert "taken back" in keros("revoke", "/src")
    life.wait_for(lambda line: line == b"kept")
    errors = [line for line in life.lines if b"error" in line]
    assert len(errors) >= 3 and all(b"I/O error" in line or b"Input/output error" in line for line in errors), life.lines
    life.wait_for(lambda line: line == b"x")
    keros("revoke", "stdout")
    life.join()
    assert b"output ended with" in life.errors, life.errors


@limit(120)
def test_log_and_stop():
    """log prints the kernel's log of a running machine; stop ends it, and its command says so with 143."""
    life = start()
    assert "MiB for objects" in keros("log"), keros("log")
    assert "nothing was saved" in keros("stop")
    assert life.join() == 143 and b"stopped" in life.errors, life.errors
    assert run([KEROS, "ps"]).status == 1


@limit(120)
def test_stop_saves():
    """A system with an image that was stopped goes on from there."""
    counting = ["sh", "-c", "echo up; i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"]
    disk = ["--disk", "d", "--disk-size", "512M"]
    life = start(counting, disk)
    life.wait_for(lambda line: line.isdigit() and int(line) >= 5)
    before = max(int(line) for line in life.lines if line.isdigit())
    assert "saved and stopped" in keros("stop", "--machine", "d")
    assert life.join() == 143
    last = max(int(line) for line in life.lines if line.isdigit())
    life = Life(disk, counting)
    line = life.wait_for(lambda line: line.isdigit())
    life.kill()
    assert b"up" not in life.lines and before <= int(line) <= last + 2, (before, last, life.lines)
