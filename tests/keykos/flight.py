"""Calls in flight: whatever is destroyed while somebody waits for it, he hears of it."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import DEAD, KT, hexed, passes, u32, u64  # noqa: E402
from lib import ROOT, limit  # noqa: E402

NEVER = (1 << 64) - 1


def begin(t):
    t.do("kc dkc 0 () (,dk0)")
    t.do("kc dkc 0 (%x000000000002) (,bid)")
    for name in ("hold", "slow", "catch", "memory"):
        t.do("cfact %sf %s.s 0x77 %s" % (name, name, {"slow": "h0=dk0", "memory": "h16=catch"}.get(name, "")))
        if name == "catch":
            t.do("kc catchf 0 (,sb,m,sb) (,catch)")
    t.do("kc waitf 0 (,sb,m,sb) (,settle)")


def flies(t, key, order=0, send=",,,", slot=""):
    """A call that its answer is not waited for here: it comes into a join."""
    t.do("kc joinf 64 (,sb,m,sb) (,j%s,,,slot)" % slot)
    t.do("kfork %s %s (%s,slot)" % (key, order, send))
    t.do("kc settle 4 (%s)" % hexed(u64(20000)))


def told(t, subject, code=DEAD, slot=""):
    t.check(subject, "j" + slot, 1, code=code)
    t.do("kc j%s kt+4" % slot)


def never(t, name="w"):
    """Somebody who never answers, until he is destroyed."""
    t.do("kc waitf 0 (,sb,m,sb) (,%s)" % name)
    t.do("kc %s 1 (%s)" % (name, hexed(u64(NEVER))))


def holder(t, name, bank):
    t.do("kc holdf 0 (,%s,m,%s) (,%s)" % (bank, bank, name))


def waits(t):
    never(t)
    flies(t, "w")
    t.check("wait", "w", KT + 4, code=0)
    told(t, "wait")
    t.do("kc mbwaitf 0 (,sb,m,bwait3) (,mb)")
    t.do("kc mb 6 (,sb) (id)")
    t.do("kc mb 1 (%s)" % hexed(u32(0) + u64(NEVER)))
    flies(t, "mb", 0, "id,,,")
    t.check("multiplexed wait", "mb", KT + 4, code=0)
    told(t, "multiplexed wait")
    # the bank with the wait
    t.do("kc sb 67 () (,b)")
    t.do("kc waitf 0 (,b,m,b) (,w)")
    t.do("kc w 1 (%s)" % hexed(u64(NEVER)))
    flies(t, "w")
    t.check("space bank", "b", KT + 4, code=0)
    told(t, "wait")


def domains(t):
    """A domain goes with its bank: who waits for it, and who waits for his turn."""
    never(t)
    t.do("kc sb 67 () (,b)")
    holder(t, "h", "b")
    flies(t, "h", 0, ",w,,", "1")
    t.do("kc sb 67 () (,bm)")
    t.do("kc msgbuff 64 (,bm,m,bm) (,mb)")       # it waits for its turn in our place
    t.do("kc mb 0 (,h)")
    flies(t, "mb", 0, ",w,,", "2")
    t.check("space bank", "b", KT + 4, code=0)
    told(t, "domain", slot="1")
    told(t, "domain", slot="2")
    t.check("space bank", "bm", KT + 4, code=0)
    t.kind("domain", "h", DEAD)
    # through a second domain, which lives, and hears it first
    t.do("kc sb 67 () (,b)")
    holder(t, "h", "b")
    holder(t, "h2", "sb")
    t.do("kc settle 4 (%s)" % hexed(u64(20000)))
    flies(t, "h2", 1, ",h,,")
    t.check("space bank", "b", KT + 4, code=0)
    told(t, "domain")
    t.check("domain", "h2", KT + 4, code=0)
    t.check("wait", "w", KT + 4, code=0)


def one_domain(t):
    """One domain goes, by its creator: who waits for it, and who waits for his turn; and nobody if the bank refuses."""
    never(t)
    t.do("kc sb 67 () (,b)")
    t.do("kc sb 67 () (,bh)")
    t.do("kc holdf.builder 69 () (,dc)")
    for ends in (False, True):
        holder(t, "h", "bh")
        t.check("domain creator", "dc", 2, ",h", 0, keys="dom")
        t.do("kc msgbuff 64 (,bh,m,bh) (,mb)")
        t.do("kc mb 0 (,h)")
        flies(t, "h", 0, ",w,,", "1")
        flies(t, "mb", KT + 4, ",,,", "2")
        t.check("domain creator", "dc", 1, ",dom,b", 2)
        t.check("domain creator", "dc", 1, ",dom,m", 1)
        t.check("domain creator", "dc", 1, ",b,sb", 3)
        if ends:
            t.check("domain creator", "dc", 1, ",dom,bh", 0)
            t.kind("domain", "h", DEAD)
        else:
            t.check("wait", "w", 1, hexed(u64(0)), 0)
        told(t, "domain", DEAD if ends else 0, "1")
        told(t, "domain", DEAD if ends else 0, "2")
        t.check("wait", "w", 1, hexed(u64(NEVER)), 0)
    # the domain's memory stays where it was until its bank goes
    t.check("space bank", "b", KT + 4, code=0)
    t.check("space bank", "bh", KT + 4, code=0)
    t.check("wait", "w", KT + 4, code=0)


def copies(t):
    """A copy that its parent destroys takes no caller along whom the parent will answer."""
    never(t)
    t.do("cfact twinf twin.s 0x77 h0=w")
    t.do("kc twinf 0 (,sb,m,sb) (,twin)")
    for _ in range(3):
        t.check("domain creator", "twin", 0, code=5)
    t.check("domain", "twin", KT + 4, code=0)
    t.do("kc twinf.builder kt+4")
    t.check("wait", "w", KT + 4, code=0)


def dry_keepers(t):
    """The keeper of a dry meter goes, with its bank or alone: the domain waits for the meter, and goes on when it is filled."""
    never(t)
    t.do("cfact twinf twin.s 0x77 h0=w")
    t.do("kc twinf.builder 69 () (,dc)")
    t.do("cfact spinf spinner.s 0x10C8")
    t.do("datakey zero %x00")
    t.do("newmeter mm")
    t.do("kc mmnode 3 () (,full)")
    t.do("kc spinf 0 (,sb,mm,sb) (,spin)")
    for alone in (False, True):
        t.do("kc sb 67 () (,b)")
        t.do("kc twinf 0 (,b,m,b) (,keeper)")
        t.do("kc mmnode 16+2 (,keeper)")
        t.do("kc mmnode 16+3 (,zero)")
        flies(t, "spin", 0, hexed(u32(2)) + ",,,")
        if alone:
            t.do("kc dc 2 (,keeper) (,dom)")
            t.check("domain creator", "dc", 1, ",dom,b", 0)
        t.check("space bank", "b", KT + 4, code=0)
        t.do("kc settle 4 (%s)" % hexed(u64(20000)))
        t.do("kc mmnode 16+3 (,full)")
        told(t, "meter", 0)
    t.check("spinner", "spin", KT + 4, code=0)
    t.check("space bank", "sb", 1, ",mmnode", 0)
    for name in ("spinf", "twinf"):
        t.do("kc %s.builder kt+4" % name)
    t.check("wait", "w", KT + 4, code=0)


def keys_kept(t):
    """A resume key in a node of the bank, and one that was used before."""
    t.do("kc sb 67 () (,b)")
    t.do("kc b 0 () (,n)")
    t.do("kc joinf 64 (,sb,m,sb) (,j,,,slot)")
    t.do("kc n 20 (,slot)")
    t.check("space bank", "b", KT + 4, code=0)
    told(t, "node")
    t.do("kc sb 67 () (,b)")
    t.do("kc b 0 () (,n)")
    t.do("kc joinf 64 (,sb,m,sb) (,j,,,slot)")
    t.do("kc n 20 (,slot)")
    t.do("kfork slot 7")
    t.check("space bank", "b", KT + 4, code=0)
    told(t, "node", 7)


def objects(t):
    """Objects that are domains, each waiting for somebody, and their bank goes."""
    never(t)
    t.do("kc tssf kt+5 (,sb,m,sb) (,,,,x)")
    t.do("kc console 0 () (,sik,sok,cck)")
    t.do("kc x kt+5 (,sik,sok,cck) (,,,,x)")
    t.do("kc x 4 (%x1B,dk0) (,tm,s0,o0,c0)")
    t.do("kc tm 0 (,bid) (,s1,o1,c1)")
    t.do("kc rcf 1 (,sb,m,sb) (,lud)")
    t.do("kc sb 67 () (,b)")
    t.do("kc recepf kt+5 (,b,m,b) (,,,,x)")
    t.do("kc x 0 (,lud) (,r)")
    flies(t, "r", 0, ",s1,o1,c1")
    t.check("space bank", "b", KT + 4, code=0)
    told(t, "receptionist")
    t.do("kc c1 0 () (,s1,o1)")
    # an authority that asks for the password
    t.do("kc sb 67 () (,b)")
    t.do("kc authf 0 (,b,m,b) (,a,am)")
    t.do("kc am 7 (%apw)")
    t.do("kc a kt+5 (,b,m,b) (,,,,x)")
    flies(t, "x", 0, "%aann,s1,o1,c1")
    t.check("space bank", "b", KT + 4, code=0)
    told(t, "authority")
    t.do("kc c1 0 () (,s1,o1)")
    # a fork object that calls
    t.do("kc sb 67 () (,b)")
    t.do("kc forkf 272 (,b,m,b) (,doit,ctl)")
    t.check("fork object", "ctl", 0, ",w", 0)
    flies(t, "doit", 0, ",,,")
    t.check("space bank", "b", KT + 4, code=0)
    told(t, "fork object")
    # reads, of a branch that goes and of a zapped circuit
    flies(t, "s1", 4)
    t.check("terminal", "tm", 1, ",c1", 0)
    told(t, "circuit")
    t.do("kc tssf 3 (,sb,m,sb) (,z,zs,zo,zc)")
    flies(t, "zs", 4)
    t.check("zapper", "z", KT + 4, code=0)
    told(t, "circuit")
    flies(t, "tm", 7)
    t.check("terminal", "tm", KT + 4, code=0)
    told(t, "terminal")
    t.do("kc lud kt+4")
    t.check("wait", "w", KT + 4, code=0)


def births(t):
    """A factory, or the bank, goes while a yield starts."""
    for what in ("the factory", "the bank", "the keeper's factory"):
        never(t)
        t.do("cfact slowf slow.s 0x77 h0=w")
        never(t, "w2")
        t.do("cfact slow2f slow.s 0x77 h0=w2")
        t.do("cfact outerf counter.s 0x10C0 f16=slow2f")
        t.do("kc sb 67 () (,b)")
        # of a program that takes its time: what is born lives, if its bank does
        flies(t, "slowf", 0, ",b,m,b", "1")
        # of a factory one of whose components is such a factory
        flies(t, "outerf", 0, ",b,m,b", "2")
        if what == "the bank":
            t.check("space bank", "b", KT + 4, code=0)
            told(t, "requestor", slot="1")
            told(t, "requestor", slot="2")
            for wait in ("w", "w2"):
                t.check("wait", wait, KT + 4, code=0)
        else:
            gone = ("outerf",) if what == "the factory" else ("slowf", "slow2f")
            for name in gone:
                t.check("builder", name + ".builder", KT + 4, code=0)
            for wait in ("w", "w2"):
                t.check("wait", wait, KT + 4, code=0)
            t.check("requestor", "j1", 1, code=0, keys="slow")
            t.check("requestor", "slow", 0, code=5)
            t.check("requestor", "slow", KT + 4, code=0)
            t.do("kc j1 kt+4")
            if what == "the factory":
                told(t, "requestor", slot="2")
            else:
                t.check("requestor", "j2", 1, code=0, keys="ctr")
                t.check("requestor", "ctr", 0, code=0, string=u32(1))
                t.check("requestor", "ctr", KT + 4, code=0)
                t.do("kc j2 kt+4")
            t.check("space bank", "b", KT + 4, code=0)
        for name in ("slowf", "slow2f", "outerf"):
            t.do("kc %s.builder kt+4" % name)


def keepers(t):
    """A segment's keeper goes while a domain waits for it: the fault is refused, and its own keeper hears the code."""
    never(t)
    t.do("kc memoryf 0 (,sb,m,sb) (,mem)")
    t.do("kc sb 67 () (,b)")
    # whoever calls this keeper waits: it is busy with a call of its own that is never answered
    t.do("kc sb 0 () (,seg)")
    t.do("datakey fk %x0FFFEFF3")
    t.do("kc seg 31 (,fk)")
    holder(t, "h", "b")
    t.do("kc seg 30 (,h)")
    t.do("kc seg 33 (%x00) (,sg)")
    t.do("kc mem 0 (,sg)")
    flies(t, "h", 0, ",w,,", "2")
    flies(t, "mem", 3, hexed(u64(0x123) + b"x") + ",,,")
    t.check("space bank", "b", KT + 4, code=0)
    told(t, "segment", 0x90005)            # no keeper any more: the domain's own hears of the memory
    told(t, "domain", slot="2")
    t.do("kc mem 0 ()")
    t.check("domain", "mem", KT + 4, code=0)
    t.check("space bank", "sb", 1, ",seg", 0)
    t.check("wait", "w", KT + 4, code=0)


@limit(200)
def test_flight():
    """Whoever waits for an object, a domain or a birth that is destroyed gets a code, whoever destroys it; nothing leaks."""
    programs = [os.path.join(ROOT, "tests/keykos", name + ".ck") for name in ("hold", "slow", "catch", "memory", "twin")]
    settled = lambda part: lambda t: (part(t), t.do("kc settle 4 (%s)" % hexed(u64(50000))))  # noqa: E731

    def steadily(part):
        return lambda t: t.steady("no leak", "sb", settled(part))
    passes(begin, *(steadily(part) for part in (waits, domains, one_domain, copies, dry_keepers, keys_kept, objects,
                                                     births, keepers)), programs=programs)
