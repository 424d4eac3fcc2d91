"""The server of KeyKOS's objects under arbitrary messages: it answers on, and keeps nothing."""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import KT, hexed, passes, u32, u64  # noqa: E402
from lib import limit  # noqa: E402

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
                               bytes(rng.getrandbits(8) for _ in range(rng.choice([1, 7, 12, 40, 300])))])
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
