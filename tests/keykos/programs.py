"""Programs of the dialect: compiled by keykos-cc, yielded by factories, called from the command interpreter."""

import os

from lib import KEROS, ROOT, run


def script(text, *programs):
    with open("script.cmd", "w") as file:
        file.write(text)
    result = run([KEROS, "keykos", "--script", "script.cmd", *programs], timeout=60)
    assert result.status == 0, result
    return result.stdout.decode()


def compiler(text, *options):
    with open("p.ck", "w") as file:
        file.write(text)
    return run([os.path.join(ROOT, "tools/keykos-cc"), "-o", "p.kk", *options, "p.ck"])


def test_counter():
    """The hit counter counts, forgets nothing between calls, ends when told, and gives its space back."""
    out = script("""cfact ctrf counter.s 0x10C0
space sb
kc ctrf 0 (,sb,m,sb) (,ctr)
kc ctr 0 () (n)
kc ctr 0 () (n)
kc ctr 1
kc ctr 9
kc ctr kt+4
kt ctr
space sb
""")
    lines = out.splitlines()
    assert lines[1:5] == ["RC=0", "RC=0", "RC=0", "RC=0"] and "  %X02000000" in lines, out
    assert "RC=80000002" in lines and lines[-2] == "KT=80000001", out
    assert lines[0] == lines[-1], "space is lost: " + out


def test_bad_statements():
    """A malformed key statement is named with its file and line, and what would be right."""
    head = '#include "keykos.h"\nKEY A = 1;\nvoid factory(void)\n{\n\tJUMPBUF;\n'
    for statement, complaint in [
        ("KC (A, 0) KEYSFORM(A);", "found 'KEYSFORM'"),
        ("KC (A) ;", "takes (key, order code)"),
        ("KC (A, 0) KEYSFROM(A,A,A,A);", "passes three keys"),
        ("KC (A, 0) KEYSTO(A,A,A,A,A);", "names 5 keys"),
        ("KC (17, 0);", "slot 17 does not exist"),
        ("KC (A, 0) CHARFROM(0, 4097);", "at most 4096 bytes"),
        ("LDEXBL (A, 0) KEYSTO(A);", "receives nothing"),
        ("LDENBL KEYSFROM(A);", "sends nothing"),
        ("KC (A, 0) RCTO(x", "not closed"),
        ("KC (A, 0) STRINGTO(A);", "found 'STRINGTO'"),
        ("KC (A, 0) KEYSTO(A) KEYSTO(A);", "has KEYSTO twice"),
        ("KC (A, 0) CHARFROM(0, 1) STRUCTFROM(A);", "two strings one way"),
        ("KC (A, 0) CHARTO(0);", "takes (pointer, limit)"),
        ("KC (-1, 0);", "slot -1 does not exist"),
        ("KFORK (A, 0) RCTO(A);", "receives nothing"),
    ]:
        result = compiler(head + "\t" + statement + "\n}\n")
        message = result.stderr.decode()
        assert result.status == 1 and message.startswith("p.ck:6: error: ") and complaint in message, (statement, message)
    result = compiler(head + "\tint x = y;\n}\n")
    assert result.status == 1 and b"p.ck:6:" in result.stderr, result
    result = compiler('#include "keykos.h"\nint n;\nvoid factory(void) { n++; }\n', "--shared")
    assert result.status == 1 and b"needs writable storage for n" in result.stderr, result


def test_interpreter():
    """The command interpreter says what it does not understand, with the line, and its status tells."""
    with open("script.cmd", "w") as file:
        file.write("nonsense\nkc nobody 0\nkc sb x\n# comment\nkt sb\nexit\n")
    result = run([KEROS, "keykos", "--script", "script.cmd"], timeout=60)
    out = result.stdout.decode()
    assert result.status == 1 and "line 1: no command 'nonsense'" in out and "line 2: there is no key 'nobody'" in out, out
    assert "line 3:" in out and "KT=C\n" in out, out


def test_program_files():
    """What keykos-cc made is taken under any name; anything else is refused with what would be right."""
    source = os.path.join(ROOT, "apps/keykos/counter.ck")
    result = run([os.path.join(ROOT, "tools/keykos-cc"), source, "-o", "mine"])
    assert result.status == 0, result
    assert script("cfact f mine.s 0x10C0\nkt f\n", "mine") == "KT=10C0\n"
    with open("wrong.kk", "w") as file:
        file.write("not a program")
    for name in ("wrong.kk", "absent.ck"):
        result = run([KEROS, "keykos", name])
        assert result.status == 2 or result.status == 125, result
        assert name.encode() in result.stderr and b"keykos-cc" in result.stderr, result


def test_rules():
    """A program of the dialect finds the rules of jumps, traps, fault and resume keys, keepers and fork as published."""
    out = script("""cfact rulesf rules.s 0x99 s0=discrim
newbank b
kc rulesf 0 (,b,m,b) (,r)
kc r 0 () (%a)
pause 50
space b
""", os.path.join(ROOT, "tests/keykos/rules.ck"))
    lines = out.splitlines()
    assert lines[:2] == ["RC=0", "RC=0"], "rules that do not hold, by line of rules.ck (traps by row): " + out
    assert int(lines[2].split("of ")[1].rstrip('"')) >= 95, out
    assert lines[3] == "0 Nodes and 0 Pages", "space is lost: " + out
