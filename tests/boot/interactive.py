"""The shell as a person meets it: prompt, keys, window, jobs, and the ways out."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import KEROS, until  # noqa: E402
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
    shell.begin("while :; do :; done")
    shell.keys("\x03")
    shell.wait(PROMPT)
    shell.begin("trap 'echo caught' INT; sleep 1000 & wait")
    assert "caught\n" in shell.press_until("\x03", PROMPT)     # before the wait it ends nothing
    shell.run("trap - INT; kill %1")
    shell.start("cat")
    shell.keys("half a line\x03")
    shell.wait(PROMPT)
    shell.line("exit")
    shell.end()


def end_in_foreground(shell):
    """Whether a Ctrl-C, sent when the shell's only job was told to be in the foreground, has ended it."""
    shell.line("fg")
    shell.wait("sleep 1000")
    shell.keys("\x03")
    shell.wait(PROMPT)
    return shell.run("jobs") == ""


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
    # Before the job has the terminal a Ctrl-C is the shell's.
    until(lambda: end_in_foreground(shell), "the end of the job")
    shell.run("cat & true")
    until(lambda: "Stopped" in shell.run("jobs"), "the end of a background job's read")
    shell.run("kill %1; kill -CONT %1")
    shell.line("exit")
    shell.line("exit")
    shell.end()


def test_window_size():
    """The window's size is told at the start, and a change of it too, by SIGWINCH."""
    shell = start_shell(33, 101)
    assert shell.run("stty size") == "33 101\n"
    # Not the shell, which while it reads a line has another use for the signal than its trap.
    shell.line("sh -c 'trap \"stty size; exit\" WINCH; echo go\"\"ing; while :; do sleep 0.1; done'")
    shell.wait("going\r+\n")
    shell.resize(40, 90)
    shell.wait("40 90\r+\n")
    shell.wait(PROMPT)
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
    shell.start("cat >typed")
    shell.keys("wrong\x15rihgt\x7f\x7f\x7fght\r")
    shell.keys("second\r\x04")
    shell.wait(PROMPT)
    assert shell.run("cat typed; rm typed") == "right\nsecond\n"
    shell.line("stty -echo; echo go''ing; read -r hidden; stty echo; echo got $hidden")
    shell.wait("going\r+\n")
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
    shell.end()
