"""Running code in a Lua domain: output, errors, statuses, arguments, files, limits."""

from lib import KEROS, run, tree_with, expect


def lua(*args, stdin=b"", timeout=60):
    return run([KEROS, "lua", *args], stdin=stdin, timeout=timeout)


def test_code():
    """Code of the command line runs in order, prints, and ends with status 0."""
    expect(lua("-e", "x = 1 + 1", "-e", "print(x, 2^0.5)"), stdout="2\t1.4142135623731\n", stderr="")


def test_errors():
    """An error goes to standard error with the calls that led to it, and the status is 1."""
    result = lua("-e", "local function f() error('boo') end f()")
    assert result.status == 1 and result.stdout == b"", result
    assert b"lua: (command line):1: boo\nstack traceback:" in result.stderr and b"in local 'f'" in result.stderr, result
    result = lua("-e", "x = = 1")
    assert result.status == 1 and b"unexpected symbol near '='" in result.stderr, result
    result = lua("-e", "error({})")
    assert result.status == 1 and b"error object is a table value" in result.stderr, result


def test_status():
    """os.exit ends the run with its status, from any depth, and what was written before is out."""
    expect(lua("-e", "io.write('a') pcall(function() os.exit(7) end)"), stdout="a", status=7)
    expect(lua("-e", "coroutine.wrap(function() os.exit(false) end)()"), status=1)


def test_script():
    """A script gets its arguments, its name, and modules and data from the tree."""
    tree = tree_with({"m.lua": "return { answer = ... }", "dir/data.txt": "one\ntwo\n3.5 rest"})
    with open("s.lua", "w") as file:
        file.write("#!/usr/bin/lua\nprint(arg[0], #arg, arg[1], ...)\nprint(require 'm'.answer)\n"
                   "for l in io.lines('dir/data.txt') do io.write('[', l, ']') end print()\n"
                   "local f <close> = io.open('dir/data.txt') f:seek('set', 8) print(f:read('n', 'a'))\n"
                   "print(io.open('nothing'))\nprint(io.open('new', 'w'))\n"
                   "print(pcall(require, 'nothing'))\n")
    result = lua("--tree", tree, "s.lua", "a b", "-c")
    expect(result, status=0, stderr="")
    lines = result.stdout.decode().splitlines()
    assert lines[0] == "s.lua\t2\ta b\ta b\t-c" and lines[1] == "m" and lines[2] == "[one][two][3.5 rest]", lines
    assert lines[3] == "3.5\t rest" and lines[4] == "nil\tnothing: No such file or directory\t2", lines
    assert lines[5].startswith("nil\tnew: no capability covers writing it"), lines
    assert lines[6].startswith("false\tmodule 'nothing' not found"), lines


def test_input():
    """Standard input is read by lines, numbers, blocks and wholly; its end is nil."""
    expect(lua("-e", "print(io.read()) print(io.read('n', 'n')) print(#io.read(3)) print(#io.read('a')) print(io.read())",
               stdin="line\n1 0x10\nabc" + "x" * 100000), stdout="line\n1\t16\n3\n100001\nnil\n")


def test_wrong_command_lines():
    """A wrong command line is refused with what to type instead, status 2."""
    for args, words in [(["--grant", "x"], b"not NAME=CAP"), (["--grant", "1=vcs"], b"not NAME=CAP"),
                        (["nothing.lua"], b"give a Lua script"), (["-e"], b"-e needs a value"),
                        (["--nothing"], b"no option '--nothing'")]:
        result = lua(*args)
        assert result.status == 2 and words in result.stderr, (args, result)


def test_memory_is_bounded():
    """What the bank does not give is a Lua error; the domain lives on and gets back what it freed."""
    result = lua("--bank", "2048", "-e", """
        print(pcall(string.rep, 'x', 1 << 40))
        print(pcall(string.rep, 'x', 100 << 20))
        local t, ok, why = {}
        ok, why = pcall(function() for i = 1, 1e9 do t[i] = {i} end end)
        t = nil
        print(ok, why)
        print(#string.rep('x', 1 << 20))
        local function deep(n) return 1 + deep(n + 1) end
        print(pcall(deep, 1))
        local s = string.rep('(', 300)
        print((select(2, load('return ' .. s)):gsub('\\n.*', '')))
        local function c(n) return (string.gsub('a', 'a', function() return c(n + 1) end)) end
        print(pcall(c, 1))
        """)
    expect(result, status=0, stderr="")
    lines = result.stdout.decode().splitlines()
    assert lines[0] in ("false\tnot enough memory", "false\tresulting string too large"), lines
    assert lines[1] == "false\tnot enough memory" and lines[2] == "false\tnot enough memory", lines
    assert lines[3] == str(1 << 20) and lines[4].startswith("false") and "not enough memory" in lines[4], lines
    assert "overflow" in lines[5] and lines[6].startswith("false") and "C stack overflow" in lines[6], lines


def test_precompiled_chunks():
    """Precompiled chunks are refused, whichever way they come."""
    expect(lua("-e", """
        local s = string.dump(function() return 1 end)
        print(load(s))
        print(load(s, 'x', 'b'))
        print(load(function() local r = s s = nil return r end))
        print(load('return ...', 'x', 't', {})(5), pcall(load('return x', 'x', 't', {x = 2})))
        print(load('return 1', 'x', 'bt', nil)())
        """), stdout="nil\tattempt to load a binary chunk (mode is 't')\n"
                     "nil\tprecompiled chunks are refused; load the source text\n"
                     "nil\tattempt to load a binary chunk (mode is 't')\n5\ttrue\t2\n1\n")
