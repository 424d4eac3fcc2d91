"""Conformance: space banks, their transformer, and domain creators."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, UNKNOWN, hexed, passes, u32, u64  # noqa: E402
from lib import ROOT, limit  # noqa: E402

NO_DESTROY, NO_QUERY, NO_LIMITS = 1, 2, 4
MAX = 0xFFFFFFFF


def begin(t):
    t.do("kc dkc 0 () (,dk0)")
    t.do("kc sb 16 () (,pg)")
    t.do("kc pg 0 () (,pgro)")
    t.do("kc sb 0 () (,nd)")


def storage(t):
    """Creation and destruction, of one, two, three; of nodes (0..) and pages (16..)."""
    name = "space bank"
    for base, made, other, weak in ((0, 3, 16, 32), (16, 0x202, 0, 0)):
        t.do("kc sb 67 () (,b)")
        t.kind(name, "b", 0x0C)
        for order, keys in ((base, "a"), (base + 7, "a,c"), (base + 8, "a,c,d")):
            t.check(name, "b", order, keys=keys)
            count = keys.count(",") + 1
            for key in keys.split(","):
                t.kind(name, key, made)
                if made == 3:
                    for slot in (0, 7, 15):
                        t.check(name, key, slot, keys="k")
                        t.kind(name, "k", DEAD)
                else:
                    t.check(name, key, 41, code=0)
            # not what this bank will take: another kind, a weaker key, no key, another bank's
            t.do("kc b %d () (,o)" % other)
            t.do("kc a %d () (,w)" % weak)
            for bad in ("o", "w", "dk0", "sb", "pg", "nd", "discrim"):
                t.check(name, "b", base + 1, "," + bad, 1)
                t.check(name, "b", base + 2, "," + bad, 1)
            t.check(name, "b", other + 1, ",o", 0)
            t.check(name, "sb", base + 1, ",a", 1)
            t.check(name, "sb", base + 2, ",a", 1)
            if count == 1:
                t.check(name, "b", base + 1, ",a", 0)
            else:
                t.check(name, "b", base + 7 + count, "," + keys, 0)
            for key in keys.split(","):
                t.kind(name, key, DEAD)
            if count == 1:
                t.check(name, "b", base + 1, ",a", 1)
            else:
                t.check(name, "b", base + 7 + count, "," + keys, (1 << count) - 1)
        for order, masks in ((base + 9, range(4)), (base + 10, range(8))):
            for mask in masks:
                keys = []
                for i in range(2 if order == base + 9 else 3):
                    if mask >> i & 1:
                        keys.append("dk0")
                    else:
                        t.do("kc b %d () (,x%d)" % (base, i))
                        keys.append("x%d" % i)
                t.check(name, "b", order, "," + ",".join(keys), mask)
        # severing: the content stays, every old key is dead
        t.do("kc b %d () (,a)" % base)
        t.do("kc returner 0 (,a) (,a2)")
        t.do("kc a 4096 (%aX)" if made != 3 else "kc a 19 (,pg)")
        t.check(name, "b", base + 2, ",a", 0, keys="s")
        for key in ("a", "a2"):
            t.kind(name, key, DEAD)
        if made == 3:
            t.check(name, "s", 3, keys="k")
            t.check(name, "discrim", 2, ",k,pg", 0)
        else:
            t.check(name, "s", 41, code=1)
        t.check(name, "b", base + 2, ",a", 1)
        t.check(name, "b", base + 1, ",s", 0)
        t.check(name, "b", KT + 4, code=0)
        t.kind(name, "b", DEAD)


def again(t):
    """A page that was given back is another when it comes again: empty, under a new key, in the bank's own turn."""
    name = "space bank"
    t.do("kc sb 67 () (,b)")
    t.do("kc sb 67 () (,c)")
    for first, second in ("bb", "bc", "cb", "cc", "bb"):
        t.check(name, first, 16, keys="p")
        t.check(name, second, 16, keys="q")
        for key in "pq":
            t.check(name, key, 41, code=0)
            t.do("kc %s 4096 (%%aX)" % key)
            t.do("kc returner 0 (,%s) (,%s2)" % (key, key))
        t.check(name, first, 17, ",p", 0)
        t.check(name, second, 17, ",q", 0)
        for key in ("p", "q", "p2", "q2"):
            t.kind(name, key, DEAD)
            t.check(name, first, 17, "," + key, 1)
        # three at a time: the one that is kept and two more, all apart
        t.check(name, second, 24, keys="x,y,z")
        for key in "xyz":
            t.check(name, key, 41, code=0)
            t.do("kc %s 4096 (%%aX)" % key)
            t.kind(name, "p2", DEAD)
        t.check(name, second, 26, ",x,y,z", 0)
    # it dies with its bank, and what another bank has meanwhile does not
    t.check(name, "b", 16, keys="p")
    t.check(name, "b", 17, ",p", 0)
    t.check(name, "c", 16, keys="q")
    t.check(name, "b", KT + 4, code=0)
    t.kind(name, "q", 0x202)
    t.check(name, "c", 17, ",q", 0)
    t.check(name, "c", 16, keys="q")
    t.check(name, "c", KT + 4, code=0)
    t.kind(name, "q", DEAD)


def counts(t):
    """Limits, queries and statistics."""
    name = "space bank"
    for base in (0, 16):
        t.check(name, "sbt", 5, "%s,sb" % hexed(u32(10, 10)), 0, keys="b")
        t.check(name, "b", base + 5, string=u32(10))
        t.check(name, "b", base + 14, string=u64(10))
        t.check(name, "b", base + 6, string=u32(0, 0))
        t.check(name, "b", base + 11, hexed(u32(-3)), 0, string=u32(7))
        t.check(name, "b", base + 11, hexed(u32(-8)), 1, string=u32(7))
        t.check(name, "b", base + 11, hexed(u32(5)), 0, string=u32(12))
        t.check(name, "b", base + 11, hexed(u32(0)), 0, string=u32(12))
        t.check(name, "b", base + 13, hexed(u64(1 << 48)), 2, string=u64(12))
        t.check(name, "b", base + 13, hexed(u64(-13)), 1, string=u64(12))
        t.check(name, "b", base + 13, hexed(u64(-8)), 0, string=u64(4))
        t.check(name, "b", base + 12, hexed(u64(5, 4)), 2)
        t.check(name, "b", base + 12, hexed(u64(0, MAX)), 0)
        t.check(name, "b", base + 12, hexed(u64(7, 7)), 0)
        t.check(name, "b", base + 12, hexed(u64(0, MAX)), 0)
        # limits of 48 bits, which the small codes can only refuse to change
        for delta, code, now in ((1 << 40, 0, (1 << 40) + 4), (1 << 48, 2, (1 << 40) + 4), ((1 << 48) - 1, 2, (1 << 40) + 4),
                                 (-(1 << 48) - 1, 1, (1 << 40) + 4), (-(1 << 48), 1, (1 << 40) + 4)):
            t.check(name, "b", base + 13, hexed(u64(delta)), code, string=u64(now))
        t.check(name, "b", base + 11, hexed(u32(-1)), 1, string=u32(4))
        t.check(name, "b", base + 11, hexed(u32(1)), 2, string=u32(4))
        t.check(name, "b", base + 13, hexed(u64(-(1 << 40))), 0, string=u64(4))
        for n in range(4):
            t.check(name, "b", base, keys="k%d" % n)
            t.check(name, "b", base + 5, string=u32(3 - n))
            t.check(name, "b", base + 6, string=u32(n + 1, 0))
        t.check(name, "b", base, code=4)
        t.check(name, "b", base + 7, code=4, keys="x,y")
        t.kind(name, "x", DEAD)
        t.check(name, "b", base + 1, ",k0", 0)
        # what was not told of was never made
        t.check(name, "b", base + 6, string=u32(4, 1))
        t.check(name, "b", base + 7, code=4, keys="x,y")
        t.check(name, "b", base + 6, string=u32(4, 1))
        t.kind(name, "x", DEAD)
        # what did not come to be is made and given back again: it may count
        t.check(name, "b", base + 5, string=u32(1))
        t.check(name, "b", base, keys="k0")
        # a limit below what is in use
        t.check(name, "b", base + 11, hexed(u32(-3)), 0, string=u32(1))
        t.check(name, "b", base + 5, string=u32(0))
        t.check(name, "b", base, code=4)
        # banks below count for those above
        t.check(name, "b", base + 11, hexed(u32(5)), 0, string=u32(6))
        t.check(name, "b", 67, keys="c")
        t.check(name, "c", base + 5, string=u32(2))
        t.check(name, "c", base, keys="x")
        t.check(name, "c", base, keys="y")
        t.check(name, "c", base, code=4)
        t.check(name, "b", base, code=4)
        t.check(name, "b", base + 1, ",x", 1)
        t.check(name, "c", base + 1, ",x", 0)
        t.check(name, "b", base + 5, string=u32(1))
        t.check(name, "c", KT + 4, code=0)
        t.kind(name, "y", DEAD)
        t.check(name, "b", base + 5, string=u32(2))
        t.check(name, "b", KT + 4, code=0)
        t.kind(name, "k1", DEAD)
    t.do("kc sb 67 () (,b)")
    t.check(name, "b", 65, string=u64(0, 0, 0, 0))
    t.check(name, "b", 8, keys="x,y,z")
    t.check(name, "b", 23, keys="p,q")
    t.check(name, "b", 10, ",x,y,z", 0)
    t.check(name, "b", 65, string=u64(3, 3, 2, 0))
    t.check(name, "b", 22, string=u32(2, 0))
    # A bank's statistics are those of the banks below it too; what these still hold at their end counts as destroyed.
    t.check(name, "b", 67, keys="c")
    t.check(name, "c", 67, keys="d")
    t.check(name, "d", 7, keys="x,y")
    t.check(name, "c", 16, keys="z")
    t.check(name, "d", 1, ",x", 0)
    t.check(name, "b", 65, string=u64(5, 4, 3, 0))
    t.check(name, "c", 65, string=u64(2, 1, 1, 0))
    t.check(name, "d", 65, string=u64(2, 1, 0, 0))
    t.check(name, "c", 64, code=0)
    t.check(name, "b", 65, string=u64(5, 5, 3, 1))
    t.check(name, "b", 64, code=0)
    t.kind(name, "p", DEAD)
    t.kind(name, "b", DEAD)


def rights(t):
    name = "rights of a bank"
    forbids = {33: NO_DESTROY, 34: NO_QUERY, 35: NO_DESTROY | NO_QUERY, 36: NO_LIMITS, 37: NO_DESTROY | NO_LIMITS,
               38: NO_QUERY | NO_LIMITS, 39: NO_DESTROY | NO_QUERY | NO_LIMITS}
    t.do("kc sb 67 () (,b)")
    t.check(name, "sb", 66, ",b", 0)
    for order, lost in forbids.items():
        t.check(name, "b", order, keys="w")
        t.kind(name, "w", 0x0C)
        t.check(name, "sb", 66, ",w", lost)
        t.check(name, "w", 66, ",b", 0)
        t.check(name, "sbt", 0, ",w", lost)
        for base in (0, 16):
            t.check(name, "w", base, keys="k")
            t.check(name, "w", base + 1, ",k", 0)
            for query in (5, 6, 14):
                t.check(name, "w", base + query, code=UNKNOWN if lost & NO_QUERY else 0)
            t.check(name, "w", base + 11, hexed(u32(0)), 3 if lost & NO_LIMITS else 0)
            t.check(name, "w", base + 12, hexed(u64(0, MAX)), 3 if lost & NO_LIMITS else 0)
            t.check(name, "w", base + 13, hexed(u64(0)), 3 if lost & NO_LIMITS else 0)
        t.check(name, "w", 65, code=UNKNOWN if lost & NO_QUERY else 0)
        t.check(name, "w", 67, keys="c")
        t.check(name, "sb", 66, ",c", lost & NO_QUERY)
        t.check(name, "c", KT + 4, code=0)
        for order2, more in forbids.items():
            t.check(name, "w", order2, keys="v")
            t.check(name, "sb", 66, ",v", lost | more)
        if lost & NO_DESTROY:
            for destroy in (64, KT + 4):
                t.check(name, "w", destroy, code=UNKNOWN)
    for key in ("pg", "nd", "dk0", "discrim", "fc", "dcc", "m"):
        t.check(name, "sb", 66, "," + key, -1)
        t.check(name, "sbt", 0, "," + key, -1)
    t.refuses("space bank", "b", [3, 4, 15, 19, 20, 31, 32, 40, 63, 68, 69, 128, KT + 1, KT + 5, 0xFFFFFFFF])
    t.check(name, "b", 36, keys="w")
    t.check(name, "w", KT + 4, code=0)
    for key in ("b", "w"):
        t.kind(name, key, DEAD)
    for order in (64, KT + 4):
        t.check(name, "sb", order, code=UNKNOWN)


def transformer(t):
    name = "bank transformer"
    t.kind(name, "sbt", 0x40C)
    for order in (1, 2, 5):
        for key in ("pg", "dk0", "dcc"):
            t.check(name, "sbt", order, "," + key, 3)
    for order, string in ((1, b""), (1, u32(0)), (1, u32(0, MAX, 0, MAX)), (2, b""), (5, b""), (5, u32(3)), (5, u32(3, 4))):
        t.check(name, "sbt", order, "%s,sb" % (hexed(string) if string else ""), 0, keys="b")
        t.kind(name, "b", 0x0C)
        t.check(name, "sbt", 0, ",b", 0)
        if order == 5 and string:
            t.check(name, "b", 5, string=u32(3))
            if len(string) == 8:
                t.check(name, "b", 21, string=u32(4))
        t.check(name, "b", 0, keys="k")
        t.check(name, "b", 16, keys="k")
        t.check(name, "b", KT + 4, code=0)
    t.refuses(name, "sbt", [3, 4, 6, 7, 8, 9, 16, 64, KT + 4, KT + 5, 0xFFFFFFFF])


def deep(t):
    """Banks below banks: one destruction takes them all, and what was made from them."""
    name = "space bank"
    t.do("kc sb 67 () (,b0)")
    for n in range(1, 9):
        t.check(name, "b%d" % (n - 1), 67, keys="b%d" % n)
        t.check(name, "b%d" % n, 0, keys="n%d" % n)
        t.check(name, "b%d" % n, 16, keys="p%d" % n)
        t.do("kc fsf 0 (,b%d,m,b%d) (,s%d)" % (n, n, n))
        t.do("kc rcf 1 (,b%d,m,b%d) (,r%d)" % (n, n, n))
        t.do("kc dcc 0 (,b%d,m) (,d%d)" % (n, n))
        t.do("kc d%d 12 (,b%d) (,o%d)" % (n, n, n))
    t.check(name, "b4", KT + 4, code=0)
    for n in range(1, 9):
        for key, alleged in (("b", 0x0C), ("n", 3), ("p", 0x202), ("s", 0x50D), ("r", 0x17), ("d", 0x0D), ("o", 7)):
            t.kind(name, "%s%d" % (key, n), DEAD if n >= 4 else alleged)
    t.check(name, "b0", KT + 4, code=0)
    for n in range(1, 4):
        for key in "bnpsrdo":
            t.kind(name, "%s%d" % (key, n), DEAD)


def many(t):
    """Banks are made and destroyed for ever, one below the other or beside it."""
    t.do("kc sb 67 () (,a)")
    for n in range(2500):
        t.do("kc a 67 () (,b)")
        if n % 100 == 0:
            t.check("space bank", "b", 0, keys="k")
        t.do("kc b kt+4")
    t.check("space bank", "a", 67, keys="b")
    t.check("space bank", "b", 0, keys="k")
    t.check("space bank", "a", KT + 4, code=0)


def creators(t):
    """What a domain asks of its creator about itself, and severing."""
    name = "domain creator"
    t.do("cfact selff self.s 0x77")
    t.check(name, "selff", 0, ",sb,m,sb", 0, keys="s")
    t.check(name, "s", 3, keys="dc")
    t.kind(name, "dc", 0x0D)
    t.check(name, "dc", 2, ",s", 0, keys="old")
    t.check(name, "s", 1, code=0, keys="dom")
    t.kind(name, "dom", 7)
    for key in ("s", "old"):
        t.kind(name, key, DEAD)
    t.check(name, "dom", 64, "%x05", 0, keys="s")
    t.check(name, "dc", 2, ",s", 5, keys="same")
    t.check(name, "discrim", 2, ",same,dom", 0)
    for bad in ("pg", "dk0", "dcc"):
        t.check(name, "s", 4, "," + bad, 1)
        t.check(name, "dc", 14, ",s," + bad, 1)
        t.check(name, "dc", 14, ",%s,sb" % bad, 3)
    t.check(name, "dc", 14, ",s,sb", 0, keys="dom2")
    t.kind(name, "dom2", 7)
    for key in ("s", "dom", "same"):
        t.kind(name, key, DEAD)
    t.check(name, "dom2", 64, "%x00", 0, keys="s")
    t.check(name, "s", 3, keys="dc")
    t.check("domain", "dom2", 48 + 3, ",dom2", 0)
    t.check(name, "s", 2, hexed(u32(0x1234)), 0x1234)
    for key in ("s", "dom2"):
        t.kind(name, key, DEAD)
    t.check(name, "dcc", 0, ",sb,m", 0, keys="dc")
    t.check(name, "dc", 12, ",sb", 0, keys="dom")
    t.check(name, "dc", 15, ",sb", 3)
    t.check(name, "dc", 8, ",dk0,sb", 3)
    t.check(name, "dc", 14, ",dom,sb", 3)
    t.do("kc dom 67 () (,f)")
    t.check(name, "dc", 14, ",f,sb", 0, keys="dom2")
    for key in ("f", "dom"):
        t.kind(name, key, DEAD)
    t.check(name, "dc", 1, ",dom2,sb", 0)
    t.check(name, "dc", KT + 4, code=0)
    t.do("kc fc 7 (,selff) (,b)")
    t.check("builder", "b", KT + 4, code=0)


def refused(t):
    """No space for a creator, a domain; a domain is taken back by the bank that it came from and no other."""
    name = "domain creator"
    t.do("kc sbt 5 (%s,sb) (,low)" % hexed(u32(0, 0)))
    t.check(name, "dcc", 0, ",low,m", DEAD, keys="none")
    t.kind(name, "none", DEAD)
    t.check(name, "dcc", 0, ",sb,m", 0, keys="dc")
    for order, send in ((12, ",low"), (0, ",,low")):
        t.check(name, "dc", order, send, 2, keys="none")
        t.kind(name, "none", DEAD)
    t.check(name, "dc", 12, ",sb", 0, keys="dom")
    t.check(name, "dc", 1, ",dom,low", 2)
    t.check("domain", "dom", 64, keys="start")
    t.check(name, "dc", 14, ",start,low", 2)
    t.kind("domain", "dom", 7)
    t.check(name, "dc", 1, ",dom,sb", 0)
    t.check(name, "dc", KT + 4, code=0)
    t.check("space bank", "low", KT + 4, code=0)


def keepers(t):
    """Identification of segments and meters by their keepers."""
    name = "domain creator"
    t.do("kc dcc 0 (,sb,m) (,dc)")
    t.do("kc dcc 0 (,sb,m) (,other)")
    t.do("kc dc 12 (,sb) (,dom)")
    t.do("kc dom 64 (%x2A) (,start)")
    t.do("kc sb 0 () (,red)")
    t.do("kc red 45 (%s)" % hexed(u32(15, 15) + bytes(12) + bytes([0x0F, 0xFF, 0xDF, 0x53])))
    t.do("kc red 33 () (,seg)")
    t.do("kc red 37 () (,front)")
    t.do("kc sb 0 () (,mnode)")
    t.do("kc mnode 17 (,m)")
    t.do("kc mnode 34 () (,meter)")
    t.do("kc dom 73 () (,resume)")
    for keeper, orders, data in (("start", (5, 9), 0x2A), ("resume", (6, 10), 2), ("dom", (7, 11), 0)):
        t.do("kc red 29 (,%s)" % keeper)
        t.do("kc mnode 18 (,%s)" % keeper)
        for order in (5, 6, 7, 9, 10, 11):
            fits = order in orders
            for key in ("seg", "front") if order < 9 else ("meter",):
                t.check(name, "dc", order, "," + key, data if fits else -1, keys="d,n")
                if fits:
                    t.check(name, "discrim", 2, ",d,dom", 0)
                    t.check(name, "red" if order < 9 else "mnode", 38, ",n", 0)
                t.check(name, "other", order, "," + key, -1)
            for bad in ("pg", "nd", "dk0", "start", "dcc"):
                t.check(name, "dc", order, "," + bad, -1)
    t.do("kc sb 1 (,red)")
    t.do("kc sb 1 (,mnode)")
    t.do("kc dc 1 (,dom,sb)")
    for key in ("dc", "other"):
        t.check(name, key, KT + 4, code=0)


@limit(300)
def test_banks():
    """Banks, transformer and domain creators answer as published, with every right, and give everything back."""
    programs = [os.path.join(ROOT, "tests/keykos/self.ck")]
    passes(begin, *((lambda part: lambda t: t.steady("no leak", "sb", part))(part)
                    for part in (storage, again, counts, rights, transformer, deep, many, creators, refused, keepers)), programs=programs)
