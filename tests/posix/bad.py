"""Bad input and greed: spoilt programs, bad pointers, random calls, bombs.  What must hold is that only the
program that does it suffers."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import KEROS, limit, run, skip  # noqa: E402
from scenario import HOST_ONLY, compare, run_in_keros  # noqa: E402

MUTANTS = 2000
RANDOM_CALLS = 100000


def expect_line(result, pattern):
    found = re.search(pattern.encode(), result.output)
    assert found, "no line matches %r:\n%r\n%r" % (pattern, result.output[-1500:], result.errors[-1500:])
    return found


def test_limits():
    """Argument lists, paths, names, links and descriptors fail at the same places as on the host."""
    compare("mkdir empty; cd empty; exec ../bin/limits < /dev/null", binaries=["limits"], status=0,
            expect="41 links: ")


@limit(300)
def test_spoilt_programs():
    """Truncated, foreign, overlapping and 2,000 mutated ELF files: none harms anything but itself."""
    result = run_in_keros("bin/elfmutate bin/victim %d 20261122; status=$?; bin/victim; echo victim $?; exit $status"
                          % (100 if HOST_ONLY else MUTANTS), binaries=["elfmutate", "victim"], seconds=280)
    expect_line(result, r"all: \d+ refused, \d+ ran, \d+ died, \d+ stopped\n")
    expect_line(result, r"elfmutate: survived\nwhole\nvictim 42\n")
    assert result.status == 0, result.status


@limit(200)
def test_bad_pointers():
    """Bad pointers in every system call that takes one give EFAULT or an ordinary error."""
    result = run_in_keros("bin/badptr; status=$?; echo alive; exit $status", binaries=["badptr"], seconds=180)
    expect_line(result, r"badptr: survived\nalive\n")
    assert result.status == 0, result.status


@limit(400)
def test_random_calls():
    """100,000 random system calls from POSIX processes: the server lives and the sandbox works on."""
    if HOST_ONLY:
        skip("this is about Keros alone")
    result = run_in_keros("bin/sysfuzz --here %d 20261122; status=$?; cd /; bin=$OLDPWD/bin;"
                          " echo one two | $bin/busybox wc -w; echo alive; exit $status" % RANDOM_CALLS,
                          binaries=["sysfuzz"], seconds=380)
    expect_line(result, r"sysfuzz: \d+ calls")
    expect_line(result, r"2\nalive\n")
    assert result.status == 0, result.status


def run_beside(script, bank_pages, seconds=100):
    """Runs a second sandbox that does its worst beside a first that works for some seconds; returns the
    result of the first, with what the second printed in .errors."""
    work = ("for i in 1 2 3 4 5; do sleep 1; seq 1 2000 | sort -n | tail -n 1; done;"
            " x=$(seq 1 5000 | sha256sum); echo done ${x%% *}")
    return run([KEROS, "run", "--second", script, "--second-bank", str(bank_pages), "--", "sh", "-c", work],
               timeout=seconds)


def check_first(result):
    expected = b"2000\n" * 5 + b"done "
    assert result.status == 0 and result.stdout.startswith(expected), repr(result)


def test_fork_bomb():
    """A fork bomb in a second sandbox meets its bank's limit, and the first sandbox works on."""
    if HOST_ONLY:
        skip("this is about Keros alone")
    check_first(run_beside("sh -c 'bomb() { bomb | bomb & }; bomb; sleep 60'", 4096))


def test_memory_bomb():
    """A program that takes all memory it can in a second sandbox is refused, and the first works on."""
    if HOST_ONLY:
        skip("this is about Keros alone")
    result = run_beside("sh -c 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done; echo not reached'", 4096)
    check_first(result)
    assert b"not reached" not in result.stderr, repr(result)


def test_memory_limit_is_an_error():
    """Past its bank a program gets ENOMEM or dies, and its shell goes on and says so."""
    if HOST_ONLY:
        skip("this is about Keros alone")
    result = run([KEROS, "run", "--bank", "6000", "--", "sh", "-c",
                  "dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null; echo dd $?;"
                  " head -c 100000000 /dev/zero > /tmp/big; echo head $?; rm /tmp/big;"
                  " echo small > /tmp/small && cat /tmp/small"], timeout=60)
    text = result.stdout.decode()
    assert result.status == 0 and text.endswith("small\n"), repr(result)
    assert "dd 0" not in text and "head 0" not in text, repr(result)
