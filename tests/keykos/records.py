"""Conformance: super nodes and record collections."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, UNKNOWN, hexed, passes, u32  # noqa: E402
from lib import ROOT  # noqa: E402


def begin(t):
    t.supply()
    for n in range(1, 8):
        t.do("kc dkc 0 (%s) (,d%d)" % (hexed(n.to_bytes(6, "big")), n))


def super_nodes(t):
    name = "super node"
    t.kind("super node maker", "snodef", 0x20D)
    for key in ("pg", "m", "dk0"):
        t.check("super node maker", "snodef", 0, ",%s,m,sb" % key, 1)
        t.check("super node maker", "snodef", 0, ",sb,m,%s" % key, 2)
    t.check("super node maker", "snodef", 0, ",sb,pg,sb", 2)
    t.check("super node maker", "snodef", 0, ",sb,m,low", 2)
    t.check("super node maker", "snodef", 0xFFFFFFFF, ",fsf", 0)
    t.check("super node maker", "snodef", 0, ",sb,m,sb", 0, keys="s")
    t.kind(name, "s", 0x30D)
    for slot in range(16):
        t.check(name, "s", slot, keys="k")
        t.kind(name, "k", DEAD)
        t.check(name, "s", 16 + slot, ",d%d" % (slot % 7 + 1), 0, keys="old")
        t.kind(name, "old", DEAD)
        t.check(name, "s", slot, keys="k")
        t.same(name, "k", "d%d" % (slot % 7 + 1))
        t.check(name, "s", 41, hexed(u32(slot)), 0, keys="k")
        t.same(name, "k", "d%d" % (slot % 7 + 1))
    slots = [16, 17, 255, 256, 4095, 0xFFF0, 0x12345, 0xFFFFFF, 0x1000000, 0x7654321, 0x80000000, 0xFFFFFFFF]
    for n, slot in enumerate(slots):
        t.check(name, "s", 41, hexed(u32(slot)), 0, keys="k")
        t.kind(name, "k", DEAD)
        t.check(name, "s", 42, "%s,d%d" % (hexed(u32(slot)), n % 7 + 1), 0, keys="old")
        t.kind(name, "old", DEAD)
    for n, slot in enumerate(slots):
        t.check(name, "s", 41, hexed(u32(slot)), 0, keys="k")
        t.same(name, "k", "d%d" % (n % 7 + 1))
        t.check(name, "s", 42, "%s,nd" % hexed(u32(slot)), 0, keys="old")
        t.same(name, "old", "d%d" % (n % 7 + 1))
        t.check(name, "s", 41, hexed(u32(slot ^ 1)), 0, keys="k")
    for slot in range(16):
        t.check(name, "s", slot, keys="k")
        t.same(name, "k", "d%d" % (slot % 7 + 1))
    t.check(name, "s", 32, keys="weak")
    t.kind(name, "weak", 0x30D)
    t.check(name, "weak", 41, hexed(u32(slots[5])), 0, keys="k")
    t.same(name, "k", "nd")
    t.check(name, "weak", 3, keys="k")
    t.same(name, "k", "d4")
    t.refuses(name, "weak", list(range(16, 32)) + [39, 42, KT + 4])
    t.check(name, "weak", 32, keys="weak2")
    t.same(name, "weak", "weak2")
    t.check(name, "s", 50, ",pg,nd,d1", 0, keys="a,b,c")
    t.same(name, "a", "pg")
    t.same(name, "b", "nd")
    t.same(name, "c", "d1")
    t.check(name, "s", 42, ",pg", 0, keys="old")
    t.same(name, "old", "d1")
    t.refuses(name, "s", [33, 34, 35, 36, 37, 38, 40, 43, 45, 49, 51, 64, KT + 1, KT + 5, 0xFFFFFFFF])
    t.check(name, "s", 39, code=0)
    for slot in slots[:4]:
        t.check(name, "s", 41, hexed(u32(slot)), 0, keys="k")
        t.kind(name, "k", DEAD)
    t.check(name, "s", 18, ",pg", 0)
    t.check(name, "s", KT + 4, code=0)
    for key in ("s", "weak"):
        t.kind(name, key, DEAD)
    # a bank with little: the node of the object, one of the tree, and then depth and ways are refused
    t.do("kc sbt 5 (%s,sb) (,few)" % hexed(u32(4, 0)))
    t.check("super node maker", "snodef", 0, ",sb,m,few", 0, keys="s")
    t.check(name, "s", 42, "%s,pg" % hexed(u32(3)), 0)
    t.check(name, "s", 42, "%s,pg" % hexed(u32(0x12)), 0)
    t.check(name, "s", 42, "%s,pg" % hexed(u32(0x23)), 3)
    t.check(name, "s", 42, "%s,pg" % hexed(u32(0x123)), 2)
    t.check(name, "s", 41, hexed(u32(0x12)), 0, keys="k")
    t.same(name, "k", "pg")
    t.check(name, "s", KT + 4, code=0)
    t.check("space bank", "few", 5, string=u32(4))
    t.do("kc few kt+4")


def record(name, data=b""):
    return bytes([len(name)]) + name + data


def makers(t):
    for key in ("rcf", "tdof"):
        t.kind("collection maker", key, 0x0F)
    for order in (0, 1, 20, 21):
        for key in ("pg", "m", "dk0"):
            t.check("collection maker", "rcf", order, ",%s,m,sb" % key, 1)
        t.check("collection maker", "rcf", order, ",sb,m,pg", 2)
        t.check("collection maker", "rcf", order, ",sb,m,low", 2)
        t.check("collection maker", "rcf", order, ",sb,m,sb", 0, keys="r")
        t.kind("collection", "r", 0x17 if order & 1 else 0x16)
        t.check("collection", "r", KT + 4, code=0)
        t.kind("collection", "r", DEAD)
    t.check("collection maker", "rcf", 0xFFFFFFFF, ",fsf", 0)


def names(t):
    """A name sequence."""
    name = "name sequence"
    t.check(name, "rcf", 1, ",sb,m,sb", 0, keys="r")
    for order in (8, 14):
        t.check(name, "r", order, code=4)
    for order in (9, 10, 11, 12, 13):
        t.check(name, "r", order, hexed(record(b"abc")), 4)
    for order in (4, 7):
        t.check(name, "r", order, "%s,pg" % hexed(record(b"abc", b"x")), 4)
    entries = [b"b", b"d", b"dd", b"f", b"h"]
    for n, entry in enumerate((b"d", b"b", b"h", b"f", b"dd")):
        t.check(name, "r", 3, hexed(record(entry, b"data of " + entry)), 0)
        t.check(name, "r", 3, hexed(record(entry, b"again")), 3)
        t.check(name, "r", 6, "%s,pg" % hexed(record(entry, b"again")), 3)
    t.check(name, "r", 6, "%s,pg" % hexed(record(b"e", b"with key")), 0)
    full = sorted(entries + [b"e"])

    def data(entry):
        return record(entry, b"with key" if entry == b"e" else b"data of " + entry)

    def found(order, key, entry):
        if entry is None:
            t.check(name, "r", order, hexed(record(key)), 4)
        else:
            t.check(name, "r", order, hexed(record(key)), 1 if entry == b"e" else 0, string=data(entry), keys="k")
            if entry == b"e":
                t.same(name, "k", "pg")
            else:
                t.kind(name, "k", DEAD)
    for key in (b"", b"a", b"b", b"c", b"d", b"da", b"dd", b"ddd", b"e", b"f", b"g", b"h", b"i"):
        below = [e for e in full if e < key]
        above = [e for e in full if e > key]
        is_there = [key] if key in full else []
        found(8, key, full[0])
        found(14, key, full[-1])
        found(9, key, below[-1] if below else None)
        found(10, key, is_there[0] if is_there else below[-1] if below else None)
        found(11, key, is_there[0] if is_there else None)
        found(12, key, is_there[0] if is_there else above[0] if above else None)
        found(13, key, above[0] if above else None)
    t.check(name, "r", 2, hexed(record(b"b", b"new")), 2, string=data(b"b"))
    t.check(name, "r", 11, hexed(record(b"b")), 0, string=record(b"b", b"new"))
    t.check(name, "r", 5, "%s,nd" % hexed(record(b"b", b"newer")), 2, string=record(b"b", b"new"))
    t.check(name, "r", 5, "%s,d1" % hexed(record(b"b", b"newest")), 1, string=record(b"b", b"newer"), keys="k")
    t.same(name, "k", "nd")
    t.check(name, "r", 11, hexed(record(b"b")), 1, string=record(b"b", b"newest"), keys="k")
    t.same(name, "k", "d1")
    t.check(name, "r", 4, hexed(record(b"b", b"plain")), 1, string=record(b"b", b"newest"), keys="k")
    t.same(name, "k", "d1")
    t.check(name, "r", 11, hexed(record(b"b")), 0, string=record(b"b", b"plain"))
    t.check(name, "r", 7, "%s,d2" % hexed(record(b"b", b"keyed")), 2, string=record(b"b", b"plain"))
    t.check(name, "r", 2, hexed(record(b"z", b"added")), 0)
    t.check(name, "r", 5, "%s,d3" % hexed(record(b"y", b"added")), 0)
    t.check(name, "r", 15, hexed(record(b"nobody")), 4)
    t.check(name, "r", 15, hexed(record(b"z")), 0, string=record(b"z", b"added"), keys="k")
    t.kind(name, "k", DEAD)
    t.check(name, "r", 15, hexed(record(b"y")), 0, string=record(b"y", b"added"), keys="k")
    t.same(name, "k", "d3")
    t.check(name, "r", 11, hexed(record(b"y")), 4)
    t.check(name, "r", 16, hexed(record(b"d")), 0, string=record(b"d", b"data of d"))
    t.check(name, "r", 16, hexed(record(b"e")), 1, string=record(b"e", b"with key"), keys="k")
    t.same(name, "k", "pg")
    t.check(name, "r", 16, hexed(record(b"e")), 4)
    t.refuses(name, "r", [17, 20, 21, 32, 64, KT + 1, KT + 5, KT + 6, 0xFFFFFFFF])
    # names and records of any length
    t.check(name, "r", 3, "", 0)
    t.check(name, "r", 11, "", 0, string=b"\0")
    t.check(name, "r", 3, hexed(b"\x05abc"), 0)
    t.check(name, "r", 11, hexed(record(b"abc")), 0)
    t.check(name, "r", 3, hexed(record(b"n" * 255, b"x" * 256)), 0)
    t.check(name, "r", 11, hexed(record(b"n" * 255)), 0, string=record(b"n" * 255, b"x" * 256))
    t.check(name, "r", 3, hexed(record(b"n" * 255, b"x" * 257)), 12)
    t.check(name, "r", 3, hexed(record(b"long", b"x" * 4000)), 12)
    t.check(name, "r", 1, code=0)
    t.check(name, "r", 8, code=4)
    t.check(name, "r", 3, hexed(record(b"after")), 0)
    t.check(name, "r", 8, string=record(b"after"), code=0)
    t.check(name, "r", KT + 4, code=0)
    t.check(name, "rcf", 21, ",sb,m,sb", 0, keys="r")
    t.check(name, "r", 3, hexed(record(b"12345", b"1234")), 0)
    t.check(name, "r", 3, hexed(record(b"12345", b"12345")), 12)
    t.check(name, "r", KT + 4, code=0)


def entries(t):
    """An entry sequence: names are the numbers it gives."""
    name = "entry sequence"
    zero = record(bytes(4))
    t.check(name, "rcf", 0, ",sb,m,sb", 0, keys="r")
    for bad in (b"", record(b"abc"), record(b"\1\0\0\0"), record(b"12345"), record(bytes(3))):
        for order in (2, 3, 5, 6):
            t.check(name, "r", order, hexed(bad) if bad else "", 7)
    for n in range(1, 6):
        order = (2, 3, 5, 6)[n % 4]
        t.check(name, "r", order, "%s,pg" % hexed(zero + b"entry %d" % n), 0, string=record(u32(n)))

    def entry(n):
        return record(u32(n), b"entry %d" % n)
    with_key = [n for n in range(1, 6) if n % 4 >= 2]
    for n in range(1, 6):
        t.check(name, "r", 11, hexed(record(u32(n))), 1 if n in with_key else 0, string=entry(n), keys="k")
    for order, number, expected in ((8, 0, 1), (14, 0, 5), (9, 3, 2), (10, 3, 3), (12, 3, 3), (13, 3, 4), (9, 99, 5), (13, 0, 1)):
        t.check(name, "r", order, hexed(record(u32(number))), 1 if expected in with_key else 0, string=entry(expected))
    for order, number in ((9, 1), (11, 6), (12, 6), (13, 5), (11, 256)):
        t.check(name, "r", order, hexed(record(u32(number))), 4)
    t.check(name, "r", 4, hexed(record(u32(2), b"second")), 1, string=entry(2), keys="k")
    t.same(name, "k", "pg")
    # add or replace of a number that is there answers with the number, as of a new one; what was replaced is not told
    for order, number, data in ((2, 1, b"first"), (5, 1, b"again"), (5, 3, b"third")):
        t.check(name, "r", order, "%s,m" % hexed(record(u32(number), data)), 0, string=record(u32(number)), keys="k")
        t.kind(name, "k", KT + 1)
        t.check(name, "r", 11, hexed(record(u32(number))), int(order == 5), string=record(u32(number), data))
    t.check(name, "r", 5, "%s,pg" % hexed(record(u32(3), b"entry 3")), 0, string=record(u32(3)))
    t.check(name, "r", 4, hexed(record(u32(9), b"ninth")), 4)
    t.check(name, "r", 15, hexed(record(u32(2))), UNKNOWN)
    for bad in (b"", record(b"abc"), record(b"12345")):
        t.check(name, "r", 16, hexed(bad) if bad else "", 7)
    t.check(name, "r", 17, hexed(record(b"abc")), 4)
    for order in (16, 17):
        t.check(name, "r", order, hexed(record(u32(77))), 4)
    t.check(name, "r", 17, hexed(record(u32(4))), 0)
    t.check(name, "r", 14, code=0, string=entry(4))
    t.check(name, "r", 16, hexed(record(u32(3))), 0)
    t.check(name, "r", 14, code=0, string=record(u32(2), b"second"))
    t.check(name, "r", 3, hexed(zero + b"x"), 0, string=record(u32(3)))
    t.check(name, "r", 17, "", 0)
    t.check(name, "r", 8, code=4)
    # numbers beyond a byte are in order, too
    for n in range(1, 300):
        t.check(name, "r", 3, hexed(zero), 0, string=record(u32(n)))
    t.check(name, "r", 14, code=0, string=record(u32(299)))
    t.check(name, "r", 13, hexed(record(u32(255))), 0, string=record(u32(256)))
    t.check(name, "r", KT + 4, code=0)


def rights(t):
    name = "rights of a collection"
    needs = {1: 0x01, 2: 0x08, 3: 0x08, 4: 0x0C, 5: 0x08, 6: 0x08, 7: 0x0C, 8: 0x10, 9: 0x10, 10: 0x10, 11: 0x10, 12: 0x10,
             13: 0x10, 14: 0x10, 15: 0x02, 16: 0x01, 18: 0x20, 19: 0x40, KT + 4: 0x01}
    t.do("kc rcf 1 (,sb,m,sb) (,r)")
    for length in (0, 1, 3, 5, 8):
        t.check(name, "r", 0, hexed(bytes(length)) if length else "", 7)
    t.check(name, "r", 0, hexed(u32(0)), 0, string=u32(0), keys="k")
    t.same(name, "k", "r")
    for right in (0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01):
        t.check(name, "r", 0, hexed(u32(right)), 0, string=u32(right), keys="w")
        t.check(name, "r", 0, hexed(u32(right | 0x80)), 0, string=u32(right), keys="w2")
        t.same(name, "w", "w2")
        t.kind(name, "w", 0x17)
        for order, need in needs.items():
            if order == KT + 4 and not right & need:
                continue
            t.do("kc r 2 (%s)" % hexed(record(b"n", b"old")))
            code = 8 if right & need else {2: 2, 4: 2, 5: 2, 7: 2, 3: 3, 6: 3, 9: 4, 13: 4}.get(order, 0)
            if right & 0x04 and order in (2, 5):
                code = 8
            t.check(name, "w", order, "%s,pg" % hexed(record(b"n", b"new")), code)
    t.check(name, "r", 0, hexed(u32(0x41)), 0, string=u32(0x41), keys="a")
    t.check(name, "a", 0, hexed(u32(0x22)), 0, string=u32(0x63), keys="b")
    t.check(name, "b", 0, hexed(u32(0)), 0, string=u32(0x63), keys="c")
    t.same(name, "b", "c")
    for order in (1, 15, 16, 18, 19, KT + 4):
        t.check(name, "b", order, hexed(record(b"n")), 8)
    t.check(name, "r", KT + 4, code=0)
    for key in ("w", "a", "b", "c", "r"):
        t.kind(name, key, DEAD)
        t.check(name, key, 8, code=DEAD)


def user_data(t):
    name = "user data of a collection"
    for order in (0, 1):
        t.do("kc rcf %d (,sb,m,sb) (,r)" % order)
        t.check(name, "r", 19, string=b"", code=0)
        for length in (1, 5, 127, 128):
            t.check(name, "r", 18, hexed(bytes(range(length))), 0)
            t.check(name, "r", 19, string=bytes(range(length)), code=0)
        for length in (129, 500, 4096):
            t.check(name, "r", 18, hexed(bytes(length)), 6)
        t.check(name, "r", 19, string=bytes(range(128)), code=0)
        t.check(name, "r", 1, code=0)
        t.check(name, "r", 19, string=bytes(range(128)), code=0)
        t.check(name, "r", KT + 4, code=0)


def spaces(t):
    """What a bank cannot give is code 9 or 10, and what was there stays."""
    name = "name sequence"
    t.do("kc sbt 5 (%s,sb) (,few)" % hexed(u32(4, 2)))
    t.check(name, "rcf", 1, ",sb,m,few", 0, keys="r")
    for n in range(7):
        t.check(name, "r", 3, hexed(record(b"%d" % n)), 0)
    t.check(name, "r", 3, hexed(record(b"7")), 10)
    t.check(name, "r", 5, "%s,pg" % hexed(record(b"3")), 9)
    t.check(name, "r", 11, hexed(record(b"3")), 0, string=record(b"3"))
    t.check(name, "r", 15, hexed(record(b"3")), 0, string=record(b"3"))
    t.check(name, "r", 3, hexed(record(b"7")), 0)
    t.check(name, "r", 14, code=0, string=record(b"7"))
    t.check(name, "r", KT + 4, code=0)
    t.check("space bank", "few", 5, string=u32(4))
    t.check("space bank", "few", 21, string=u32(2))
    # the collection goes with its bank
    t.check(name, "rcf", 1, ",sb,m,few", 0, keys="r")
    t.check(name, "r", 3, hexed(record(b"x")), 0)
    t.check("space bank", "few", KT + 4, code=0)
    t.kind(name, "r", DEAD)


def kernel_super_nodes(t):
    """A red segment with format flag 4: the kernel finds the slot, and what it cannot do the keeper hears."""
    name, keeper = "super segment", KT + 2
    t.do("cfact spinf spinner.s 0x10C8")
    t.do("kc spinf 0 (,sb,m,sb) (,sp)")
    t.check("space bank", "sb", 8, code=0, keys="root,top,leaf")
    t.check("space bank", "sb", 0, code=0, keys="more")
    t.do("datakey fk %x4FFFEF01")
    t.do("kc root 31 (,fk)")
    t.do("kc root 30 (,sp)")
    t.do("kc root 33 (%x00) (,s)")
    t.do("kc root 33 (%x80) (,ro)")
    t.do("kc root 33 (%x40) (,nc)")
    t.do("kc top 35 (%x02) (,k2)")
    t.do("kc more 35 (%x01) (,k1)")
    t.do("kc leaf 35 (%x00) (,k0)")
    t.kind(name, "s", 0x10C8)
    t.kind("segment", "nc", 5)
    for order, send in ((1, ""), (15, ""), (16, ",sb"), (31, ",sb"), (41, hexed(u32(5))), (42, hexed(u32(5)) + ",sb")):
        t.check(name, "s", order, send, keeper)          # no level at all
    t.do("kc root 16 (,k2)")
    t.do("kc top 16 (,k1)")
    for order, send in ((1, ""), (16, ",sb"), (41, hexed(u32(0xFFF))), (42, hexed(u32(0x10)) + ",sb")):
        t.check(name, "s", order, send, keeper)          # the last one is missing
    t.do("kc more 16 (,k0)")
    t.do("kc more %d (,k0)" % (16 + 15))
    for n in range(16):
        t.check(name, "s", n, code=0, keys="k")
        t.kind(name, "k", DEAD)
        t.check(name, "s", 16 + n, ",sb" if n % 2 else ",m", 0, keys="k")
        t.kind(name, "k", DEAD)
        t.check(name, "ro", n, code=0, keys="k")
        t.kind(name, "k", 0x0C if n % 2 else 6)
        t.check(name, "ro", 16 + n, ",sb", keeper)       # read-only: the keeper's business
        t.check(name, "s", 41, hexed(u32(0xF0 + n)), 0, keys="k")
        t.kind(name, "k", 0x0C if n % 2 else 6)          # one leaf stands in two places
        t.check(name, "s", 42, hexed(u32(0xF0 + n)) + ",discrim", 0, keys="k")
        t.kind(name, "k", 0x0C if n % 2 else 6)
        t.check(name, "s", n, code=0, keys="k")
        t.kind(name, "k", 0x409)
        t.check("node", "leaf", n, code=0, keys="k")
        t.kind(name, "k", 0x409)
    for number in (0x10, 0xE0, 0x100, 0x1000, 0xFFFFFFFF):
        t.check(name, "s", 41, hexed(u32(number)), keeper)
        t.check(name, "s", 42, hexed(u32(number)) + ",sb", keeper)
        t.check(name, "ro", 42, hexed(u32(number)) + ",sb", keeper)
    t.check(name, "s", 41, "%x0F", 0, keys="k")          # a short string is padded
    t.kind(name, "k", 0x409)
    t.check(name, "s", 50, ",sb,m,discrim", 0, keys="k,k2a,k3")
    for key, alleged in (("k", 0x0C), ("k2a", 6), ("k3", 0x409)):
        t.kind(name, key, alleged)
    t.refuses(name, "s", [32, 33, 34, 35, 36, 37, 38, 39, 40, 43, 45, 49, 51, 4096, KT + 1, KT + 6], keeper)
    t.do("kc root 33 (%x20) (,right)")                   # rights bits are the keeper's, and change nothing
    t.check(name, "right", 42, hexed(u32(3)) + ",sb", 0, keys="k")
    t.do("kc leaf 35 (%x80) (,kro)")                     # a data byte that is no number of levels
    t.do("kc more 16 (,kro)")
    t.check(name, "s", 1, code=keeper)
    t.do("kc more 36 () (,sense)")
    t.do("kc more 16 (,sense)")
    t.check(name, "s", 1, code=keeper)
    t.do("kc more 16 (,k1)")                             # a loop
    t.check(name, "s", 41, hexed(u32(0)), keeper)
    t.do("datakey fk %x4FFFEF00")                        # no levels: all is the keeper's
    t.do("kc root 31 (,fk)")
    t.check(name, "s", 15, code=keeper)
    t.do("datakey fk %x0FFFEF01")                        # no super node
    t.do("kc root 31 (,fk)")
    t.check(name, "s", 41, hexed(u32(0xF0)), keeper)
    t.check(name, "sp", KT + 4, code=0)
    t.check("space bank", "sb", 10, ",root,top,leaf", 0)
    t.check("space bank", "sb", 1, ",more", 0)
    t.kind(name, "s", DEAD)
    t.do("kc spinf.builder kt+4")


def test_collections():
    """Super nodes and record collections answer as published, with every right, and give everything back."""
    passes(begin, *((lambda part: lambda t: t.steady("no leak", "sb", part))(part)
                    for part in (super_nodes, kernel_super_nodes, makers, names, entries, rights, user_data, spaces)))


def test_collection_full():
    """Ten thousand records with keys are filled in, walked, thinned out and refilled; one too many is code 11; all of it comes back."""
    def part(t):
        t.do("cfact manyf many.s 0x10F0")
        t.check("collections", "manyf", 0, ",sb,m,sb", 0, keys="many")
        for named, name in ((1, "name sequence"), (0, "entry sequence")):
            for n in (2, 7, 8, 2047, 2048, 2049):
                t.check(name, "many", named, "%s,rcf,sb,m" % hexed(u32(n)), 0, string=u32(0))
        for named, name in ((1, "name sequence"), (0, "entry sequence")):
            t.check(name, "many", 2 + named, "%s,rcf,sb,m" % hexed(u32(10000)), 0, string=u32(26624))
        t.check("collections", "many", KT + 4, code=0)
        t.do("kc manyf.builder kt+4")
    passes(begin, lambda t: t.steady("no leak", "sb", part), programs=[os.path.join(ROOT, "tests/keykos/many.ck")])
