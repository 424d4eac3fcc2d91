"""POSIX sandboxes from Lua: unmodified programs with streams that the script reads and writes, files, limits, ends."""

from lib import lua_output as out


def test_run():
    """A command's status, output and errors come back; its input, files, variables and directory are what it was given."""
    assert out("""
        local function p(r) print(r.status, r.signal, (r.out:gsub('\\n', '.')), (r.err:gsub('\\n', '.'))) end
        p(posix.run{'wc', '-l', stdin = 'a\\nb\\nc\\n'})
        p(posix.run{'sh', '-c', 'echo out; echo err >&2; exit 7'})
        p(posix.run{'sh', '-c', 'kill -9 $$'})
        p(posix.run{'sh', '-c', 'tail -c 5 /src/a/b /etc/motd; pwd; echo $X; ls /src', cwd = '/src', env = { X = 'y z' },
            files = { ['/src/a/b'] = ('long'):rep(2000) .. '\\n', ['/etc/motd'] = 'hi\\n', ['/src/empty'] = '' } })
    """) == (
        "0\tnil\t3.\t\n7\tnil\tout.\terr.\n137\t9\t\t\n"
        "0\tnil\t==> /src/a/b <==.long..==> /etc/motd <==.hi./src.y z.a.empty.\t\n")


def test_program_of_files():
    """A script laid over the tree runs as a program there, and nothing outlives the sandbox."""
    assert out("""
        local files = { ['/bin/tool'] = '#!/bin/sh\\necho "tool: $1"; echo left > /tmp/left; ls /tmp\\n' }
        for i = 1, 2 do io.write(posix.run{'tool', 'x', files = files}.out) end
    """) == "tool: x\nleft\n" * 2


def test_pipes():
    """A program is written to and read from while it runs; what is large goes through; the loop serves meanwhile."""
    assert out("""
        local q = posix.start{'cat', stdin = 'pipe', stdout = 'pipe'}
        for i = 1, 3 do q:write(('line %d'):format(i)) print(q:read()) end
        q:close() print(q:read(), q:wait().status, tostring(q), pcall(q.write, q, 'more'))
        local n = 0
        local r = posix.run{'sort', stdin = ('b\\na\\n'):rep(30000), stdout = function(t) n = n + #t end}
        print(r.status, n, posix.run{'sh', '-c', 'yes | head -c 300000'}.out:len())
        local ticks = 0 local stop = every(ms(10), function() ticks = ticks + 1 end)
        posix.run{'sleep', '0.1'} stop() print(ticks > 3)
        local a, b = posix.start{'sh', '-c', 'sleep 0.2; echo a'}, posix.start{'echo', 'b'}
        print(b:wait().out .. a:wait().out)
    """) == ("line 1\nline 2\nline 3\nnil\t0\t<program cat, ended>\tfalse\tthis program's input is closed\n"
             "0\t120000\t300000\ntrue\nb\na\n\n")


def test_many():
    """As many programs as one likes, one after the other: what they used is used again."""
    assert out("""
        local n = 0
        for i = 1, 150 do n = n + posix.run{'sh', '-c', 'exit 1'}.status end
        print(n, posix.run{'echo', 'and one more'}.out)
    """) == "150\tand one more\n\n"


def test_limits():
    """Time and storage are bounded; a program that is killed, starved or not there is a result, a wrong table an error."""
    assert out("""
        local r = posix.run{'sleep', '1000', timeout = 0.2} print(r.status, r.timeout)
        print(posix.run{'sh', '-c', 'x=x; while :; do x=$x$x; done', limit = MiB(6)}.status)
        r = posix.run{'nosuch'} print(r.status, (r.err:gsub('\\n', '')))
        local p = posix.start{'sleep', '1000'} print(p:kill(), p:kill(), p:wait().killed)
        for _, o in ipairs{ 'ls', {}, { 'x', colour = 1 }, { 'x', files = { ['/../a'] = 'x' } }, { 'x', files = { ['/'] = 'x' } },
            { 'x', files = { ['/a'] = 'x', ['/a/b'] = 'y' } }, { 'a\\0b' }, { 'x', limit = MiB(1) }, { 'x', stdin = 5 } } do
            local ok, why = pcall(posix.run, o) io.write(tostring(ok), ' ', #tostring(why) > 20 and 'with a sentence' or why, '\\n')
        end
        print(posix.run{'echo', 'still here'}.out)
    """) == ("137\ttrue\n137\n127\tkeros: nosuch: not found in the sandbox's file tree\ntrue\tfalse\ttrue\n"
             + "false with a sentence\n" * 9 + "still here\n\n")
