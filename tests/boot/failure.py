"""A kernel failure: what it prints, and how the machine ends."""

import os
import subprocess

from lib import BUILD, PATIENCE


def boot(pack):
    """The bare machine with this pack: its log and QEMU's status."""
    done = subprocess.run(["qemu-system-x86_64", "-M", "pc", "-cpu", "max,-erms", "-m", "64M", "-nodefaults", "-display",
                           "none", "-no-reboot", "-kernel", os.path.join(BUILD, "kernel.elf"), "-initrd", pack,
                           "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=60 * PATIENCE)
    return done.stdout.decode("utf-8", "replace").replace("\r\n", "\n"), done.returncode


def test_condition_registers_and_trace():
    """A pack without prime is condition C15, with a symbolised trace, and ends QEMU with the failure's status."""
    with open("config", "wb") as config:
        config.write(b"cwd=/\0")
    subprocess.run([os.path.join(BUILD, "mkpack"), "-o", "pack", "config:run=config"], check=True)
    log, status = boot("pack")
    assert "KEROS FAILURE C15: this does not hold: the pack has a program named prime" in log, log
    assert "kernel_start+" in log and "boot_main+" in log, log
    assert status == (0x55 << 1 | 1), "status %d\n%s" % (status, log)


def test_garbage_pack():
    """A pack of garbage is condition C13, not a fault."""
    with open("pack", "wb") as pack:
        pack.write(bytes(range(256)) * 64)
    log, status = boot("pack")
    assert "KEROS FAILURE C13" in log and status == 171, log
