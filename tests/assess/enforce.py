"""Run manifests: exactly what they say, and every mistake with its line."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import KEROS, expect, run  # noqa: E402

HEAD = 'keros-run = 1\nprogram = "sh"\narguments = ["-c", %s]\n'
SHELL = '[[grant]]\npath = "/bin/busybox"\nkind = "base"\n[[grant]]\npath = "/bin/sh"\nkind = "base"\n'


def under(script, more="", grants=SHELL, args=()):
    with open("m.toml", "w") as f:
        f.write(HEAD % ('"%s"' % script.replace("\\", "\\\\").replace('"', '\\"')) + more + grants)
    return run([KEROS, "run", "--manifest", "m.toml", *args])


def test_only_what_is_granted():
    """No grant, no name: the base tree, /dev, /tmp and the environment are not there."""
    expect(under("echo *; echo /bin/*; cd /; echo *; echo $HOME; cat /etc/passwd || echo none"),
           stdout="bin proc\n/bin/busybox /bin/sh\nbin proc\n\nnone\n")


def test_without_proc():
    """Without /proc it is not there either."""
    expect(under("cd /; echo *", "proc = false\n"), stdout="bin\n")


def test_copy_and_scratch():
    """A copy may be changed and the host's file stays; a scratch folder is empty and writable."""
    os.makedirs("data/sub")
    for name in ("data/f", "data/sub/g", "data/other"):
        with open(name, "w") as f:
            f.write(name)
    grants = SHELL + '[[grant]]\npath = "/d/f"\nkind = "copy"\nhost = "data/f"\n[[grant]]\npath = "/d/sub"\nkind = "copy"\n' \
        'host = "data/sub"\nwhole = true\n[[grant]]\npath = "/s"\nkind = "scratch"\n'
    expect(under("cd /d; echo * sub/*; echo new >f; read x <f; echo $x; echo /s/*; : >/s/made && echo made", grants=grants),
           stdout="f sub sub/g\nnew\n/s/*\nmade\n")
    assert open("data/f").read() == "data/f"


def test_shares():
    """A share is live: read only unless it says write, and never more than its folder."""
    os.makedirs("in")
    os.makedirs("out")
    with open("in/f", "w") as f:
        f.write("hello\n")
    grants = SHELL + '[[grant]]\npath = "/in"\nhost = "in"\n[[grant]]\npath = "/out"\nhost = "out"\nrights = "write"\n'
    result = under("read x </in/f; echo $x; echo y >/in/g || echo refused; echo $x >/out/made; echo /in/../*", grants=grants)
    expect(result, stdout="hello\nrefused\n/bin /in /out /proc\n".replace("/bin /in /out /proc", "/in/../bin /in/../in /in/../out /in/../proc"))
    assert os.listdir("in") == ["f"] and open("out/made").read() == "hello\n"


def test_arguments_may_be_given():
    """Other arguments may be given, another program may not."""
    expect(under("echo default", args=["--", "-c", "echo other"]), stdout="other\n")


def test_clock_and_random_are_grants():
    """Without a clock the time is refused and files are all of one day; without random there is none; coarse is coarse."""
    dev = SHELL + '[[grant]]\npath = "/dev/urandom"\nkind = "base"\n[[grant]]\npath = "/tmp"\nkind = "scratch"\n'
    result = under("busybox head -c 1 /dev/urandom || echo no random; : >/tmp/f; busybox stat -c %y /tmp/f", 'clock = "none"\nrandom = false\n', dev)
    assert result.stdout.startswith(b"no random\n2026-01-01 00:00:00"), result
    result = under("busybox head -c 4 /dev/urandom | busybox wc -c; : >/tmp/f; busybox stat -c %y /tmp/f", 'clock = "coarse"\n', dev)
    assert result.stdout.startswith(b"4\n20") and b"2026-01-01 00:00:00" not in result.stdout, result
    expect(under("busybox head -c 4 /dev/urandom | busybox wc -c", grants=dev), stdout="4\n")


def test_mistakes_have_lines():
    """Every mistake in a manifest is named with file and line, and status 2."""
    for text, words in (("keros-run = 1\nprogam = \"x\"\n", b"line 2: no key 'progam'; there are keros-run, program"),
                        ("program = \"x\"\n", b"line 1: a run manifest begins with keros-run = 1"),
                        ("keros-run = 1\nprogram = \"x\"\n[[grant]]\npath = \"a\"\n", b"line 4: path 'a' is not an absolute path"),
                        ("keros-run = 1\nprogram = \"x\"\n[[grant]]\npath = \"/nosuch\"\nkind = \"base\"\n", b"line 3 of the run manifest grants /nosuch of the base tree, which has no such name"),
                        ("keros-run = 1\nprogram = \"x\"\n[[grant]]\npath = \"/a\"\nkind = \"copy\"\nhost = \"gone\"\n", b"grants a copy of ./gone: No such file")):
        with open("bad.toml", "w") as f:
            f.write(text)
        result = run([KEROS, "run", "--manifest", "bad.toml"])
        assert result.status == 2 and words in result.stderr, result
    result = run([KEROS, "run", "--manifest", "nosuch.toml"])
    assert result.status == 2 and b"nosuch.toml: No such file" in result.stderr, result


def test_input_and_time():
    """Without input it ends at once; a limit in seconds ends the run with 124."""
    with open("m.toml", "w") as f:
        f.write(HEAD % '"read x || echo end"' + "input = false\n" + SHELL)
    expect(run([KEROS, "run", "--manifest", "m.toml"], stdin=b"text\n"), stdout="end\n")
    result = under("while :; do :; done", "[limits]\nseconds = 2\n")
    assert result.status == 124, result


def test_a_manifest_says_all():
    """Options that would grant more beside a manifest are refused."""
    under("true")
    for option in ("--env=A=b", "--ro=/etc/hostname", "--random", "--tmp=1M"):
        result = run([KEROS, "run", "--manifest", "m.toml", option])
        assert result.status == 2 and b"says all that is granted" in result.stderr, (option, result)


def test_committed_manifests_are_canonical():
    """The manifests of doc/assess are what the command writes."""
    from lib import ROOT
    top = os.path.join(ROOT, "doc", "assess")
    found = 0
    for directory, _, files in os.walk(top):
        for file in files:
            if file.endswith(".toml"):
                path = os.path.join(directory, file)
                expect(run([KEROS, "merge", path]), stdout=open(path).read())
                found += 1
    assert found >= 10, found
