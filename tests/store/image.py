"""Images: made, checked offline, refused."""

import json
import os

from lib import KEROS, expect, run, run_keros
from witnesses import Life

SIZE = ["--disk-size", "512M"]


def make_image(path):
    expect(run_keros("echo made", options=["--disk", path, *SIZE]), stdout="made\n")


def store(path, *options):
    return run([KEROS, "store", *options, path])


def test_made_and_checked():
    """The first use makes an image, which the checker finds sound, in words and as JSON."""
    make_image("d")
    result = store("d")
    assert result.status == 0 and result.stdout.endswith(b"sound\n"), result
    figures = json.loads(store("d", "--json").stdout)
    assert figures["generation"] > 1, figures
    assert os.stat("d").st_blocks * 512 < os.stat("d").st_size, "the image is not sparse"


def test_no_store():
    """What is no store is status 2 and a sentence, never a crash; a machine refuses it and leaves it as it is."""
    for name, content in (("text", b"hello\n" * 100000), ("zeros", bytes(1 << 20)), ("short", b"KROSTOR1")):
        with open(name, "wb") as out:
            out.write(content)
        result = store(name)
        assert result.status == 2 and result.stderr, (name, result)
        result = run_keros(["true"], options=["--disk", name])
        assert result.status == 1 and name.encode() in result.stderr, (name, result)
        with open(name, "rb") as there:
            assert there.read() == content, "%s was changed" % name
    assert store("nothing").status == 2
    assert store("/").status == 2


def test_refusals_say_why():
    """An empty file, a directory, a pipe, an image cut short: each refusal says what it is; an image that has grown serves."""
    open("empty", "wb").close()
    os.mkdir("directory")
    os.mkfifo("pipe")
    make_image("d")
    expect_words = {"empty": "is empty", "directory": "not an ordinary file", "/dev/null": "not an ordinary file", "absent": "No such file"}
    for name, words in expect_words.items():
        result = store(name)
        assert result.status == 2 and words.encode() in result.stderr, (name, result)
    result = run([KEROS, "store", "pipe"], timeout=5)
    assert result.status == 2, result
    for name in ("directory", "pipe", "/dev/null", "absent/d"):
        result = run_keros(["true"], options=["--disk", name], timeout=5)
        assert result.status == 1 and name.encode() in result.stderr, (name, result)
    os.truncate("d", 1 << 30)
    expect(run_keros("echo larger", options=["--disk", "d"]), stdout="larger\n")
    assert store("d").status == 0
    os.truncate("d", 300 << 20)
    with open("d", "rb") as file:
        before = file.read(1 << 20)
    for result in (store("d"), run_keros(["true"], options=["--disk", "d"])):
        assert result.status in (1, 2) and b"is cut short: it has 300 of 512 MiB" in result.stderr, result
    with open("d", "rb") as file:
        assert file.read(1 << 20) == before, "the refused image was changed"


def test_room_is_told():
    """The checker says how full the image is, and whether the system's command has ended."""
    make_image("d")
    before = json.loads(store("d", "--json").stdout)
    assert before["ended"] and 0 < before["mib_used"] < 20 and 300 < before["mib"] < 512, before
    assert b"its command has ended" in store("d").stdout
    life = Life(["--disk", "d"], ["sh", "-c", "yes | head -c 20000000 >/tmp/f; sync; echo up; sleep 1000"])
    life.wait_for(lambda line: line == b"up")
    result = store("d")
    assert result.status == 2 and b"in use by a machine" in result.stderr, result
    life.kill()
    after = json.loads(store("d", "--json").stdout)
    assert not after["ended"] and after["mib_used"] >= before["mib_used"] + 18, (before, after)
    assert b"MiB were ever in use, %d never; %d MiB hold" % (after["mib"] - after["mib_used"], after["mib_filled"]) in store("d").stdout, store("d")


def test_damage_is_found():
    """A damaged object, directory or header is named by its condition; one good header is enough."""
    make_image("d")
    with open("d", "rb") as file:
        good = file.read(64 << 20)

    def damaged(at, n):
        with open("d", "r+b") as file:
            file.seek(at)
            file.write(bytes(byte ^ 0x40 for byte in good[at:at + n]))
        result = store("d")
        with open("d", "r+b") as file:
            file.seek(at)
            file.write(good[at:at + n])
        return result

    headers = [damaged(frame * 4096, 4096) for frame in (1, 2)]
    assert any(result.status == 1 for result in headers) or all(result.status == 0 for result in headers), headers
    super_block = damaged(0, 4096)
    assert super_block.status == 2, super_block
    assert damaged(0, 100).status == 0, "one of eight copies of the super block is damaged, the rest serve"
    log_first = 3 + 1024
    found = 0
    for frame in range(log_first, log_first + 3000):
        content = good[frame * 4096:frame * 4096 + 4096]
        if not content.strip(b"\0"):
            continue
        result = damaged(frame * 4096 + 4000, 8)
        assert result.status in (0, 1), result
        if result.status == 1:
            assert b"C3" in result.stdout + result.stderr, result
            found += 1
        if found >= 3:
            break
    assert found >= 3, "no damage to the log was found"
    assert store("d").status == 0


def test_locked():
    """An image that a machine uses is not given to a second one."""
    life = Life(["--disk", "d", *SIZE], ["sh", "-c", "echo up; sleep 1000"])
    life.wait_for(lambda line: line == b"up")
    result = run_keros(["true"], options=["--disk", "d"])
    life.kill()
    assert result.status == 1 and b"d" in result.stderr, result
    assert b"up" in life.lines


def test_wrong_sizes():
    """A size that is none, or too small, is a wrong command line."""
    for size in ("x", "10", "1M", "-1G", "99999G"):
        result = run_keros(["true"], options=["--disk", "d", "--disk-size", size])
        assert result.status == 2 and b"--disk-size" in result.stderr, (size, result)
    assert not os.path.exists("d")
    result = run_keros(["true"], options=SIZE)
    assert result.status == 2 and b"--disk" in result.stderr, result


def test_damage_that_is_met():
    """A system whose image is damaged where it needs it ends with the condition's number and what to do; the checker agrees."""
    make_image("d")
    expect(run_keros("echo x > /tmp/x; sync; echo made", options=["--disk", "d"]), stdout="made\n")
    with open("d", "r+b") as file:
        for frame in (1, 2):
            file.seek(frame * 4096)
            file.write(b"\x55" * 4096)
    result = run_keros(["true"], options=["--disk", "d"])
    assert result.status == 125 and b"(condition C311)" in result.stderr and b"d is damaged; `keros store d`" in result.stderr, result
    result = store("d")
    assert result.status == 1 and b"C311" in result.stdout, result
