"""Conformance: fresh segments and virtual copies, as objects and as memory."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, UNKNOWN, hexed, passes, u32, u64  # noqa: E402
from lib import ROOT, limit  # noqa: E402

STORE = KT + 8
NONE = (1 << 56) - 1
MIB = 1 << 20


def begin(t):
    t.do("cfact catchf catch.s 0x77")
    t.do("kc catchf 0 (,sb,m,sb) (,catch)")
    t.do("cfact memoryf memory.s 0x77 h16=catch")
    t.do("kc memoryf 0 (,sb,m,sb) (,mem)")
    t.supply()


def store(t, subject, offset, data, code=0):
    t.check(subject, "mem", 1, hexed(u64(offset) + data), code)


def load(t, subject, offset, data):
    t.check(subject, "mem", 2, hexed(u64(offset) + u32(len(data))), 0, string=data)


def mapped(t, segment):
    t.do("kc mem 0 (,%s)" % segment)


def makers(t):
    for maker, alleged, made, made_alleged in (("fsf", 0x40D, "fs", 0x50D), ("vcsf", 0x1B0D, "vcs", 0xB0D)):
        t.kind(maker, maker, alleged)
        for key in ("pg", "m", "nd", "discrim"):
            t.check(maker, maker, 0, ",%s,m,sb" % key, 1)
            t.check(maker, maker, 0, ",sb,%s,sb" % key, 2 if key != "m" else 0, keys="k")
            if key == "m":
                t.check(made, "k", KT + 4, code=0)
        t.check(maker, maker, 0, ",sb,m,pg", 2 if maker == "fsf" else KT + 6)
        t.check(maker, maker, 0, ",low,m,sb", 2 if maker == "fsf" else KT + 6)
        t.refuses(maker, maker, [0xC0000001, 0xFFFFFFFE])
        t.check(maker, maker, 0xFFFFFFFF, ",fsf", 0)
        t.check(maker, maker, 0xFFFFFFFF, ",pg", 2)
        for order in (0, 1, 2, 77):
            t.check(maker, maker, order, ",sb,m,sb", 0, keys="k")
            t.kind(made, "k", made_alleged)
            t.check("discrim", "discrim", 0, ",k", 3)
            t.check("discrim", "discrim", 1, ",k", 1)
            t.check(made, "k", KT + 4, code=0)
            t.kind(made, "k", DEAD)


def weaker(t):
    """Read-only, no-call and both: type, discretion, and what may be stored."""
    for maker, made, alleged in (("fsf", "fs", 0x50D), ("vcsf", "vcs", 0xB0D)):
        t.do("kc %s 0 (,sb,m,sb) (,s)" % maker)
        t.check(made, "s", 0, keys="ro")
        t.check(made, "s", 2, keys="nc")
        t.check(made, "s", 3, keys="ronc")
        t.kind(made, "ro", alleged)
        t.kind("segment", "nc", 0x0005)
        t.kind("segment", "ronc", 0x1005)
        for key, hole in (("s", 1), ("ro", 1), ("nc", 1), ("ronc", 0)):
            t.check("discrim", "discrim", 1, "," + key, hole)
        mapped(t, "s")
        store(t, made, 5, b"five")
        load(t, made, 0, bytes(5) + b"five" + bytes(100))
        mapped(t, "ro")
        load(t, made, 5, b"five")
        store(t, made, 5, b"six", STORE)
        mapped(t, "ronc")
        load(t, made, 5, b"five")
        store(t, made, 5, b"six", 0x90001)
        mapped(t, "nc")
        store(t, made, 5, b"seven")
        load(t, made, 5, b"seven")
        store(t, made, 4096, b"no keeper", 0x90005 if made == "fs" else 0x90001)
        t.check(made, "ro", KT + 4, code=0)
        for key in ("s", "ro", "nc", "ronc"):
            t.kind(made, key, DEAD)


def lengths(t):
    """Growing to any depth, the length as the last byte that is not zero has it, and truncation to any length."""
    for maker, made, slots in (("fsf", "fs", 9), ("vcsf", "vcs", 14)):
        t.do("kc sb 67 () (,b)")
        t.do("kc %s 0 (,sb,m,b) (,s)" % maker)
        mapped(t, "s")
        t.check(made, "s", 1, string=u64(0))
        spots = [0, 4095, 4096, 65535, 65536, slots * 0x10000 - 1, slots * 0x10000, 5 * MIB + 17, slots * MIB - 1,
                 slots * MIB, 100 * MIB + 4096, 0x12345678, 0x7_0000_0000, 0x123_4567_89AB, 0x7000_0000_0000]
        for n, spot in enumerate(spots):
            load(t, made, spot, bytes(1))
            store(t, made, spot, bytes([n + 1]))
            t.check(made, "s", 1, string=u64(spot + 1))
        for n, spot in enumerate(spots):
            load(t, made, spot, bytes([n + 1]))
        for n, spot in reversed(list(enumerate(spots))):
            t.check(made, "s", 5, hexed(u64(spot + 1)), 0)
            t.check(made, "s", 1, string=u64(spot + 1))
            load(t, made, spot, bytes([n + 1]))
            t.check(made, "s", 5, hexed(u64(spot)), 0)
            t.check(made, "s", 1, string=u64(spots[n - 1] + 1 if n else 0))
            load(t, made, spot, bytes(1))
        t.check(made, "s", 5, hexed(u64(0)), 0)
        # what was bought for the tree is in the bank again, but for the nodes of its lowest path
        store(t, made, 9000, b"x" * 4000)
        t.check(made, "s", 1, string=u64(13000))
        t.check(made, "s", 5, hexed(u64(9005)), 0)
        t.check(made, "s", 1, string=u64(9005))
        load(t, made, 9000, b"x" * 5 + bytes(100))
        t.check(made, "s", KT + 4, code=0)
        t.steady("no leak", "b", lambda t: t.check(made, "s", 0, code=DEAD))
        t.check("space bank", "b", 65)
        t.do("space b")
        t.check("space bank", "b", KT + 4, code=0)


def fresh(t):
    t.do("kc fsf 0 (,sb,m,sb) (,s)")
    name = "fs"
    t.check(name, "s", 8, string=u64(NONE))
    for value in (0, 1, 4096, 0x12345, 0x0011_2233_4455_6677, 0xFFEE_DDCC_BBAA_9988):
        t.check(name, "s", 6, hexed(u64(value)), 0)
        t.check(name, "s", 8, string=u64(value & NONE))
    mapped(t, "s")
    t.check(name, "s", 6, hexed(u64(8191)), 0)
    store(t, name, 8190, b"ok")
    store(t, name, 8192, b"beyond", KT + 7)
    store(t, name, 8 * MIB, b"beyond", KT + 7)
    t.check(name, "s", 6, hexed(u64(NONE)), 0)
    store(t, name, 8192, b"within")
    t.check(name, "s", 11, string=bytes(12))
    t.check(name, "s", 10, hexed(bytes(range(1, 13))), 0)
    t.check(name, "s", 11, string=bytes([0] + list(range(2, 13))))
    t.check(name, "s", 10, hexed(bytes([9, 8])), 0)
    t.check(name, "s", 11, string=bytes([0, 8] + [0] * 10))
    for key in ("pg", "m", "nd"):
        t.check(name, "s", 18, "," + key, 2)
        t.check(name, "s", 7, "%s,%s" % (hexed(u32(0, 4096)), key), KT + 7)
    t.check(name, "s", 18, ",sb", 0, keys="s2")
    t.kind(name, "s2", 0x50D)
    mapped(t, "s2")
    load(t, name, 8190, bytes(20))
    store(t, name, 3, b"other")
    t.check(name, "s2", KT + 4, code=0)
    t.refuses(name, "s", [4, 12, 13, 14, 15, 16, 17, 19, 32, 64, 4096, KT - 1])
    # a fault made by hand: a page for the offset, shifted by sixteen as keepers get it
    t.do("kc sbt 5 (%s,sb) (,two)" % hexed(u32(9, 1)))
    t.do("kc fsf 0 (,sb,m,two) (,s3)")
    t.check(name, "s3", 0xFFFFFFFF, hexed(u64(0x3000 << 16)), 0)
    t.check("space bank", "two", 21, string=u32(0))
    t.check(name, "s3", 0xFFFFFFFF, hexed(u64(0x3000 << 16)), 0)
    t.check(name, "s3", 0xFFFFFFFF, hexed(u64(0x4000 << 16)), KT + 7)
    t.check(name, "s3", 0xFFFFFFFF, hexed(u64(0xFFFF_FFFF_FFFF << 16)), KT + 7)
    t.check(name, "s3", KT + 4, code=0)
    t.check("space bank", "two", 21, string=u32(1))
    t.check("space bank", "two", 5, string=u32(9))
    t.do("kc two kt+4")
    mapped(t, "s")
    load(t, name, 8190, b"okwithin")
    t.check(name, "s", KT + 4, code=0)
    # a bank without nodes, and one that is no more
    t.do("kc sbt 5 (%s,sb) (,none)" % hexed(u32(0, 99)))
    t.do("kc fsf 0 (,sb,m,none) (,s)")
    mapped(t, "s")
    store(t, name, 0, b"a page is enough here")
    store(t, name, 0x100000, b"x", KT + 6)
    t.do("kc none kt+4")
    store(t, name, 0x200000, b"x", KT + 6)
    t.check(name, "s", 1, string=u64(0))
    t.check(name, "s", KT + 4, code=0)


def copyme(t):
    """A sibling that begins with a part of its parent: copied when touched."""
    name = "fs"
    t.do("kc fsf 0 (,sb,m,sb) (,s)")
    mapped(t, "s")
    for page in range(6):
        store(t, name, page * 4096 + 10, b"page%d" % page)
    t.check(name, "s", 7, "%s,sb" % hexed(u32(4096, 8192)), 0, keys="c")
    t.kind(name, "c", 0x50D)
    mapped(t, "c")
    load(t, name, 10, bytes(5))
    load(t, name, 4096 + 10, b"page1")
    load(t, name, 8192 + 10, b"page2")
    load(t, name, 3 * 4096 + 10, bytes(5))
    store(t, name, 4096 + 10, b"mine")
    load(t, name, 4096 + 10, b"mine1")
    mapped(t, "s")
    load(t, name, 4096 + 10, b"page1")
    store(t, name, 8192 + 10, b"later")
    mapped(t, "c")
    load(t, name, 8192 + 10, b"page2")
    t.check(name, "s", 7, "%s,sb" % hexed(u32(0, 4096)), 0, keys="late")
    t.check(name, "s", KT + 4, code=0)
    mapped(t, "late")
    store(t, name, 0, b"x", KT + 9)
    store(t, name, 4096, b"x")
    load(t, name, 4096, b"x")
    for key in ("c", "late"):
        t.check(name, key, KT + 4, code=0)


def fs_freeze(t):
    """The keeper goes, the memory stays, read-only."""
    t.do("kc sb 67 () (,b)")
    t.do("kc fsf 0 (,b,m,b) (,s)")
    mapped(t, "s")
    store(t, "fs", 100, b"for good")
    t.check("fs", "s", 9, keys="z")
    t.kind("segment", "z", 0x1005)
    t.kind("segment", "s", DEAD)
    t.check("discrim", "discrim", 1, ",z", 0)
    mapped(t, "z")
    load(t, "fs", 100, b"for good")
    store(t, "fs", 100, b"x", 0x90001)
    store(t, "fs", 4096, b"x", 0x90005)
    t.check("space bank", "b", KT + 4, code=0)
    t.kind("segment", "z", DEAD)


def virtual(t):
    name = "vcs"
    t.do("kc sb 67 () (,b)")
    t.do("kc vcsf 0 (,sb,m,b) (,s)")
    t.check(name, "s", 6, keys="k")
    t.kind(name, "k", DEAD)
    t.refuses(name, "s", [4, 7, 8, 9, 10, 11, 16, 18, 19, 64, 4096])
    for length in (0, 4, 7, 9):
        t.check(name, "s", 5, hexed(bytes(length)) if length else "", UNKNOWN)
    mapped(t, "s")
    # reading costs nothing
    t.check("space bank", "b", 65, string=u64(0, 0, 0, 0))
    for spot in (0, 4096, 9999, 13 * 4096 + 40):
        load(t, name, spot, bytes(50))
    t.check("space bank", "b", 65, string=u64(0, 0, 0, 0))
    for page in range(40):
        store(t, name, page * 4096, b"page %d" % page)
    store(t, name, 33 * MIB, b"far")
    t.check(name, "s", 17, ",pg", 2)
    t.check(name, "s", 17, ",sb", 0, keys="f")
    t.kind(name, "f", 0x1B0D)
    t.check(name, "s", 17, ",sb", 0, keys="f2")
    t.check("discrim", "discrim", 2, ",f,f2", 0)
    t.check(name, "s", 1, code=UNKNOWN)
    t.check(name, "s", 5, hexed(u64(0)), UNKNOWN)
    t.check(name, "s", 0xFFFFFFFF, hexed(u64(0)), STORE)
    store(t, name, 0, b"x", STORE)
    store(t, name, 50 * MIB, b"x", STORE)
    load(t, name, 4096, b"page 1")
    load(t, name, 99 * 4096, bytes(9))
    t.do("kc sb 67 () (,b1)")
    t.check(name, "f", 0, ",sb,m,b1", 0, keys="c1")
    t.check(name, "f", 2, ",sb,m,sb", 0, keys="c2")
    for key in ("c1", "c2"):
        t.kind(name, key, 0xB0D)
    t.check(name, "c1", 6, keys="base")
    t.kind("sense key", "base", 1)
    t.check("discrim", "discrim", 1, ",base", 0)
    mapped(t, "c1")
    load(t, name, 4096, b"page 1")
    load(t, name, 33 * MIB, b"far")
    t.check("space bank", "b1", 65, string=u64(0, 0, 0, 0))
    store(t, name, 4096, b"PAGE")
    load(t, name, 4096, b"PAGE 1")
    # three levels of its own, and the page
    t.check("space bank", "b1", 65, string=u64(3, 0, 1, 0))
    mapped(t, "c2")
    load(t, name, 4096, b"page 1")
    t.check(name, "c2", 5, hexed(u64(4096 + 2)), 0)
    t.check(name, "c2", 1, string=u64(4098))
    load(t, name, 4096, b"pa" + bytes(9))
    load(t, name, 8192, bytes(9))
    load(t, name, 33 * MIB, bytes(9))
    load(t, name, 0, b"page 0")
    mapped(t, "c1")
    load(t, name, 8192, b"page 2")
    t.check(name, "c1", 1, string=u64(33 * MIB + 3))
    # a copy of a copy
    t.check(name, "c1", 17, ",sb", 0, keys="g")
    t.check(name, "g", 0, ",sb,m,sb", 0, keys="d1")
    mapped(t, "d1")
    load(t, name, 4096, b"PAGE 1")
    load(t, name, 8192, b"page 2")
    store(t, name, 8192, b"deep")
    load(t, name, 8192, b"deep 2")
    store(t, name, 0x10_0000_0000, b"grown")
    load(t, name, 0x10_0000_0000, b"grown")
    load(t, name, 33 * MIB, b"far")
    t.check("confinement", "f", 0xFFFFFFFF, ",g", 0)
    t.do("kc fc 0 (,sb) (,fb)")
    t.check("builder", "fb", 32 + 17, ",g", 0)
    t.check("builder", "fb", 0, ",base", 0)
    t.check("builder", "fb", KT + 4, code=0)
    for key in ("d1", "c1", "c2", "s"):
        t.check(name, key, KT + 4, code=0)
        t.kind(name, key, DEAD)
    for key in ("f", "g"):
        t.kind("vcsf", key, DEAD)
    for key in ("b", "b1"):
        t.steady("no leak", key, lambda t: None)
        t.check("space bank", key, KT + 4, code=0)


def full(t):
    """What the bank cannot give is the keeper's code, and the memory that is there stays."""
    for maker, made in (("fsf", "fs"), ("vcsf", "vcs")):
        t.do("kc sbt 5 (%s,sb) (,few)" % hexed(u32(3, 2)))
        t.do("kc %s 0 (,sb,m,few) (,s)" % maker)
        mapped(t, "s")
        store(t, made, 0, b"one")
        store(t, made, 4096, b"two")
        store(t, made, 8192, b"three", KT + 7)
        store(t, made, 0x1_0000_0000, b"x", KT + 6)
        load(t, made, 0, b"one")
        load(t, made, 4096, b"two")
        t.check(made, "s", KT + 4, code=0)
        t.check("space bank", "few", 5, string=u32(3))
        t.check("space bank", "few", 21, string=u32(2))
        t.do("kc few kt+4")


def programs_of_copies(t):
    """A factory whose program is a factory of copies: each yield has its own, and gives it back at its end."""
    name = "component factory"
    with open(os.path.join(ROOT, "build/keykos/counter.kk"), "rb") as file:
        image = file.read()
    t.do("kc vcsf 0 (,sb,m,sb) (,image)")
    mapped(t, "image")
    for at in range(0, len(image), 1024):
        store(t, "vcs", at, image[at:at + 1024])
    t.check("vcs", "image", 17, ",sb", 0, keys="imagef")
    t.do("kc fc 0 (,sb) (,fb)")
    t.check(name, "fb", 32 + 17, "%s,imagef" % hexed(image[16:20]), 0)
    t.check(name, "fb", 66, keys="r")
    t.do("kc sb 67 () (,b)")
    for n in (1, 2):
        t.check(name, "r", 0, ",b,m,b", 0, keys="ctr%d" % n)
        t.check(name, "ctr%d" % n, 0, string=u32(1))
    t.check(name, "ctr1", 0, string=u32(2))
    for n in (1, 2):
        t.check(name, "ctr%d" % n, KT + 4, code=0)
    t.check("space bank", "b", 6, string=None)
    t.do("kc sbt 5 (%s,b) (,few)" % hexed(u32(3, 9)))
    t.check(name, "r", 0, ",few,m,few", 2)
    t.check("space bank", "few", 5, string=u32(3))
    t.check("space bank", "few", 21, string=u32(9))
    for key in ("b",):
        t.check("space bank", key, KT + 4, code=0)
    t.check("builder", "fb", KT + 4, code=0)
    t.check("vcs", "image", KT + 4, code=0)


def elf(wide, pieces, entry, machine=62, kind=2):
    """A file of these (address, bytes)."""
    head, size = (64, 56) if wide else (52, 32)
    offset = head + size * len(pieces)
    headers, body = b"", b""
    for address, data in pieces:
        at = offset + len(body)
        if wide:
            headers += u32(1, 7) + u64(at, address, address, len(data), len(data) + 100, 1)
        else:
            headers += u32(1, at, address, address, len(data), len(data) + 100, 7, 1)
        body += data
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
    short = lambda *n: b"".join(x.to_bytes(2, "little") for x in n)  # noqa: E731
    word = u64 if wide else u32
    return (ident + short(kind, machine) + u32(1) + word(entry, head, 0) + u32(0) + short(head, size, len(pieces), 0, 0, 0)
            + headers + body)


def loader(t):
    """The bootstrap loader: ELF files of both widths and flat programs; what is no program, or no memory, is a code."""
    name = "bootstrap loader"
    t.kind(name, "bsloadf", 0x111)
    for bad in ("pg", "m"):
        t.check(name, "bsloadf", 0, ",%s,m,sb" % bad, 1)
    t.check(name, "bsloadf", 0, ",low,m,sb", 2)
    t.check(name, "bsloadf", 0, ",sb,m,sb", 0, keys="bs")
    t.kind(name, "bs", 0x11)
    t.do("kc fsf 0 (,sb,m,sb) (,file)")
    t.do("kc fsf 0 (,sb,m,sb) (,image)")
    pieces = [(0x1000, b"first piece"), (0x3FF0, b"x" * 40), (0x20_0000, b"far")]
    for wide in (True, False):
        mapped(t, "file")
        data = elf(wide, pieces, 0x1004)
        store(t, name, 0, data)
        for order in (0, 1):
            t.check(name, "bs", order, ",file,image", 0, string=u32(0x1004))
            mapped(t, "image")
            for address, piece in pieces:
                load(t, name, address, piece + bytes(4))
            t.check("fs", "image", 5, hexed(u64(0)), 0)
        t.check("fs", "file", 5, hexed(u64(0)), 0)
        for bad in (elf(wide, pieces, 0, machine=3), elf(wide, pieces, 0, kind=3), elf(wide, [], 0), data[:4], b"no program",
                    elf(wide, [(0x7000_0000, b"x")], 0)):
            mapped(t, "file")
            store(t, name, 0, bad)
            t.check(name, "bs", 0, ",file,image", KT + 3)
            t.check("fs", "file", 5, hexed(u64(0)), 0)
    for bad in ("dk0", "sb", "m"):
        t.do("kc bs 0 (,counter.s,image)")
        t.check(name, "bs", 0, ",%s,image" % bad, 2)
        t.check(name, "bs", 0, ",counter.s,%s" % bad, 3)
    t.check(name, "bs", 0, ",counter.s,counter.s", 3)
    t.check(name, "bs", 0, ",counter.s,image", 0)
    t.refuses(name, "bs", [2, 3, 16, KT + 1, KT + 5, 0xFFFFFFFF])
    for key in ("bs", "file", "image"):
        t.check(name, key, KT + 4, code=0)


def callsegs(t):
    """A segment read and written through calls: what has no memory, or none to write, is a code."""
    name = "callseg"
    t.kind("callseg factory", "callsegf", 0x120D)
    for bad in ("pg", "dk0"):
        t.check("callseg factory", "callsegf", 0, ",%s,m,sb" % bad, 1)
    t.check("callseg factory", "callsegf", 0, ",low,m,sb", 2)
    t.check("callseg factory", "callsegf", 0, ",sb,m,sb", 0, keys="cs")
    t.kind(name, "cs", 0x110D)

    def read(offset, n, code=0, data=None):
        t.check(name, "cs", 2, hexed(bytes(2) + u32(offset) + n.to_bytes(2, "little")), code, string=data)

    def write(offset, data, code=0):
        t.check(name, "cs", 3, hexed(bytes(2) + u32(offset) + data), code)
    read(0, 1, 9)                                        # no segment yet
    write(0, b"x", 9)
    t.check(name, "cs", 0, code=0, keys="k")
    t.kind(name, "k", DEAD)
    for maker in ("vcsf", "fsf"):
        t.do("kc %s 0 (,sb,m,sb) (,seg)" % maker)
        t.check(name, "cs", 1, ",seg", 0)
        t.check(name, "cs", 0, code=0, keys="k")
        t.check("discrim", "discrim", 2, ",k,seg", 0)
        write(0x123456, b"far away")
        read(0x123456, 8, data=b"far away")
        read(0x123456, 3, data=b"far")
        write(4090, bytes(range(200)))                   # across pages
        read(4090, 200, data=bytes(range(200)))
        write(7, b"")
        read(7, 0)
        read(0x123450, 4000)
        write(0, bytes(n % 251 for n in range(4000)))
        read(0, 4000)
        read(3800, 200, data=bytes(n % 251 for n in range(3800, 4000)))
        for n in (4001, 65535):
            read(0, n, KT + 3)
        t.check("segment", "seg", 0, code=0, keys="ro")
        t.check(name, "cs", 1, ",ro", 0)
        read(8, 4, data=bytes(range(8, 12)))
        write(8, b"x", 9)
        t.check("segment", "seg", KT + 4, code=0)
        read(0, 1, 9)
        write(0, b"x", 9)
    t.check(name, "cs", 1, ",pg", 0)
    write(0, b"page")
    read(0, 4, data=b"page")
    read(4096, 1, 9)
    write(4090, b"over the edge", 9)
    t.do("kc pg 0 () (,ropg)")
    t.check(name, "cs", 1, ",ropg", 0)
    read(0, 4, data=b"page")
    write(0, b"x", 9)
    for bad in ("dk0", "sb", "m", "discrim"):
        t.check(name, "cs", 1, ",%s" % bad, 0)
        read(0, 1, 9)
        write(0, b"x", 9)
    for n in range(8):
        t.check(name, "cs", 2, hexed(bytes(n)), KT + 3)
        if n < 6:
            t.check(name, "cs", 3, hexed(bytes(n)), KT + 3)
    t.refuses(name, "cs", [4, 5, 64, KT + 1, KT + 5])
    t.check(name, "cs", KT + 4, code=0)
    t.kind(name, "cs", DEAD)
    t.do("kc pg 39")


def taller(t):
    """A segment that spans more than the slot it stands in is seen there from its beginning; a loop of nodes is a trap."""
    for maker, name in (("fsf", "fs"), ("vcsf", "vcs")):
        t.do("kc %s 0 (,sb,m,sb) (,tall)" % maker)
        mapped(t, "tall")
        store(t, name, 9 * MIB, b"high")
        t.check(name, "mem", 3, hexed(u64(0xF0004) + b"direct"), 0)
        load(t, name, 0xF0004, b"direct")
        load(t, name, 9 * MIB, b"high")
        t.do("kc mem 0 ()")
        t.check(name, "tall", KT + 4, code=0)
    t.do("kc sb 0 () (,loop)")
    t.do("kc loop 33 (%x05) (,tall)")
    t.do("kc loop 16 (,tall)")
    mapped(t, "tall")
    t.check("segment", "mem", 3, hexed(u64(0x4) + b"x"), 0x90006)      # trap 9, memory code 6: too deep
    t.do("kc mem 0 ()")
    t.check("space bank", "sb", 1, ",loop", 0)


@limit(300)
def test_segments():
    """Fresh segments and virtual copies answer as published, are memory at any offset, and give everything back."""
    programs = [os.path.join(ROOT, "tests/keykos", name) for name in ("catch.ck", "memory.ck")]

    def steadily(part):
        def whole(t):
            part(t)
            t.do("kc mem 0 ()")
        return lambda t: t.steady("no leak", "sb", whole)
    passes(begin, *(steadily(part) for part in (makers, weaker, lengths, fresh, copyme, fs_freeze, virtual, full, programs_of_copies, loader, callsegs, taller)),
           programs=programs, timeout=250)
