"""What a sandbox is refused: an errno for the program, and a sentence for the user about what exists on the host."""

import os

from lib import KEROS, folder, run, run_keros


def said(result):
    return [line for line in result.stderr.decode().splitlines() if line.startswith("keros: ")]


def test_once_and_only_what_exists():
    """A name that exists on the host is told once, with the grant; one that exists nowhere is not told."""
    top = folder("secret", {"key": b"k"})
    result = run_keros("cat %s/key; cat %s/key; cat %s/nothing; ls %s" % (top, top, top, top))
    assert b"No such file or directory" in result.stderr and b"k\n" not in result.stdout
    assert said(result) == ["keros: open %s/key: no capability covers it; grant with --ro %s/key" % (top, top),
                            "keros: stat %s: no capability covers it; grant with --ro %s" % (top, top)], result


def test_the_grant_that_is_said_helps():
    """The option that the sentence names is one that covers it."""
    top = folder("data", {"file": b"content\n"})
    line = said(run_keros(["cat", top + "/file"]))[0]
    result = run_keros(["cat", top + "/file"], options=line.split("grant with ")[1].split())
    assert result.stdout == b"content\n" and not said(result), result


def test_write_refused():
    """What is granted to be read and is to be changed is told with --rw."""
    top = folder("ro", {"a": b"a"})
    result = run_keros("echo x >/r/a; echo y >/r/new; rm /r/a; chmod 600 /r/a", options=["--ro", top + ":/r"])
    assert said(result) == ["keros: open /r/a: granted to be read only; grant with --rw %s:/r" % top,
                            "keros: open /r/new: granted to be read only; grant with --rw %s:/r" % top], result


def test_verbose_tells_all():
    """With --verbose every refusal is told, as often as it happens."""
    top = folder("secret", {"key": b"k"})
    result = run_keros("cat %s/key %s/key" % (top, top), options=["--verbose"])
    assert sum(b"open %s/key: no capability" % top.encode() in line for line in result.stderr.splitlines()) == 2, result


def test_names_of_any_bytes():
    """A name with control characters and bytes that are no UTF-8 is told so that a terminal is safe."""
    top = os.path.join(os.getcwd(), "odd").encode()
    os.makedirs(top)
    for name in (b"a\x1b[31mb", b"\xff\xfe", b"with space", b"new\nline"):
        open(top + b"/" + name, "w").close()
    result = run_keros("cd /; cat '%s/a\x1b[31mb' '%s/with space' '%s/new\nline'" % ((top.decode(),) * 3))
    lines = said(result)
    assert len(lines) == 3 and not any("\x1b" in line for line in lines), result
    assert "$'%s/a\\x1b[31mb'" % top.decode() in lines[0] and "new\\x0aline" in lines[2], lines


def test_program_not_granted():
    """A command that only the host has is told where it is."""
    result = run_keros(["git-of-the-host-only-%d" % os.getpid()])
    assert result.status == 127 and len(said(result)) == 1, result
    top = folder("bin", {"tool": b"#!/bin/sh\n"})
    result = run_keros([top + "/tool"])
    assert result.status == 127 and "exec %s/tool" % top in said(result)[1], result


def test_guest_learns_nothing():
    """To the sandbox a name that the host has and one that it has not are the same: errno, and time to a factor."""
    result = run_keros("for f in /etc/fstab /etc/shadow /root/.bashrc /no/such /etc/nothing; do stat $f 2>&1 >/dev/null; done")
    lines = [line.split(": ", 2)[2] for line in result.stdout.decode().splitlines()]
    assert lines == ["No such file or directory"] * 5, result


def test_the_usual_folder_is_nobodys_refusal():
    """A run manifest that grants no /root starts elsewhere, and nothing is said of what the program did not ask for."""
    with open("m.toml", "w") as out:
        out.write('keros-run = 1\nprogram = "/bin/busybox"\narguments = ["true"]\n\n'
                  '[[grant]]\npath = "/bin/busybox"\nkind = "base"\n')
    result = run([KEROS, "run", "--manifest", "m.toml"])
    assert result.status == 0 and not said(result), result


def test_a_named_folder_must_be_there():
    """A command that is to start in a folder that is not there does not start somewhere else."""
    result = run_keros(["pwd"], options=["--cwd", "/nosuch"])
    assert result.status == 126 and result.stdout == b"" and b"/nosuch" in result.stderr and b"--cwd" in result.stderr, result
    assert run_keros(["pwd"], options=["--cwd", "/etc/passwd"]).status == 126
    assert run_keros(["pwd"], options=["--cwd", "/tmp"]).stdout == b"/tmp\n"
