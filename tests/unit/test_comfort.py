"""Help, the man page, completions, the doctor and the debugger."""

import os
import socket
import subprocess

from lib import BUILD, KEROS, ROOT, limit, run, tree_with


def verbs():
    return run([KEROS, "help", "--verbs"]).stdout.decode().split()


def test_help():
    """Every verb has a page with a usage line and worked examples that begin with the command."""
    assert {"run", "caps", "graph", "trace", "doctor", "gdb"} <= set(verbs())
    for verb in verbs():
        text = run([KEROS, "help", verb]).stdout.decode()
        assert text.startswith("usage: keros %s" % verb), text
        examples = text.partition("\nExamples:\n")[2]
        assert "keros %s" % verb in examples, "%s has no worked example" % verb
    assert "125" in run([KEROS, "help", "exit"]).stdout.decode()
    result = run([KEROS, "help", "nothing"])
    assert result.status == 2 and b"no verb 'nothing'" in result.stderr
    assert run([KEROS, "help", "run", "caps"]).status == 2


def test_man_page():
    """The man page has every verb, and mandoc has no warning about it."""
    with open("keros.1", "wb") as file:
        file.write(run([KEROS, "help", "--man"]).stdout)
    result = run(["mandoc", "-Tlint", "-Wwarning", "keros.1"])
    assert result.status == 0, result
    text = run(["mandoc", "-Tascii", "keros.1"]).stdout.decode()
    for verb in verbs():
        assert "keros " + verb in text.replace("\b", ""), verb


def complete(shell_line, shell="bash"):
    words = shell_line.split(" ")
    script = ('source "%s/tools/completion/keros.bash"; COMP_WORDS=(%s); COMP_CWORD=%d; _keros; printf "%%s\\n" "${COMPREPLY[@]}"'
              % (ROOT, " ".join("'%s'" % word for word in [KEROS, *words[1:]]), len(words) - 1))
    return run([shell, "-c", script]).stdout.decode().split()


def test_bash_completion():
    """Verbs, and the options of the verb that was typed, and nothing of the guest's command."""
    assert complete("keros gr") == ["graph"]
    assert set(complete("keros ")) == set(verbs())
    assert "--disk" in complete("keros run --d") and "--disk-size" in complete("keros run --d")
    assert complete("keros store --") == ["--json"]
    assert complete("keros run -- l") == []
    open("some.disk", "w").close()
    assert complete("keros store some") == ["some.disk"]


def test_zsh_completion():
    """zsh reads the completion without complaint, and its functions answer with the same verbs."""
    script = ('compadd() { shift; print -l -- "$@" }; _files() { print files }; words=("%s" ""); CURRENT=2; '
              'f() { source "%s/tools/completion/_keros" }; f' % (KEROS, ROOT))
    result = run(["zsh", "-f", "-c", script])
    assert result.status == 0 and set(result.stdout.decode().split()) == set(verbs()), result


def test_doctor():
    """All is well here; what is missing is named with the command that mends it."""
    result = run([KEROS, "doctor"])
    assert result.status == 0 and b"All is well" in result.stdout, result
    bare = os.path.join(os.getcwd(), "bare")
    os.makedirs(os.path.join(bare, "keros"), 0o755)
    os.chmod(os.path.join(bare, "keros"), 0o755)
    result = run([KEROS, "doctor"], env={"PATH": "/nowhere:/bin", "XDG_RUNTIME_DIR": bare, "TMPDIR": "/nowhere"})
    text = result.stdout.decode()
    assert result.status == 1 and "MISSING" in text and "rm -r '%s/keros'" % bare in text, result
    assert run([KEROS, "doctor", "now"]).status == 2


@limit(180)
def test_gdb_kernel():
    """One command stops the kernel at a function of its own, with its source and the process that invoked it."""
    result = run([KEROS, "gdb", "--batch", "--ex", "break process_op_clone", "--ex", "continue", "--ex", "bt 2", "--ex",
                  "keros-current", "--", "sh", "-c", "true & wait"], timeout=150)
    text = result.stdout.decode()
    assert "kernel/object/" in text and "invoke_object" in text and "posix-server" in text, result


@limit(180)
def test_gdb_program():
    """A program of the sandbox stops at a function of its own, by its name and source line, whoever shares its addresses."""
    with open("prog.c", "w") as file:
        file.write("int twice(int x) { return 2 * x; }\nint main(void) { return twice(21); }\n")
    tree = tree_with({})
    os.makedirs(os.path.join(tree, "bin"))
    program = os.path.join(tree, "bin", "prog")
    subprocess.run(["musl-gcc", "-g", "-O0", "-static", "-o", program, "prog.c"], check=True)
    result = run([KEROS, "gdb", "--batch", "--symbols", program, "--ex", "keros-break twice", "--ex", "continue", "--ex", "bt",
                  "--ex", "keros-current", "--tree", tree, "--", "prog"], timeout=150)
    text = result.stdout.decode()
    assert "twice" in text and "prog.c:2" in text and " prog " in text, result


def test_abandoned_socket():
    """A socket that a killed command left is no machine, though another process has its number by now."""
    top = os.path.join(os.getcwd(), "keros")
    os.mkdir(top, 0o700)
    path = os.path.join(top, str(os.getpid()))
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    os.utime(path, (1000000000, 1000000000))
    result = run([KEROS, "ps"], env=dict(os.environ, XDG_RUNTIME_DIR=os.getcwd()))
    assert result.status == 1 and b"no machine runs" in result.stderr and not os.path.exists(path), result
