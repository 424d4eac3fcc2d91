"""A stored system and a build that is not the one it was made with (doc/upgrade.md)."""

import os
import shutil
import subprocess

from lib import BUILD, KEROS, expect, limit, run, run_keros
from witnesses import IN_FLIGHT, Life, check_image

OPTIONS = ["--disk", "d", "--disk-size", "512M"]
COUNTING = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sync; done"]


def kernel(name):
    return ["--kernel", os.path.join(BUILD, "variant", name + ".elf")]


def number(line):
    return int(line) if line.isdigit() else -1


def live(options, last):
    """One life that counts on after `last`; the number it came to."""
    life = Life([*OPTIONS, *options], COUNTING)
    life.wait_for(lambda line: number(line) >= last + 3)
    life.kill()
    seen = [number(line) for line in life.lines if number(line) > 0]
    assert last <= seen[0] <= last + IN_FLIGHT, (last, seen)
    return seen[-1]


@limit(180)
def test_newer_kernel():
    """A newer kernel goes on with a system of an older layout that it still reads; afterwards it is of the newer one."""
    last = live(kernel("older"), 0)
    last = live([], last)
    check_image("d")
    result = run_keros(["true"], options=[*OPTIONS, *kernel("older")], timeout=60)
    assert result.status == 125 and b"written by a newer kernel" in result.stderr and b"doc/upgrade.md" in result.stderr, result
    live([], last)


@limit(120)
def test_refused():
    """A kernel that does not read the layout says so and leaves the image as it is."""
    last = live([], 0)
    shutil.copy("d", "before")
    result = run_keros(["true"], options=[*OPTIONS, *kernel("newer")])
    assert result.status == 125 and b"written by an older kernel" in result.stderr, result
    assert subprocess.run(["cmp", "-s", "d", "before"]).returncode == 0, "the refused image was changed"
    live([], last)


@limit(120)
def test_command_refuses():
    """The command refuses a system of a newer layout before a machine starts, and keeps one whose command runs."""
    live(kernel("newer"), 0)
    result = run_keros(["true"], options=OPTIONS)
    assert result.status == 1 and b"newer kernel" in result.stderr and b"doc/upgrade.md" in result.stderr, result


def other_build():
    """A copy of what the command runs, with one more byte at the end of a service's program: another build of it."""
    os.makedirs("other/build", exist_ok=True)
    for name in ("bin", "base.tree", "system.manifest", "kernel.elf", "keros"):
        source, to = os.path.join(BUILD, name), os.path.join("other/build", name)
        (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, to)
    shutil.copytree(os.path.join(BUILD, "..", "apps"), "other/apps")
    with open("other/build/bin/vcs.elf", "ab") as out:
        out.write(b"\0")
    return os.path.abspath("other/build/keros")


@limit(180)
def test_newer_services():
    """A system whose command runs keeps its programs, and says so; one whose commands have ended begins with the new ones."""
    other = other_build()
    last = live([], 0)
    life = subprocess.Popen([other, "run", *OPTIONS, "--", "true"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = life.stdout.readline()
    life.kill()
    assert last <= number(first.strip()) <= last + IN_FLIGHT, first
    assert b"with the programs it was started with" in life.stderr.read()
    os.remove("d")
    expect(run_keros("echo one", options=OPTIONS), stdout="one\n")
    expect(run_keros("echo two", options=OPTIONS), stdout="two\n", stderr="")
    result = run([other, "run", *OPTIONS, "--", "echo", "three"])
    assert result.stdout == b"three\n" and b"a new system begins in it" in result.stderr, result
    expect(run([other, "run", *OPTIONS, "--", "echo", "four"]), stdout="four\n", stderr="")
    check_image("d")
