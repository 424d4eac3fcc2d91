"""The examples of apps/lua: each does what its first lines say."""

import os
import random
import select
import signal
import subprocess
import time

from lib import BUILD, KEROS, PATIENCE, ROOT, expect, limit, run, tree_with

APPS = os.path.join(ROOT, "apps", "lua")


def example(name, *args, options=(), stdin=b"", timeout=100):
    return run([KEROS, "lua", "--icount", *options, os.path.join(APPS, name), *args], stdin=stdin, timeout=timeout)


def test_chat():
    """Three confined domains reach each other exactly as they were introduced."""
    expect(example("chat.lua"), stderr="", stdout="""\
Ann to Bob:	told Bob
Ann to Cy:	I hold nothing that leads to Cy
Bob:	Ann can reach Cy now
Ann to Cy:	told Cy
Cy to Ann:	I hold nothing that leads to Ann
Bob has heard	Ann: hello
Cy has heard	Ann: now you are
""")


def test_caretaker():
    """What was lent through a forwarder is taken back from all who hold it, copies and all."""
    expect(example("caretaker.lua"), stderr="", stdout="""\
reads	the only copy
writes	refused: RC_UNKNOWN
reads by its copy	the only copy
reads after	refused: RC_VOID
reads by its copy after	refused: RC_VOID
we still read	the only copy
""")


def test_membrane():
    """A file tree behind a membrane: seen, refused in parts, ended as a whole, and identity is kept."""
    expect(example("membrane.lua"), stderr="", stdout="""\
the guest lists	etc notes private
the guest reads	hello
the guest writes	refused
the guest looks into private	refused
what came back is our own file	true
we saw	open etc, open motd, list, read, open notes, write !, open private, open notes, link again
the guest reads what he kept	refused
""")


def test_limiter():
    """A domain that computes for ever is held to its meter by a keeper; the neighbour goes on."""
    expect(example("limiter.lua"), stderr="", stdout="".join(
        "the meter is empty, for the %d. time\n" % i for i in range(1, 5)) + """\
it has computed	true
and does no more	true
the neighbour says	pong
""")


def test_auction():
    """Sealed bids: who has a hole is kept out, who does not answer or fails does not count, the highest wins."""
    expect(example("auction.lua"), stderr="", stdout="""\
Cid	is not let in: component 'spy' is a hole
Dan	makes no bid
Eve	makes no bid
Fay	makes no bid
sold to Bea for 140 (2 bids)
""")


def test_dashboard():
    """Banks and meters are read through the capabilities that limit them."""
    result = example("dashboard.lua", "2")
    lines = result.stdout.decode().splitlines()
    assert result.status == 0 and result.stderr == b"" and len(lines) == 12, result
    assert lines[9].startswith("greedy   [####################] 40") and lines[9].endswith("not enough memory"), lines
    assert lines[10] == "the greedy one is at its limit, and lives\tobject", lines
    assert lines[11].endswith("\ttrue"), lines


def test_zeropages():
    """A script keeps unmodified Linux programs: a zero page for each touch, reported, up to the bank's limit."""
    tree = tree_with({"hello": ("copy", os.path.join(BUILD, "bench", "hello")),
                      "many": ("copy", os.path.join(BUILD, "programs", "manypages"))})
    result = example("zeropages.lua", "hello", options=["--tree", tree])
    assert result.status == 0 and b"\nhello\n" in result.stdout and b"it ended with status 0\n" in result.stdout, result
    result = example("zeropages.lua", "many", "1", options=["--tree", tree])
    assert result.status == 0 and result.stdout.count(b"writing: a page of zeroes") == 256, result
    assert result.stdout.count(b"\nread\n") == 2 and b" 256 of zeroes; " in result.stdout, result
    result = example("zeropages.lua", "many", "4", options=["--tree", tree])
    assert result.status == 1 and b"no page: RC_LIMIT\nit died: memory" in result.stdout, result
    assert b"2048 KiB of 2048" in result.stdout, result


def test_supervisor():
    """POSIX tools that fail, are killed, hang or leave a mess are started afresh, up to a limit."""
    result = example("supervisor.lua")
    assert result.status == 0 and result.stderr == b"", result
    lines = result.stdout.decode().splitlines()
    assert lines[:4] == ["flaky: try 1 failed with status 11", "flaky: try 2 failed with status 12",
                         "    flaky writes ready", "flaky: try 3 ended well"], lines
    for line in ("greedy: try 2 was killed by signal 9", "greedy: given up", "hanging: try 1 hung, and was ended",
                 "hanging: try 2 ended well", "messy: try 2 ended well", "hopeless: given up"):
        assert line in lines, (line, lines)
    assert not any("messy writes" in line for line in lines), "something was left behind: %r" % lines
    assert lines.index("quick: try 1 ended well") < lines.index("slow: try 1 ended well"), lines


class Book:
    """The guest book on its disk, in one life of its machine."""

    def __init__(self):
        self.process = subprocess.Popen([KEROS, "lua", "--disk", "book.disk", "--disk-size", "512M",
                                         os.path.join(APPS, "guestbook.lua")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.pending = b""

    def write(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def line(self, seconds=60):
        end = time.monotonic() + seconds * PATIENCE
        while b"\n" not in self.pending:
            ready = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[0]
            piece = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            assert piece, "no line came: %r" % self.pending
            self.pending += piece
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def cut(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()


@limit(240)
def test_guestbook():
    """Whoever was thanked stands in the guest book for ever: the power is cut six times, in mid-sentence too."""
    rng, thanked, written = random.Random(5), [], 0
    for life in range(7):
        book = Book()
        if life:
            book.write("list")
            entries = []
            while True:
                line = book.line()
                if line == "end of the book":
                    break
                if "\t" in line:
                    entries.append(line.split("\t")[2])
            # All that were thanked, in order; beyond them at most what was written and not thanked for.
            assert [e for e in entries if e in thanked] == thanked, (thanked, entries)
            assert len(entries) == len(set(entries)) <= written, entries
        if life == 6:
            book.write("")
            book.process.stdin.close()
            assert book.process.wait(60 * PATIENCE) == 0
            break
        for _ in range(rng.randrange(1, 6)):
            text = "entry-%d" % written
            written += 1
            book.write("guest " + text)
            assert book.line().startswith("thank you, guest: entry"), book.pending
            thanked.append(text)
        # One more that nobody waits for, and the power goes.
        book.write("guest entry-%d" % written)
        written += 1
        time.sleep(rng.random() * 0.05)
        book.cut()
