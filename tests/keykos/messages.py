"""Conformance: joins, message buffers, fork objects and the meter keeper: objects that are domains."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, hexed, passes, u32, u64  # noqa: E402
from lib import limit  # noqa: E402


def begin(t):
    t.supply()
    t.do("kc waitf 0 (,sb,m,sb) (,pause)")


def settle(t):
    """What was FORKed to needs a moment to end."""
    t.do("kc pause 4 (%s)" % hexed(u64(50000)))


def joins(t):
    name = "join"
    t.maker("join factory", "joinf", 0x131)
    for size, kept in ((0, 20), (1, 1), (20, 20), (100, 100), (4096, 4096), (5000, 4096)):
        t.check(name, "joinf", size, ",sb,m,sb", 0, keys="j,,,slot")
        data = bytes(n * 7 % 26 + 97 for n in range(4096))
        for code in (5, 0x80000001, 0):
            t.check("discrim", "discrim", 0, ",slot", 2)
            t.do("kfork slot %d (%s,pg,nd,sb)" % (code, hexed(data)))
            for _ in range(2):
                t.check(name, "j", 1, code=code, string=data[:min(kept, 400)], keys="a,b,c,d")
                t.same(name, "a", "pg")
                t.same(name, "b", "nd")
                t.same(name, "c", "sb")
                t.kind(name, "d", DEAD)
            t.kind(name, "j", 0x31)
            t.check("discrim", "discrim", 0, ",slot", 1)
            if code:
                t.check(name, "j", 0, keys="j2,,,slot")
                t.same(name, "j2", "j")
        t.refuses(name, "j", [2, 3, 16, 64, KT + 1, KT + 5, 0xFFFFFFFF])
        t.do("kfork slot 9 ()")
        t.check(name, "j", KT + 4, code=0)
        t.kind(name, "j", DEAD)


def buffers(t):
    name = "message buffer"
    t.maker("message buffer factory", "msgbuff", 0x1FF1E)
    t.do("kc sb 67 () (,b)")
    for size, kept in ((0, 20), (7, 7), (4096, 4096)):
        t.check(name, "msgbuff", size, ",b,m,b", 0, keys="buf")
        t.check(name, "buf", 77, ",returner", 0)
        data = bytes(n * 5 % 26 + 97 for n in range(300))
        for code in (0, 1, 77, KT, KT + 4, 0xFFFFFFFF):
            t.check(name, "buf", code, "%s,pg,nd,sb" % hexed(data), code, string=data[:kept], keys="x,y,z")
            t.same(name, "x", "pg")
            t.same(name, "y", "nd")
            t.same(name, "z", "sb")
    t.check("space bank", "b", KT + 4, code=0)
    t.kind(name, "buf", DEAD)


def forks(t):
    name = "fork object"
    t.maker("fork object factory", "forkf", 0x3D)
    # reusable, of the forking kind, to a join
    t.check(name, "forkf", 16, ",sb,m,sb", 0, keys="doit,ctl")
    t.kind("fork control", "ctl", 0x13D)
    t.check(name, "joinf", 200, ",sb,m,sb", 0, keys="j,,,slot")
    for code in (3, 0, KT + 7):
        t.check("fork control", "ctl", 0, ",slot", 0)
        t.do("kfork doit %d (%s,pg,nd,sb)" % (code, hexed(b"through")))
        t.check(name, "j", 1, code=code, string=b"through", keys="a,b,c")
        t.same(name, "a", "pg")
        t.same(name, "b", "nd")
        t.same(name, "c", "sb")
        t.check(name, "j", 0, keys="j2,,,slot")
    t.do("kfork slot 0 ()")
    t.check(name, "j", KT + 4, code=0)
    t.check("fork control", "ctl", 1, code=0)
    t.kind(name, "doit", DEAD)
    # the calling kind: the caller gets the answer
    t.check(name, "forkf", 16 + 256, ",sb,m,sb", 0, keys="doit,ctl")
    t.check("fork control", "ctl", 0, ",returner", 0)
    for code in (0, 9, KT + 1):
        t.check(name, "doit", code, "%s,pg,nd,sb" % hexed(b"echo"), code, string=b"echo", keys="a,b,c")
        t.same(name, "a", "pg")
        t.same(name, "c", "sb")
    t.check("fork control", "ctl", 0, ",sb", 0)
    t.check(name, "doit", KT, code=0x0C)
    t.check("fork control", "ctl", KT + 4, code=0)
    # fast: the target comes in position 2; not reusable: it ends by itself
    for order in (4096 + 256, 256):
        t.check(name, "forkf", order, ",sb,m,sb", 0, keys="doit,ctl")
        t.kind(name, "ctl", DEAD)
        if order & 4096:
            t.check(name, "doit", 77, "%s,pg,nd,returner" % hexed(b"fast"), 77, string=b"fast", keys="a,b,c")
            t.same(name, "a", "pg")
            t.same(name, "b", "nd")
            t.kind(name, "c", DEAD)
        else:
            t.check(name, "doit", 77, ",pg", DEAD)
        settle(t)
        t.kind(name, "doit", DEAD)
    t.check(name, "joinf", 200, ",sb,m,sb", 0, keys="j,,,slot")
    t.check(name, "forkf", 4096, ",sb,m,sb", 0, keys="doit")
    t.do("kfork doit 5 (%s,pg,nd,slot)" % hexed(b"fast fork"))
    t.check(name, "j", 1, code=5, string=b"fast fork", keys="a,b,c")
    t.same(name, "b", "nd")
    t.kind(name, "c", DEAD)
    t.check(name, "j", KT + 4, code=0)
    settle(t)
    t.kind(name, "doit", DEAD)


def meter_keepers(t):
    name = "meter keeper"
    t.maker("meter keeper factory", "mkeeperf", 0x206)
    t.check(name, "mkeeperf", 0, ",sb,m,sb", 0, keys="mk")
    t.kind(name, "mk", 0x106)
    t.check(name, "mk", 1, code=0)
    t.check(name, "mk", 0, code=0)
    t.refuses(name, "mk", [2, 3, 16, 64, KT + 1, KT + 5, 0xFFFFFFFE])
    # as the kernel calls it: the restart key in position 3; the same message by hand, its sender waits to be let go
    for n in (1, 2, 3):
        t.check(name, "joinf", 0, ",sb,m,sb", 0, keys="j%d,,,slot%d" % (n, n))
        t.do("kfork mk 0xFFFFFFFF (%s,,,nd,slot%d)" % (hexed(u64(0)), n))
        t.check(name, "mk", 1, code=n)
    t.check(name, "mk", KT + 4, code=1)
    t.check(name, "mk", 0, code=0)
    t.check(name, "mk", 1, code=0)
    for n in (1, 2, 3):
        t.check(name, "j%d" % n, 1, code=0)
        t.check(name, "j%d" % n, KT + 4, code=0)
    t.check(name, "mk", KT + 4, code=0)
    t.kind(name, "mk", DEAD)


def meters(t):
    """A domain whose meter runs dry waits with the meter keeper, until it is let go with a meter that is full again."""
    name = "meter keeper"
    t.do("cfact spinf spinner.s 0x10C8")
    t.check(name, "mkeeperf", 0, ",sb,m,sb", 0, keys="mk")
    t.do("newmeter mm")
    t.do("kc mmnode 16+2 (,mk)")
    t.check("spinner", "spinf", 0, ",sb,mm,sb", 0, keys="spin")
    t.check("spinner", "spin", 0, hexed(u32(1)), 0)
    t.do("kc mmnode 3 () (,full)")
    t.do("datakey zero %x00")
    for n in (1, 2):
        t.do("kc mmnode 16+3 (,zero)")
        t.do("kc joinf 64 (,sb,m,sb) (,late,,,slip)")
        t.do("kfork spin 0 (%s,,,,slip)" % hexed(u32(2)))
        settle(t)
        t.check(name, "mk", 1, code=1)
        t.check(name, "mk", KT + 4, code=1)
        if n == 2:
            # let go with nothing: it comes back
            t.check(name, "mk", 0, code=0)
            settle(t)
            t.check(name, "mk", 1, code=1)
        t.do("kc mmnode 16+3 (,full)")
        t.check(name, "mk", 0, code=0)
        t.check("join", "late", 1, code=0)
        t.check(name, "mk", 1, code=0)
        t.check("join", "late", KT + 4, code=0)
    t.check("spinner", "spin", KT + 4, code=0)
    t.check(name, "mk", KT + 4, code=0)
    t.do("kc sb 1 (,mmnode)")
    t.do("kc spinf.builder kt+4")


def dry_meters(t):
    """Without a keeper it waits for its counter to be filled, for a keeper, or for the meter above."""
    t.do("cfact spinf spinner.s 0x10C8")
    t.do("datakey zero %x00")
    t.do("newmeter above")
    t.do("newmeter mm above")
    t.do("kc mmnode 3 () (,full)")
    t.do("kc spinf 0 (,sb,mm,sb) (,spin)")
    t.check("meter keeper", "mkeeperf", 0, ",sb,m,sb", 0, keys="mk")
    for node in ("mmnode", "abovenode", "mmnode"):
        t.do("kc %s 16+3 (,zero)" % node)
        t.do("kc joinf 64 (,sb,m,sb) (,late,,,slip)")
        t.do("kfork spin 0 (%s,,,,slip)" % hexed(u32(2)))
        settle(t)
        if node == "mmnode":
            t.do("kc mmnode 16+2 (,mk)")
            settle(t)
            t.check("meter", "mk", 1, code=1)
            t.do("kc mmnode 16+2 ()")
            t.do("kc mmnode 45 (%s)" % hexed(u32(3, 3) + bytes(9) + b"\xff" * 7))
            t.check("meter keeper", "mk", 0, code=0)
        else:
            t.do("kc %s 16+3 (,full)" % node)
        t.check("meter", "late", 1, code=0)
        t.check("join", "late", KT + 4, code=0)
    t.check("spinner", "spin", KT + 4, code=0)
    t.check("meter keeper", "mk", KT + 4, code=0)
    t.do("kc sb 1 (,mmnode)")
    t.do("kc sb 1 (,abovenode)")
    t.do("kc spinf.builder kt+4")


@limit(300)
def test_messages():
    """Joins, message buffers, fork objects and the meter keeper answer as published, and end without a trace."""
    def steadily(part):
        return lambda t: t.steady("no leak", "sb", lambda t: (part(t), settle(t)))
    passes(begin, *(steadily(part) for part in (joins, buffers, forks, meter_keepers, meters, dry_meters)))
