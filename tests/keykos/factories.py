"""Conformance: key sets and the family of factories."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, UNKNOWN, hexed, passes, u32  # noqa: E402
from lib import ROOT, limit  # noqa: E402

KEYS = ("pg", "pgro", "nd", "d6", "discrim", "sb", "fc", "m")


def entry(program):
    """The address of a program's first instruction, for the builder: word 4 of its header."""
    with open(os.path.join(ROOT, "build/keykos", program + ".kk"), "rb") as file:
        return hexed(file.read(20)[16:])


def keys(t):
    t.do("kc sb 16 () (,pg)")
    t.do("kc pg 0 () (,pgro)")
    t.do("kc sb 0 () (,nd)")
    t.do("kc dkc 0 (%x010203040506) (,d6)")
    t.do("kc dkc 0 () (,dk0)")
    t.do("kc sbt 5 (%s,sb) (,low)" % hexed(u32(0, 0)))


def factory_gone(t, requestor):
    t.do("kc fc 7 (,%s) (,gone)" % requestor)
    t.check("builder", "gone", KT + 4, code=0)


def key_sets(t):
    name = "key set"
    t.kind("creator of key sets", "kidc", 0x127)
    t.refuses("creator of key sets", "kidc", [1, 2, 3, 6, 16, KT + 4, KT + 5, 0xFFFFFFFF])
    for key in ("pg", "m", "discrim", "dk0"):
        t.check("creator of key sets", "kidc", 0, "%s,%s,m,sb" % (hexed(u32(10)), key), 1)
    t.check("creator of key sets", "kidc", 0, "%s,sb,m,pg" % hexed(u32(301)), 1)
    t.check("creator of key sets", "kidc", 0, "%s,sb,m,pg" % hexed(u32(300)), 0, keys="set")
    t.check("creator of key sets", "kidc", 0, "%s,sb,m,sb" % hexed(u32(1000)), 0, keys="other")
    t.check("creator of key sets", "kidc", 0, ",low,m,sb", 2)
    t.kind(name, "set", 0x27)
    t.check(name, "set", 4, ",other", 0)
    t.check(name, "set", 4, ",set", 0)
    for number, key in enumerate(KEYS):
        t.check(name, "set", 2, "," + key, 1)
        t.check(name, "set", 3, "," + key, 1)
        t.check(name, "set", 1, "%s,%s" % (hexed(u32(number + 100)), key), 0)
        t.check(name, "set", 2, "," + key, 0, string=u32(number + 100))
        t.check(name, "other", 4, ",set", 1)
        t.check(name, "set", 4, ",other", 0)
    for number, key in enumerate(KEYS):
        t.check(name, "set", 1, "%s,%s" % (hexed(u32(number)), key), 0)
        t.check(name, "set", 2, "," + key, 0, string=u32(number))
    for key in ("pg", "m", "dk0", "kidc"):
        for order in (4, 5, 6):
            t.check(name, "set", order, "," + key, 4)
    t.check(name, "other", 6, ",set", 0)
    t.check(name, "other", 4, ",set", 0)
    t.check(name, "set", 4, ",other", 0)
    t.check(name, "other", 2, ",nd", 0, string=u32(2))
    t.check(name, "set", 3, ",nd", 0)
    t.check(name, "set", 2, ",nd", 1)
    t.check(name, "set", 4, ",other", 1)
    t.check(name, "other", 4, ",set", 0)
    t.check(name, "other", 3, ",pg", 0)
    t.check(name, "other", 5, ",set", 0)
    for key in KEYS:
        t.check(name, "other", 2, "," + key, 1 if key in ("nd", "pg") else 0)
    t.refuses(name, "set", [0, 7, 16, 64, KT + 1, KT + 5, 0xFFFFFFFF])
    t.check("discrim", "discrim", 0, ",set", 3)
    t.check("discrim", "discrim", 1, ",set", 1)
    for key in ("set", "other"):
        t.check(name, key, KT + 4, code=0)
        t.kind(name, key, DEAD)


def key_sets_full(t):
    """The set takes as many keys as were asked for, and one more is refused."""
    t.check("creator of key sets", "kidc", 0, "%s,sb,m,sb" % hexed(u32(305)), 0, keys="set")
    for n in range(305):
        t.do("kc dkc 0 (%s) (,k)" % hexed(n.to_bytes(6, "big")))
        t.check("key set", "set", 1, "%s,k" % hexed(u32(n)), 0)
    t.check("key set", "set", 1, "%s,k" % hexed(u32(7)), 0)
    t.check("key set", "set", 1, "%s,pg" % hexed(u32(7)), 1)
    t.check("key set", "set", KT + 4, code=0)


def old_keys(t):
    """A key to what was destroyed is dead for good, also when the next object is made."""
    for destroyed, make in (("kidc 0 (,sb,m,sb)", "kidc 0 (,sb,m,sb)"), ("sb 67 ()", "kidc 0 (,sb,m,sb)"),
                            ("fc 0 (,sb)", "sb 67 ()")):
        t.do("kc %s (,gone)" % destroyed)
        t.do("kc gone kt+4")
        t.do("kc %s (,next)" % make)
        t.kind("old key", "gone", DEAD)
        t.check("old key", "gone", 1, ",pg", DEAD)
        t.check("old key", "gone", KT + 4, code=DEAD)
        t.check("old key", "next", KT + 4, code=0)


def dead_members(t):
    """What is no more, what never was and DK(0) are one member of a set, as they are one key to discrim."""
    t.do("kc kidc 0 (%s,sb,m,sb) (,set)" % hexed(u32(10)))
    for key in ("dk0", "gone", ""):
        t.do("kc sb 16 () (,gone)")
        t.check("key set", "set", 1, "%s,gone" % hexed(u32(1)), 0)
        t.do("kc sb 17 (,gone)")
        t.check("key set", "set", 2, ",gone", 1)
        t.check("key set", "set", 1, "%s,%s" % (hexed(u32(9)), key), 0)
        for same in ("dk0", "gone", ""):
            t.check("key set", "set", 2, "," + same, 0, string=u32(9))
            t.check("discrim", "discrim", 2, ",dk0," + same, 0)
        t.check("key set", "set", 2, ",d6", 1)
        t.check("key set", "set", 3, "," + key, 0)
        t.check("key set", "set", 2, ",dk0", 1)
    t.check("key set", "set", KT + 4, code=0)


def creators(t):
    t.kind("creator of factory creators", "fcc", 0x31E)
    t.refuses("creator of factory creators", "fcc", [1, 2, 4, 64, KT + 4, KT + 5, 0xFFFFFFFF])
    t.check("creator of factory creators", "fcc", 0, ",pg,m", 1)
    t.check("creator of factory creators", "fcc", 0, ",low,m", 2)
    t.check("creator of factory creators", "fcc", 0, ",sb,m", 0, keys="f0")
    name = "factory creator"
    t.kind(name, "f0", 0x1E)
    t.check(name, "f0", 5, keys="f1")
    t.check(name, "f0", 4, keys="f2")
    t.check(name, "f1", 4, keys="f2")
    t.check(name, "f2", 5, keys="f2b")
    for key in ("f1", "f2", "f2b"):
        t.kind(name, key, 0x1E)
        t.check(name, key, KT + 4, code=UNKNOWN)
    for key in ("pg", "m", "dk0"):
        for order in (0, 1, 2, 3):
            t.check(name, "f0", order, "%s,%s,pg" % (hexed(u32(10)), key), 1)
    t.check(name, "f0", 0, ",low", 2)
    t.check(name, "f0", 0, ",sb", 0, keys="b")
    for order in (2, 3):
        t.check(name, "f0", order, "%s,sb,b,pg" % hexed(u32(301)), 3)
        t.check(name, "f0", order, "%s,sb,b,sb" % hexed(u32(500001)), 4)
    for order in (1, 3):
        for key in ("pg", "dcc", "fc", "dk0"):
            t.check(name, "f0", order, "%s,sb,%s,sb" % (hexed(u32(10)), key), 5)
    t.check(name, "f0", 1, ",sb,b", 0, keys="b1")
    t.check(name, "f0", 2, "%s,sb,,sb" % hexed(u32(1000)), 0, keys="b2")
    t.check(name, "f0", 3, "%s,sb,b,sb" % hexed(u32(1000)), 0, keys="b3")
    t.check(name, "b", 69, keys="dc")
    t.check(name, "b1", 69, keys="dc1")
    t.check("discrim", "discrim", 2, ",dc,dc1", 0)
    t.check(name, "b2", 69, keys="dc2")
    t.check("discrim", "discrim", 2, ",dc,dc2", 1)
    t.check(name, "b", 66, keys="r,f")
    for key, fetcher, builder in (("f0", 0, 0), ("f1", 0, UNKNOWN), ("f2", UNKNOWN, UNKNOWN)):
        t.check(name, key, 6, ",r", fetcher, keys="fx")
        t.check(name, key, 7, ",r", builder, keys="bx")
        if fetcher == 0:
            t.check(name, key, 6, ",pg", -1)
            t.check(name, key, 6, ",f", 0)
            t.check(name, key, 6, ",joinf", -1)
    # Anybody can get a creator: it must not see into what another made.
    t.check("creator of factory creators", "fcc", 0, ",sb,m", 0, keys="alien")
    for order in (6, 7):
        for key in ("r", "f", "b"):
            t.check(name, "alien", order, "," + key, -1)
    t.check(name, "alien", KT + 4, code=0)
    # What has no program is no requestor: nothing begins that could not run.
    t.check("requestor", "r", 20, ",sb,m,sb", KT + 2)
    t.kind("requestor", "r", 0xFF1E)
    t.check("requestor", "r", -1, ",r", 0)
    t.check("builder", "b", 17, ",counter.s", 0)
    t.check("builder", "b", 66, keys="r2")
    t.unlike("requestor", "kc discrim 2 (,r,r)", "kc discrim 2 (,r,r2)")
    t.check("builder", "b", 17, ",dk0", 0)
    t.do("kc f0 6 (,r) (,fx)")
    t.check("discrim", "discrim", 2, ",fx,f", 0)
    t.do("kc f0 7 (,r) (,bx)")
    t.check("discrim", "discrim", 2, ",bx,b", 0)
    t.refuses(name, "f0", [8, 16, 32, 64, KT + 1, KT + 5, 0xFFFFFFFF])
    for key in ("b3", "b2", "b1", "b"):
        t.check("builder", key, KT + 4, code=0)
        t.kind("builder", key, DEAD)
    for key in ("r", "f", "dc"):
        t.kind("requestor", key, DEAD)
    t.check(name, "f0", KT + 4, code=0)
    t.kind(name, "f0", DEAD)


def builders(t):
    name = "builder"
    t.do("kc fc 0 (,sb) (,b)")
    t.kind(name, "b", 0x11E)
    for slot in range(19):
        t.check(name, "b", slot, ",pg", 2)
        t.check(name, "b", slot, ",sb", 2)
        t.check(name, "b", slot, "%s,pgro" % hexed(u32(0x40)), 0)
        t.check(name, "b", 32 + slot, ",pgro", 2)
        t.check(name, "b", 32 + slot, ",nd", 2)
        t.check(name, "b", 32 + slot, "%s,dcc" % hexed(u32(0x44)), 0)
        t.check(name, "b", 96 + slot, code=0, keys="k")
        t.check("discrim", "discrim", 2, ",k,dcc", 0)
        t.check(name, "b", slot, "%s,%s" % (hexed(u32(0x48)), ("d6", "dkc", "returner", "discrim")[slot % 4]), 0)
        t.check(name, "b", 96 + slot, code=0, keys="k")
        t.check("discrim", "discrim", 2, ",k," + ("d6", "dkc", "returner", "discrim")[slot % 4], 0)
    t.check(name, "b", 64, hexed(u32(0x4711)), 0)
    t.check(name, "b", 65, hexed(u32(77)), 0)
    t.check(name, "b", 96, code=0, string=u32(0x48, 0x4711) + bytes([0, 0, 0, 2]) + u32(77))
    for slot in (0, 8, 18):
        t.check(name, "b", 32 + slot, ",kidc", 0)
    t.check(name, "b", 100, code=0, string=u32(0x48, 0x4711) + bytes([0x80, 0x80, 0x20, 2]) + u32(77))
    for slot in range(19):
        t.check(name, "b", 128 + slot, ",%s" % ("pg" if slot % 2 else "nd"), 0)
    t.check(name, "b", 66, keys="r,f")
    t.check(name, "b", 96, code=0, string=u32(0, 0x4711) + bytes([0, 0, 0, 6]) + u32(77))
    for slot in range(19):
        t.check(name, "b", 128 + slot, ",sb", 2)
        t.check(name, "b", 128 + slot, ",%s" % ("nd" if slot % 2 else "pg"), 0)
    t.refuses(name, "b", [19, 31, 51, 63, 68, 70, 95, 115, 127, 147, 200, KT + 1, KT + 5, 0xFFFFFFFF])
    t.kind("requestor", "r", 0x4711)
    t.kind("fetcher", "f", 0x4711)
    for slot in range(16):
        t.check("fetcher", "f", slot, keys="k")
        t.check("discrim", "discrim", 2, ",k,%s" % ("nd" if slot % 2 else "pg"), 0)
    t.check("fetcher", "f", 66, keys="r2,f2")
    t.check("discrim", "discrim", 2, ",r,r2", 0)
    t.check("discrim", "discrim", 2, ",f,f2", 0)
    t.check("fetcher", "f", 96, code=0, string=u32(0, 0x4711) + bytes([0, 0, 0, 6]) + u32(77))
    t.refuses("fetcher", "f", [19, 32, 64, 65, 67, 69, 128, KT + 4, KT + 5])
    t.refuses("requestor", "r", [0xC0000001, 0xE0000000, 0xFFFFFFFE])
    for key in ("pg", "m", "dk0"):
        t.check("requestor", "r", 0, ",%s,m,sb" % key, 1)
    t.check("requestor", "r", 0, ",sb,pg,sb", 2)
    t.check("requestor", "r", 0, ",low,m,sb", 2)
    t.check(name, "b", KT + 4, code=0)
    t.kind("fetcher", "f", DEAD)


def copies(t):
    t.do("kc fc 0 (,sb) (,b)")
    t.do("kc b 0 (,d6)")
    t.do("kc b 17 (%s,pgro)" % hexed(u32(0x40)))
    t.do("kc b 129 (,pg)")
    t.do("kc b 34 (,kidc)")
    t.do("kc b 64 (%s)" % hexed(u32(0x99)))
    t.check("copy key", "b", 67, keys="c")
    t.kind("copy key", "c", 0x21E)
    t.refuses("copy key", "c", [2, 3, 64, 66, 69, 128, KT + 4, KT + 5, 0xFFFFFFFF])
    t.check("copy key", "c", 96, code=0, string=u32(0x40, 0x99) + bytes([0x20, 0, 0, 2]) + u32(0))
    for key in ("pg", "dk0"):
        t.check("copy key", "c", 0, "," + key, 1)
    t.check("copy key", "c", 0, ",low", 2)
    t.check("copy key", "c", 0, "%s,sb,,pg" % hexed(u32(400)), 3)
    for order, flags, address in ((0, 2, 0x40), (1, 0, 0)):
        t.check("copy key", "c", order, ",sb", 0, keys="n")
        t.kind("copy key", "n", 0x11E)
        t.check("copy key", "n", 96, code=0, string=u32(address, 0x99) + bytes([0x20, 0, 0, flags]) + u32(0), keys="k")
        t.check("discrim", "discrim", 2, ",k,d6", 0)
        t.check("copy key", "n", 97, code=0, keys="k")
        t.check("discrim", "discrim", 2, ",k,pg", 0)
        t.check("copy key", "n", 66, keys="nr")
        t.do("kc b 66 () (,r)")
        t.check("copy key", "r", -1 & 0xFFFFFFFF, ",nr", 0)
        t.check("copy key", "nr", -1 & 0xFFFFFFFF, ",r", 0)
        t.check("copy key", "n", KT + 4, code=0)
    t.do("kc b kt+4")


def confinement(t):
    """Order code -1 compares holes; a factory takes over the holes of its components."""
    name = "confinement"
    for key, holes in (("n", ()), ("p", ("pg",)), ("q", ("nd",)), ("pq", ("nd", "pg")), ("ppq", ("pg", "nd", "pg"))):
        t.do("kc fc 0 (,sb) (,b%s)" % key)
        for slot, hole in enumerate(holes):
            t.check(name, "b" + key, 128 + slot, "," + hole, 0)
    # one with no hole of its own, and two components that are factories
    t.do("kc fc 0 (,sb) (,bi)")
    for key in ("p", "q"):
        t.do("kc b%s 66 () (,r%s,f%s)" % (key, key, key))
    t.check(name, "bi", 32, ",rp", 0)
    t.check(name, "bi", 33, ",fq", 0)
    for key in ("n", "pq", "ppq", "i"):
        t.do("kc b%s 66 () (,r%s,f%s)" % (key, key, key))
    sets = {"n": "", "p": "p", "q": "q", "pq": "pq", "ppq": "pq", "i": "pq"}
    for mine in sets:
        for other in sets:
            no_riskier = set(sets[other]) <= set(sets[mine])
            t.check(name, "r" + mine, 0xFFFFFFFF, ",r" + other, 0 if no_riskier else 1)
            t.check(name, "f" + mine, 0xFFFFFFFF, ",f" + other, 0 if no_riskier else 1)
        for key in ("pg", "b" + mine, "dk0", "discrim"):
            t.check(name, "r" + mine, 0xFFFFFFFF, "," + key, 2)
        for key in ("fcc", "fc", "kidc", "dcc"):
            t.check(name, "r" + mine, 0xFFFFFFFF, "," + key, 0)
    t.check(name, "bn", 32, ",rp", 3)
    t.check(name, "bpq", 32, ",rp", 0)
    t.check(name, "bpq", 33, ",rpq", 0)
    for key in sets:
        t.check(name, "b" + key, KT + 4, code=0)


def births(t):
    """A program, and a keeper, that are factories: asked with order code 2, their answer is the memory or the keeper."""
    name = "component factory"
    t.do("cfact memf give.s 0x77 s0=counter.s")
    t.do("cfact failf fail.s 0x77")
    t.do("kc fc 0 (,sb) (,b)")
    t.check(name, "b", 32 + 17, "%s,memf" % entry("counter"), 0)
    t.check(name, "b", 66, keys="r")
    t.check(name, "r", 0, ",sb,m,sb", 0, keys="ctr")
    t.check(name, "ctr", 0, string=u32(1))
    # the loader's form: a fetcher whose component 1 is the program, and no start address
    t.do("kc fc 0 (,sb) (,lb)")
    t.check("builder", "lb", 0, ",d6", 0)
    t.check("builder", "lb", 1, ",counter.s", 0)
    t.check("builder", "lb", 66, keys="loader")
    for address in (0xFFFFFFFF, 0xFFFFFFFD):
        t.do("kc fc 0 (,sb) (,b2)")
        t.check(name, "b2", 32 + 17, "%s,loader" % hexed(u32(address)), 0)
        t.check(name, "b2", 66, keys="r2")
        t.check(name, "r2", 0, ",sb,m,sb", 0, keys="ctr2")
        t.check(name, "ctr2", 0, string=u32(1))
        t.check(name, "ctr2", 0, string=u32(2))
        t.check(name, "ctr2", KT + 4, code=0)
        # one that has nothing to load
        t.check(name, "b2", 32 + 17, "%s,r" % hexed(u32(address)), 0)
        t.check(name, "r2", 0, ",sb,m,sb", DEAD)
        t.check(name, "b2", 32 + 17, "%s,kidc" % hexed(u32(address)), 0)
        t.check(name, "r2", 0, ",sb,m,sb", DEAD)
        # and a fetcher that is asked as if it made memory
        t.check(name, "b2", 32 + 17, "%s,loader" % hexed(u32(0x40)), 0)
        t.check(name, "r2", 0, ",sb,m,sb", DEAD)
        t.check(name, "b2", KT + 4, code=0)
    t.check("builder", "lb", KT + 4, code=0)
    t.check(name, "ctr", 0, string=u32(2))
    t.check(name, "ctr", KT + 4, code=0)
    t.do("kc fc 0 (,sb) (,b2)")
    t.check(name, "b2", 32 + 17, "%s,memf" % entry("counter"), 0)
    t.check(name, "b2", 32 + 16, ",memf", 0)
    t.check(name, "b2", 66, keys="r2")
    t.check(name, "r2", 0, ",sb,m,sb", 0, keys="ctr")
    t.check(name, "ctr", 0, string=u32(1))
    t.check(name, "ctr", KT + 4, code=0)
    for slot in (17, 16):
        t.do("kc fc 0 (,sb) (,b3)")
        t.do("kc b3 17 (%s,counter.s)" % entry("counter"))
        t.check(name, "b3", 32 + slot, "%s,failf" % entry("counter"), 0)
        t.check(name, "b3", 66, keys="r3")
        t.check(name, "r3", 0, ",sb,m,sb", 99)
        # a component within a component: the failure comes through
        t.do("kc fc 0 (,sb) (,b4)")
        t.do("kc b4 17 (%s,counter.s)" % entry("counter"))
        t.check(name, "b4", 32 + slot, "%s,r3" % entry("counter"), 0)
        t.check(name, "b4", 66, keys="r4")
        t.check(name, "r4", 0, ",sb,m,sb", 99)
        t.do("kc b3 kt+4")
        t.do("kc b4 kt+4")
    t.do("kc b kt+4")
    t.do("kc b2 kt+4")
    for key in ("memf", "failf"):
        factory_gone(t, key)


def orphans(t):
    """A factory goes while its yields live: they serve on, end with a code to their caller, and give everything back."""
    for program, components, serve in (("counter", "", "0"), ("ledger", "f0=rcf", "kt"), ("primes", "f0=vcsf", "kt")):
        t.do("cfact orphanf %s.s 0x77 %s" % (program, components))
        t.check("requestor", "orphanf", 0, ",sb,m,sb", 0, keys="first")
        t.check("requestor", "orphanf", 0, ",sb,m,sb", 0, keys="second")
        t.check("builder", "orphanf.builder", KT + 4, code=0)
        t.kind("requestor", "orphanf", DEAD)
        for key in ("first", "second"):
            t.do("kc %s %s" % (key, serve))
            t.check("domain", key, KT + 4, code=0)
            t.kind("domain", key, DEAD)


def tall(t):
    """A program that has put taller nodes above its memory ends like any other."""
    t.do("cfact tallf tall.s 0x77")
    t.check("requestor", "tallf", 0, ",sb,m,sb", 0, keys="k")
    for n in (1, 2, 3):
        t.check("domain", "k", 0, code=n)
        t.check("domain", "k", 1, code=100 + n)
    t.check("domain", "k", KT + 4, code=0)
    t.kind("domain", "k", DEAD)
    factory_gone(t, "tallf")


def yields(t):
    """Requests in turn; a bank too small for a yield keeps nothing of it."""
    t.do("cfact ctrf2 counter.s 0x10C0")
    for nodes, pages, code in ((0, 9, 2), (1, 9, 2), (2, 0, 2), (2, 1, 0), (9, 9, 0)):
        t.do("kc sbt 5 (%s,sb) (,few)" % hexed(u32(nodes, pages)))
        t.check("requestor", "ctrf2", 0, ",few,m,few", code, keys="ctr")
        if code == 0:
            t.check("requestor", "ctr", 0, string=u32(1))
            t.check("requestor", "ctr", KT + 4, code=0)
        t.do("space few")
        t.check("space bank", "few", 5, string=u32(nodes))
        t.check("space bank", "few", 21, string=u32(pages))
        t.do("kc few kt+4")
    factory_gone(t, "ctrf2")


@limit(200)
def test_factories():
    """Key sets, builders, requestors, fetchers, copies and the comparison of holes answer as published; nothing leaks."""
    programs = [os.path.join(ROOT, "tests/keykos", name) for name in ("give.ck", "fail.ck", "tall.ck")]

    def steadily(part):
        return lambda t: t.steady("no leak", "sb", part)
    passes(keys, *(steadily(part) for part in (key_sets, key_sets_full, old_keys, dead_members, creators, builders, copies, confinement,
                                               yields, births, orphans, tall)), programs=programs)


@limit(200)
def test_many_objects():
    """The server has room for 4080 objects; one more is the documented code for no space, and all of them go with their bank."""
    def whole(t):
        def fill(t):
            t.do("kc sb 67 () (,many)")
            for n in range(4100):
                t.do("kc kidc 0 (,many,m,many) (,k)")
            t.check("limit", "kidc", 0, ",many,m,many", 2)
            for key in ("siaf", "fsf", "snodef", "rcf", "waitf", "clockf"):
                t.check("limit", key, 0, ",many,m,many", 2)
            t.check("limit", "fc", 0, ",many", 2)
            t.check("limit", "fcc", 0, ",many", 2)
            t.check("limit", "dcc", 0, ",many,m", DEAD)
            t.check("limit", "many", 67, code=1)
            t.check("limit", "many", 0, code=0)
            t.check("limit", "many", KT + 4, code=0)
            t.check("limit", "kidc", 0, ",sb,m,sb", 0, keys="k")
            t.check("limit", "k", KT + 4, code=0)
        t.steady("no leak", "sb", fill)
    passes(whole)
