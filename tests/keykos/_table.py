"""_table - conformance tables: rows of (object, key, order code, send, expected answer), run in one boot.

A table is a Table that rows are added to; run() writes them as a script of the command language, boots
./keros keykos with it and compares what each command answers.  Nothing here knows an object.
"""

import os
import re
import tempfile

from lib import KEROS, run

KT = 0x80000000
DEAD, UNKNOWN = KT + 1, KT + 2          # a key to nothing; an order code that is not there


class Row:
    def __init__(self, subject, command, code, string, label):
        self.subject, self.command, self.code, self.string, self.label = subject, command, code, string, label
        self.why = self.answer = self.same_as = None
        self.differ = False


class Table:
    def __init__(self):
        self.rows = []
        self.setups = []

    def do(self, command):
        """A command whose answer does not matter."""
        self.rows.append(Row(None, command, None, None, None))

    def check(self, subject, key, order, send="", code=0, string=None, keys=""):
        """key(order; send ==> keys) answers code; string: bytes expected, or None for "not compared"."""
        shown = "kt+%d" % (order - KT) if order >= KT else str(order)
        self.rows.append(Row(subject, "kc %s %s (%s) (%s)" % (key, shown, send, "," + keys), code & 0xFFFFFFFF, string,
                             order))

    def kind(self, subject, key, alleged):
        """A key that an operation gave is of that alleged type."""
        self.rows.append(Row(subject, "kt %s" % key, alleged & 0xFFFFFFFF, None, KT))

    def refuses(self, subject, key, orders, code=UNKNOWN):
        """Each of these order codes is unknown to the object."""
        for order in orders:
            self.check(subject, key, order, code=code)

    def supply(self):
        """What checks give to objects: a page pg, a node nd, DK(0) as dk0, and a bank low that has nothing."""
        self.do("kc sb 16 () (,pg)")
        self.do("kc sb 0 () (,nd)")
        self.do("kc dkc 0 () (,dk0)")
        self.do("kc sbt 5 (%s,sb) (,low)" % hexed(u32(0, 0)))

    def maker(self, subject, key, alleged):
        """A factory without holes: its type, what it answers to those who bring no bank, meter or storage, or ask for more."""
        self.kind(subject, key, alleged)
        for bad in ("pg", "m", "dk0"):
            self.check(subject, key, 0, ",%s,m,sb" % bad, 1)
        self.check(subject, key, 0, ",sb,pg,sb", 2)
        self.check(subject, key, 0, ",low,m,sb", 2)
        self.check(subject, key, 0xFFFFFFFF, ",fsf", 0)
        self.refuses(subject, key, [0xC0000001, 0xFFFFFFFE])

    def same(self, subject, key, other):
        """discrim cannot tell the two keys apart."""
        self.check(subject, "discrim", 2, ",%s,%s" % (key, other), 0)

    def alike(self, subject, command, again, differ=False):
        """Two commands have the same answer."""
        before, after = Row(None, command, None, None, None), Row(subject, again, None, None, command.split()[2])
        after.same_as, after.differ = before, differ
        self.rows += [before, after]

    def unlike(self, subject, command, again):
        self.alike(subject, command, again, True)

    def steady(self, subject, bank, part):
        """After the part the bank has as much in use as before it."""
        before = Row(None, "space %s" % bank, None, None, None)
        self.rows.append(before)
        part(self)
        after = Row(subject, "space %s" % bank, None, None, "leaks")
        after.same_as = before
        self.rows.append(after)

    def script(self):
        return "".join("say #%d\n%s\n" % (n, row.command) for n, row in enumerate(self.rows))

    def run(self, programs=(), timeout=100):
        """Boots, compares; returns the rows that failed, each with its reason in why.

        Time is instructions: a pause of 20 ms is one in which 20 million can be executed, however busy the host is."""
        with tempfile.NamedTemporaryFile("w", suffix=".cmd", delete=False) as file:
            file.write(self.script())
        try:
            result = run([KEROS, "keykos", "--icount", "--script", file.name, *programs], timeout=timeout)
        finally:
            os.unlink(file.name)
        parts = re.split(r"(?m)^#(\d+)\n", result.stdout.decode("utf-8", "backslashreplace"))
        answers = dict(zip((int(n) for n in parts[1::2]), parts[2::2]))
        for n, row in enumerate(self.rows):
            self.judge(row, answers.get(n))
        if result.status not in (0, 1):
            raise AssertionError("the machine did not come to its end:\n%r" % result)
        return [row for row in self.rows if row.why]

    @staticmethod
    def judge(row, answer):
        row.answer = answer
        if answer is None:
            row.why = "no answer"
            return
        if row.same_as:
            if (answer != row.same_as.answer) != row.differ:
                row.why = "%r, and before %r" % (answer, row.same_as.answer)
            return
        if row.subject is None:
            return
        code = re.search(r"(?:RC|KT)=([0-9A-F]+)\n", answer)
        if not code:
            row.why = "answers %r" % answer
        elif int(code[1], 16) != row.code:
            row.why = "answers %s, not %X" % (code[1], row.code)
        elif row.string is not None:
            text = re.search(r'  "(.*)"\n|  %X([0-9A-F]*)\n', answer, re.S)
            got = b"" if not text else text[1].encode() if text[1] is not None else bytes.fromhex(text[2])
            if got != row.string:
                row.why = "string %r, not %r" % (got, row.string)

    def report(self):
        """A line an object: its order codes and checks, passed of all."""
        lines = ["%-24s %12s %14s" % ("object", "order codes", "checks")]
        subjects = {}
        for row in self.rows:
            if row.subject:
                subjects.setdefault(row.subject, []).append(row)
        for subject, rows in subjects.items():
            orders = {row.label for row in rows}
            broken = {row.label for row in rows if row.why}
            passed = sum(1 for row in rows if not row.why)
            lines.append("%-24s %5d of %3d %7d of %4d" % (subject, len(orders - broken), len(orders), passed, len(rows)))
        rows = [row for row in self.rows if row.subject]
        lines.append("%-24s %12s %7d of %4d" % ("all", "", sum(1 for row in rows if not row.why), len(rows)))
        return "\n".join(lines)


def passes(*parts, programs=(), timeout=180):
    """Each part adds its rows to a table; all of them hold."""
    t = Table()
    for part in parts:
        part(t)
    failed = t.run(programs, timeout=timeout)
    print("== shown\n" + t.report())
    assert not failed, "\n".join("%s: %s: %s" % (row.subject, row.command[:100], row.why[:200]) for row in failed[:40])


def u32(*numbers):
    return b"".join((n & 0xFFFFFFFF).to_bytes(4, "little") for n in numbers)


def u64(*numbers):
    return b"".join((n & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little") for n in numbers)


def hexed(data):
    return "%x" + data.hex()

