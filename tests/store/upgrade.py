"""A stored system and a build that is not the one it was made with (doc/upgrade.md)."""

import os
import shutil
import struct
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


MASK = (1 << 64) - 1
PRIMES = [0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5]


def rotl(x, n):
    return (x << n | x >> 64 - n) & MASK


def xxh64(data):
    """XXH64 with seed 0 of a whole number of words, at least four: what seals a super block."""
    p1, p2, p3, p4, _ = PRIMES
    words = struct.unpack("<%dQ" % (len(data) // 8), data)
    lane = [(p1 + p2) & MASK, p2, 0, -p1 & MASK]
    whole = len(words) // 4 * 4
    for i in range(whole):
        lane[i % 4] = rotl((lane[i % 4] + words[i] * p2) & MASK, 31) * p1 & MASK
    h = sum(rotl(v, n) for v, n in zip(lane, (1, 7, 12, 18))) & MASK
    for v in lane:
        h = ((h ^ rotl(v * p2 & MASK, 31) * p1 & MASK) * p1 + p4) & MASK
    h = (h + len(data)) & MASK
    for w in words[whole:]:
        h = (rotl(h ^ rotl(w * p2 & MASK, 31) * p1 & MASK, 27) * p1 + p4) & MASK
    h = (h ^ h >> 33) * p2 & MASK
    h = (h ^ h >> 29) * p3 & MASK
    return h ^ h >> 32


def sector_of(path):
    with open(path, "rb") as image:
        return bytearray(image.read(512))


@limit(180)
def test_image_of_an_older_format():
    """An image of format 3, which has no places for headers in its log, goes on, and stays as it is."""
    run_keros(["true"], options=[*OPTIONS, "--kernel", "/dev/null"], timeout=60)      # makes it, and no more
    sector = sector_of("d")
    assert struct.unpack_from("<Q", sector, 504)[0] == xxh64(bytes(sector[:504])), "this test seals as the kernel does"
    assert struct.unpack_from("<I", sector, 8)[0] == 4 and struct.unpack_from("<I", sector, 64)[0], "seats"
    struct.pack_into("<I", sector, 8, 3)
    struct.pack_into("<II", sector, 64, 0, 0)
    struct.pack_into("<Q", sector, 504, xxh64(bytes(sector[:504])))
    with open("d", "r+b") as image:
        image.write(bytes(sector) * 8)
    last = live([], 0)
    live([], last)
    check_image("d")
    assert struct.unpack_from("<I", sector_of("d"), 8)[0] == 3


@limit(120)
def test_refused():
    """A kernel that does not read the layout says so and leaves the image as it is."""
    last = live([], 0)
    subprocess.run(["cp", "--sparse=always", "d", "before"], check=True)
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
