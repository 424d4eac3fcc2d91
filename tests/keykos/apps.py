"""The programs of apps/keykos: each shows what it is there to show, and gives its space back."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, UNKNOWN, hexed, passes, u32  # noqa: E402
from lib import limit  # noqa: E402


def factory(t, name, segment, alleged, words=""):
    t.do("cfact %sf %s.s 0x%x %s" % (name, segment, alleged, words))


def steadily(part):
    """The bank has after the part in use what it had before."""
    def checked(t):
        t.do("newbank b")
        t.steady(part.__name__, "b", part)
    return checked


def courier(t):
    factory(t, "ctr", "counter", 0x10C0)
    t.do("kc ctrf 0 (,b,m,b) (,boss)")
    factory(t, "courier", "courier", 0x10C1, "h1=boss")
    t.check("courier", "ctrf", 0xFFFFFFFF, ",courierf", 1)
    t.check("courier", "courierf", 0xFFFFFFFF, ",ctrf", 0)
    t.check("courier", "courierf", 0xFFFFFFFF, ",courierf", 0)
    t.check("courier", "courierf", 0xFFFFFFFF, ",sb", 2)
    t.check("courier", "courierf", 0, ",b,m,b", 0, keys="c")
    t.kind("courier", "c", 0x10C1)
    for hit in (1, 2, 3):
        t.check("courier", "c", 0, string=u32(hit))
        t.check("courier", "boss", 1, string=u32(hit))
    t.refuses("courier", "c", [1, 2, KT + 5])
    t.check("courier", "c", KT + 4)
    t.check("counter", "boss", KT + 4)


def compiler(t):
    t.do("kc b 0 () (,home)")
    for page in ("bill", "out", "mine"):
        t.do("kc b 16 () (,%s)" % page)
    t.do("kc home 16 (,bill)")
    t.do("kc home 17 (,out)")
    for ordinal, name in ((0, "wrong"), (1, "right")):
        factory(t, name, "compiler", 0x10C2, "%d h0=home s1=discrim" % ordinal)
        t.check("compiler", name + "f", 0, ",b,m,b", 0, keys=name)
        t.kind("compiler", name, 0x10C2)
    t.do("kc peekf 0 (,b,m,b) (,peek)")
    t.check("compiler", "wrong", 0, "%x01" + b"int main".hex(), 0, u32(8))
    t.check("peek", "peek", 0, hexed(u32(0, 8)) + ",out", 0, b"INT MAIN")
    # The caller names the bill, and the compiler's own authority overwrites it.
    t.check("compiler", "wrong", 0, "%x00" + b"i owe $1".hex(), 0, u32(8))
    t.check("compiler", "wrong", 1, "", 0, b"I OWE $1" + bytes(24))
    t.do("kc bill 39")
    # By capability there is nothing to name: only what the caller holds is written.
    t.check("compiler", "right", 0, "%aint main,mine", 0, u32(8))
    t.check("peek", "peek", 0, hexed(u32(0, 8)) + ",mine", 0, b"INT MAIN")
    t.check("compiler", "right", 1, "", 0, u32(8) + bytes(28))
    t.do("kc mine 0 () (,minero)")
    t.check("compiler", "right", 0, "%aint main,minero", 4)
    for key in ("sb", "dkc", "", "peek"):
        t.check("compiler", "right", 0, "%aint main," + key, 3)
    t.check("compiler", "right", 1, "", 0, u32(8) + bytes(28))
    for key in ("wrong", "right", "peek"):
        t.check("compiler", key, KT + 4)
    for page in ("bill", "out", "mine"):
        t.check("space bank", "b", 17, "," + page)
    t.check("space bank", "b", 1, ",home")


def mailbox(t):
    factory(t, "box", "mailbox", 0x10C3)
    t.check("mailbox", "boxf", 0, ",b,m,b", 0, keys="box")
    t.check("mailbox", "box", 3, keys="slot")
    t.check("mailbox", "box", 1, code=4)
    for n in range(16):
        t.check("mailbox", "slot", 0, "%aletter" + chr(97 + n) + ",dkc", 0)
    t.check("mailbox", "slot", 0, "%aone more", 3)
    t.check("mailbox", "box", 4, string=u32(16))
    t.check("mailbox", "slot", 0, "%x" + "41" * 257, 4)
    for n in range(16):
        t.check("mailbox", "box", 1, "", 0, b"letter" + bytes([97 + n]), keys="k")
        t.kind("mailbox", "k", 0x309)
    t.check("mailbox", "box", 1, code=4)
    t.refuses("mailbox", "slot", [1, 2, 3, 4, 5, KT + 4])
    t.refuses("mailbox", "box", [5, 6, KT + 5])
    # One that waits is answered by the next post, past the queue.
    t.do("kc joinf 64 (,b,m,b) (,late,,,slip)")
    t.do("kfork box 2 (,,,,slip)")
    t.do("pause 20")
    t.check("mailbox", "box", 2, code=1)
    t.check("mailbox", "slot", 0, "%aat last,discrim", 0)
    t.check("join", "late", 1, "", 0, b"at last", keys="k")
    t.kind("mailbox", "k", 0x409)
    t.check("join", "late", KT + 4)
    t.check("mailbox", "box", KT + 4)
    t.kind("mailbox", "slot", DEAD)


def ledger(t):
    factory(t, "ledger", "ledger", 0x10C4, "f0=rcf")
    t.check("ledger", "ledgerf", 0, ",b,m,b", 0, keys="book")
    t.check("ledger", "book", 3, keys="audit")
    for amount, name, balance in ((100, b"ann", 100), (-50, b"bob", -50), (10, b"ann", 110), (7, b"carol", 7), (50, b"bob", 0)):
        t.check("ledger", "book", 0, hexed(u32(amount) + name), 0, u32(balance))
        for user in ("book", "audit"):
            t.check("ledger", user, 1, hexed(name), 0, u32(balance))
    for before, name, balance in ((b"!", b"ann", 110), (b"ann", b"bob", 0), (b"bob", b"carol", 7)):
        t.check("ledger", "audit", 2, hexed(before), 0, u32(balance) + name)
    t.check("ledger", "audit", 2, "%acarol", 4)
    t.check("ledger", "audit", 1, "%aeve", 4)
    t.check("ledger", "book", 0, hexed(u32(5)), 3)
    t.refuses("ledger", "audit", [0, 3, 4, KT + 4])
    t.refuses("ledger", "book", [4, 5, KT + 5])
    t.check("ledger", "book", KT + 4)
    t.kind("ledger", "audit", DEAD)


def pattern(t):
    factory(t, "pattern", "pattern", 0x10C5)
    t.do("kc peekf 0 (,b,m,b) (,peek)")
    t.check("pattern", "patternf", 0, ",b,m,b", 0, keys="seg")
    t.kind("pattern", "seg", 0x10C5)
    for page in (7, 0, 13, 7):
        text = b"page %d of the pattern" % page
        t.check("peek", "peek", 0, hexed(u32(page * 4096, len(text))) + ",seg", 0, text)
    t.check("pattern", "seg", 0, string=u32(3))
    t.check("peek", "peek", 1, hexed(u32(7 * 4096 + 5) + b"SEVEN") + ",seg", 0)
    t.check("peek", "peek", 0, hexed(u32(7 * 4096, 12)) + ",seg", 0, b"page SEVENth")
    t.check("pattern", "seg", 1, keys="ro")
    t.check("peek", "peek", 0, hexed(u32(7 * 4096, 10)) + ",ro", 0, b"page SEVEN")
    t.check("pattern", "seg", 0, string=u32(3))
    t.refuses("pattern", "seg", [2, 3, KT + 5])
    t.check("pattern", "seg", KT + 4)
    t.check("peek", "peek", KT + 4)


def patron(t):
    factory(t, "patron", "patron", 0x10C7)
    factory(t, "spin", "spinner", 0x10C8)
    t.check("patron", "patronf", 0, ",b,m,b", 0, keys="patron")
    t.do("newmeter mm")
    t.do("kc mmnode 16+2 (,patron)")
    t.check("spinner", "spinf", 0, ",b,mm,b", 0, keys="spin")
    t.check("spinner", "spin", 0, hexed(u32(1)), 0, u32(sum_of(1)))
    t.check("patron", "patron", 1, string=u32(0, 0))
    # The meter is dry: the spinner waits with its keeper, until there is money.
    t.do("datakey zero %x00")
    t.do("kc mmnode 16+3 (,zero)")
    t.do("kc joinf 64 (,b,m,b) (,late,,,slip)")
    t.do("kfork spin 0 (%s,,,,slip)" % hexed(u32(2)))
    t.do("pause 50")
    t.check("patron", "patron", 1, string=u32(0, 1))
    t.check("patron", "patron", KT + 4, code=1)
    t.check("patron", "patron", 0, hexed(u32(1, 16 * 1000000)), 0)
    t.check("join", "late", 1, "", 0, u32(sum_of(2)))
    t.check("patron", "patron", 1, string=u32(1, 0))
    # It runs dry again and again, and is paid each time.
    t.do("kc mmnode 16+3 (,zero)")
    t.check("patron", "patron", 0, hexed(u32(100000, 16 * 500)), 0)
    t.check("spinner", "spin", 0, hexed(u32(20000)), 0, u32(sum_of(20000)))
    t.do("kc patron 1 () (paid)")
    t.check("join", "late", KT + 4)
    t.check("spinner", "spin", KT + 4)
    t.check("patron", "patron", KT + 4)
    t.check("space bank", "sb", 1, ",mmnode")


def sum_of(rounds):
    """What spinner.ck answers: a congruential generator, stepped in one go."""
    multiply, add = 1, 0
    a, c, n = 1664525, 1013904223, rounds * 1000
    while n:
        if n & 1:
            multiply, add = multiply * a % 2**32, (add * a + c) % 2**32
        a, c, n = a * a % 2**32, (a * c + c) % 2**32, n >> 1
    return (multiply + add) % 2**32


def primes(t):
    factory(t, "primes", "primes", 0x10C9, "f0=vcsf")
    t.check("primes", "primesf", 0, ",b,m,b", 0, keys="p")
    for n, prime in ((1, 2), (10, 29), (1000, 7919)):
        t.check("primes", "p", 0, hexed(u32(n)), 0, u32(prime))
    t.check("primes", "p", 0, hexed(u32(0)), 3)
    t.check("primes", "p", 0, hexed(u32(4001)), 3)
    t.check("primes", "p", 1, string=u32(1000, 1000))
    t.check("primes", "p", 2, keys="warmf")
    t.check("primes", "p", 0, hexed(u32(1)), UNKNOWN)
    for again in ("w", "v"):
        t.check("primes", "warmf", 0, ",b,m,b", 0, keys=again)
        t.check("primes", again, 1, string=u32(1000, 0))
        t.check("primes", again, 0, hexed(u32(1000)), 0, u32(7919))
        t.check("primes", again, 1, string=u32(1000, 0))
        t.check("primes", again, 0, hexed(u32(1001)), 0, u32(7927))
        t.check("primes", again, 1, string=u32(1001, 1))
        t.check("primes", again, KT + 4)


def tools(t):
    factory(t, "peek", "peek", 0x10C6)
    t.check("peek", "peekf", 0, ",sb,m,sb", 0, keys="peek")
    t.check("peek", "peek", 0, hexed(u32(0, 4097)) + ",sb", KT + 3)
    t.check("peek", "peek", 0, hexed(u32(0x100000, 1)) + ",sb", KT + 3)
    t.refuses("peek", "peek", [2, 3, KT + 5])
    t.check("peek", "peek", KT + 4)


@limit(150)
def test_programs():
    """A hole is told, a deputy fooled and not fooled, letters kept, books audited, a segment kept, time paid, a start warm."""
    passes(tools, *(steadily(part) for part in (courier, compiler, mailbox, ledger, pattern, patron)), primes)
