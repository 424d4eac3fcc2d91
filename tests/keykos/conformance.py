"""Conformance: every object of KeyKOS, by tables of order codes, parameters and rights."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, UNKNOWN, Table, hexed, u32, u64  # noqa: E402
from lib import limit  # noqa: E402


def data_keys(t):
    t.do("kc dkc 0 (%x010203040506) (,d6)")
    t.do("kc dkc 1 (%x0000000000" + "A1A2A3A4A5A6A7A8A9AAAB" + ") (,d11)")
    t.do("kc dkc 0 () (,dk0)")
    for key, short, long in [("d6", "010203040506", "00" * 10 + "010203040506"),
                             ("d11", "A6A7A8A9AAAB", "00" * 5 + "A1A2A3A4A5A6A7A8A9AAAB"),
                             ("dk0", "00" * 6, "00" * 16)]:
        for order in [0, 2, 3, 39, 64, 4096, KT, KT + 4, 0xFFFFFFFF]:
            t.check("data key", key, order, code=DEAD, string=bytes.fromhex(short))
        t.check("data key", key, 1, code=DEAD, string=bytes.fromhex(long))
        t.check("discrim", "discrim", 0, ",%s" % key, 1)
        t.check("discrim", "discrim", 1, ",%s" % key, 1)
        t.check("discrim", "discrim", 2, ",%s,%s" % (key, key), 0)
    t.check("discrim", "discrim", 2, ",d6,d11", 1)
    t.check("discrim", "discrim", 2, ",dk0", 0)
    t.kind("data key creator", "dkc", 0x309)
    t.check("data key creator", "dkc", 1, "%x01", 1)
    t.check("data key creator", "dkc", 1, "%x00000000000102", 0)
    t.refuses("data key creator", "dkc", [2, 3, 4, 16, 39, KT + 4, KT + 5, 0xFFFFFFFF])


def pages(t):
    t.check("page", "sb", 16, keys="pg")
    t.kind("page", "pg", 0x202)
    t.check("page", "pg", 0, keys="pgro")
    t.kind("page", "pgro", 0x1202)
    for order, length in [(4096, 1), (4096, 4), (4100, 100), (8191, 1), (8000, 192), (5000, 1000), (4096, 4000)]:
        t.check("page", "pg", 41, code=0)
        t.check("page", "pg", order, "%x" + "5A" * length, 0)
        t.check("page", "pg", 41, code=1)
        t.check("page", "pgro", 41, code=1)
        t.check("page", "pg", 39, code=0)
    for order, length in [(8191, 2), (8000, 193), (4097, 4000 + 96), (6144, 2049)]:
        t.check("page", "pg", order, "%x" + "5A" * length, 1)
        t.check("page", "pg", 41, code=0)
        t.check("page", "pgro", order, "%x" + "5A" * length, UNKNOWN)
    t.check("page", "pg", 4096, "", 0)
    for order in [39, 4096, 5000, 8191]:
        t.check("page", "pgro", order, "%x01", UNKNOWN)
    t.check("page", "pgro", 0, keys="pgro2")
    t.kind("page", "pgro2", 0x1202)
    t.check("discrim", "discrim", 2, ",pgro,pgro2", 0)
    t.check("discrim", "discrim", 2, ",pg,pgro", 1)
    t.check("discrim", "discrim", 0, ",pg", 3)
    t.check("discrim", "discrim", 1, ",pg", 1)
    t.check("discrim", "discrim", 1, ",pgro", 0)
    for key in ("pg", "pgro"):
        t.refuses("page", key, [1, 2, 3, 4, 7, 16, 32, 38, 40, 42, 64, 4095, 8192, 10000, KT + 1, KT + 4, KT + 6, 0xFFFFFFFF])


# A key of each kind, and what it becomes when fetched through a sense key: (type, data byte) or None for DK(0).
def nodes(t):
    t.check("node", "sb", 0, keys="nd")
    t.check("node", "sb", 0, keys="other")
    t.kind("node", "nd", 3)
    for slot in range(16):
        t.check("node", "nd", slot, keys="k")
        t.kind("node", "k", DEAD)
        t.check("node", "nd", 16 + slot, ",pg", 0, keys="old")
        t.kind("node", "old", DEAD)
        t.check("node", "nd", slot, keys="k")
        t.check("discrim", "discrim", 2, ",k,pg", 0)
        t.check("node", "nd", 16 + slot, ",sb", 0, keys="old")
        t.check("discrim", "discrim", 2, ",old,pg", 0)
    makes = {32: ("fe", 4), 33: ("sg", 5), 35: ("nk", 3), 37: ("fr", DEAD)}
    for order, (name, alleged) in makes.items():
        for data in (0, 5, 0x80, 0x45, 0xC3, 0xFF):
            t.check("node", "nd", order, "%%x%02X" % data, 0, keys=name)
            if order == 33:
                t.kind("segment", name, 0x0005 | (data & 15) << 8 | (0x1000 if data & 0x80 else 0))
            elif order != 37:
                t.kind("node", name, alleged)
                t.check("fetch key" if order == 32 else "node", name, 40, code=data)
            t.check("node", "nd", 38, "," + name, 0)
            t.check("node", "other", 38, "," + name, 1)
    t.check("node", "nd", 34, keys="me")
    t.kind("meter key", "me", 6)
    t.refuses("meter key", "me", [0, 1, 2, 3, 16, 32, 39, 64, 4096, KT + 4, 0xFFFFFFFF])
    t.check("node", "nd", 36, keys="se")
    t.kind("sense key", "se", 1)
    t.check("sense key", "se", 40, code=0xC0)
    t.check("node", "nk", 36, keys="se2")
    t.check("sense key", "se2", 40, code=0xFF)
    for key in ("me", "se"):
        t.check("node", "nd", 38, "," + key, 0)
    for key in ("pg", "sb", "dkc", "d6"):
        t.check("node", "nd", 38, "," + key, 1)
    for key, subject in (("fe", "fetch key"), ("se", "sense key")):
        t.refuses(subject, key, list(range(16, 40)) + [41, 42, 45, 50, 64, 70, 72, KT + 4, 0xFFFFFFFF])
        for slot in range(16):
            t.check(subject, key, slot, keys="k")
            t.kind(subject, "k", 0x0C if subject == "fetch key" else 0x1005)
    t.refuses("node", "nd", [41, 42, 43, 44, 46, 50, 64, 70, 71, 72, 73, 74, 4096, KT + 1, KT + 4, KT + 5, 0xFFFFFFFF])
    t.check("discrim", "discrim", 0, ",nd", 3)
    t.check("discrim", "discrim", 0, ",se", 3)
    t.check("discrim", "discrim", 0, ",fe", 5)
    t.check("discrim", "discrim", 0, ",me", 4)
    t.check("discrim", "discrim", 0, ",sg", 3)
    t.check("discrim", "discrim", 0, ",fr", 5)
    t.check("discrim", "discrim", 0, ",sb", 3)
    for key, hole in (("nd", 1), ("se", 0), ("fe", 1), ("me", 1), ("fr", 1), ("sb", 1), ("discrim", 1), ("returner", 1), ("dkc", 1)):
        t.check("discrim", "discrim", 1, "," + key, hole)


def write_data(t):
    t.check("node", "nd", 39)
    for first, last in [(0, 0), (0, 15), (3, 5), (15, 0), (14, 2), (8, 7)]:
        count = (last - first) % 16 + 1
        body = b"".join(bytes(15) + bytes([n + 1]) for n in range(count))
        t.check("node", "nd", 39)
        t.check("node", "nd", 45, hexed(u32(first, last) + body), 0)
        for n in range(16):
            slot = (first + n) % 16
            t.check("node", "nd", slot, keys="k")
            if n < count:
                t.check("data key", "k", 0, code=DEAD, string=bytes(5) + bytes([n + 1]))
            else:
                t.kind("node", "k", DEAD)
    for first, last in [(16, 0), (0, 16), (255, 255), (1 << 31, 0)]:
        t.check("node", "nd", 45, hexed(u32(first, last) + bytes(32)), 1)
    for byte in range(5):
        body = bytearray(16)
        body[byte] = 1
        t.check("node", "nd", 45, hexed(u32(2, 2) + bytes(body)), 2)


def sensory(t):
    """What a sense key gives of each kind."""
    t.do("kc nd 39")
    t.do("kc other 33 (%x05) (,seg)")
    t.do("kc other 32 (%x05) (,fet)")
    t.do("kc other 34 () (,met)")
    t.do("kc other 35 (%x05) (,nod)")
    t.do("kc other 36 () (,sen)")
    rows = [("d6", DEAD), ("seg", 0x1505), ("pg", 0x1202), ("pgro", 0x1202), ("nod", 1), ("fet", 1), ("sen", 1),
            ("met", DEAD), ("sb", 0x1005), ("discrim", 0x409), ("returner", KT), ("dkc", 0x309), ("domtool", DEAD), ("fc", DEAD)]
    for slot, (key, alleged) in enumerate(rows):
        t.do("kc nd %d (,%s)" % (16 + slot, key))
    for slot, (key, alleged) in enumerate(rows):
        t.check("sense key", "se", slot, keys="k")
        t.kind("sense key", "k", alleged)
        if key in ("nod", "fet", "sen"):
            t.check("sense key", "k", 40, code=0xC5 if key != "sen" else 0xC0)
        if key in ("d6", "pgro", "discrim", "returner", "dkc"):
            t.check("discrim", "discrim", 2, ",k," + key, 0)
        t.check("discrim", "discrim", 1, ",k", 0 if alleged in (0x1505, 0x1202, 0x1005, 1) else 1)


def returner(t):
    for order in (0, 1, 5, 77, 4096, KT, KT + 3, 0xFFFFFFFF):
        t.check("returner", "returner", order, "%aecho,pg,nd,sb", order, string=b"echo", keys="a,b,c,d")
        t.check("discrim", "discrim", 2, ",a,pg", 0)
        t.check("discrim", "discrim", 2, ",b,nd", 0)
        t.check("discrim", "discrim", 2, ",c,sb", 0)
    t.check("returner", "returner", 0, "%x" + "A5" * 4096, 0)


def domains(t):
    t.check("domain creator", "dcc", 0, ",sb,m", 0, keys="dc")
    t.kind("domain creator", "dc", 0x0D)
    t.kind("creator of creators", "dcc", 0x10D)
    t.check("domain creator", "dc", 13, keys="dcweak")
    t.check("creator of creators", "dcc", 1, ",dc", 0)
    t.check("creator of creators", "dcc", 1, ",dcweak", 1)
    for key in ("sb", "pg", "d6", "dcc"):
        t.check("creator of creators", "dcc", 1, "," + key, -1)
        t.check("creator of creators", "dcc", 0, "," + (key if key != "sb" else "nd"), 1)
    t.refuses("creator of creators", "dcc", [2, 3, 16, KT + 4, KT + 5, 0xFFFFFFFF])
    t.check("domain creator", "dc", 12, ",sb", 0, keys="dom")
    t.check("domain creator", "dc", 0, ",,sb", 0, keys="dom2")
    t.check("domain creator", "dc", 12, ",pg", 1)
    t.check("domain creator", "dc", 0, ",sb", 1)
    t.kind("domain", "dom", 7)
    for order in (1, 2, 3, 10, 11):
        t.check("domain", "dom", order, keys="k")
        t.kind("domain", "k", DEAD)
        t.check("domain", "dom", 32 + order, ",pg", 0, keys="old")
        t.kind("domain", "old", DEAD)
        t.check("domain", "dom", order, keys="k")
        t.check("discrim", "discrim", 2, ",k,pg", 0)
        t.check("domain", "dom", 32 + order, "", 0, keys="old")
        t.check("discrim", "discrim", 2, ",old,pg", 0)
    for slot in range(16):
        t.check("domain", "dom", 16 + slot, keys="k")
        t.kind("domain", "k", DEAD)
        t.check("domain", "dom", 48 + slot, ",nd", 0, keys="old")
        t.check("domain", "dom", 16 + slot, keys="k")
        t.check("discrim", "discrim", 2, ",k,nd", 0)
        t.check("domain", "dom", 48 + slot, ",d6", 0, keys="old")
        t.check("discrim", "discrim", 2, ",old,nd", 0)
    for data in (0, 1, 7, 128, 255):
        t.check("domain", "dom", 64, "%%x%02X" % data, 0, keys="st%d" % data)
        t.check("domain creator", "dc", 2, ",st%d" % data, data, keys="d")
        t.check("discrim", "discrim", 2, ",d,dom", 0)
        t.check("domain tool", "domtool", 1, ",st%d" % data, -1)
        t.check("domain", "dom", 80, ",st%d" % data, 0)
        t.check("domain", "dom2", 80, ",st%d" % data, 1)
        t.check("discrim", "discrim", 0, ",st%d" % data, 5)
    t.check("domain", "dom", 65, code=0)
    t.check("domain", "dom", 66, code=0, keys="fault")
    t.check("discrim", "discrim", 0, ",fault", 2)
    t.check("domain creator", "dc", 3, ",fault", 4, keys="d")
    t.check("discrim", "discrim", 2, ",d,dom", 0)
    t.check("domain", "dom", 66, code=1, keys="none")
    t.kind("domain", "none", DEAD)
    t.check("domain", "dom", 73, code=1)
    t.check("domain", "dom", 80, ",fault", 1)
    t.check("domain", "dom", 65, code=1)
    t.kind("resume key", "fault", DEAD)
    t.check("discrim", "discrim", 0, ",fault", 1)
    t.check("domain", "dom", 73, code=0, keys="ret")
    t.check("domain creator", "dc", 3, ",ret", 2, keys="d")
    t.check("domain", "dom", 80, ",ret", 0)
    t.check("domain", "dom", 67, code=1, keys="busy")
    t.kind("resume key", "ret", DEAD)
    t.check("discrim", "discrim", 0, ",busy", 2)
    t.check("domain", "dom", 65, code=1)
    t.check("domain", "dom", 67, code=0, keys="busy")
    t.check("domain", "dom", 65, code=1)
    for key in ("pg", "nd", "sb", "d6", "dcc", "st0"):
        t.check("domain creator", "dc", 3, "," + key, -1)
        if key != "st0":
            t.check("domain creator", "dc", 2, "," + key, -1)
    t.refuses("domain", "dom", [0, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 32, 36, 37, 41, 44, 47, 68, 69, 70, 71, 72, 75, 79, 81]
              + list(range(150, 162)) + [200, 214, 300, 309, 312, 315, 4096, KT + 4, 0xFFFFFFFF])
    for order in (201, 204, 206, 209, 210, 211, 212):
        t.check("domain", "dom", order, code=0)
    t.check("domain", "dom", 205, hexed(u32(*range(32))), 0)
    view = u32(0, 1, 2, 3, 0, 0, 0, 0, *range(8, 15), 0, *range(16, 22)) + bytes(40)
    t.check("domain", "dom", 204, code=0, string=view)
    t.check("domain", "dom", 202, hexed(u32(0x2000)), 0)
    t.check("domain", "dom", 201, code=0, string=u32(0x2000, 0x2004, 0x80, 0, 0, 0, 0, 0, 0))
    t.check("domain", "dom", 206, code=0)
    t.check("domain", "dom", 207, hexed(u32(0, 7)), 0)
    t.check("domain", "dom", 204, code=0, string=view[:4] + u32(7) + view[8:])
    for order in (202, 203, 205, 207, 208):
        t.check("domain", "dom", order, "%x010203", 3)
    t.check("domain", "dom", 304, code=0)
    t.check("domain", "dom", 302, hexed(bytes(range(8))), 2)
    t.check("domain", "dom", 302, hexed(u32(0x1000, 0)), 0)
    t.check("domain", "dom", 301, code=0, string=None)
    t.check("domain", "dom", 302, "%x010203", 3)
    t.check("domain", "dom", 303, "%x0102030405", 3)
    t.check("domain", "dom", 305, hexed(u32(1, 2, 3, 4)), 0)
    t.check("domain", "dom", 74, "%x0010000000000000,pg", 0, keys="old")
    t.check("domain", "dom", 3, keys="k")
    t.check("discrim", "discrim", 2, ",k,pg", 0)
    t.check("domain", "dom", 74, "%xFFFFFFFFFFFFFFFE", 2)
    t.check("domain creator", "dc", 1, ",dom,pg", 1)
    t.check("domain creator", "dc", 1, ",pg,sb", 3)
    t.check("domain creator", "dc", 1, ",dom,sb", 0)
    t.kind("domain", "dom", DEAD)
    t.kind("start key", "st7", DEAD)
    t.check("domain creator", "dc", 1, ",dom,sb", 3)
    t.check("domain creator", "dcweak", 1, ",dom2,sb", 0)
    t.check("domain creator", "dcweak", KT + 4, code=UNKNOWN)
    t.refuses("domain creator", "dc", [14 + 4, 16, 64, KT + 5, 0xFFFFFFFF])
    for order in (1, 2, 3, 5, 9):
        t.check("domain tool", "domtool", order, ",pg,nd", -1)
    t.check("domain tool", "domtool", 0, ",nd", -1)
    t.kind("domain tool", "domtool", 0x109)
    t.refuses("domain tool", "domtool", [4, 8, 12, 16, KT + 4])
    t.check("domain creator", "dc", KT + 4, code=0)
    t.kind("domain creator", "dc", DEAD)


# Of each key: discrim's type, and whether it is sensory memory.
KINDS = {"pg": (3, 1), "pgro": (3, 0), "nd": (3, 1), "fet": (5, 1), "seg": (3, 1), "segro": (3, 1), "segnc": (3, 1), "segboth": (3, 0), "sen": (3, 0),
         "met": (4, 1), "m": (4, 1), "front": (5, 1), "dom": (5, 1), "start": (5, 1), "fault": (2, 1), "ret": (2, 1), "d6": (1, 1), "dk0": (1, 1), "gone": (1, 1),
         "sb": (3, 1), "kid": (3, 1), "sn": (3, 1), "fs": (3, 1), "fsboth": (3, 0), "vcs": (3, 1), "rc": (5, 1), "sia": (5, 1), "clk": (5, 1)}
OTHERS = ("discrim returner dkc domtool keybits systimer calclock copy checkpoint bwait1 sbt dcc dc fcc fc fb ctrf nrange prange console kidc fsf vcsf "
          "snodef rcf waitf mbwaitf clockf siaf joinf msgbuff forkf mkeeperf bsloadf tssf").split()


def kinds(t):
    """What discrim and the domain tool make of a key of every kind."""
    for line in ("kc nd 32 (%x05) (,fet)", "kc nd 33 (%x05) (,seg)", "kc nd 33 (%x85) (,segro)", "kc nd 33 (%x45) (,segnc)", "kc nd 33 (%xC5) (,segboth)",
                 "kc nd 36 () (,sen)", "kc nd 34 () (,met)", "kc nd 37 (%xC0) (,front)", "kc dcc 0 (,sb,m) (,dc)", "kc dc 12 (,sb) (,dom)",
                 "kc dom 64 () (,start)", "kc dom 66 () (,fault)", "kc dc 12 (,sb) (,dom2)", "kc dom2 73 () (,ret)", "kc sb 16 () (,gone)", "kc sb 17 (,gone)",
                 "kc kidc 0 (%x09000000,sb,m,sb) (,kid)", "kc snodef 0 (,sb,m,sb) (,sn)", "kc fsf 0 (,sb,m,sb) (,fs)", "kc fs 3 () (,fsboth)",
                 "kc vcsf 0 (,sb,m,sb) (,vcs)", "kc rcf 1 (,sb,m,sb) (,rc)", "kc siaf 0 (,sb,m) (,sia)", "kc clockf 0 (,sb,m,sb) (,clk)",
                 "kc fc 0 (,sb) (,fb)", "cfact ctrf counter.s 1", "kc sb 0 () (,brand)"):
        t.do(line)
    known = dict(KINDS, **{key: (5, 1) for key in OTHERS})
    for key, (kind, hole) in known.items():
        t.check("discrim", "discrim", 0, "," + key, kind)
        t.check("discrim", "discrim", 1, "," + key, hole)
        t.check("discrim", "discrim", 2, ",%s,%s" % (key, key), 0)
        for other in ("pg", "start", "dk0") if key not in ("pg", "start", "dk0", "gone") else ():
            t.check("discrim", "discrim", 2, ",%s,%s" % (key, other), 1)
        for order in (1, 2, 3, 5, 6, 7, 9, 10, 11):
            t.check("domain tool", "domtool", order, ",%s,brand" % key, -1)
    t.check("domain", "dc", 2, ",start", 0)
    for key in ("kid", "sn", "fs", "vcs", "rc", "sia", "clk", "fb", "ctrf.builder"):
        t.check("domain", key, KT + 4, code=0)
    for key in ("dom", "dom2"):
        t.check("domain", "dc", 1, ",%s,sb" % key, 0)
    t.check("domain", "dc", KT + 4, code=0)
    t.do("kc sb 1 (,brand)")


def replies(t):
    """A primary key that is FORKed to does it, and answers to the resume key in position 3; the returner passes all on."""
    def heard(subject, key, order, send, code, string=None, keys=""):
        t.do("kc joinf 64 (,sb,m,sb) (,j,,,slot)")
        t.do("kfork %s %d (%s,slot)" % (key, order, send))
        t.check(subject, "j", 1, code=code, string=string, keys=keys)
        t.check("join", "j", KT + 4, code=0)
    heard("returner", "returner", 7, "%athrough,pg,nd,m", 7, b"through", "a,b,c")
    for key, same in (("a", "pg"), ("b", "nd"), ("c", "m")):
        t.check("returner", "discrim", 2, ",%s,%s" % (key, same), 0)
    t.do("kc nd 16 (,pg)")
    heard("node", "nd", 0, ",,,", 0, keys="a")
    t.check("node", "discrim", 2, ",a,pg", 0)
    heard("node", "nd", 16, ",m,,", 0, keys="a")
    t.check("node", "discrim", 2, ",a,pg", 0)
    heard("node", "nd", 16, ",,,", 0, keys="a")
    t.check("node", "discrim", 2, ",a,m", 0)
    t.check("node", "nd", 0, keys="a")
    t.kind("node", "a", DEAD)
    heard("node", "nd", 99, ",,,", UNKNOWN)
    heard("page", "pg", KT, ",,,", 0x202)
    heard("data key", "d6", 5, ",,,", DEAD, bytes([1, 2, 3, 4, 5, 6]))
    heard("discrim", "discrim", 0, ",pg,,", 3)
    heard("space bank", "sb", KT, ",,,", 0x0C)
    # nobody to answer: it is done all the same
    t.do("kfork nd 16 (,pg)")
    t.check("node", "nd", 0, keys="a")
    t.check("node", "discrim", 2, ",a,pg", 0)
    t.do("kfork pg 4096 (%aX,,,,nd)")
    t.check("page", "pg", 41, code=1)
    t.do("kfork returner 5 (%ax,pg,,,nd)")
    t.check("page", "pg", 39, code=0)


def smaller(t):
    """Strings left out are zero, those too long are cut; a key left out is DK(0); what is not asked for is not given."""
    for order in (32, 35):
        t.check("node", "nd", order, keys="k")
        t.check("node", "k", 40, code=0)
        t.check("node", "nd", order, "%x0506070809", keys="k")
        t.check("node", "k", 40, code=5)
    t.check("node", "nd", 33, keys="k")
    t.kind("segment", "k", 0x0005)
    for data in (0, 0x0F, 0x10, 0x20, 0x30, 0x45, 0x85, 0xB5, 0xFF):
        t.check("node", "nd", 33, "%%x%02X" % data, keys="k")
        t.kind("segment", "k", 0x0005 | (data & 15) << 8 | (0x1000 if data & 0x80 else 0))
        t.check("segment", "k", 0, keys="r")
        t.kind("segment", "r", 0x1005 | (data & 15) << 8)
        t.check("segment", "nd", 38, ",r", 0)
        t.refuses("segment", "k", [1, 2, 3, 4, 5, 16, 39, 41, 64, 4096, KT + 1, KT + 4, KT + 5, 0xFFFFFFFF])
    # red, without a keeper, and with one that may not be called
    t.do("kc sb 0 () (,red)")
    for keeper in (15, 14):
        t.do("kc red 45 (%s)" % hexed(u32(15, 15) + bytes(12) + bytes([0x0F, 0xFF, keeper << 4 | 15, 0x53])))
        t.check("node", "red", 33, "%x40", keys="k")
        t.kind("segment", "k", 0x0005)
        t.check("segment", "k", 0, keys="r")
        t.kind("segment", "r", 0x1005)
    t.do("kc red 30 (,start0)")
    t.check("space bank", "sb", 1, ",red", 0)
    t.do("kc dcc 0 (,sb,m) (,dc)")
    t.do("kc dc 12 (,sb) (,dom)")
    t.check("domain", "dom", 64, keys="s")
    t.check("domain creator", "dc", 2, ",s", 0)
    t.check("domain", "dom", 64, "%x112233", keys="s")
    t.check("domain creator", "dc", 2, ",s", 0x11)
    for order in (33, 34, 35, 42, 43, 48, 63):
        t.check("domain", "dom", order, ",pg", 0)
        t.check("domain", "dom", order, "", 0, keys="k")
        t.check("discrim", "discrim", 2, ",k,pg", 0)
        t.check("domain", "dom", order - 32, keys="k")
        t.kind("domain", "k", DEAD)
    t.check("domain creator", "dc", 1, ",dom,sb", 0)
    t.check("domain creator", "dc", KT + 4, code=0)
    for order in (0, 1):
        t.check("data key creator", "dkc", order, keys="k")
        t.check("data key", "k", 1, code=DEAD, string=bytes(16))
    t.check("data key creator", "dkc", 0, "%x0102030405060708", keys="k")
    t.check("data key", "k", 0, code=DEAD, string=bytes([1, 2, 3, 4, 5, 6]))
    t.check("data key creator", "dkc", 1, hexed(bytes(range(1, 20))), 1, keys="k")
    t.check("data key", "k", 1, code=DEAD, string=bytes(5) + bytes(range(6, 17)))
    t.check("page", "pg", 8191, "%x5A", 0)
    t.check("page", "pg", 41, code=1)
    t.check("page", "pg", 39, "%xFFFF", 0)
    t.check("page", "pg", 4096, "%x" + "5A" * 4096, 0)
    t.check("page", "pg", 4097, "%x" + "5A" * 4096, 1)
    t.check("page", "pg", 39, code=0)


def tools(t):
    """Key bits tell keys apart and nothing else; the checkpoint key without a disk; the timers."""
    for key in ("pg", "nd", "sb", "d6", "dk0", "discrim"):
        t.alike("key bits", "kc keybits 0 (,%s)" % key, "kc keybits 0 (,%s,pg,nd)" % key)
        t.unlike("key bits", "kc keybits 0 (,%s)" % key, "kc keybits 0 (,m)")
    t.unlike("key bits", "kc keybits 0 (,pg)", "kc keybits 0 (,pgro)")
    t.check("key bits", "keybits", 0, ",dk0", 0, string=bytes(16))
    t.refuses("key bits", "keybits", [KT, 1, 2, 3, 16, 64, KT + 1, KT + 4, 0xFFFFFFFF])
    t.check("take-checkpoint", "checkpoint", 0, hexed(u64(0xFFFFFFFFFFFFFFFF)), 1)
    t.check("take-checkpoint", "checkpoint", 1, hexed(u64(0xFFFFFFFFFFFFFFFF)), 1)
    for order in (0, 1):
        t.check("take-checkpoint", "checkpoint", order, hexed(u64(0)), UNKNOWN)
    t.refuses("take-checkpoint", "checkpoint", [2, 3, 16, 64, KT, KT + 1, KT + 4, 0xFFFFFFFF])
    t.kind("system timer", "systimer", 0x509)
    t.check("system timer", "systimer", 8, code=0, string=bytes(8))
    t.unlike("system timer", "kc systimer 7", "kc systimer 7")
    t.refuses("system timer", "systimer", [0, 1, 6, 9, 10, 64, KT + 1, KT + 4, 0xFFFFFFFF])


def root_nodes(t):
    """What a system's first command file and programs against rootnode.h take their keys from."""
    name = "root node"
    inside = {
        "early": {0: "sbt", 1: "sb", 2: "m", 3: "dcc", 4: "console", 8: "journalnode", 11: "prange"},
        "first": {0: "kidc", 1: "fcc", 2: "fc", 4: "fsf", 5: "snodef", 6: "tdof", 9: "virtualzeroseg"},
        "kernel": {2: "discrim", 3: "returner", 4: "dkc", 5: "systimer", 6: "calclock", 10: "domtool", 14: "keybits"},
        "womb0": {0: "discrim", 1: "dkc", 2: "returner", 4: "sbt", 5: "fc"},
        "womb1": {0: "dcc"},
        "womb2": {0: "m", 1: "sb"},
    }
    t.kind(name, "rootnode", 3)
    t.kind(name, "wombfacil", 4)
    for slot, key in ((3, "early"), (5, "first"), (7, "kernel")):
        t.check(name, "rootnode", slot, keys=key)
    for slot in range(3):
        t.check(name, "wombfacil", slot, keys="womb%d" % slot)
    for node, keys in inside.items():
        for slot in range(16):
            t.check(name, node, slot, keys="k")
            if slot in keys:
                t.check("discrim", "discrim", 2, ",k," + keys[slot], 0)
            elif (node, slot) not in (("early", 9), ("early", 10), ("early", 14), ("first", 3)):
                t.kind(name, "k", DEAD)
    t.check(name, "first", 3, keys="k")
    t.check("factory creator", "k", 7, ",joinf", UNKNOWN)
    t.check(name, "early", 10, keys="meters")
    for slot in range(3):
        t.check(name, "meters", slot, keys="n")
        t.check("node", "n", 34, keys="met")
        t.kind("meter", "met", 6)
    # one may be run below them
    t.do("cfact ctr2 counter.s 0x10C0")
    t.do("kc ctr2 0 (,sb,met,sb) (,c)")
    t.check("meter", "c", 0, code=0)
    t.do("kc c kt+4")
    t.do("kc ctr2.builder kt+4")
    for slot in (0, 1, 2, 4, 6, 8, 9, 10, 11):
        t.check(name, "rootnode", slot, keys="k")
        t.kind(name, "k", DEAD if slot < 3 else 4 if slot == 10 else 3)
    t.check(name, "rootnode", 16, ",sb", 0)
    t.check(name, "rootnode", 16, "", 0, keys="k")
    t.kind(name, "k", 0x0C)


def memory_codes(t):
    """Every way in which a tree may not give what is asked of it, by its number; nothing hangs in a loop of keys."""
    t.do("kc sb 16 () (,page)")
    t.do("kc page 0 () (,pagero)")
    t.do("kc page 4096 (%a" + "memory" + ")")
    for name in ("n3", "n4", "to"):
        t.do("kc sb 0 () (,%s)" % name)
    t.do("kc sb 16 () (,sink)")
    t.do("kc n3 35 (%x03) (,n3)")
    t.do("kc n4 35 (%x04) (,n4)")
    t.kind("copy key", "copy", 0x64)
    t.refuses("copy key", "copy", [1, 2, 3, KT + 4, KT + 5])

    def copy(source, offset, code, error, sink="sink"):
        """Six bytes from source at offset to the start of a page: rc, and the memory code if it fails."""
        done = 6 if code == 0 else 0
        t.check("copy key", "copy", 0, "%s,%s,%s" % (hexed(u64(offset, 0, 6)), source, sink), code,
                u64(offset + done, done, 6 - done) + u32(error))

    def slot(node, number, key):
        t.do("kc %s %d (,%s)" % (node, 16 + number, key))

    def window(node, number, value):
        t.do("kc %s 45 (%s)" % (node, hexed(u32(number, number) + value.to_bytes(16, "big"))))

    copy("page", 0, 0, 0)
    copy("pagero", 0, 0, 0)
    copy("page", 4096, 2, 3)
    copy("dkc", 0, 2, 2)
    copy("", 0, 2, 5)
    slot("n3", 0, "page")
    copy("n3", 0, 0, 0)
    copy("n3", 4096, 2, 5)
    copy("n3", 0x10000, 2, 3)
    slot("n4", 0, "n3")
    slot("n4", 1, "page")
    copy("n4", 0, 0, 0)
    copy("n4", 0x10000, 0, 0)
    copy("n4", 0x11000, 2, 3)
    # A child as tall as its parent; a tree that contains itself, by a window.
    slot("n4", 2, "n4")
    copy("n4", 0x20000, 0, 0)                # as tall as its place: its own beginning is seen there
    window("n4", 3, 0x22)
    copy("n4", 0x30000, 0, 0)
    window("n4", 0, 0x22)
    copy("n4", 0, 2, 6)
    slot("n4", 0, "n3")
    # Windows: bits that must be 0, an offset too large, one over data, one over nothing in the background.
    for value, error in ((0x10122, 10), (0x1022, 10), (1 << 48 | 0x22, 14), (0x52, 5), (0x42, 5), (0x03, 13), (0x0, 5), (0xF00, 5)):
        window("n4", 4, value)
        copy("n4", 0x40000, 2, error)
    # Format keys.
    t.do("kc sb 0 () (,red)")
    slot("red", 0, "page")
    t.do("kc red 35 (%x00) (,redn)")
    for value, code, error in ((0x0FFFFF13, 0, 0), (0x0FFFFF03, 2, 3), (0x0FFFFF12, 2, 9), (0x0FFFFF1D, 2, 9), (0x8FFFFF13, 2, 8),
                               (0x2FFFFF13, 2, 8), (0x4FFFFF13, 2, 8), (0x1FFFFF13, 0, 0), (0x00FFFF13, 2, 8), (0x0F5FFF13, 2, 8),
                               (0x0FFFF013, 2, 8), (0x0FFFFF1F, 2, 9)):
        window("red", 15, value)
        copy("redn", 0, code, error)
    slot("red", 15, "page")
    copy("redn", 0, 2, 7)
    # Stores.
    copy("page", 0, 3, 1, "pagero")
    copy("page", 0, 3, 5, "")
    t.do("kc n3 35 (%x83) (,n3ro)")
    copy("page", 0, 3, 1, "n3ro")
    t.do("kc n3 36 () (,n3s)")
    copy("n3s", 0, 0, 0)
    copy("page", 0, 3, 1, "n3s")
    t.do("kc n3 32 (%x03) (,n3f)")
    copy("n3f", 0, 0, 0)
    t.do("kc n3 32 (%x00) (,n3f)")
    copy("n3f", 0, 2, 2)
    # More than one call does.
    t.do("kc fsf 0 (,sb,m,sb) (,long)")
    t.check("copy key", "copy", 0, hexed(u64(0, 0, 0x20000)) + ",long,long", 1)
    t.check("fs", "long", KT + 4)
    for key in ("n3", "n4", "to", "red"):
        t.check("space bank", "sb", 1, "," + key)
    for key in ("page", "sink"):
        t.check("space bank", "sb", 17, "," + key)


@limit(200)
def test_conformance():
    """Every order code answers as the published interface has it; the table of objects is printed."""
    t = Table()
    for part in (data_keys, pages, nodes, write_data, sensory, returner, domains, kinds, replies, smaller, tools, root_nodes, memory_codes):
        part(t)
    failed = t.run(timeout=180)
    print("== shown\n" + t.report())
    assert not failed, "\n".join("%s: %s: %s" % (row.subject, row.command[:100], row.why) for row in failed[:40])
