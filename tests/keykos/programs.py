"""Programs of the dialect: compiled by keykos-cc, yielded by factories, called from the command interpreter."""

import os
import re

from lib import KEROS, ROOT, run


def script(text, *programs):
    with open("script.cmd", "w") as file:
        file.write(text)
    result = run([KEROS, "keykos", "--icount", "--script", "script.cmd", *programs], timeout=60)
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
    head = '#include "keykos.h"\nKEY A = 1; struct { int n[9]; } big;\nvoid factory(void)\n{\n\tJUMPBUF;\n'
    for statement, complaint in [
        ("KC (A, 0) KEYSFORM(A);", "found 'KEYSFORM'"),
        ("KC (A) ;", "takes (key, order code)"),
        ("KC (A, 0) KEYSFROM(A,A,A,A);", "passes three keys"),
        ("KC (A, 0) KEYSTO(A,A,A,A,A);", "names 5 keys"),
        ("KC (17, 0);", "slot 17 does not exist"),
        ("LDEXBL (A, 0) KEYSTO(A);", "receives nothing"),
        ("LDENBL KEYSFROM(A);", "sends nothing"),
        ("KC (A, 0) RCTO(x", "not closed"),
        ("KC (A, 0) STRINGTO(A);", "found 'STRINGTO'"),
        ("KC (A, 0) KEYSTO(A) KEYSTO(A);", "has KEYSTO twice"),
        ("KC (A, 0) CHARFROM(0, 1) STRUCTFROM(A);", "two strings one way"),
        ("KC (A, 0) CHARTO(0);", "takes (pointer, limit)"),
        ("KC (-1, 0);", "slot -1 does not exist"),
        ("KFORK (A, 0) RCTO(A);", "receives nothing"),
        ("KENTRY (1) KEYSFROM(A);", "sends nothing"),
        ("KENTRY (1, 2);", "takes (id)"),
        ("KRETURN (A, 0) KENTRYID;", "takes (id)"),
        ("KC (A, 0) KENTRYID(1);", "found 'KENTRYID'"),
        ("KC (A, 0) CHARFROM(0, -1);", "a length of -1 bytes"),
        ("KC (A, 0) CHARTO(0, -5);", "a length of -5 bytes"),
        ("KC (A, 0) CHARFROM(, 1);", "takes (pointer, length)"),
        ("KC (A, 0) CHARFROM(0,);", "takes (pointer, length)"),
        ("KC (A, 0) RCTO();", "takes one variable"),
        ("KC (A, 0) KEYSTO;", "missing or not closed"),
        ("KC (, 0);", "takes (key, order code)"),
        ("KC (A,);", "takes (key, order code)"),
        ("KC;", "takes (key, order code)"),
        ("KC (A, 0) KEYSTO(A) x = 1;", "found 'x'"),
        ("KC (A, 0) KEYSTO(A), RCTO(A);", "found ','"),
        ("KC (A, 0", "takes (key, order code)"),
        ("KC (A, 0) KEYSTO(0x10);", "slot 0x10 does not exist"),
        ("KC (A, 0) RCTO(big);", "not a variable for a number"),
        ("KC (A, 0) CHARTO(0, 4, big);", "not a variable for a number"),
    ]:
        result = compiler(head + "\t" + statement + "\n}\n")
        message = result.stderr.decode()
        assert result.status == 1 and re.search(r"(?m)^p\.ck:6:\d+: error: ", message) and complaint in message, (statement, message)
    for statement in ("KC (A, 0) CHARFROM(0, 4097);", "KC (A, 0) STRUCTFROM(A, 5000);"):
        result = compiler(head + "\t" + statement + "\n}\n")
        assert result.status == 0 and b"warning" in result.stderr and b"traps, code 0x30C" in result.stderr, result
    result = compiler(head + "\tint x = y;\n}\n")
    assert result.status == 1 and b"p.ck:6:" in result.stderr, result
    result = compiler('#include "keykos.h"\nint n;\nvoid factory(void) { n++; }\n', "--shared")
    assert result.status == 1 and b"needs writable storage for n" in result.stderr, result


def test_places():
    """Whatever is wrong is said of the author's own file, line and column: in a statement, behind it, in a header, in a macro."""
    head = '#include "keykos.h"\nKEY A = 1;\n'
    with open("mine.h", "w") as file:
        file.write("#define GIVE(k) KEYSFROM(k)\nstatic void f(void)\n{\n\tJUMPBUF;\n\tKC (0, 0) KEYSFORM(0);\n}\n")
    for text, place, complaint in [
        ("void factory(void)\n{\n\tJUMPBUF;\n\tKC (A, nothing) KEYSTO(A);\n}\n", "p.ck:6:16:", "'nothing' undeclared"),
        ("void factory(void)\n{\n\tJUMPBUF;\n\tKC (A, 0) KEYSTO(A,\n\t  A, nobody);\n}\n", "p.ck:7:14:", "'nobody' undeclared"),
        ("void factory(void)\n{\n\tJUMPBUF;\n\tKC (A, 0) KEYSTO(A); nowhere = 1;\n}\n", "p.ck:6:30:", "'nowhere' undeclared"),
        ("void factory(void)\n{\n\tKC (A, 0);\n}\n", "p.ck:5:", "needs JUMPBUF;"),
        ("KEY B = 16;\n", "p.ck:3:9:", "slot 16 does not exist"),
        ('#include "mine.h"\n', "mine.h:5:", "found 'KEYSFORM'"),
        ("#define G KC (A, 0) KEYSTOO(A)\nvoid factory(void) { JUMPBUF; G; }\n", "p.ck:4:", "found 'KEYSTOO'"),
        ("void factory(void) { JUMPBUF; KC (A, 0) GIVE(A); }\n", "p.ck:3:41:", "found 'GIVE'"),
        ("extern int away(int);\nvoid factory(void)\n{\n\taway(1);\n}\n", "p.ck:6: undefined", "`away'"),
        ('#include "absent.h"\n', "p.ck:3:10:", "absent.h"),
        ("/* not closed\nvoid factory(void) { }\n", "p.ck:3:1:", "unterminated comment"),
    ]:
        result = compiler(head + text)
        message = result.stderr.decode().replace("\u2018", "'").replace("\u2019", "'")
        assert result.status == 1 and any(place in line and complaint in line for line in message.split("\n")), (text, message)
        assert "/tmp" not in message and ".tmp" not in message, message


def cc(*arguments):
    return run([os.path.join(ROOT, "tools/keykos-cc"), *arguments])


def test_compiler_options():
    """The compiler's options are those of every C compiler; files of several kinds become one program; misuse is explained."""
    with open("one.ck", "w") as file:
        file.write('#include "keykos.h"\n#include DECLARED\nKEY CALLER = 2;\n'
                   "void factory(void) { JUMPBUF; LDEXBL (CALLER, twice(N)); RETJUMP(); }\n")
    with open("two.c", "w") as file:
        file.write("int twice(int n) { return n * 2; }\n")
    os.mkdir("my includes")
    with open("my includes/twice.h", "w") as file:
        file.write("int twice(int n);\n")
    given = ("-I", "my includes", "-DN=21", '-DDECLARED="twice.h"', "-Wall", "-Werror", "-O1", "-std=gnu99")
    for command in (("--help",), ("-h",)):
        result = cc(*command)
        assert result.status == 0 and b"usage: keykos-cc" in result.stdout, result
    for command, made in [((*given, "-c", "one.ck", "two.c"), ["one.o", "two.o"]), ((*given, "-c", "one.ck", "-o", "x.o"), ["x.o"]),
                          ((*given, "-o", "all", "x.o", "two.c"), ["all"]), ((*given, "one.ck", "two.o"), ["one.kk"]),
                          ((*given, "-S", "one.ck"), ["one.i"]), ((*given, "-E", "one.ck", "-o", "one.e"), ["one.e"])]:
        result = cc(*command)
        assert result.status == 0 and not result.stderr, (command, result)
        assert all(os.path.exists(name) for name in made), (command, os.listdir("."))
    result = cc(*given, "-E", "one.ck")
    assert result.status == 0 and b"twice(21)" in result.stdout and b"_kk_exit" in result.stdout, result
    out = script("cfact f one.s 1\nkc f 0 (,sb,m,sb)\ncfact g all.s 1\nkc g 0 (,sb,m,sb)\n", "one.kk", "all")
    assert out == "RC=2A\nRC=2A\n", out
    before = sorted(os.listdir("."))
    for command, complaint in [((), "no program named"), (("-o",), "-o needs something"), (("-I",), "-I needs something"),
                               (("--nonsense", "one.ck"), "--nonsense"), (("absent.ck",), "absent.ck: No such file"),
                               (("my includes",), "my includes: Is a directory"), (("-c", "-o", "y.o", "one.ck", "two.c"), "names only one"),
                               ((*given, "-o", "absent/x", "one.ck", "two.c"), "absent/x"), (("two.c",), "no function factory()"),
                               (("-o", "two.c", "two.c"), "would be overwritten"), (("--own", "--shared", "one.ck"), "exclude each other")]:
        result = cc(*command)
        assert result.status == 1 and complaint in result.stderr.decode(), (command, result)
        assert b"traceback" not in result.stderr and sorted(os.listdir(".")) == before, (command, result, os.listdir("."))


def test_forms():
    """Statements in every form and place, macros and headers, and C of 1990 (undeclared, K&R, varargs) mean what they say."""
    out = script("cfact ff forms.s 0x77 s0=returner s1=discrim\nnewbank b\nkc ff 0 (,b,m,b) (%a,forms)\nkc forms 41\n"
                 + "kc forms 0\n" * 3, os.path.join(ROOT, "tests/keykos/forms.ck"))
    assert out == 'RC=0\n  "of 20"\nRC=2A\nRC=7\nRC=8\nRC=8\n', "expectations that failed, by line of forms.ck: " + out


def talk(lines, status=0):
    """What the interpreter says to each line, by the line's number."""
    with open("script.cmd", "w", newline="") as file:
        file.write("".join("say #%d\n%s\n" % (n, line) for n, line in enumerate(lines)))
    result = run([KEROS, "keykos", "--icount", "--script", "script.cmd"], timeout=60)
    assert result.status == status, result
    parts = re.split(r"(?m)^#(\d+)\n", result.stdout.decode())
    return dict(zip((int(n) for n in parts[1::2]), parts[2::2]))


def test_interpreter():
    """The command interpreter says what it does not understand, with the line; that changes nothing, leaks nothing, and its status tells."""
    wrong = [
        ("nonsense", "no command 'nonsense'"), ("kc", "kc takes a key"), ("kc sb", "kc takes a key"), ("kc nobody 0", "no key 'nobody'"),
        ("kc sb x", "'x' is no order code"), ("kc sb 16+", "no order code"), ("kc sb 4294967296", "no order code"), ("kc sb 0 (", "parentheses"),
        ("kc sb 0 ()b (,x)", "'(,x)' is too much"), ("kc sb 0 b", "parentheses"), ("kc sb 0 () (,a,b,c,d,e)", "(string,key,key,key,key)"),
        ("kc sb 0 () (,x) more", "'more' is too much"), ("kc dkc 0 (%x0)", "even number"), ("kc dkc 0 (%xzz)", "even number"),
        ("kc dkc 0 (%q)", "it is no string"), ('kc dkc 0 (%a"x)', "parentheses"), ('kc dkc 0 (%a"x"y)', "behind the quoted text"),
        ("kc dkc 0 () (5)", "'5' is no variable"), ("kc dkc 0 () (kt)", "no variable"), ("kc dkc 0 () (%q)", "%a or %x"),
        ("kc sb 0 () (,%s)" % ("n" * 40), "at most 39"), ("kc sb 0 () (,%x)", "no name"), ("kc sb 0 (,/)", "no key '/'"),
        ("kc returner 0 (,sb,m,sb,nobody)", "no key 'nobody'"), ("kc sb 0 (,sb,m,sb,sb)", "extended jump, and the answer to it is 80000002"),
        ("kt", "kt takes a key"), ("kt sb sb", "too much"), ("newbank", "takes a name"), ("newbank a m", "answers rc=80000002"),
        ("newmeter", "takes a name"), ("newmeter %s" % ("n" * 36), "at most 39"), ("newmeter a nobody", "no key"), ("readmeter", "takes a name"),
        ("readmeter sb", "no meter"), ("datakey x", "takes a name"), ("datakey x %x000000000000000000000000", "eleven bytes"),
        ("space m", "statistics"), ("pause x", "milliseconds"), ("forget", "takes a name"), ("forget nobody", "no key"), ("cfact", "cfact takes"),
        ("cfact f counter.s x", "cfact takes"), ("cfact f sb 1", "not a program"), ("cfact f discrim 1", "not a program"), ("cfact f empty 1", "not a program"),
        ("cfact f counter.s 1 q=4", "no component"), ("cfact f counter.s 1 s=m", "no component"), ("cfact f counter.s 1 s19=m", "no component"),
        ("cfact f counter.s 1 s0=sb", "not sensory"), ("cfact f counter.s 1 f0=sb", "no factory"), ("cfact f counter.s 1 s0=nobody", "no key"),
        ("womb", "womb takes"), ("womb w empty", "not a program"), ("womb w counter.s 7=sb", "no key of a primordial domain"),
        ("womb w counter.s 8=nobody", "no key"), ("checkpoint", "no disk"), ("cmdfile", "takes a segment"), ("cmdfile discrim", "no segment that can be read"),
        ("exit 256", "no status"), ("exit -1", "no status"), ("exit 1 2", "too much"), ("kfork", "kfork takes"), ("kfork sb 0 () (,x)", "receives nothing"),
        ("say" + " x" * 6000, "a line has at most"), ("kt sb\0", "a byte 0"),
    ]
    lines = ["kc sb 0 () (,empty)", "kc sb 0 () (,zero)", "kt domcre", "space"] + [line for line, _ in wrong] + ["space", "kt f", "kt x", "kt n", "kt w"]
    answers = talk(lines, 1)
    for n, (line, complaint) in enumerate(wrong, 4):
        assert answers[n].startswith("line %d: " % (2 * n + 2)) and complaint in answers[n], (line, answers[n])
    assert answers[3] == answers[4 + len(wrong)], (answers[3], answers[4 + len(wrong)])
    for n in range(5 + len(wrong), len(lines)):
        assert "there is no key" in answers[n], (lines[n], answers[n])


def test_language():
    """Strings in every form, paths, variables in codes, extended jumps, command files: the language as its page has it."""
    rows = [
        ('kc returner 1 (%a"a, (b)\\n\\x21" , sb , m ) ( %x%a  , k1 , k2 )', 'RC=1\n  %X612C202862290A21\n  "a, (b)\n!"\n'), ("kt k2", "KT=6\n"),
        ("kc returner kt+4-1 (%Ehi there)", 'RC=80000003\n  "hi there"\n'), ("kc returner 0 (%X0aFF) (v_1)", "RC=0\n"),
        ("kc returner v_1+0x10-010(v_1)(%x)", "RC=FF12\n  %X0AFF\n"), ("kc returner 0 (-1) # why", "RC=0\n  %XFFFFFFFF\n"),
        ("kc user/sys/returner 0 (,m) (,user/s)", "RC=0\n"), ("kt user/s", "KT=6\n"), ("kt s", "line 18: there is no key 's'; ls lists what there is\n"),
        ("kc returner 0 (,sb) (,a/x)", "RC=0\n"), ("kc returner 0 (,m) (,b/x)", "RC=0\n"), ("kt a/x", "KT=C\n"), ("kt user/sys/factoryc", "KT=1E\n"),
        ("kt domcre", "KT=D\n"), ("kt\tsb  ", "KT=C\n"), ("kt sb\r", "KT=C\n"), ("#kt", ""), ("", ""), ("say  two  words # and this", "two  words # and this\n"),
        ("kc returner 0 (%x" + "41" * 4096 + ") (big)", "RC=0\n"), ("kc returner 0 (big) ()", 'RC=0\n  "' + "A" * 400 + '"\n  ... of 4096 bytes; %a or %x in the second list shows all\n'),
        ("kc returner 0 (big) (%a)", 'RC=0\n  "' + "A" * 4096 + '"\n'),
        ("kc tssf 2 (,sb,m,sb,console) (,sik,sok,cck)", "RC=0\n"), ("kt cck", "KT=40E\n"), ("newbank nb", ""), ("newbank nc nb", ""), ("kc nb kt+4", "RC=0\n"),
        ("kt nc", "KT=80000001\n"), ("forget nb", ""), ("kt nb", "line 60: there is no key 'nb'; ls lists what there is\n"),
        ("trace on", ""), ("timeout 600", ""), ("console off", ""), ("factory ff counter.s 0x10C1", ""), ("kt ff", "KT=10C1\n"),
        ("newmeter mt", ""), ("readmeter mt", "  %X000000000000000000FFFFFFFFFFFFFF\n"), ("readmeter mtnode", "  %X000000000000000000FFFFFFFFFFFFFF\n"),
    ]
    answers = talk([line for line, _ in rows], 1)
    for n, (line, answer) in enumerate(rows):
        assert answers[n] == answer, (line, answers[n])
    for name, text in (("first.cmd", "say first\ncmdfile second.cmd\nnonsense\nsay last"), ("second.cmd", "say second\r\n\n" + "# filler\n" * 600),
                       ("self.cmd", "say self\ncmdfile self.cmd\n"), ("empty.cmd", "\n")):
        with open(name, "w", newline="") as file:
            file.write(text)
    with open("script.cmd", "w") as file:
        file.write("cmdfile first.cmd\ncmdfile test/self.cmd\ncmdfile empty.cmd\nexit 9")
    result = run([KEROS, "keykos", "--script", "script.cmd", "first.cmd", "second.cmd", "self.cmd", "empty.cmd"], timeout=60)
    assert result.status == 9 and result.stdout.decode() == (
        "first\nsecond\nfirst.cmd, line 3: no command 'nonsense'; help lists them\nlast\n" + "self\n" * 8
        + "self.cmd, line 2: more than 8 command files within each other\n"), result


def test_published_names():
    """A path stands for a program even if a key has its last part's name, and names do not run out at a few hundred."""
    lines = ["kc sb 0 () (,counter)", "cfact ctrf initdir/counter 0x10C0", "kt ctrf", "cfact other counter 0x10C0", "kt user/wombfacil", "kt rootnode"]
    lines += ["kc returner 0 (,sb,m) (,many/a%d,many/b%d)" % (n, n) for n in range(350)] + ["kt many/b0", "kt many/b349"]
    told = talk(lines, 1)
    answers = [told[n] for n in range(len(lines))]
    assert answers[2] == "KT=10C0\n" and "not a program" in answers[3] and answers[4:6] == ["KT=4\n", "KT=3\n"], answers[:6]
    assert answers[6:-2] == ["RC=0\n"] * 350 and answers[-2:] == ["KT=6\n"] * 2, answers[-3:]


def test_endings():
    """The verb's status is exit's, 1 after a line not understood, 0 at the end of input; what is no script is said before anything starts."""
    for text, status in (("", 0), ("kt sb", 0), ("exit", 0), ("exit 255", 255), ("nonsense\nexit 0\n", 0), ("nonsense\nexit\n", 1), ("nonsense", 1), ("exit 4\nkt sb\n", 4)):
        result = run([KEROS, "keykos"], stdin=text.encode(), timeout=60)
        assert result.status == status and (text != "exit 4\nkt sb\n" or not result.stdout), (text, result)
    os.mkdir("folder")
    for given, complaint in ((("--script", "absent"), "No such file"), (("--script", "folder"), "a folder"), (("--script",), "needs a file"), (("--nonsense",), "--nonsense"), (("--ro", "."), "about a sandbox"), (("--bank", "9"), "about a sandbox")):
        result = run([KEROS, "keykos", *given], timeout=60)
        assert result.status == 2 and complaint in result.stderr.decode(), (given, result)
    open("none.ck", "w").close()
    os.rename("none.ck", "none.cmd")
    for given, complaint in (("folder", "no file"), ("none.cmd", "is empty"), ("absent.ck", "No such file"), ("n" * 38 + ".ck", "too long a name")):
        result = run([KEROS, "keykos", given], timeout=60)
        assert result.status == 2 and given in result.stderr.decode() and complaint in result.stderr.decode(), (given, result)
    # a user's program is found before one of ours of that name, whatever its folder is called
    os.mkdir("it's a folder")
    with open("it's a folder/counter.ck", "w") as file:
        file.write('#include "keykos.h"\nKEY CALLER = 2;\nvoid factory(void) { JUMPBUF; LDEXBL (CALLER, 0x4D); RETJUMP(); }\n')
    os.rename("it's a folder/counter.ck", "it's a folder/counter.two.ck")
    assert run([KEROS, "keykos", "it's a folder/counter.two.ck"], stdin=b"cfact f counter.two.s 1\nkc f 0 (,sb,m,sb)\n").stdout == b"RC=4D\n"
    os.rename("it's a folder/counter.two.ck", "it's a folder/counter.ck")
    assert run([KEROS, "keykos", "it's a folder/counter.ck"], stdin=b"cfact f counter.s 1\nkc f 0 (,sb,m,sb)\n").stdout == b"RC=4D\n"


def test_program_files():
    """What keykos-cc made is taken under any name; anything else is refused with what would be right."""
    source = os.path.join(ROOT, "apps/keykos/counter.ck")
    result = run([os.path.join(ROOT, "tools/keykos-cc"), source, "-o", "mine"])
    assert result.status == 0, result
    assert script("cfact f mine.s 0x10C0\nkt f\n", "mine") == "KT=10C0\n"
    result = run([KEROS, "keykos"] + ["mine"] * 60)
    told = re.search(rb"room for (\d+) programs and command files, and (\d+) of them are its own: leave out (\d+)", result.stderr)
    assert result.status == 2 and told, result
    room, own, over = (int(n) for n in told.groups())
    assert over == 60 - (room - own), result
    assert script("kt mine.s\n", *["mine"] * (room - own)) == "KT=1\n"
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
pause 700
space b
""", os.path.join(ROOT, "tests/keykos/rules.ck"))
    lines = out.splitlines()
    assert lines[:2] == ["RC=0", "RC=0"], "rules that do not hold, by line of rules.ck (traps by row): " + out
    assert int(lines[2].split("of ")[1].rstrip('"')) >= 95, out
    assert lines[3] == "0 Nodes and 0 Pages", "space is lost: " + out


def test_keepers():
    """Traps read and set going by the domain key from every state; parked without a keeper until one comes; a keeper that traps has a keeper."""
    out = script("""cfact kf keepers.s 0x99 s0=discrim
newbank b
kc kf 0 (,b,m,b) (,r)
kc r 0 () (%a)
pause 700
space b
""", os.path.join(ROOT, "tests/keykos/keepers.ck"))
    lines = out.splitlines()
    assert lines == ["RC=0", "RC=0", '  "of 116"', "0 Nodes and 0 Pages"], "what does not hold, by line of keepers.ck (states by row): " + out


def test_trees():
    """Every kind of key, format and window in a memory tree gives the byte or the memory code of the table; a segment keeper hears as published."""
    out = script("""cfact tf trees.s 0x99
newbank b
kc tf 0 (,b,m,b) (,r)
kc r 0 () (%a)
pause 100
space b
""", os.path.join(ROOT, "tests/keykos/trees.ck"))
    assert out.splitlines() == ["RC=0", "RC=0", '  "of 53"', "0 Nodes and 0 Pages"], "what does not hold, by line or row of trees.ck: " + out


def test_debugger():
    """A debugger with a domain's key steps it by instructions, changes its memory and lets it go on, as often as it likes; nothing is lost."""
    out = script("cfact sf step.s 0x99\nnewbank b\nkc sf 0 (,b,m,b) (,s)\n" + "kc s 0\n" * 3 + "kc s kt+4\npause 100\nspace b\n",
                 os.path.join(ROOT, "tests/keykos/step.ck"))
    assert out.splitlines() == ["RC=0", *["RC=0", "  %X2C010000"] * 3, "RC=0", "0 Nodes and 0 Pages"], out


def test_computing():
    """Programs that compute for ever keep neither the console nor the interpreter nor each other from their work, and end with their bank."""
    lines = ["cfact endsf ends.s 1", "space sb"]
    for name in ("one", "two", "three"):
        lines += ["newbank %s" % name, "kfork endsf 11 (,%s,m,%s)" % (name, name)]
    lines += ["pause 30", "say still here", "kc endsf 1 (,sb,m,sb)"] + ["kc %s kt+4" % name for name in ("one", "two", "three")] + ["space sb", ""]
    out = script("\n".join(lines), os.path.join(ROOT, "tests/keykos/ends.ck"))
    spaces = re.findall(r"^\d+ Nodes and \d+ Pages$", out, re.M)
    assert "still here\nRC=5\n" in out and len(spaces) == 2 and spaces[0] == spaces[1], out


def test_pages():
    """Every example of the pages does, typed as it stands there, what the page says."""
    pages, checked = os.path.join(ROOT, "doc/keykos"), 0
    for page in sorted(os.listdir(pages)):
        with open(os.path.join(pages, page)) as file:
            text = file.read()
        lines = [line for line in text.split("\n") if re.match(r"    (kc|kt|kfork|newmeter|newbank|datakey|pause|space) (?!.*(KEY|ABOVE|BANK))[^#]*(#.*)?$", line)
                 or re.match(r"    cfact \w+ \w+\.s 0x[0-9A-F]+", line)]
        if not lines or page == "porting.md":
            continue
        answers = talk([line.strip() for line in lines])
        for n, line in enumerate(lines):
            comment = line.partition("#")[2]
            assert not answers[n].startswith("line "), (page, line, answers[n])
            for expected in re.findall(r'(?:RC|KT)=[0-9A-F]+|%X[0-9A-F]+|"[^"]*"', comment):
                assert expected in answers[n], (page, line, answers[n])
                checked += 1
    assert checked >= 75, checked


def test_ends():
    """A program ends by exit, return, fork and longjmp as published; with any bank, however small, all of it comes back."""
    lines = ["cfact endsf ends.s 1"]
    for order in range(8):
        lines += ["newbank b", "kc endsf %d (,b,m,b)" % order, "space b", "kc b kt+4"]
    for order in (8, 9, 10):
        lines += ["newbank b", "kfork endsf %d (,b,m,b)" % order, "pause 5", "kc b kt+4"]
    sizes = [(nodes, pages) for nodes in range(10) for pages in range(0, 12, 2)] + [(nodes, 30) for nodes in range(12)] + [(30, pages) for pages in range(24)]
    for nodes, pages in sizes:
        lines.append("say size %d %d" % (nodes, pages))
        for order in (4, 5):
            lines += ["kc sbt 5 (%%x%s,sb) (,few)" % ((nodes).to_bytes(4, "little") + pages.to_bytes(4, "little")).hex(),
                      "kc endsf %d (,few,m,few)" % order, "space few", "kc few kt+4"]
    out = script("\n".join(["space sb"] + lines + ["kc endsf.builder kt+4", "space sb", ""]), os.path.join(ROOT, "tests/keykos/ends.ck"))
    ways, *small = re.split(r"(?m)^size (?=\d)", out)
    assert re.findall(r"RC=(\w+)\n0 Nodes and 0 Pages\n", ways) == ["0", "5", "80000001", "1", "1", "1", "4D", "3"], ways
    assert len(small) == len(sizes)
    for part in small:
        codes = re.findall(r"RC=(\w+)\n0 Nodes and 0 Pages\n", part)
        assert len(codes) == 2 and codes[0] in ("1", "2", "3") and codes[1] in ("1", "2", "7", "9"), "with a bank of " + part
    spaces = re.findall(r"^\d+ Nodes and \d+ Pages$", out, re.M)
    assert spaces[0] == spaces[-1], spaces[0] + ", and at the end " + spaces[-1]
