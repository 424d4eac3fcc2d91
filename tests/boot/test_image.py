"""The disk image: booted by GRUB under BIOS and under UEFI, as a machine would."""

import os

import lib
from lib import limit

FIRMWARE = "/usr/share/ovmf/OVMF.fd"
WORDS = "a command on a disk's machine"


def boot(image, *options):
    return lib.run(["qemu-system-x86_64", "-M", "pc", "-cpu", "max,-erms", "-m", "256M", "-nodefaults", "-display", "none",
                    "-no-reboot", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
                    "-drive", "format=raw,file=%s" % image, *options], timeout=90)


def make_image():
    lib.expect(lib.run([lib.KEROS, "image", "disk.img", "--", "sh", "-c", 'echo "%s"; exit 5' % WORDS]), stdout="", stderr="")
    return "disk.img"


def expect_run(result):
    assert WORDS.encode() in result.stdout, result
    assert result.status == (5 << 1 | 1), result


def test_bios():
    """GRUB boots the disk under BIOS, the command runs, and the machine ends with its status."""
    expect_run(boot(make_image()))


@limit(180)
def test_uefi():
    """GRUB boots the disk under UEFI, the command runs, and the machine ends with its status."""
    if not os.path.exists(FIRMWARE):
        lib.skip("no UEFI firmware at " + FIRMWARE)
    expect_run(boot(make_image(), "-bios", FIRMWARE))


def test_image_leaves_nothing_behind():
    """Making an image leaves no temporary file."""
    os.mkdir("tmp")
    os.environ["TMPDIR"] = os.path.abspath("tmp")
    make_image()
    assert os.listdir("tmp") == [], os.listdir("tmp")
