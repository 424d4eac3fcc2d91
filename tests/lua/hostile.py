"""Scripts that mean harm: each ends in an error of its own domain, and nothing else notices (hostile/README.md)."""

import os
import re
import shutil

from lib import KEROS, ROOT, limit, run

DIRECTORY = os.path.join(ROOT, "tests", "lua", "hostile")


def play(*names):
    """Runs the scripts of these files in one machine, by its instruction count: limits of time are then exact."""
    os.mkdir("tree")
    for name in names:
        shutil.copy(os.path.join(DIRECTORY, name), "tree")
    result = run([KEROS, "lua", "--icount", "--tree", "tree", os.path.join(DIRECTORY, "run.lua"), *names], timeout=220)
    lines = result.stdout.decode("utf-8", "backslashreplace").splitlines()
    wrong = [line for line in lines[:-1] if "\t" in line and not line.endswith("\tok")]
    written = sum(len(re.findall(r"^==== ", open(os.path.join("tree", name)).read(), re.M)) for name in names)
    assert result.status == 0 and not wrong, "%s\n%r" % ("\n".join(wrong), result)
    assert lines[-1] == "%d scripts, 0 not as they should be" % written, result


@limit(240)
def test_language():
    """Syntax errors, wrong types, chunks, debug and metatable tricks, coroutines: errors of that domain alone."""
    play("language.lua.txt", "language2.lua.txt")


@limit(240)
def test_memory():
    """Bombs of strings, tables, facets, pages and finalizers are bounded by the bank."""
    play("memory.lua.txt")


@limit(240)
def test_time():
    """Endless loops, backtracking, recursion and waiting are bounded by the meter, or nobody waits for them."""
    play("time.lua.txt")


@limit(240)
def test_capabilities():
    """Forging, lying messages, silent peers and dead capabilities give nobody anything he was not given."""
    play("capabilities.lua.txt")
