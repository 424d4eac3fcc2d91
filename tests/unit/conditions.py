"""Conditions: every number that the kernel can report is one sentence of the documents, and is violated by a test."""

import os
import re

from lib import ROOT

# No hosted test reaches these: they are the real machine's own (arch/x86), or its start's; 204 by construction.
MACHINE = {10, 16, 17, 18, 19, 20, 21, 22, 25, 26, 27, 28, 204}


def sources(*tops, suffix=".c"):
    for top in tops:
        for directory, _, files in os.walk(os.path.join(ROOT, top)):
            for file in files:
                if file.endswith(suffix):
                    path = os.path.join(directory, file)
                    with open(path) as source:
                        yield os.path.relpath(path, ROOT), source.read()


def in_source():
    """{number: the files that report it}: KCHECK, a checker's `return N`, and the store's enum."""
    found = {}
    for path, text in sources("kernel", "arch"):
        if path.endswith("_test.c"):
            continue
        numbers = re.findall(r"KCHECK\((\d+)", text)
        if os.path.basename(path) in ("check.c", "persist_save.c", "sched.c"):
            numbers += re.findall(r"(?:return|\?) (1\d\d|2\d\d)\b", text)
        for number in numbers:
            found.setdefault(int(number), set()).add(path)
    with open(os.path.join(ROOT, "kernel/store/format.h")) as header:
        for number in re.findall(r"\bC(3\d\d)_", header.read().split("enum store_condition")[1]):
            found.setdefault(int(number), set()).add("kernel/store/format.h")
    with open(os.path.join(ROOT, "kernel/store/format.h")) as header:
        names = re.findall(r"\bC3\d\d_\w+|C310_\w+", header.read().split("enum store_condition")[1])
    for i, name in enumerate(names):
        assert name.startswith("C%d_" % (310 + i)), "%s is not where its number says" % name
    return found


def test_each_is_written_down():
    """Every number has one row in doc/conditions.md or doc/store.md, and one meaning."""
    rows = {}
    for name in ("conditions.md", "store.md"):
        with open(os.path.join(ROOT, "doc", name)) as page:
            for line in page:
                if line.startswith("| C"):
                    for number in re.findall(r"C(\d+)", line.split("|")[1]):
                        if " to " in line.split("|")[1]:
                            continue
                        assert int(number) not in rows, "C%s has two rows" % number
                        rows[int(number)] = line
    missing = sorted(set(in_source()) - set(rows))
    assert not missing, "no row for C%s" % ", C".join(map(str, missing))


def test_each_is_violated():
    """Every number that the hosted kernel can report is expected by a test that violates it."""
    expected = set()
    for path, text in sources("kernel", "arch"):
        if path.endswith("_test.c"):
            expected |= {int(n) for n in re.findall(r"\b(\d{1,3})\b", re.sub(r"/\*.*?\*/", "", text, flags=re.S))
                         if re.search((r"NULL\), %s\)" if int(n) < 100 else r"(?:, |\{ |== |return )%s\b") % n, text)}
            expected |= {int(n) for n in re.findall(r"\bC(3\d\d)_", text)}
    missing = sorted(set(in_source()) - expected - MACHINE)
    assert not missing, "no test expects C%s" % ", C".join(map(str, missing))
