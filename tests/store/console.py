"""A person at the terminal: `make run` twice is one life."""

import os
import re
import signal

from lib import KEROS, limit, until
from terminal import PROMPT, Terminal
from witnesses import check_image, generation

OPTIONS = ["--disk", "d", "--disk-size", "512M"]


def shell():
    return Terminal([KEROS, "shell", *OPTIONS])


def count_of(t):
    found = re.search(r"\d+", t.run("cat /tmp/n"))
    return int(found.group()) if found else 0


def go_on(life):
    """The next life: its screen shows what the last one's did; what is typed comes after that."""
    t = shell()
    t.wait_text("goes on where it was")
    t.wait("built-in shell")           # of the greeting: the screen as it was
    t.line("echo life''%d" % life)
    t.wait_text("life%d" % life)
    t.wait(PROMPT)
    return t


def kill_machine(t):
    """As a loss of power: the command and its QEMU are gone."""
    t.child.kill(signal.SIGKILL)
    t.child.wait()


@limit(200)
def test_one_life():
    """A script that was left counting in the background counts on after SIGKILL: same shell, same job, screen repainted."""
    t = shell()
    t.wait(PROMPT)
    t.run("mark=here-was-I")
    t.line("(i=0; while :; do i=$((i+1)); echo $i > /tmp/n; sleep 0.1; done) &")
    t.wait(PROMPT)
    before = until(lambda: count_of(t), "a number")
    t.run("sync")
    for life in range(2, 4):
        kill_machine(t)
        t = go_on(life)
        assert "here-was-I" in t.run("echo $mark"), "the shell is another one"
        assert "unning" in t.run("jobs"), "the job is not the shell's"
        now = count_of(t)
        assert now >= before, (before, now)
        until(lambda: count_of(t) > now, "a number above %d: the script does not count on" % now)
        before = now
        t.run("sync")
    kill_machine(t)
    check_image("d")


@limit(120)
def test_full_screen():
    """An editor in the middle of a text is there again: the text on the screen, not yet saved, and its keys where they were."""
    t = shell()
    t.wait(PROMPT)
    t.run("echo one > /tmp/f; echo two >> /tmp/f")
    t.line("while :; do sleep 0.2; echo >/tmp/other; done &")    # there is always something to save
    t.wait(PROMPT)
    t.line("vi /tmp/f")
    t.wait_text("two")
    t.keys("othree and more")
    t.wait_text("hree and more")
    t.escape(r"- /tmp/f")
    begun = generation("d")            # the one under way may not have all; the next comes by itself
    until(lambda: generation("d") > begun + 1, "a checkpoint by itself")
    kill_machine(t)
    t = shell()
    t.wait_text("goes on where it was")
    t.wait_text("two")
    t.wait_text("hree and more")
    t.wait_text("[Modified]")
    t.keys("ofour")
    t.wait_text("our")
    t.escape(r"- /tmp/f")
    t.keys(":wq\r")
    t.wait(PROMPT)
    text = t.run("cat /tmp/f")
    assert text.split("\n")[-5:] == ["one", "three and more", "four", "two", ""], text
    t.keys("\x01x")
    t.end()
    check_image("d")


@limit(120)
def test_leaving_saves():
    """Ctrl-A X saves what was done until then; the next start goes on there."""
    t = shell()
    t.wait(PROMPT)
    t.run("echo kept > /tmp/kept")
    t.keys("\x01x")
    t.wait_text("it goes on with --disk d")
    assert t.end() == 129
    t = go_on(2)
    assert "kept" in t.run("cat /tmp/kept")
    t.line("exit 3")
    assert t.end() == 3
    t = shell()
    t.wait(PROMPT)
    assert "No such file" in t.run("cat /tmp/kept"), "a new sandbox has the files of one that ended"
    t.keys("\x01x")
    t.end()
    check_image("d")
