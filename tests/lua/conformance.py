"""The language itself: what Lua programs print in a domain is what they print on the host, byte for byte.

The files of conformance/ go through the reference manual chapter by chapter (doc/lua/conformance.md)."""

import os
import shutil

from lib import KEROS, ROOT, difference, limit, run, skip

FILES = os.path.join(ROOT, "tests", "lua", "conformance")


@limit(240)
def test_manual():
    """Every file of tests/lua/conformance prints the same in a Lua domain and by the host's lua5.4, 4,000 lines in all."""
    names = sorted(name for name in os.listdir(FILES) if name.endswith(".lua"))
    os.mkdir("tree")
    for name in names:
        shutil.copy(os.path.join(FILES, name), "tree")
    with open("all.lua", "w") as out:
        for name in names:
            out.write('print("== %s")\nassert(loadfile("%s", "t", setmetatable({}, { __index = _G })))()\n' % (name, name))
    host = run(["lua5.4", os.path.abspath("all.lua")], cwd="tree")
    assert host.status == 0 and host.stderr == b"", host
    if b"5.4.4" not in run(["lua5.4", "-v"]).stdout:
        skip("the host's Lua is not 5.4.4")
    domain = run([KEROS, "lua", "--tree", "tree", "all.lua"], timeout=200)
    assert domain.status == 0 and domain.stderr == b"", domain
    assert host.stdout.count(b"\n") > 4000
    theirs, ours = host.stdout.split(b"\n== "), domain.stdout.split(b"\n== ")
    text = "".join(difference(want.split(b"\n")[0].decode(), want, got) for want, got in zip(theirs, ours))
    assert host.stdout == domain.stdout, text
