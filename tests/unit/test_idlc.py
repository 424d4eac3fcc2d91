"""The interface compiler: where a mistake in an interface is told, and that nothing is written then."""

import os

import lib

TOOL = os.path.join(lib.ROOT, "tools", "idlc.lua")
GOOD = """interface lamp 0x7001 service {
  doc "A lamp."
  op set = 1 (word level "percent", string note max 16) -> (word before) doc "Sets it." error RC_LIMIT "above 100"
  op slot = 16..31 (order which) -> (cap value)
}
"""

# What is changed in GOOD, and the line that is blamed with the complaint.
MISTAKES = [
    ("interface lamp", "lamp", "1: expected interface, found 'lamp'"),
    ("service", "daemon", "1: an interface is of kernel or service, not 'daemon'"),
    ('"A lamp."', '"A lamp.', "2: a string that does not end on its line"),
    ("op set = 1", "op set = 1;", "3: a character that has no meaning here: \";\""),
    ("word level", "int level", "3: a parameter is a word, cap, string or order, not 'int'"),
    ("string note max 16", "string note", "3: string 'note' needs 'max BYTES'"),
    ("max 16", "max 65537", "3: a string is at most 65536 bytes"),
    ("string note max 16", "word level", "3: parameter 'level' is named twice"),
    ("(word before)", "(order before)", "3: an order offset cannot be a result"),
    ("RC_LIMIT", "LIMIT", "3: a result code is RC_..., not 'LIMIT'"),
    ("op slot", "op set", "4: operation 'set' is there twice"),
    ("16..31", "1..31", "4: 'set' and 'slot' share order code 1"),
    ("16..31", "16", "4: 'slot': a range of order codes and an order parameter go together"),
    ("16..31", "31..16", "4: order codes of 'slot' are empty or reach into those that every object shares"),
    ("(cap value)", "(cap a, cap b, cap c, cap d)", "4: more than 3 of kind cap"),
    ("}\n", "", "5: expected op, doc or '}', found 'the end of the file'"),
    ("}\n", "}\ninterface lamp 0x7002 kernel { }\n", "6: interface 'lamp' is also in lamp.idl"),
    ("}\n", "}\ninterface light 0x7001 kernel { }\n", "6: 'light' and 'lamp' allege the same type"),
]


def compiled(text):
    with open("lamp.idl", "w") as file:
        file.write(text)
    for folder in ("gen/keros", "gen/kernel", "pages"):
        os.makedirs(folder, exist_ok=True)
    return lib.run(["lua5.4", TOOL, "gen", "pages", "lamp.idl"])


def written():
    return sorted(name for _, _, names in os.walk("gen") for name in names)


def test_mistakes():
    """Each mistake in an interface ends the compiler with its file, its line and a sentence; nothing is written."""
    for old, new, complaint in MISTAKES:
        result = compiled(GOOD.replace(old, new))
        assert result.status == 1 and result.stderr.decode() == "lamp.idl:%s\n" % complaint, (old, new, result)
        assert written() == [], written()


def test_stale_pages():
    """A sound interface gives its headers and page; --check tells a page that is not what the interface says."""
    assert compiled(GOOD).status == 0
    assert written() == ["fuzz.h", "lamp.h", "lua_tables.h", "ops.h"], written()
    check = ["lua5.4", TOOL, "--check", "pages", "lamp.idl"]
    assert lib.run(check).status == 0
    with open("pages/lamp.md", "a") as file:
        file.write("more\n")
    result = lib.run(check)
    assert result.status == 1 and b"pages/lamp.md: not what idl/ says" in result.stderr, result
