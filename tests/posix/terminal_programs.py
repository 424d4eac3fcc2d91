"""Full-screen programs driven through the terminal: vi and less, on Keros as on the host."""

import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from scenario import HOST_ONLY, PRELUDE, keros_command, licences, stage  # noqa: E402
from terminal import Terminal  # noqa: E402

ESCAPE = "\x1b"


def type_on_both(script, typing, files):
    """Runs a script on a terminal on either side, types the keys, and returns what each printed after the
    line `=====`.  typing: pairs of what to wait for on the screen, and the keys to press then; after ESCAPE vi shows
    that it has left its insertion."""
    printed = []
    for side in ("host", "host" if HOST_ONLY else "keros"):
        top = tempfile.mkdtemp(prefix="terminal.")
        place = os.path.join(top, "root")
        os.makedirs(place)
        stage(place, files, [])
        with open(os.path.join(place, "script"), "w") as file:
            file.write(PRELUDE + script)
        command = ["bin/busybox", "sh", "./script"]
        if side == "host":
            terminal = Terminal(["/bin/busybox"] + command[1:], cwd=place)
        else:
            terminal = Terminal(keros_command(top) + command)
        for text, keys in typing:
            terminal.wait_text(text)
            if keys == ESCAPE:
                terminal.escape(r"- notes")
            else:
                terminal.keys(keys)
        terminal.wait_text("=====")
        printed.append(terminal.wait_text("=end=").replace("\r", ""))
        status = terminal.end()
        assert status == 7, "status %d on %s" % (status, side)
        shutil.rmtree(top)
    return printed


def compare_typing(script, typing, files, expect):
    host, keros = type_on_both(script, typing, files)
    assert host == keros, "host:\n%s\nKeros:\n%s" % (host, keros)
    assert expect in host, host


def test_vi():
    """vi edits a licence text: substitution, deletion, insertion, undo, yank and put, search, and writing."""
    compare_typing("cp licences/BSD notes; bin/vi notes; s=$?; echo =====; cat notes; md5sum notes; echo status $s;"
                   " echo =end=; exit 7", [
                       ("University of California", ":%s/University/Museum/g\r"),
                       ("Museum of California", "ggOa line on top"),
                       ("a line on top", ESCAPE),
                       ("", "jddGoa line at the end"),
                       ("a line at the end", ESCAPE),
                       ("", "yyp/WARRANTIES\rcwPROMISES"),
                       ("PROMISES", ESCAPE),
                       ("", "ddu"),
                       ("restored", ":wq\r")],
                   licences(), "a line at the end\na line at the end")


def test_vi_quit_without_writing():
    """vi leaves the file as it was with :q!, and refuses :q on a changed one."""
    compare_typing("echo original > notes; bin/vi notes; echo =====; cat notes; echo =end=; exit 7", [
        ("original", "ichanged "),
        ("changed", ESCAPE),
        ("", ":q\r"),
        ("No write since last change", ":q!\r")], {}, "original\n")


def test_less():
    """less shows a text by pages, searches in it and quits."""
    compare_typing("bin/less licences/GPL-3; echo =====; echo left $?; echo =end=; exit 7", [
        ("GNU GENERAL PUBLIC LICENSE", " "),
        ("freedom", "/Disclaimer of Warranty\r"),
        ("Disclaimer of Warranty", "G"),
        ("why-not-lgpl", "q")], licences(), "left 0")
