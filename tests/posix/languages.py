"""Larger programs: the Lua interpreter, a static glibc program, bc and dc."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scenario import compare, data, words  # noqa: E402


def test_lua_program():
    """Lua runs a program of some hundred lines: parsers, a heap, coroutines, words, files and pipes."""
    compare("mkdir out; exec bin/lua program.lua words out", binaries=["lua"],
            files={**data("program.lua"), **words(8)}, status=11, expect="closed")


def test_lua_as_filter():
    """Lua reads standard input by line, by number and whole, and says so when it fails."""
    compare("""
cat words | lua -e 'local n = 0; for l in io.lines() do n = n + #l end; print(n)'
seq 1 1000 | lua -e 'local s = 0; while true do local x = io.read("n"); if not x then break end; s = s + x end; print(s)'
lua -e 'print(#io.read("a"))' < words
lua -e 'error("on purpose")' 2>&1; echo "status $?"
echo 'print(...)' > args.lua; lua args.lua one "two three"
lua -e 'local t = {}; for i = 1, 200000 do t[i] = i * i end; print(t[#t], collectgarbage("count") > 1000)'
printf 'return {\\n answer = 42 }\\n' > mod.lua; lua -e 'print(require("mod").answer)'
lua -v | cut -c 1-7; lua nowhere.lua 2>&1; echo 'x = = 1' | lua - 2>&1; echo "syntax $?"
lua -e 'string.rep("x", 1 << 40)' 2>&1 | head -n 1; lua -e 'local function f(n) return n == 0 and 0 or 1 + f(n - 1) end; print(f(10000))'
""", binaries=["lua"], files=words(10), status=0, expect="syntax 1")


def test_static_glibc_program():
    """A static glibc program: number formatting, regular expressions, files, processes, signals."""
    compare("mkdir out; exec bin/glibc argument", binaries=["glibc"], files=words(20), status=23,
            expect="aborted 6")


def test_calculators():
    """bc and dc: big numbers, functions, sixty digits of pi."""
    compare("""
echo 'scale = 60; 4 * a(1)' | bc -l
echo '2 ^ 500; 12345678901234567890 % 987654321; scale=5; sqrt(2); 1/3' | bc
bc <<'END'
define f(n) { if (n < 2) return (1); return (n * f(n - 1)); }
f(40)
define g(a, b) { auto t; while (b) { t = a % b; a = b; b = t; }; return (a); }
g(1071, 462)
for (i = 0; i < 5; ++i) { print i, " "; }
obase = 16; 255; ibase = 2; 1111
END
echo '10 k 2 v p [la 1 + d sa p 5 >x] sx 0 sa lx x' | dc
echo '3 4 + 5 * p 2 32 ^ p 16 o p' | dc
echo 'e(1); l(10); s(1)' | bc -l
""", status=0, expect="3.14159265358979323846")
