"""Conformance: waiting, clocks, small integers, ranges."""

import datetime
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, UNKNOWN, hexed, passes, u32, u64  # noqa: E402
from lib import KEROS, ROOT, limit, run  # noqa: E402

NEVER = (1 << 64) - 1
MS = 1000


def begin(t):
    t.supply()
    t.do("cfact laterf later.s 0x77")
    t.do("kc laterf 0 (,sb,m,sb) (,later)")
    t.do("kc waitf 0 (,sb,m,sb) (,pause)")


def maker(t, name, key, alleged, made, made_alleged):
    t.maker(name, key, alleged)
    t.check(name, key, 0, ",sb,m,sb", 0, keys="k")
    t.kind(made, "k", made_alleged)
    t.check(made, "k", KT + 4, code=0)
    t.kind(made, "k", DEAD)


def waits(t):
    name = "wait"
    maker(t, "wait maker", "waitf", 0x325, name, 0x25)
    t.do("kc waitf 0 (,sb,m,sb) (,w)")
    # times gone by
    for order in (1, 3):
        t.check(name, "w", order, hexed(u64(0)), 0)
        t.check(name, "w", 0, code=0)
    for us in (0, 1, 2 * MS, 5 * MS):
        t.check(name, "w", 4, hexed(u64(us)), 0)
        t.check(name, "w", 2, hexed(u64(us)), 0)
        t.check(name, "w", 0, code=0)
    t.check(name, "w", 5, code=0)
    t.check(name, "w", 7, code=0)
    stamp = datetime.datetime(2001, 2, 3, 4, 5, 6, 780000, datetime.timezone.utc).timestamp()
    t.check(name, "w", 1, hexed(u64(int(stamp * 1e6) * 4096)), 0)
    t.check(name, "w", 5, code=0, string=b"02/03/0104:05:06:78UT SATURDAY ")
    t.refuses(name, "w", [6, 8, 9, 16, 64, KT + 1, KT + 5, 0xFFFFFFFF])
    # somebody waits; another is refused; an earlier time lets the first one go
    t.check(name, "w", 1, hexed(u64(NEVER)), 0)
    t.do("kc later 0 (,w)")
    t.do("kc pause 4 (%s)" % hexed(u64(50 * MS)))
    t.check(name, "w", 0, code=1)
    t.check(name, "w", 3, hexed(u64(NEVER)), 1)
    t.check(name, "w", 1, hexed(u64(1)), 0)
    t.check(name, "w", 0, code=0)
    # so it does when it is set by who would wait, too, and that one is refused all the same
    for order, when in ((3, 1), (4, 0), (4, 1)):
        t.check(name, "w", 1, hexed(u64(NEVER)), 0)
        t.do("kc later 0 (,w)")
        t.do("kc pause 4 (%s)" % hexed(u64(50 * MS)))
        t.check(name, "w", order, hexed(u64(when)), 1)
        t.check(name, "w", 0, code=0)
    # who waits when it is destroyed is told
    t.check(name, "w", 1, hexed(u64(NEVER)), 0)
    t.do("kc later 0 (,w)")
    t.check(name, "w", KT + 4, code=0)
    t.kind(name, "w", DEAD)


def multiplexers(t):
    name = "multiplexed wait"
    maker(t, "multiplexed wait maker", "mbwaitf", 0x525, name, 0x425)
    t.do("kc mbwaitf 0 (,sb,m,sb) (,w)")
    t.check(name, "w", 5, string=u32(0, 0))
    for order in (0, 1, 2, 3, 4, 7):
        for bad in (0, 1, 15, 16, 17, 4095, 4096, 0x7FFFFFFF):
            t.check(name, "w", order, hexed(u32(bad) + u64(0)), KT + 3)
    t.do("kc sb 0 () (,guard)")
    ids = ("ida", "idb")
    for key in ids:
        t.do("kc w 6 (,guard) (%s)" % key)
    t.check(name, "w", 6, ",guard", 0)
    t.do("kc w 5 () (counts)")
    t.refuses(name, "w", [9, 10, 16, 64, KT + 1, KT + 5, 0xFFFFFFFF])
    for key in ids:
        for order in (4, 2, 0, 1, 3, 0):
            t.check(name, "w", order, key, 0)
    t.do("kc w 6 (,guard) (idc)")
    t.check(name, "w", 4, "idc", 0)
    t.check(name, "w", 7, "idc", 0)
    for order in (0, 2, 7):
        t.check(name, "w", order, "idc", KT + 3)
    t.check(name, "w", KT + 6, keys="weak")
    t.kind(name, "weak", 0x425)
    t.check(name, "weak", KT + 4, code=UNKNOWN)
    t.check(name, "weak", 8, code=0)
    t.check(name, "sb", 1, ",guard", 0)
    t.check(name, "w", 8, code=0)
    t.check(name, "w", 5, string=None)
    for key in ids:
        t.check(name, "w", 7, key, KT + 3)
    t.check(name, "w", 6, ",nd", 0)
    t.check(name, "w", KT + 4, code=0)
    for key in ("w", "weak"):
        t.kind(name, key, DEAD)


def bwaits(t):
    name = "bwait"
    t.do("kc systimer 7 () (now)")
    for key in ("bwait1", "bwait2", "bwait3"):
        t.check(name, key, 1, hexed(u64(0)), 0)
        t.check(name, key, 0, code=0)
        t.check(name, key, 1, "now", 0)
        t.check(name, key, 0, code=0)
        t.refuses(name, key, [2, 3, 7, 16, 64, KT, KT + 4, 0xFFFFFFFF])
    t.check(name, "bwait1", 1, hexed(u64(NEVER)), 0)
    t.do("kc later 0 (,bwait1)")
    t.do("kc pause 4 (%s)" % hexed(u64(50 * MS)))
    t.check(name, "bwait1", 0, code=1)
    t.check(name, "bwait1", 1, "now", 0)
    t.do("kc pause 4 (%s)" % hexed(u64(50 * MS)))
    t.check(name, "bwait1", 0, code=0)


def tod(when):
    return int((when - datetime.datetime(1970, 1, 1)) / datetime.timedelta(microseconds=1)) * 4096


def packed(n):
    return int(str(n), 16)


def forms(when):
    """What order codes 0 to 6 answer for that time, by their description."""
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    us = int((when - midnight) / datetime.timedelta(microseconds=1))
    cents = us // 10000
    date = packed((when.year - 1900) * 1000 + when.timetuple().tm_yday) << 4 | 15
    clock = packed(cents // 360000 * 1000000 + cents // 6000 % 60 * 10000 + cents % 6000)
    text = when.strftime("%m/%d/%y%H:%M:%S:") + "%02d" % (cents % 100)
    return {0: u32(us * 384 // 10000, date), 1: u32(cents, date), 2: u32(clock, date), 3: u64(us * 4096) + u32(date),
            5: text, 6: u32(clock | 15, date)}, when.strftime("%A").upper().ljust(9)


def clocks(t):
    name = "clock"
    maker(t, "clock maker", "clockf", 0x112, name, 0x12)
    t.do("kc clockf 0 (,sb,m,sb) (,c)")
    times = [datetime.datetime(*parts) for parts in (
        (1970, 1, 1), (1970, 12, 31, 23, 59, 59, 990000), (1972, 2, 29, 12), (1972, 3, 1), (1999, 12, 31, 23, 59, 59, 999999),
        (2000, 2, 29, 1, 2, 3, 40000), (2000, 12, 31), (2026, 11, 26, 13, 5, 7, 123456), (2100, 3, 1, 6))]
    for hours, minutes, zone in ((0, 0, b"UT "), (8, 0, b"PST"), (-5, -30, b"IST")):
        if zone != b"UT ":
            t.check(name, "c", 1004, hexed(hours.to_bytes(2, "little", signed=True) + minutes.to_bytes(2, "little", signed=True)
                                          + zone), 0)
        for when in times:
            local = when - datetime.timedelta(minutes=hours * 60 + minutes)
            if local.year < 1970:
                t.check(name, "c", 1, hexed(u64(tod(when))), 1)
                continue
            for base, shown, label in ((0, local, zone), (100, when, b"UT ")):
                expected, weekday = forms(shown)
                for order, string in expected.items():
                    if order == 5:
                        string = string.encode() + label + weekday.encode()
                    t.check(name, "c", base + order, hexed(u64(tod(when))), 0, string=string)
                t.check(name, "c", base + 4, hexed(u64(tod(when))), 0,
                        string=u64(tod(when)) + u32(packed((shown.year - 1900) * 1000 + shown.timetuple().tm_yday) << 4 | 15))
    for order in (0, 5, 106):
        t.check(name, "c", order, "", 0)
        t.check(name, "c", order, hexed(bytes(9)), KT + 3)
        t.check(name, "c", order, hexed(b"\1"), 0 if order == 106 else 0)
    t.check(name, "c", 9, code=0)
    for bad in (b"", bytes(6), bytes(8), b"\x10\0\0\0ABC", b"\xf0\xff\0\0ABC", b"\0\0\x3c\0ABC"):
        t.check(name, "c", 1004, hexed(bad) if bad else "", UNKNOWN)
    good = hexed(b"\1\0\0\0MEZ")
    for order, destroy, zone in ((1001, UNKNOWN, 0), (1002, 0, UNKNOWN), (1003, UNKNOWN, UNKNOWN)):
        t.check(name, "c", order, keys="k")
        t.kind(name, "k", 0x12)
        t.check(name, "k", 1004, good, zone)
        t.check(name, "k", 5, "", 0)
        if destroy:
            t.check(name, "k", KT + 4, code=destroy)
        t.check(name, "k", 1003, keys="n")
        t.check(name, "n", KT + 4, code=UNKNOWN)
        t.check(name, "n", 1004, good, UNKNOWN)
    t.refuses(name, "c", [7, 8, 10, 99, 107, 1000, 1005, KT + 1, KT + 5, 0xFFFFFFFF])
    t.check(name, "c", KT + 4, code=0)
    for key in ("c", "k", "n"):
        t.kind(name, key, DEAD)
    t.kind("calendar clock", "calclock", 0x609)
    t.check("calendar clock", "calclock", 8, code=0)
    t.check("calendar clock", "calclock", 10, code=0)
    t.refuses("calendar clock", "calclock", [0, 7, 9, 11, 64, KT + 4, 0xFFFFFFFF])


def integers(t):
    name = "small integer allocator"
    maker(t, name + " maker", "siaf", 0x126, name, 0x26)
    t.do("kc siaf 0 (,sb,m) (,s)")
    t.check(name, "s", 0xFFFFFFFF, code=0)
    t.check(name, "s", 1, code=1)
    for n in range(1, 70):
        t.check(name, "s", 0, code=n)
        t.check(name, "s", 0xFFFFFFFF, code=1)
    for n in (70, 71, 1000, 32768, 32769, KT - 1):
        t.check(name, "s", n, code=1)
    for n in (1, 3, 64, 65, 2):
        t.check(name, "s", n, code=0)
        t.check(name, "s", n, code=1)
    t.check(name, "s", 0xFFFFFFFF, code=4)
    for n in (1, 2, 3, 64, 65, 70, 71):
        t.check(name, "s", 0, code=n)
    t.refuses(name, "s", [KT + 1, KT + 2, KT + 5, 0xFFFFFFFE])
    t.check(name, "s", KT + 4, code=0)
    t.kind(name, "s", DEAD)
    t.do("kc sbt 5 (%s,sb) (,few)" % hexed(u32(3, 9)))
    t.check(name, "siaf", 0, ",few,m", 0, keys="s")
    t.check(name, "s", 0, code=-1)
    t.check(name, "s", KT + 4, code=0)
    t.check("space bank", "few", 5, string=u32(3))
    t.do("kc few kt+4")


def place(n):
    return n.to_bytes(6, "big")


def ranges(t):
    for name, key, alleged, good, other, made in (("node range", "nrange", 0x303, "nd", "pg", 3), ("page range", "prange", 0x302, "pg", "nd", 0x202)):
        t.kind(name, key, alleged)
        for n in (0, 1, 15, 16, 300, 65535):
            t.check(name, key, 0, hexed(u32(n)), 0, keys="a")
            t.kind(name, "a", made)
            t.check(name, key, 5, hexed(u32(n)), 0, keys="b")
            t.check(name, "discrim", 2, ",a,b", 0)
            t.check(name, key, 1, ",a", 0, string=u32(n))
            for order, gratis in ((3, 1), (3, 1), (4, 0), (4, 0), (3, 1)):
                t.check(name, key, order, ",a", 0)
                t.check(name, key, 1, ",b", gratis, string=u32(n))
            store = (lambda code=0: t.check(name, "a", 4096, "%aX", code)) if made == 0x202 else \
                (lambda code=0: t.check(name, "a", 16 + 3, ",pgx", code))
            t.do("kc dkc 0 (%x010203040506) (,pgx)")
            store()
            t.check(name, key, 2, ",a", 0, keys="c")
            t.kind(name, "a", DEAD)
            t.kind(name, "b", DEAD)
            t.check(name, key, 1, ",c", 1, string=u32(n))
            t.check(name, key, 4, ",c", 0)
            t.check(name, key, 1, ",c", 0, string=u32(n))
            content = (lambda k, full: t.check(name, k, 41, code=1 if full else 0)) if made == 0x202 else \
                (lambda k, full: (t.check(name, k, 3, keys="v"), t.check(name, "discrim", 2, ",v,pgx", 0 if full else 1)))
            content("c", True)
            t.check(name, key, 6, ",c", 0, keys="d")
            t.kind(name, "c", DEAD)
            content("d", False)
            t.check(name, key, 8, hexed(place(n)), 0, keys="e")
            t.kind(name, "d", DEAD)
            t.kind(name, "e", made)
            t.check(name, key, 9, hexed(place(n)), 0, keys="f")
            t.check(name, "discrim", 2, ",e,f", 0)
        for n in (1 << 16, 1 << 31, 0xFFFFFFFF):
            for order in (0, 5):
                t.check(name, key, order, hexed(u32(n)), -1)
            for order in (8, 9):
                t.check(name, key, order, hexed(place(n)), -1)
        for order in (1, 2, 3, 4, 6):
            for bad in (good, other, "sb", "dk0", "m"):
                t.check(name, key, order, "," + bad, -1)
        if made == 0x202:
            t.do("kc f 0 () (,ro)")
            t.check(name, key, 1, ",ro", -1)
            # the frame given back: the next one there is another, and empty
            t.do("kc f 4096 (%aX)")
            t.check(name, key, 42, ",ro", -1)
            t.check(name, key, 42, ",f", 0)
            t.kind(name, "f", DEAD)
            t.check(name, key, 42, ",f", -1)
            t.check(name, key, 0, hexed(u32(65535)), 0, keys="f")
            t.check(name, "f", 41, code=0)
        else:
            t.check(name, key, 42, ",f", UNKNOWN)
        t.refuses(name, key, [7, 10, 16, 64, KT + 4, 0xFFFFFFFF])
    # a caller's key in a node that is cleared by its place
    t.do("kc nrange 0 (%s) (,n)" % hexed(u32(77)))
    t.do("kc joinf 64 (,sb,m,sb) (,j,,,slot)")
    t.do("kc n 20 (,slot)")
    t.check("node range", "nrange", 8, hexed(place(77)), 0)
    t.check("node range", "j", 1, code=DEAD)
    t.do("kc j kt+4")


def roots(t):
    """A node of the node range becomes a domain, and ends as one."""
    name = "domain tool"
    t.do("datakey brand %xB4A2D0")
    t.do("datakey five %x05")
    for key, n in (("root", 40000), ("keys", 40001), ("regs", 40002), ("mem", 40003)):
        t.do("kc nrange 0 (%s) (,%s)" % (hexed(u32(n)), key))
    t.do("kc mem 35 (%x05) (,mem)")
    t.do("kc mem 16 (,counter.s)")
    t.do("kc keys 21 (,five)")
    for slot, key in ((0, "brand"), (1, "m"), (3, "mem"), (10, "discrim"), (11, "dkc"), (14, "keys"), (15, "regs")):
        t.do("kc root %d (,%s)" % (16 + slot, key))
    t.do("kc root 35 (%x01) (,rootdb)")
    t.do("kc root 32 () (,rootfetch)")
    t.check("node range", "nrange", 1, ",rootdb", 0, string=u32(40000))
    for bad in ("nd", "rootfetch", "pg", "dk0", "sb", "m"):
        t.check(name, "domtool", 0, "," + bad, -1)
    t.check(name, "domtool", 0, ",root", 0, keys="dom")
    t.kind(name, "dom", 7)
    t.check(name, "domtool", 0, ",rootdb", 0, keys="again")
    t.check("discrim", "discrim", 2, ",dom,again", 0)
    for order, key in ((1, "m"), (3, "mem"), (10, "discrim"), (11, "dkc"), (16 + 5, "five")):
        t.check("domain", "dom", order, keys="k")
        t.check("discrim", "discrim", 2, ",k," + key, 0)
    t.check("domain", "dom", 64, "%x09", 0, keys="start")
    t.check("domain", "dom", 66, code=0, keys="fault")
    for order, key, code in ((1, "start", 9), (2, "fault", 4), (3, "dom", 0)):
        t.check(name, "domtool", order, ",%s,brand" % key, code, keys="k")
        t.check("node", "root", 38, ",k", 0)
        t.check("node", "k", 40, code=0)
        t.check(name, "domtool", order, ",%s,five" % key, -1)
    # it is a domain's bank that counts it, and a creator's that knows it: neither has to do with this one
    t.check("space bank", "sb", 1, ",root", 1)
    t.check("domain creator", "dcc", 1, ",dom", -1)
    # severed with its root: the same domain, by new keys only
    t.check("node range", "nrange", 2, ",root", 0, keys="new")
    for key in ("root", "rootdb", "dom", "start", "fault"):
        t.kind(name, key, DEAD)
    t.check(name, "domtool", 0, ",root", -1)
    t.check(name, "domtool", 0, ",new", 0, keys="dom")
    t.check("domain", "dom", 3, keys="k")
    t.check("discrim", "discrim", 2, ",k,mem", 0)
    t.check("domain", "dom", 64, "%x07", 0, keys="start")
    t.check(name, "domtool", 1, ",start,brand", 7, keys="k")
    t.check("node", "new", 38, ",k", 0)
    # who waits for it when its root is cleared is told
    t.do("kc joinf 64 (,sb,m,sb) (,j,,,slot)")
    t.do("kc dom 48+2 (,slot)")
    t.check("node range", "nrange", 8, hexed(place(40000)), 0, keys="root")
    t.check(name, "j", 1, code=DEAD)
    t.do("kc j kt+4")
    for key in ("new", "dom", "start"):
        t.kind(name, key, DEAD)
    # what is made of the node then is another domain, with nothing
    t.check(name, "domtool", 0, ",root", 0, keys="dom")
    t.check("domain", "dom", 3, keys="k")
    t.kind("domain", "k", DEAD)
    t.check("domain", "dom", 33, ",m", 0)
    t.check("domain", "dom", 35, ",mem", 0)
    t.check(name, "domtool", 3, ",dom,brand", -1)
    t.check("node range", "nrange", 6, ",root", 0)
    t.kind(name, "dom", DEAD)
    for n in (40001, 40002, 40003):
        t.do("kc nrange 8 (%s)" % hexed(place(n)))


def kernel_pages(t):
    """The node of the kernel page is read like any other, and the page itself is nobody's to write."""
    t.do("kc journalnode 0 () (,kp)")
    t.kind("kernel page", "journalnode", 4)
    t.kind("kernel page", "kp", 0x1202)
    t.check("kernel page", "journalnode", 40, code=0)
    t.check("kernel page", "kp", 41, code=1)
    t.check("kernel page", "kp", 4096, "%x00", KT + 2)
    for n in range(1, 16):
        t.check("kernel page", "journalnode", n, code=0, keys="k")
        t.kind("kernel page", "k", DEAD)
    t.refuses("kernel page", "journalnode", [16, 31, 32, 38, 39, 45, 64, KT + 4, 0xFFFFFFFF])
    t.kind("bwait node", "bwaitnode", 4)
    for n in (1, 2, 3):
        t.check("bwait node", "bwaitnode", n, code=0, keys="k")
        t.check("discrim", "discrim", 2, ",k,bwait%d" % n, 0)


@limit(60)
def test_kernel_page():
    """The kernel page's time goes on and is never ahead of the timer; idle time grows while nobody runs."""
    words = "kc pe 0 (%s,kp) ()\n" % hexed(u32(0, 40))
    with open("script.cmd", "w") as file:
        file.write("kc journalnode 0 () (,kp)\ncfact pk peek.s 1\nkc pk 0 (,sb,m,sb) (,pe)\n" +
                   ("%skc systimer 7\nkc systimer 8\npause 300\n" % words) * 3)
    out = run([KEROS, "keykos", "--icount", "--script", "script.cmd"], timeout=50).stdout.decode()
    pages, timers, idles = [], [], []
    for text in re.findall(r"%X([0-9A-F]+)", out):
        values = [int.from_bytes(bytes.fromhex(text[i:i + 16]), "little") for i in range(0, len(text), 16)]
        (pages if len(values) == 5 else timers if len(timers) == len(idles) else idles).append(values)
    assert len(pages) == len(timers) == len(idles) == 3, out
    for page, (timer,) in zip(pages, timers):
        last_checkpoint, of_restart, restart, last_set, now = page
        assert 0 < restart <= now <= timer and now > timer - 4096 * 2_000_000, out
        assert last_checkpoint == of_restart == last_set == 0, out
    assert pages[0][4] < pages[1][4] < pages[2][4], out
    grown = [(after - before) / 16 / 1000 for (before,), (after,) in zip(idles, idles[1:])]
    assert all(100 < ms for ms in grown), out
    assert all(idle * 256 <= timer for (idle,), (timer,) in zip(idles, timers)), out


@limit(300)
def test_times():
    """Waits, the multiplexer, bwait, clocks, small integers and ranges answer as published, and nothing leaks."""
    programs = [os.path.join(ROOT, "tests/keykos/later.ck")]

    def steadily(part):
        # later.ck's second domains end when they are answered, and need a moment for it
        return lambda t: t.steady("no leak", "sb", lambda t: (part(t), t.do("kc pause 4 (%s)" % hexed(u64(100 * MS)))))
    passes(begin, *(steadily(part)
                    for part in (waits, multiplexers, bwaits, clocks, integers, ranges, roots, kernel_pages)), programs=programs)
