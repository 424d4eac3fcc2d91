"""Conformance: circuits, the terminal of many branches, zappers."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, UNKNOWN, hexed, passes, u32, u64  # noqa: E402
from lib import limit  # noqa: E402

ECHO, RAW = 0x2000, 0x1000
LIMIT = 4096


def begin(t):
    t.supply()
    t.do("kc waitf 0 (,sb,m,sb) (,pause)")
    for n in range(1, 6):
        t.do("kc dkc 0 (%s) (,bid%d)" % (hexed(n.to_bytes(6, "big")), n))
    t.do("kc joinf 300 (,sb,m,sb) (,j,,,slot)")
    t.do("kfork slot 0 ()")


def later(t, key, order, send=""):
    """Calls the key; what it answers goes into the join j."""
    t.do("kc j 0 () (,j,,,slot)")
    t.do("kfork %s %d (%s,,,,slot)" % (key, order, send))


def answered(t, subject, code, string=None, keys=""):
    t.check(subject, "j", 1, code=code, string=string, keys=keys)


def terminal(t, switch=b"\x1b"):
    t.do("kc console 0 () (,sik,sok,cck)")
    t.do("kc tssf kt+5 (,sb,m,sb) (,,,,x)")
    t.do("kc x kt+5 (,sik,sok,cck) (,,,,x)")
    t.check("terminal maker", "x", 4, "%s,bid1" % hexed(switch), 0, keys="tm,s0,o0,c0")
    for n in (1, 2):
        t.check("terminal", "tm", 0, ",bid%d" % (n + 1), 0, keys="s%d,o%d,c%d" % (n, n, n))


def makers(t):
    name = "terminal maker"
    t.kind(name, "tssf", 0x90E)
    t.check(name, "tssf", 0xFFFFFFFF, ",fsf", 0)
    t.refuses(name, "tssf", [0xC0000001, 0xFFFFFFFE])
    for bad in ("pg", "dk0", "m"):
        t.check(name, "tssf", KT + 5, ",%s,m,sb" % bad, 1)
    t.check(name, "tssf", KT + 5, ",low,m,sb", 2)
    for order in (0, 1, 2, 4, 5):
        t.check(name, "tssf", order, ",sb,m,sb", 3)
    for order, key, code in ((2, "pg", 3), (4, "bid1", 3), (5, "pg", UNKNOWN), (0, "pg", UNKNOWN)):
        t.check(name, "tssf", KT + 5, ",sb,m,sb", KT + 5, keys=",,,x")
        if order == 4:
            for given in ("pg,nd,dk0", "sb,sb,sb"):
                t.check(name, "x", KT + 5, "," + given, KT + 5, keys=",,,x2")
                t.same(name, "x2", "x")
        t.check(name, "x", order, "," + key, code)
        t.kind(name, "x", DEAD)
    t.check(name, "tssf", KT + 5, ",sb,m,sb", KT + 5, keys=",,,x")
    t.check(name, "x", 2, ",console", 0, keys="sik,sok,cck")
    t.kind("circuit", "cck", 0x40E)
    t.kind("console device", "console", 0xC09)
    t.check("console device", "console", 0, code=0, keys="sik2,sok2,cck2")
    t.same("console device", "cck", "cck2")
    for key in ("sik", "sok"):
        t.kind("console device", key, DEAD)
    for order in (2, 3, 7, 6, 8, 9, 10, 11, 30, 31, 32, 33, 34, 35):
        t.check("console device", "console", order, hexed(b"\xff" * 32), 0)
    t.refuses("console device", "console", [1, 4, 5, 12, 29, 36, 64, KT + 1, KT + 4, KT + 5, 0xFFFFFFFF])


def circuits(t):
    """Reading, writing and controlling a branch that has its terminal's output, and what is typed at it by hand."""
    name = "circuit"
    terminal(t)
    t.kind(name, "c1", 0x20E)
    t.check(name, "c1", 1, string=bytes([0, 0, 0, 0, 80, 0, 24, 0]))
    for order in (3, 7, 5, 6, 8, 9, 10, 11, 14, 32, 40, 63, 512):
        t.check(name, "c1", order, code=0)
    t.refuses(name, "c1", [12, 13, 15, 31, 64, 255, 257, 1024, KT + 1, KT + 5, 0xFFFFFFFF])
    # output: as many bytes as one likes; the key comes back in position 3
    t.check("terminal", "tm", 3, ",c1", 0)
    for length in (0, 1, 10, 300):
        t.check(name, "o1", 0, hexed(b"-" * length + b"\n") if length else "", LIMIT, keys=",,,o")
        t.same(name, "o", "o1")
    t.refuses(name, "o1", [1, 2, 16, 4096, KT, KT + 4, 0xFFFFFFFF])
    # input: nothing before an activation character, or as many bytes as asked for
    t.refuses(name, "s1", [0, 0x4000, 0x8001, KT, KT + 4])
    t.check(name, "s1", 0xFFFFFFFF, code=0, string=b"")
    for read, typed, got, rest in ((20, b"line\r", b"line\r", b""), (20, b"two\rlines\r", b"two\r", b"lines\r"), (3, b"abcde\r", b"abc", b"de\r"),
                                   (RAW + 1, b"xy\r", b"x", b"y\r"), (LIMIT, b"all\r", b"all\r", b""), (100, b"ctl\x03c", b"ctl\x03", b"c"),
                                   (ECHO + 20, b"echo\r", b"echo\r", b"")):
        later(t, "s1", read)
        t.check("terminal", "tm", 8, ",c1", 0x28)
        t.check("terminal", "tm", 5, "%s,c1" % hexed(typed), 0)
        answered(t, name, 0, got, keys=",,,s")
        t.same(name, "s", "s1")
        t.check(name, "s1", 0xFFFFFFFF, code=0, string=rest)
        t.check("terminal", "tm", 8, ",c1", 0x08)
        # typed before it is read
        t.check("terminal", "tm", 5, "%s,c1" % hexed(typed), 0)
        t.check(name, "s1", read, code=0, string=got)
        t.check(name, "s1", 0xFFFFFFFF, code=0, string=rest)
    # another reader at the same time; activation by hand; masks; gobbling
    later(t, "s1", 20)
    t.check(name, "s1", 20, code=UNKNOWN)
    t.check("terminal", "tm", 5, "%s,c1" % hexed(b"half"), 0)
    t.check(name, "c1", 6, code=0)
    answered(t, name, 0, b"half")
    mask = bytearray(32)
    mask[ord("b") // 8] = 0x80 >> ord("b") % 8
    t.check(name, "c1", 256, hexed(bytes(mask)), 0)
    later(t, "s1", 20)
    t.check("terminal", "tm", 5, "%s,c1" % hexed(b"a\rba"), 0)
    answered(t, name, 0, b"a\rb")
    t.check(name, "s1", 0xFFFFFFFF, code=0, string=b"a")
    t.check(name, "c1", 3, code=0)
    t.check("terminal", "tm", 5, "%s,c1" % hexed(b"lost"), 0)
    t.check(name, "c1", 7, code=0)
    t.check(name, "s1", 0xFFFFFFFF, code=0, string=b"")
    # new keys: the old ones are dead, and who reads with one hears of it
    later(t, "s1", 20)
    for order in (0, 4):
        t.check(name, "c1", order, keys="s,o,c")
        t.same(name, "c", "c1")
        answered(t, name, DEAD)
        for key in ("s1", "o1"):
            t.kind(name, key, DEAD)
        t.check(name, "o", 0, hexed(b"=\n"), LIMIT)
        t.do("kc returner 0 (,s,o) (,s1,o1)")
        later(t, "s1", 20)
    t.check(name, "c1", 2, code=0)
    answered(t, name, DEAD)
    t.check("terminal", "tm", 4, keys="sik,sok,cck")
    t.check(name, "sok", 0, "", LIMIT)
    for key in ("tm", "s0", "o0", "c0", "s1", "c2"):
        t.kind(name, key, DEAD)


def branches(t):
    name = "terminal"
    terminal(t)
    t.kind(name, "tm", 0x1060E)
    t.refuses(name, "tm", [6, 9, 16, 64, KT + 1, KT + 5, 0xFFFFFFFF])
    for order in (1, 2, 3, 5, 8):
        for bad in ("pg", "cck", "s1", "dk0", "bid2"):
            t.check(name, "tm", order, "," + bad, 1)
    t.check(name, "tm", 1, ",c0", 2)
    for key, bits in (("c0", 0x1A), ("c1", 0), ("c2", 0)):
        t.check(name, "tm", 8, "," + key, bits)
    # who has the input: what is typed below goes there
    for key, bits0, bits1 in (("c1", 0x0A, 0x10), ("c0", 0x1A, 0)):
        t.check(name, "tm", 2, "," + key, 0)
        t.check(name, "tm", 8, ",c0", bits0)
        t.check(name, "tm", 8, ",c1", bits1)
    # output waits until the branch has it
    later(t, "o1", 0, hexed(b"waiting\n"))
    t.check(name, "tm", 8, ",c1", 4)
    t.check(name, "tm", 7, code=1, keys="c,b")
    t.same(name, "c", "c1")
    t.same(name, "b", "bid2")
    t.check(name, "tm", 3, ",c1", 0)
    answered(t, name, LIMIT, keys=",,,o")
    t.same(name, "o", "o1")
    t.check(name, "tm", 8, ",c1", 8)
    t.check(name, "tm", 8, ",c0", 0x12)
    # input at a branch that has it not: that branch is active
    t.check(name, "tm", 5, "%s,c2" % hexed(b"psst\r"), 0)
    t.check(name, "tm", 7, code=2, keys="c,b")
    t.same(name, "c", "c2")
    t.same(name, "b", "bid3")
    later(t, "tm", 7)
    t.check(name, "tm", 7, code=-1)
    t.check(name, "tm", 5, "%s,c1" % hexed(b"x"), 0)
    answered(t, name, 2, keys="c")
    t.same(name, "c", "c1")
    later(t, "tm", 7)
    t.check(name, "s2", 20, code=0, string=b"psst\r")
    # the end of a branch, and of the terminal, is told
    t.check(name, "tm", 1, ",c2", 0)
    for key in ("s2", "o2", "c2"):
        t.kind(name, key, DEAD)
    t.check(name, "tm", 1, ",c2", 1)
    t.check(name, "tm", 0, ",bid4", 0, keys="s2,o2,c2")
    t.check(name, "tm", KT + 4, code=0, keys="sik,sok,cck")
    answered(t, name, DEAD)
    for key in ("tm", "c0", "c1", "c2", "s2"):
        t.kind(name, key, DEAD)
    t.check("circuit", "sok", 0, "", LIMIT)
    # a bank too small for a branch
    t.do("kc sbt 5 (%s,sb) (,few)" % hexed(u32(3, 9)))
    t.do("kc tssf kt+5 (,few,m,few) (,,,,x)")
    t.do("kc x kt+5 (,sik,sok,cck) (,,,,x)")
    t.check("terminal maker", "x", 4, ",bid1", 2)
    t.check("space bank", "few", 5, string=u32(3))
    t.do("kc few kt+4")


def zappers(t):
    name = "zapper"
    terminal(t)
    t.check(name, "tssf", 3, ",sb,m,sb", 0, keys="z,zs,zo,zc")
    t.kind(name, "z", 0x1050E)
    t.kind(name, "zc", 0x50E)
    t.refuses(name, "z", [3, 4, 5, 16, 64, KT + 1, KT + 5, 0xFFFFFFFF])
    t.check(name, "z", 1, code=2)
    t.check(name, "z", 2, code=2)
    for bad in ("pg", "dk0", "s1", "zc"):
        t.check(name, "z", 0, ",s1,o1,%s" % bad, 3)
    # what is written before there is a circuit waits
    later(t, "zo", 0, hexed(b"early"))
    t.check(name, "z", 0, ",s1,o1,c1", 0)
    for key in ("s1", "o1"):
        t.kind(name, key, DEAD)
    t.check(name, "z", 0, ",s2,o2,c2", 1)
    t.check("terminal", "tm", 3, ",c1", 0)
    t.do("kc zc 0 () (,zs,zo,zc)")
    answered(t, name, DEAD)
    t.check(name, "zo", 0, hexed(b"+\n"), LIMIT, keys=",,,o")
    t.same(name, "o", "zo")
    t.check("terminal", "tm", 5, "%s,c1" % hexed(b"up\r"), 0)
    t.check(name, "zs", 20, code=0, string=b"up\r")
    later(t, "z", 1)
    t.check(name, "z", 1, code=1)
    t.check(name, "z", 2, code=0)
    answered(t, name, 0)
    t.check(name, "z", 2, code=2)
    t.check(name, "z", 1, code=2)
    t.check(name, "z", 0, ",s2,o2,c2", 0)
    t.check(name, "zc", 2, code=0)
    t.check(name, "z", 1, code=2)
    t.check(name, "z", 0, ",s2,o2,c2", 0)
    # the circuit below ends: the zapper has none
    later(t, "z", 1)
    t.check("terminal", "tm", 1, ",c2", 0)
    answered(t, name, 0)
    t.check(name, "z", 1, code=2)
    t.check(name, "z", 0, ",s1,o1,c1", 0)
    later(t, "z", 1)
    t.check(name, "z", KT + 4, code=0)
    answered(t, name, DEAD)
    for key in ("z", "zs", "zo", "zc"):
        t.kind(name, key, DEAD)
    t.check("terminal", "tm", 4, code=0)


@limit(300)
def test_terminals():
    """Circuits, terminals of many branches and zappers answer as published; who waits hears of every end."""
    passes(begin, *((lambda part: lambda t: t.steady("no leak", "sb", part))(part) for part in (makers, circuits, branches, zappers)))


def switchers(t):
    """Short: while a switcher reads at its control branch, the console's input is the switcher's."""
    name = "switcher"
    t.check(name, "switcherf", 0, ",sb,m,sb", UNKNOWN)
    t.check(name, "switcherf", KT + 5, ",sb,m,sb", KT + 5, keys=",,,x")
    t.check(name, "x", 0, ",sb,sb,sb", 3)
    t.do("kc console 0 () (,sik,sok,cck)")
    t.check(name, "switcherf", KT + 5, ",sb,m,sb", KT + 5, keys=",,,x")
    t.do("kc x 0 (,sik,sok,cck) (,sw)")
    t.kind(name, "sw", 0x90D)
    t.do("kc sw 0 () (one,s1,o1,c1)")
    t.check(name, "sw", 0, string=b"b\0", keys="s2,o2,c2")
    t.kind(name, "c2", 0x50E)
    t.check(name, "sw", 5, "%ab", 0, string=u32(0))
    t.check(name, "sw", 4, "%ab", 0)
    t.check(name, "sw", 5, "%ab", 0, string=u32(0x18))
    t.check(name, "sw", 5, "%aa", 0, string=u32(0))
    t.check(name, "o2", 0, hexed(b"out\n"), LIMIT)
    t.check(name, "sw", 4, "%ac", 1)
    t.check(name, "sw", 5, "%ac", 1, string=u32(0))
    t.check(name, "sw", 3, "%ab", 0)
    t.kind(name, "s2", DEAD)
    t.check(name, "sw", 3, "%ab", 0)
    t.check(name, "sw", 0, string=b"b\0", keys="s2,o2,c2")
    t.refuses(name, "sw", [1, 2, 6, KT + 1, 0xFFFFFFFF])
    t.check(name, "sw", KT + 4, code=0)
    for key in ("sw", "s1", "c2"):
        t.kind(name, key, DEAD)
    t.do("kc pause 4 (%s)" % hexed(u64(100000)))


@limit(120)
def test_switcher():
    """A switcher makes, names, switches and ends branches, and leaves nothing of its three domains."""
    def whole(t):
        t.do("kc waitf 0 (,sb,m,sb) (,pause)")
        t.kind("switcher factory", "switcherf", 0x1090D)
        t.steady("no leak", "sb", switchers)
    passes(whole)


def user(t, name, password, connection, kind):
    """An authority for one user, its record in the collection lud."""
    t.check("authority", "authf", 0, ",sb,m,sb", 0, keys="a,am")
    t.check("authority", "am", 7, "%a" + password, 0)
    t.check("authority", "am", 5, "%%x%02X,%s" % (kind, connection), 0)
    t.do("kc sb 0 () (,u)")
    for slot, key in enumerate(("a", "sb", "m", "sb")):
        t.do("kc u %d (,%s)" % (16 + slot, key))
    t.do("kc lud 6 (%s,u)" % hexed(bytes([len(name)]) + name.encode()))
    t.do("kc returner 0 (,a,am,u) (,a_%s,am_%s,u_%s)" % (name, name, name))


def ends(t, name):
    t.check("authority", "am_" + name, KT + 4, code=0)
    t.do("kc sb 1 (,u_%s)" % name)


def typed(t, text):
    t.check("terminal", "tm", 5, "%s,c1" % hexed(text), 0)
    t.do("kc pause 4 (%s)" % hexed(u64(20000)))


def authorities(t):
    name = "authority"
    t.kind(name, "authf", 0x165)
    for bad in ("pg", "dk0"):
        t.check(name, "authf", 0, ",%s,m,sb" % bad, 1)
    t.check(name, "authf", 0, ",low,m,sb", 2)
    terminal(t)
    t.check("terminal", "tm", 3, ",c1", 0)
    t.do("kc rcf 1 (,sb,m,sb) (,lud)")
    user(t, "ann", "secret", "dk0", 3)
    t.kind(name, "a", 0x65)
    t.kind(name, "am", 0x65)
    t.check(name, "am", 1, keys="a2")
    t.same(name, "a2", "a")
    t.check(name, "am", 3, code=4)
    for entry, key in (("home", "pg"), ("work", "nd"), ("mail", "sb")):
        t.check(name, "am", 2, "%%a%s,%s" % (entry, key), 0)
    t.check(name, "am", 2, "%awork,pg", 0)
    t.check(name, "am", 3, code=0, string=b"home", keys="k")
    t.same(name, "k", "pg")
    t.check(name, "am", 4, "%ahome", 0, string=b"mail", keys="k")
    t.same(name, "k", "sb")
    t.check(name, "am", 4, "%amail", 0, string=b"work", keys="k")
    t.same(name, "k", "pg")
    t.check(name, "am", 4, "%awork", 4)
    t.check(name, "am", 6, ",pg", 0)
    t.refuses(name, "am", [0, 8, 9, 64, KT + 1, KT + 5, 0xFFFFFFFF])
    t.refuses(name, "a", [0, 1, 2, 64, KT + 1, KT + 4, 0xFFFFFFFF])
    # an unknown request; then the password, wrong and right
    t.check(name, "a", KT + 5, ",sb,m,sb", KT + 5, keys=",,,x")
    t.check(name, "x", 1, "%aann,s1,o1,c1", UNKNOWN)
    for tries, code in (((b"secret",), 0), ((b"no", b"secret"), 0), ((b"no", b"nor", b"secret"), 0), ((b"no", b"nor", b"never"), 1)):
        t.do("kc a kt+5 (,sb,m,sb) (,,,,x)")
        t.do("kc j 0 () (,j,,,slot)")
        t.do("kfork x 0 (%aann,s1,o1,c1,slot)")
        for word in tries:
            typed(t, word + b"\r")
        answered(t, name, code)
    # what he is connected to: a zapper, until it is disconnected
    t.do("kc tssf 3 (,sb,m,sb) (,z,zs,zo,zc)")
    user(t, "bob", "pw", "z", 0)
    t.do("kc a kt+5 (,sb,m,sb) (,,,,x)")
    t.do("kc j 0 () (,j,,,slot)")
    t.do("kfork x 0 (%abob,s1,o1,c1,slot)")
    typed(t, b"pw\r")
    t.check("terminal", "tm", 5, "%s,c1" % hexed(b"to bob\r"), 0)
    t.check(name, "zs", 20, code=0, string=b"to bob\r")
    t.check("zapper", "z", 2, code=0)
    answered(t, name, 0)
    # the zapper is taken, and what is no connection
    for connection, kind, code in (("discrim", 0, 2), ("discrim", 1, KT + 3), ("discrim", 4, KT + 3), ("z", 2, UNKNOWN), ("z", 9, UNKNOWN)):
        t.check(name, "am", 5, "%%x%02X,%s" % (kind, connection), 0)
        t.do("kc c1 0 () (,s1,o1)")
        t.do("kc a kt+5 (,sb,m,sb) (,,,,x)")
        t.do("kc j 0 () (,j,,,slot)")
        t.do("kfork x 0 (%abob,s1,o1,c1,slot)")
        typed(t, b"pw\r")
        answered(t, name, code)
    # a factory that speaks the extended jump: the terminal system, which makes a terminal of his circuit
    t.check(name, "am", 5, "%x01,tssf", 0)
    t.do("kc c1 0 () (,s1,o1)")
    t.do("kc a kt+5 (,sb,m,sb) (,,,,x)")
    t.do("kc j 0 () (,j,,,slot)")
    t.do("kfork x 0 (%abob,s1,o1,c1,slot)")
    typed(t, b"pw\r")
    answered(t, name, 0, keys="tm2")
    t.kind("terminal", "tm2", 0x1060E)
    t.check("terminal", "tm2", 4, code=0)
    # the circuit goes while the password is asked for
    t.do("kc c1 0 () (,s1,o1)")
    t.do("kc a kt+5 (,sb,m,sb) (,,,,x)")
    t.do("kc j 0 () (,j,,,slot)")
    t.do("kfork x 0 (%abob,s1,o1,c1,slot)")
    t.do("kc pause 4 (%s)" % hexed(u64(20000)))
    t.check("circuit", "c1", 2, code=0)
    answered(t, name, 1)
    for who in ("ann", "bob"):
        ends(t, who)
        t.kind(name, "a_" + who, DEAD)
    t.check("zapper", "z", KT + 4, code=0)
    t.check("terminal", "tm", 4, code=0)
    t.do("kc lud kt+4")


def receptionists(t):
    name = "receptionist"
    t.kind(name, "recepf", 0x23E)
    t.check(name, "recepf", 0, ",sb,m,sb", UNKNOWN)
    terminal(t)
    t.check("terminal", "tm", 3, ",c1", 0)
    t.do("kc rcf 1 (,sb,m,sb) (,lud)")
    t.do("kc tssf 3 (,sb,m,sb) (,z,zs,zo,zc)")
    user(t, "ann", "secret", "z", 0)
    user(t, "ROOT", "pw", "dk0", 3)
    t.check(name, "recepf", KT + 5, ",sb,m,sb", KT + 5, keys=",,,x")
    t.check(name, "x", 0, ",lud", 0, keys="r")
    t.kind(name, "r", 0x3E)
    t.refuses(name, "r", [1, 2, 64, KT + 1, KT + 5, 0xFFFFFFFF])
    t.do("kc j 0 () (,j,,,slot)")
    t.do("kfork r 0 (,s1,o1,c1,slot)")
    typed(t, b"nobody\r")
    typed(t, b"\r")
    typed(t, b"ann\r")
    typed(t, b"secret\r")
    t.check("terminal", "tm", 5, "%s,c1" % hexed(b"to ann\r"), 0)
    t.check(name, "zs", 20, code=0, string=b"to ann\r")
    t.check("zapper", "z", 2, code=0)
    t.do("kc pause 4 (%s)" % hexed(u64(50000)))
    # the next user: found in capitals
    t.check("terminal", "tm", 8, ",c1", 0x28)
    typed(t, b"root\r")
    typed(t, b"pw\r")
    t.check("terminal", "tm", 8, ",c1", 0x28)
    # the circuit is dropped
    t.check("circuit", "c1", 2, code=0)
    answered(t, name, 4)
    t.check(name, "r", 0, ",,,discrim", 4)
    t.check(name, "r", KT + 4, code=0)
    t.kind(name, "r", DEAD)
    for who in ("ann", "ROOT"):
        ends(t, who)
    t.check("zapper", "z", KT + 4, code=0)
    t.check("terminal", "tm", 4, code=0)
    t.do("kc lud kt+4")


@limit(300)
def test_logon():
    """A receptionist greets, finds the user and passes him to his authority, which asks for the password and connects."""
    passes(begin, *((lambda part: lambda t: t.steady("no leak", "sb", part))(part) for part in (authorities, receptionists)))
