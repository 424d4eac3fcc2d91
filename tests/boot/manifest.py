"""The system manifest on the real machine: another one makes another system."""

import os

from lib import KEROS, ROOT, expect, run

SYSTEM = open(os.path.join(ROOT, "apps", "system.lua")).read()


def boot(text, *args):
    with open("m.lua", "w") as out:
        out.write(text)
    return run([KEROS, "run", "--manifest", "m.lua", *args])


def test_hole_stops_the_machine():
    """A constructor that the manifest calls confined and that has a hole is never used; the machine ends with its name."""
    text = SYSTEM.replace('[1] = image "posix-server"', '[1] = image "posix-server", [2] = start "console"')
    result = boot(text, "--verbose", "--", "true")
    assert result.status == 125, result
    assert b"constituent 2 of posix-server is a hole" in result.stderr, result


def test_domain_that_is_not_there():
    """What the manifest leaves out does not exist: no sessions, no sandbox; the log says so."""
    text = SYSTEM.replace('for_each = "posix"', 'for_each = "other"')
    result = boot(text, "--verbose", "--", "true")
    assert result.status == 125 and b"no sessions of the kind 'posix'" in result.stderr, result


def test_more_domains():
    """More instances of a service under other names, with banks and numbers of their own, start and do no harm."""
    text = SYSTEM + """
domain "nobody" { when = "never", program = "vcs", priority = 5 }
for i = 1, 6 do
	domain("vcs" .. i) { program = "vcs", priority = 5, holds = { bank = bank { limit = "1M" },
		[9] = kernel "proctool", [10] = start "vcs", [11] = number(i), [12] = schedule(3), [13] = yields "posix-server", [14] = if_there(start "nobody") } }
end
"""
    expect(boot(text, "--", "echo", "still here"), stdout="still here\n")


def test_bank_limit():
    """A service with a bank of one page harms nobody: it has what it has."""
    text = SYSTEM + 'domain "small" { program = "vcs", priority = 5, holds = { bank = bank { limit = 1 } } }\n'
    expect(boot(text, "--", "echo", "here"), stdout="here\n")
