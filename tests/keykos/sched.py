"""Conformance: the scheduler of meters."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, UNKNOWN, hexed, passes, u32, u64  # noqa: E402
from lib import KEROS, limit, run  # noqa: E402

MALFORMED = KT + 3
NAME = "scheduler"


def policy(kind, value, form=0):
    return hexed(b"".join(n.to_bytes(2, "little") for n in (form, kind, value)))


def begin(t):
    t.do("newmeter user")
    t.do("newmeter sys")
    t.supply()
    t.do("cfact spinf spinner.s 0x10C8")
    t.do("kc waitf 0 (,sb,m,sb) (,settle)")


def settle(t, us):
    t.do("kc settle 4 (%s)" % hexed(u64(us)))


def makers(t):
    t.kind("scheduler maker", "pschedf", 0x168)
    for bad in ("pg", "dk0", "m"):
        t.check("scheduler maker", "pschedf", KT + 5, ",%s,m,sb" % bad, 1)
    for order in (0, 1, KT + 6 - (1 << 31)):
        t.check("scheduler maker", "pschedf", order, ",sb,m,sb", UNKNOWN)
    t.check("scheduler maker", "pschedf", 0xFFFFFFFF, ",fsf", 0)
    t.check("scheduler maker", "pschedf", KT + 5, ",sb,m,sb", KT + 5, keys=",,,x")
    t.check("scheduler maker", "x", 1, ",usernode,sysnode", UNKNOWN)
    t.check("scheduler maker", "pschedf", KT + 5, ",low,m,sb", 2)


def one(t):
    t.check("scheduler maker", "pschedf", KT + 5, ",sb,m,sb", KT + 5, keys=",,,x")
    t.check("scheduler maker", "x", 0, ",usernode,sysnode", 0, keys="a,n,s")
    for key, alleged in (("a", 0x68), ("n", 0x268), ("s", 0x368)):
        t.kind(NAME, key, alleged)
    t.check(NAME, "a", 0, code=0, keys="m1,c1,i1")
    t.kind("meter", "m1", 6)
    t.kind(NAME, "c1", 0x468)
    t.kind("fetch key", "i1", 4)


def meters(t):
    one(t)
    t.check(NAME, "s", 20, ",i1", 0)
    for kind, value in ((0, 0), (0, 100), (1, 0), (1, 50), (1, 100), (2, 0), (2, 1), (2, 100)):
        t.check(NAME, "a", 1, policy(kind, value) + ",i1", 0)
    for kind, value, form in ((3, 1, 0), (0xFFFF, 1, 0), (1, 101, 0), (2, 0xFFFF, 0), (1, 1, 1), (0, 1, 7)):
        t.check(NAME, "a", 1, policy(kind, value, form) + ",i1", MALFORMED)
        t.check(NAME, "c1", 30, policy(kind, value, form), MALFORMED)
    for order in (1, 2, 3, 4):
        for bad in ("", ",pg", ",nd", ",dk0", ",m1", ",c1", ",sb"):
            t.check(NAME, "a", order, (policy(1, 1) if order == 1 else "") + bad, 8)
    for bad in ("", ",pg", ",nd", ",dk0", ",m1"):
        t.check(NAME, "s", 20, bad, 8)
    t.check(NAME, "a", 3, ",i1", 0)
    t.check(NAME, "a", 4, ",i1", 0)
    t.refuses(NAME, "a", [5, 6, 10, 20, 30, 64, KT + 3, KT + 5, 0xFFFFFFFF])
    t.refuses(NAME, "s", [0, 1, 19, 21, 30, KT + 4, KT + 5, 0xFFFFFFFF])
    t.refuses(NAME, "n", [0, 1, 9, 11, 20, KT + 4, KT + 5, 0xFFFFFFFF])
    t.refuses(NAME, "c1", [0, 1, 10, 20, 29, 31, KT + 4, KT + 5])
    for n in range(2, 17):
        t.check(NAME, "a", 0, code=0, keys="m%d,c%d,i%d" % (n, n, n))
    t.check(NAME, "a", 0, code=4)
    for n in (2, 16):
        t.check(NAME, "a", 2, ",i%d" % n, 0)
        t.kind("meter", "m%d" % n, DEAD)
        t.kind(NAME, "c%d" % n, DEAD)
        t.check(NAME, "a", 2, ",i%d" % n, 8)
    t.check(NAME, "a", 0, code=0, keys="m2,c2,i2")
    t.check(NAME, "a", KT + 4, code=0)
    for key in ("a", "n", "s", "m1", "c1", "i1", "m2", "m9"):
        t.kind(NAME, key, DEAD)
    settle(t, 100000)


def changes(t):
    """What the holder of a change key asks for, who waits hears, now or later."""
    one(t)
    t.check(NAME, "a", 0, code=0, keys="m2,c2,i2")
    t.check(NAME, "c2", 30, policy(2, 7), 0)
    t.check(NAME, "n", 10, code=0, string=bytes.fromhex("000002000700"), keys="i")
    t.check("discrim", "discrim", 2, ",i,i2", 0)
    for who, asked in (("1", (1, 3)), ("2", (0, 0))):
        t.do("kc joinf 64 (,sb,m,sb) (,j,,,slot)")
        t.do("kfork n 10 (,,,,slot)")
        settle(t, 20000)
        t.check(NAME, "n", 10, code=1)
        t.check(NAME, "c" + who, 30, policy(*asked), 0)
        t.check(NAME, "j", 1, code=0, string=bytes.fromhex(policy(*asked)[2:]), keys="i")
        t.check("discrim", "discrim", 2, ",i,i" + who, 0)
        t.do("kc j kt+4")
    # who waits when it ends
    t.do("kc joinf 64 (,sb,m,sb) (,j,,,slot)")
    t.do("kfork n 10 (,,,,slot)")
    settle(t, 20000)
    t.check(NAME, "a", KT + 4, code=0)
    t.check(NAME, "j", 1, code=DEAD)
    t.do("kc j kt+4")
    settle(t, 100000)


def shares(t):
    """A stopped meter's domain goes on when the meter is started."""
    one(t)
    t.check("requestor", "spinf", 0, ",sb,m1,sb", 0, keys="sp")
    t.check("domain", "sp", 0, hexed(u32(10)), 0)
    t.check(NAME, "a", 3, ",i1", 0)
    t.do("kc joinf 64 (,sb,m,sb) (,j,,,slot)")
    t.do("kfork sp 0 (%s,,,,slot)" % hexed(u32(20000)))
    settle(t, 1200000)
    t.check(NAME, "a", 4, ",i1", 0)
    t.check("domain", "j", 1, code=0)
    t.do("kc j kt+4")
    t.check("domain", "sp", KT, code=0x10C8)
    t.check(NAME, "s", 20, ",i1", 0)
    t.check("domain", "sp", KT + 4, code=0)
    t.check(NAME, "a", KT + 4, code=0)
    settle(t, 100000)


@limit(200)
def test_scheduler():
    """The scheduler's meters, policies, changes and states answer as published; nothing leaks."""
    passes(begin, *((lambda part: lambda t: t.steady("no leak", "sb", part))(part)
                    for part in (makers, meters, changes, shares)))


@limit(120)
def test_shares():
    """A percentage is what a meter's domains get of each second, and what they used is told."""
    with open("script.cmd", "w") as file:
        file.write("""newmeter user
newmeter sys
kc pschedf kt+5 (,sb,m,sb) (,,,,x)
kc x 0 (,usernode,sysnode) (,a,n,s)
kc a 0 () (,m1,c1,i1)
cfact spinf spinner.s 1
kc spinf 0 (,sb,m1,sb) (,sp)
kc a 1 (%s,i1)
kc systimer 7
kc sp 0 (20000)
kc systimer 7
kc a 1 (%s,i1)
kc systimer 7
kc sp 0 (20000)
kc systimer 7
kc s 20 (,i1)
""" % (policy(0, 0), policy(2, 1)))
    out = run([KEROS, "keykos", "--icount", "--script", "script.cmd"], timeout=110).stdout.decode()
    timers = [int.from_bytes(bytes.fromhex(x), "little") / 4096 / 1e6 for x in re.findall(r"%X([0-9A-F]{16})\n", out)]
    status = bytes.fromhex(re.findall(r"%X([0-9A-F]{48})\n", out)[0])
    free, dealt = timers[1] - timers[0], timers[3] - timers[2]
    used = int.from_bytes(status[16:24], "little") / 1e6
    assert dealt > 2 and dealt > 3 * free, out
    assert status[8:12] == bytes.fromhex("02000100") and 0.01 < used < free + dealt, out
