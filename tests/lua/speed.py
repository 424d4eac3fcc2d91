"""The interpreter's promised speed, in guest instructions, which repeat."""

import os
import re

from lib import BUILD, KEROS, ROOT, limit, run, run_keros, skip, tree_with

BENCH = os.path.join(ROOT, "apps", "lua", "bench", "bench.lua")
LUA = os.path.join(BUILD, "programs", "lua")
MOST = 1.03


def rows(result):
    assert result.status == 0, result
    found = {name.decode(): int(ns) for name, ns in re.findall(rb"BENCH name=(\S+) tsc_med=(\d+)", result.stdout)}
    assert len(found) == 7, result
    return found


@limit(240)
def test_interpreter():
    """The standard set takes at most 1.03 times the instructions of the same Lua as an ordinary musl program, each row."""
    if not os.path.exists(LUA):
        skip("no build/programs/lua: configure found no source package")
    tree = tree_with({"b/lua": ("copy", LUA), "b/bench.lua": ("copy", BENCH)})
    ordinary = rows(run_keros(["/b/lua", "/b/bench.lua"], options=["--icount", "--tree", tree], timeout=100))
    domain = rows(run([KEROS, "lua", "--icount", BENCH], timeout=100))
    slow = ["%s takes %d, allowed %.2f * %d" % (name, domain[name], MOST, ordinary[name])
            for name in ordinary if domain[name] > MOST * ordinary[name]]
    assert not slow, "; ".join(slow)


@limit(180)
def test_domains():
    """A call on another Lua domain and back, a new domain to its first statement, and one of a frozen constructor."""
    result = run([KEROS, "lua", "--icount", os.path.join(ROOT, "apps", "lua", "bench", "domains.lua")], timeout=150)
    assert result.status == 0, result
    found = {name.decode(): int(n) for name, n in re.findall(rb"BENCH name=(\S+) tsc_med=(\d+)", result.stdout)}
    print(found)
    assert 0 < found["lua_round_trip"] <= 12000, found
    assert 0 < found["lua_new_domain"] <= 1500000, found
    assert 0 < found["lua_new_domain_frozen"] <= 150000, found
