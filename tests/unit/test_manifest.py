"""The system manifest on the host: what it may say, where its mistakes are, what is drawn."""

import html
import os
import re
import shutil
import subprocess

import lib

TOOL = os.path.join(lib.ROOT, "tools", "manifest.lua")
SYSTEM = os.path.join(lib.ROOT, "apps", "system.lua")

GOOD = """-- A domain and what it holds.
domain "a" {
	when = "always", priority = 3,
	holds = {
		bank = bank { limit = "16M", rights = "alloc sub" },
		[8] = kernel "timer",
	},
}
for i = 1, 2 do
	domain("b" .. i) { priority = i % 9, when = "share", holds = { [8] = start "a", [9] = number(i, 7) } }
end
"""

# What is changed in GOOD, and the line that is blamed with the beginning of the complaint.
MISTAKES = [
    ("priority = 3", "priority = 33", '3: domain "a", priority: is not of 0 to 15'),
    (", priority = 3,", ",", '2: domain "a", priority: is missing'),
    ("priority = 3", "prioirty = 3", '3: domain "a", prioirty: there is no such field'),
    ("priority = 3", 'priority = "3"', '3: domain "a", priority: must be an integer, not string'),
    ("[8] = kernel \"timer\"", "[32] = kernel \"timer\"", '6: domain "a", [32]: is no register'),
    ("[8] = kernel \"timer\"", "timer = kernel \"timer\"", '6: domain "a", timer: is no register'),
    ("[8] = kernel \"timer\"", "[4] = kernel \"timer\"", '[4]: register 4 is given twice|bank: register 4'),
    ("[8] = kernel \"timer\"", "[8] = kernel \"clock\"", "6: kernel: no 'clock'; there are discrim"),
    ("[8] = kernel \"timer\"", "[8] = \"timer\"", '6: domain "a", [8]: is a string, not a capability'),
    ("[8] = kernel \"timer\"", "[8] = session \"bank\"", '6: domain "a", [8]: only what exists for_each session'),
    ("[8] = kernel \"timer\"", "[8] = yields \"a\"", "6: domain \"a\", [8]: there is no constructor 'a' above"),
    ('start "a"', 'start "c"', "10: domain \"b1\", [8]: there is no domain 'c' above"),
    ('start "a"', 'start("a", 65536)', "10: start: data is 65536"),
    ('when = "share"', 'when = ""', "10: domain \"b1\", when: '' is not one word"),
    ('when = "always"', 'when = "system"', "'a' exists only when \"system\", this entry when \"share\"; if_there"),
    ('limit = "16M"', 'limit = "much"', "5: bank: limit 'much' is not a size"),
    ('limit = "16M"', 'most = "16M"', "5: bank: no option 'most'"),
    ('rights = "alloc sub"', 'rights = "everything"', "5: bank: no 'everything'; there are alloc"),
    ('"b" .. i', '"b"', '10: domain "b": there is one already at line 10'),
    ('"b" .. i', '"b b"', "10: a domain's name is a word"),
    ("for i = 1, 2 do", "io.open('x')\nfor i = 1, 2 do", "9: 'io' is no word of a manifest"),
    ("for i = 1, 2 do", "while true do end\nfor i = 1, 2 do", "9: the manifest does not come to an end"),
    ("for i = 1, 2 do", "for i = 1, 2 oops", "9: 'do' expected near 'oops'"),
    ("for i = 1, 2 do", "local x = nil + 1\nfor i = 1, 2 do", "9: attempt to perform arithmetic on a nil value"),
    ("for i = 1, 2 do", "for i = 1, 40 do", 'domain "b32": more than 32 entries'),
]


def records(text):
    with open("m.lua", "w") as out:
        out.write(text)
    return lib.run(["lua5.4", TOOL, "records", "m.lua"])


def test_records():
    """What a manifest says comes out as the records that prime reads, loops and arithmetic and all."""
    result = records(GOOD)
    assert result.status == 0, result
    assert result.stdout.split(b"\0")[:12] == [
        b"domain=a", b"program=a", b"when=always", b"priority=3", b"give=4 bank - 5 4096", b"give=8 kernel timer 0 0",
        b"domain=b1", b"program=b1", b"when=share", b"priority=1", b"give=8 start a 65536 0", b"give=9 number - 1 7"], result


def test_mistakes():
    """Every mistake ends with status 1 and one line that names file, line, entry and field."""
    for old, new, complaint in MISTAKES:
        assert old in GOOD, old
        result = records(GOOD.replace(old, new))
        line = result.stderr.decode()
        assert result.status == 1 and result.stdout == b"", (new, result)
        assert line.startswith("m.lua:") and line.count("\n") == 1, (new, line)
        assert any(part in line for part in complaint.split("|")), (new, complaint, line)


def test_empty():
    """A manifest that describes nothing, or is not there, is refused."""
    assert b"describes nothing" in records("-- nothing\n").stderr
    assert lib.run(["lua5.4", TOOL, "records", "absent.lua"]).status == 1


def test_precompiled():
    """A precompiled chunk is no manifest."""
    subprocess.run(["lua5.4", "-e", "io.open('m.lua','wb'):write(string.dump(function() end)):close()"], check=True)
    result = lib.run(["lua5.4", TOOL, "records", "m.lua"])
    assert result.status == 1 and b"binary chunk" in result.stderr, result


def test_graph():
    """keros graph draws the system's own manifest: a box for every entry, an arrow for every capability."""
    lib.expect(lib.run([lib.KEROS, "graph", "-o", "system.svg"]), stdout="", stderr="")
    lib.expect(lib.run([lib.KEROS, "graph", "-o", "system.dot"]), stdout="", stderr="")
    svg, dot = html.unescape(open("system.svg").read()), open("system.dot").read()
    given = lib.run(["lua5.4", TOOL, "records", SYSTEM]).stdout.decode().split("\0")
    arrows = sum(r.startswith("give=") for r in given) + sum(r.startswith("constructor=") for r in given)
    assert svg.count('class="edge"') == arrows == dot.count(" -> ")
    for name in re.findall(r"(?:domain|constructor)=(\S+)", "\n".join(given)):
        assert '>%s' % name in svg, name


def test_graph_without_graphviz():
    """Without Graphviz a picture is refused with what to do; the text needs none."""
    os.mkdir("bin")
    os.symlink(shutil.which("lua5.4"), "bin/lua5.4")
    env = dict(os.environ, PATH=os.path.abspath("bin"))
    result = lib.run([lib.KEROS, "graph", "-o", "x.svg"], env=env)
    assert result.status == 1 and b"dot is not installed; run ./configure" in result.stderr, result
    assert lib.run([lib.KEROS, "graph"], env=env).stdout.startswith(b"digraph")


def test_command_line():
    """keros names a manifest that is wrong before any machine starts."""
    with open("m.lua", "w") as out:
        out.write('domain "a" { priority = 1, colour = "red" }\n')
    result = lib.run([lib.KEROS, "run", "--manifest", "m.lua", "--", "true"])
    assert result.status == 1 and b'm.lua:1: domain "a", colour:' in result.stderr, result
    assert lib.run([lib.KEROS, "graph", "-o", "x.gif"]).status == 2
    assert lib.run([lib.KEROS, "graph", "absent.lua"]).status == 2
