"""The disk image: booted by GRUB as on a real machine, its console on the first serial line."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import KEROS, limit, skip  # noqa: E402
from terminal import PROMPT, Terminal  # noqa: E402

UEFI = "/usr/share/ovmf/OVMF.fd"
QEMU = ["qemu-system-x86_64", "-cpu", "max", "-m", "256M", "-display", "none", "-no-reboot", "-monitor", "none",
        "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial", "-net", "none"]


def drive_shell(machine):
    """Boots to the prompt, works a little, and ends the shell."""
    terminal = Terminal(machine)
    try:
        terminal.wait(PROMPT, 150)
        assert terminal.run("uname -s") == "Linux\n"
        assert terminal.run("seq 1 100 | sort -rn | head -n 1") == "100\n"
        assert terminal.run("cat /etc/hostname") == "keros\n"
        terminal.start("sleep 1000")
        terminal.keys("\x03")
        terminal.wait(PROMPT)
        terminal.line("exit")
    finally:
        terminal.stop()


def make_image():
    subprocess.run([KEROS, "image", "keros.img"], check=True)
    return ["-drive", "format=raw,file=keros.img"]


@limit(240)
def test_bios():
    """The image boots by GRUB under BIOS to a shell that works."""
    drive_shell(QEMU + make_image())


@limit(300)
def test_uefi():
    """The same image boots by GRUB under UEFI."""
    if not os.path.exists(UEFI):
        skip("%s is not there: install the package ovmf" % UEFI)
    drive_shell(QEMU + ["-bios", UEFI] + make_image())


def test_other_command():
    """An image can start another command than the shell."""
    subprocess.run([KEROS, "image", "keros.img", "--", "echo", "from", "the", "image"], check=True)
    terminal = Terminal(QEMU + ["-drive", "format=raw,file=keros.img"])
    try:
        terminal.wait_text("from the image", 100)
    finally:
        terminal.stop()
