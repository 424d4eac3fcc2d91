"""The shell as a person meets it: prompt, keys, window, jobs, and the ways out."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import KEROS  # noqa: E402
from terminal import PROMPT, Terminal  # noqa: E402

# With SCENARIO_PEER=host the same keys go to the same shell on the host, which proves the tests.
HOST_ONLY = os.environ.get("SCENARIO_PEER") == "host"
HOST_ENV = {"PS1": "keros:\\w\\$ ", "HOME": "/root", "PATH": "/bin:/usr/bin"}


def start_shell(rows=24, columns=80):
    if HOST_ONLY:
        terminal = Terminal(["/bin/busybox", "sh"], rows, columns, env=HOST_ENV)
    else:
        terminal = Terminal([KEROS, "shell"], rows, columns)
    terminal.wait(PROMPT)
    return terminal


def test_prompt_and_status():
    """The prompt comes, commands answer, and the shell's exit status is the command's."""
    shell = start_shell()
    assert shell.run("echo $((6 * 7))") == "42\n"
    assert shell.run("echo one | tr a-z A-Z") == "ONE\n"
    assert shell.run("test -t 0 && test -t 1 && echo terminal") == "terminal\n"
    shell.line("exit 5")
    assert shell.end() == 5


def test_interrupt():
    """Ctrl-C ends the program in the foreground and no other; the shell stays."""
    shell = start_shell()
    shell.start("sleep 1000")
    shell.keys("\x03")
    shell.wait(PROMPT)
    shell.line("echo was:$?")
    shell.wait_text("was:130")
    shell.wait(PROMPT)
    shell.start("while :; do :; done")
    shell.keys("\x03")
    shell.wait(PROMPT)
    shell.start("trap 'echo caught' INT; sleep 1000 & wait")
    shell.keys("\x03")
    shell.wait("caught")
    shell.wait(PROMPT)
    shell.start("trap - INT; kill %1; cat")
    shell.keys("half a line\x03")
    shell.wait(PROMPT)
    shell.line("exit")
    shell.end()


def test_job_control():
    """Ctrl-Z stops a job, bg and fg take it on, and a reader in the background is stopped."""
    shell = start_shell()
    shell.start("sleep 1000")
    shell.keys("\x1a")
    shell.wait("Stopped")
    shell.wait(PROMPT)
    assert "Stopped" in shell.run("jobs")
    shell.run("bg")
    assert "Stopped" not in shell.run("jobs")
    shell.start("fg")
    shell.keys("\x03")
    shell.wait(PROMPT)
    shell.run("cat & true")
    shell.run("sleep 1")
    assert "Stopped" in shell.run("jobs")
    shell.run("kill %1; kill -CONT %1")
    shell.line("exit")
    shell.line("exit")
    shell.end()


def test_window_size():
    """The window's size is told at the start, and a change of it too, by SIGWINCH."""
    shell = start_shell(33, 101)
    assert shell.run("stty size") == "33 101\n"
    shell.run("trap 'echo changed' WINCH")
    shell.resize(40, 90)
    shell.run("sleep 1")
    assert shell.run("stty size").endswith("40 90\n")
    shell.line("exit")
    shell.end()


def test_line_editing():
    """Backspace, arrows, history and Ctrl-U at the prompt; erase, kill and end of file in a cooked read."""
    shell = start_shell()
    shell.keys("echo abd\x7fc")
    shell.line("")
    shell.wait("\nabc\r\n")
    shell.wait(PROMPT)
    shell.keys("\x1b[A")
    shell.line(" again")
    shell.wait("\nabc again\r\n")
    shell.wait(PROMPT)
    shell.keys("echo wrong\x15echo right\x01\x05 there\r" if HOST_ONLY else "echo wrong\x15echo right there\r")
    shell.wait("\nright there\r\n")
    shell.wait(PROMPT)
    shell.start("cat > typed")
    shell.keys("wrong\x15rihgt\x7f\x7f\x7fght\r")
    shell.keys("second\r\x04")
    shell.wait(PROMPT)
    assert shell.run("cat typed; rm typed") == "right\nsecond\n"
    shell.start("stty -echo; read -r hidden; stty echo; echo got $hidden")
    shell.line("secret")
    assert "secret" not in shell.wait("got ")
    shell.wait(PROMPT)
    shell.keys("\x04")
    shell.end()


def test_escape_key():
    """Ctrl-A X leaves at once, whatever runs."""
    if HOST_ONLY:
        return
    shell = start_shell()
    shell.start("sleep 1000")
    shell.keys("\x01x")
    shell.end(20)
