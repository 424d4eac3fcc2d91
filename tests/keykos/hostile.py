"""The server of KeyKOS's objects under arbitrary messages: it answers on, and keeps nothing."""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import KT, hexed, passes, u32, u64  # noqa: E402
from lib import ROOT, limit  # noqa: E402

MAKERS = ("fsf", "vcsf", "snodef", "rcf", "waitf", "mbwaitf", "clockf", "siaf", "kidc", "fc", "fcc", "dcc", "tssf")
ORDERS = list(range(0, 46)) + [50, 64, 65, 66, 67, 69, 96, 97, 128, 129, 145, 255, 256, 512, 1001, 1004, 4095, 4096, 4097, 8191,
                               KT, KT + 1, KT + 2, KT + 4, KT + 5, KT + 6, 0xC0000000, 0xC0000001, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF]


def storm(seed, count):
    """Messages that await no answer, so that none can keep the interpreter waiting; keys that come back are used, too."""
    rng = random.Random(seed)

    def part(t):
        keys = ["b", "pg", "nd", "seg", "dk0", "discrim", "m", "sbt", "returner", "dkc", "nrange", "prange", "console"] + list(MAKERS)
        t.do("kc sb 67 () (,b)")
        t.do("kc b 16 () (,pg)")
        t.do("kc b 0 () (,nd)")
        t.do("kc nd 33 () (,seg)")
        for n, maker in enumerate(MAKERS):
            t.do("kc %s %d (,b,m,b) (,o%d)" % (maker, KT + 5 if maker == "tssf" else n & 1, n))
            keys.append("o%d" % n)
        for n in range(count):
            order, key = rng.choice(ORDERS), rng.choice(keys)
            data = rng.choice([b"", bytes(4), u32(rng.getrandbits(32)), u64(rng.getrandbits(64)), bytes([3]) + b"abcdef",
                               bytes(rng.getrandbits(8) for _ in range(rng.choice([1, 7, 12, 40, 300, 4096])))])
            given = [rng.choice(keys) for _ in range(4)]
            t.do("kfork %s %d (%s,%s)" % (key, order, hexed(data) if data else "", ",".join(given)))
            if n % 5 == 0 and key.startswith("o"):
                # what an object gives is a target in its turn: only codes that answer at once are called
                t.do("kc %s %d (%s,b,m,b) (,k%d)" % (key, rng.choice([0x20, 33, KT, KT + 6, 1001]), hexed(u32(n)), n % 40))
                keys.append("k%d" % (n % 40))
        for key, alleged in (("sb", 0x0C), ("fsf", 0x40D), ("fcc", 0x31E), ("console", 0xC09)):
            t.kind("still there", key, alleged)
        t.do("kc b kt+4")
        for maker in ("fsf", "rcf", "siaf"):
            t.check("still there", maker, 0, ",sb,m,sb", 0, keys="k")
            t.check("still there", "k", KT + 4, code=0)
    return part


@limit(200)
def test_storm():
    """Thousands of arbitrary messages to every object: the server answers on, and the bank has again what it had."""
    def whole(t):
        t.do("kc dkc 0 () (,dk0)")
        for seed in range(4):
            t.steady("no leak", "sb", storm(seed, 700))
    passes(whole)


TIMES = 250
BYTE = hexed(u64(0, 0, 1) + u32(0))


def over_and_over():
    """What goes wrong, by what it is called: (commands, how often)."""
    whole = lambda *lines, times=TIMES: (lines, times)  # noqa: E731
    return {
        "unofficial bank": whole("kc ctrf 0 (,pg,m,sb) (,x)", "kc fsf 0 (,pg,m,pg) (,x)", "kc dcc 0 (,nd,m) (,x)", "kc fc 0 (,discrim) (,x)"),
        "dead bank": whole("kc ctrf 0 (,dead,m,dead) (,x)", "kc rcf 1 (,sb,m,dead) (,x)", "kc snodef 0 (,sb,m,dead) (,x)", "kc kidc 0 (,dead,m,sb) (,x)"),
        "a bank dies under its yield": whole("kc sb 67 () (,db)", "kc ctrf 0 (,db,m,db) (,x)", "kc x 0", "kc db kt+4", "kc x 0"),
        "a bank dies under a yield at work": whole("kc sb 67 () (,db)", "kfork spinf 0 (,db,m,db)", "kc db kt+4"),
        "a factory dies while a yield starts": whole("cfact tf counter.s 1", "kc sb 67 () (,db)", "kfork tf 0 (,db,m,db)", "kc tf.builder kt+4", "kc db kt+4"),
        "nobody keeps what traps": whole("kc sb 67 () (,db)", "kfork trapf 0 (,db,m,db)", "kc db kt+4"),
        "no right, twice destroyed": whole("kc sb 0 () (,n)", "kc nd 36 () (,se)", "kc sb 1 (,se)", "kc se 19 (,pg)", "kc sb 2 (,n) (,n2)", "kc sb 1 (,n)",
                                           "kc sb 1 (,n2)", "kc sb 1 (,n2)", "kc n2 0"),
        "domains": whole("kc dcc 0 (,sb,m) (,dc)", "kc dc 12 (,sb) (,d)", "kc dc 1 (,d,pg)", "kc d 67 () (,f)", "kc d 66 () (,f2)", "kc dc 1 (,d,sb)",
                         "kc dc 1 (,d,sb)", "kfork f 0", "kc dc kt+4", "kc dc 12 (,sb) (,d)"),
        "joins": whole("kc joinf 64 (,sb,m,sb) (,j,,,s)", "kfork s 7 (%ax,pg,pg,pg)", "kfork s 7", "kc j kt+4", "kc j 1"),
        "fresh segments": whole("kc fsf 0 (,sb,m,pg) (,f)", "kc fsf 0 (,sb,m,sb) (,f)", "kc f 7 (%s,pg) (,g)" % hexed(u32(0, 4096)), "kc f 5",
                                "kc f 0xFFFFFFFF (%x00000000000000FF)", "kc f kt+4", "kc f 1"),
        "virtual copies": whole("kc vcsf 0 (,sb,m,sb) (,f)", "kc f 0xFFFFFFFF (%x0000000001)", "kc f 17 (,pg) (,g)", "kc f 17 (,sb) (,g)",
                                "kc g 0 (,sb,m,sb) (,c)", "kc f kt+4", "kc c kt", "kc c kt+4", "kc g 0 (,sb,m,sb)"),
        "collections": whole("kc rcf 1 (,sb,m,sb) (,f)", "kc f 6 (%x016161,pg)", "kc f 3 (%xFF61)", "kc f 0 (%x00) (,w)", "kc f 18 (%s)" % hexed(bytes(129)), "kc f kt+4"),
        "super nodes": whole("kc snodef 0 (,sb,m,sb) (,f)", "kc f 42 (%xFFFFFFFF,pg)", "kc f 42 (%x00000080,pg)", "kc f kt+4", "kc f 41"),
        "builders": whole("kc fc 0 (,sb) (,b)", "kc b 17 (%x30000000,sb)", "kc b 128 (,sb)", "kc b 66 () (,r,f)", "kc b 32 (,r)", "kc b 129 (,pg)",
                          "kc b 67 () (,c)", "kc c 0 (,sb) (,b2)", "kc c 0 (,pg) (,b3)", "kc b2 kt+4", "kc b kt+4", "kc r 0 (,sb,m,sb)", "kc f 0"),
        "commands": whole("cfact q counter.s 1 s0=sb", "cfact q nd 1", "cfact q sb 1", "womb w counter.s 8=nobody"),
        "trees": whole("kc copy 0 (%s,loop,pg)" % BYTE, "kc copy 0 (%s,red,pg)" % BYTE, "kc copy 0 (%s,pg,loop)" % BYTE, "kc red kt", "kc red 0", "kc red 77",
                       "kc copy 0 (%s,wide,pg)" % BYTE, "kc copy 0 (%x00,pg,pg)"),
        "key sets": whole("kc kidc 0 (%x05000000,sb,m,sb) (,w)", "kc w 1 (%x05000000,pg)", "kc w 4 (,pg)", "kc w 6 (,w)", "kc w 2 (,sb)", "kc w kt+4"),
        "clocks and waits": whole("kc clockf 0 (,sb,m,sb) (,w)", "kc w 1004 (%x00)", "kc w 0 (%s)" % hexed(bytes(9)), "kc w kt+4",
                                  "kc mbwaitf 0 (,sb,m,sb) (,w)", "kc w 0 (%xFFFFFFFF)", "kc w 6 (,nd) (id)", "kc w kt+4"),
        "circuits": whole("kc tssf 3 (,sb,m,sb) (,z,zs,zo,zc)", "kc z 0 (,pg,pg,pg)", "kc z kt+4", "kc zo 0 (%alost)", "kc tssf 4 (,sb,m,sb,pg,nd,sb,) (,tm)"),
        "programs of ours": whole("kc bsloadf 0 (,sb,m,sb) (,b)", "kc b 0 (,pg,sb)", "kc b kt+4", "kc mkeeperf 0 (,sb,m,sb) (,b)", "kc b 0 (,pg)", "kc b kt+4", times=60),
        "domains of nobody": whole("kc sb 67 () (,db)", "kc msgbuff 9 (,db,m,db) (,b)", "kc forkf 0 (,db,m,db) (,b)", "kc joinf 64 (,db,m,db) (,j,,,s)",
                                   "kc siaf 0 (,db,m) (,b)", "kc b 0", "kc db kt+4", "kfork s 7", times=60),
    }


@limit(240)
def test_loops():
    """Bad banks, factories and meters that die, malformed trees, failing requests, hundreds of times each: nothing hangs, nothing is kept."""
    def begin(t):
        for line in ("kc sb 16 () (,pg)", "kc sb 0 () (,nd)", "cfact ctrf counter.s 0x10C0", "cfact trapf trap.s 1", "cfact spinf spinner.s 1",
                     "kc sb 67 () (,dead)", "kc dead kt+4", "kc sb 0 () (,ln)", "kc ln 35 (%x04) (,loop)", "kc ln 16 (,loop)", "kc sb 0 () (,rn)",
                     "datakey fk %x8FFFFF13", "kc rn 31 (,fk)", "kc rn 33 () (,red)", "kc nd 35 (%x0E) (,wide)"):
            t.do(line)

    def loop(lines, times):
        def part(t):
            for _ in range(times):
                for line in lines:
                    t.do(line)
            t.do("pause 30")
        return part

    def whole(t):
        begin(t)
        for name, (lines, times) in over_and_over().items():
            loop(lines, min(times, 12))(t)
            t.steady(name, "sb", loop(lines, times))
        t.kind("still there", "sb", 0x0C)
        t.check("still there", "ctrf", 0, ",sb,m,sb", 0, keys="x")
        t.check("still there", "x", KT + 4, code=0)
    passes(whole, programs=[os.path.join(ROOT, "tests/keykos/trap.ck")], timeout=220)
