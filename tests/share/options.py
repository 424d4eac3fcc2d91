"""keros run's grants that are no files: clock, random numbers, time, processor, /tmp, streams; and what is wrong with them."""

import os

from lib import KEROS, expect, limit, run, run_keros


def wrong(options, *words, status=2):
    """The command line is refused with status 2, in one line that has the words."""
    result = run([KEROS, "run", *options, "--", "true"])
    text = result.stderr.decode()
    assert result.status == status and text.startswith("keros: ") and len(text.splitlines()) == 1, result
    assert all(word in text for word in words), text


def test_random():
    """Without --random there are no random numbers: no device, no call, not the processor's, and the same canary."""
    script = "ls /dev | grep -c random; head -c 4 /dev/urandom 2>/dev/null | wc -c"
    expect(run_keros(script), stdout="0\n0\n")
    expect(run_keros(script, options=["--random"]), stdout="2\n4\n")


def test_clock_none():
    """With --clock none no clock can be read, not by the shim either; sleeping still works."""
    result = run_keros("date +%s; sleep 0.1; date +%s; cat /proc/uptime", options=["--clock", "none"])
    times = result.stdout.decode().split()
    assert all(float(t) < 2 for t in times), result


def test_clock_coarse():
    """With --clock coarse times are multiples of ten milliseconds (of files also a nanosecond each, to keep their order)."""
    result = run_keros("for i in 1 2 3 4 5 6 7 8; do : >/tmp/f$i; stat -c %y /tmp/f$i; done", options=["--clock", "coarse"])
    times = [line.split()[1].split(".")[1] for line in result.stdout.decode().splitlines()]
    assert len(times) == 8 and all(int(t) % 10000000 < 1000 for t in times), result


def test_time():
    """--time ends what takes longer, with status 124 and a sentence; what is quicker keeps its status."""
    for seconds in (2, 8, 32, 128):            # the machine's start counts, too
        result = run_keros("echo started; while :; do :; done", options=["--time", "%ds" % seconds], timeout=200)
        assert result.status == 124 and b"--time" in result.stderr, result
        if result.stdout:
            break
    assert result.stdout == b"started\n", result
    expect(run_keros("exit 3", options=["--time", "1h"]), status=3)


@limit(240)
def test_cpu():
    """With a share of the processor the same work takes longer by about its inverse, counted in instructions."""
    work = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done"
    def seconds(options):
        result = run_keros("s=$(cut -d' ' -f1 /proc/uptime); %s; e=$(cut -d' ' -f1 /proc/uptime); echo $s $e" % work,
                           options=["--icount", *options], timeout=120)
        start, end = map(float, result.stdout.split())
        return end - start
    free, held = seconds([]), seconds(["--cpu", "20%"])
    print("== shown\n%.2f s of work alone, %.2f s with a fifth of the processor" % (free, held))
    assert 4 * free < held < 6 * free, (free, held)


def test_tmp():
    """--tmp SIZE is an empty /tmp of that size: what is more is ENOSPC, and what is removed is free again."""
    expect(run_keros("cd /tmp; ls; for i in 1 2; do dd if=/dev/zero of=x bs=4096 count=100 2>/dev/null; stat -c %s x; rm x; done;"
                     "stat -f -c '%b %f %S' .; echo y >y; mv y /root/y && cat /root/y; i=0; while touch f$i 2>/dev/null; do i=$((i+1)); done;"
                     "ls | wc -l", options=["--tmp", "64K"]),
           stdout="57344\n57344\n16 15 4096\ny\n15\n")


def test_streams():
    """--stdin, --stdout and --stderr are files instead of ours."""
    with open("in", "w") as out:
        out.write("one\ntwo\n")
    result = run_keros("cat; echo error >&2", options=["--stdin", "in", "--stdout", "o", "--stderr", "e"])
    assert result.status == 0 and not result.stdout and not result.stderr, result
    assert open("o").read() == "one\ntwo\n" and open("e").read() == "error\n"


def test_wrong_options():
    """Each wrong option is one sentence that says what is wrong and what would be right, and nothing runs."""
    wrong(["--clock", "sometimes"], "--clock 'sometimes'", "none, coarse and full")
    wrong(["--time", "fast"], "--time 'fast'", "--time 10s")
    wrong(["--time", "0"], "--time '0'")
    wrong(["--cpu", "0"], "--cpu '0'", "1%", "100%")
    wrong(["--cpu", "101%"], "--cpu '101%'")
    wrong(["--tmp", "huge"], "--tmp 'huge'", "--tmp 16M")
    wrong(["--tty"], "--tty", "no terminal")
    wrong(["--stdin", "/no/such/file"], "--stdin /no/such/file", "No such file")
    wrong(["--stdout", "/no/such/folder/file"], "--stdout", "No such file")


def test_wrong_grants():
    """A grant that cannot be is refused before anything runs: what is not there, is no file, claims a place twice."""
    os.makedirs("a/b")
    os.mkfifo("fifo")
    open("file", "w").close()
    wrong(["--ro", "nothing:/x"], "--ro nothing:/x", "No such file")
    wrong(["--rw", "nothing"], "--rw nothing", "No such file")
    wrong(["--ro", "fifo:/x"], "neither a folder nor a regular file")
    wrong(["--ro", "/dev/null:/x"], "neither a folder nor a regular file")
    wrong(["--ro", "a:x"], "'x', must begin with a slash")
    wrong(["--ro", ":/x"], "names nothing of the host")
    wrong(["--ro", "a:/"], "cannot take the place of /")
    wrong(["--ro", "a:/x/.."], "cannot take the place of /")
    wrong(["--ro", "a:/dev/x"], "/dev and /proc")
    wrong(["--rw", "a:/proc"], "/dev and /proc")
    wrong(["--ro", "a:/x", "--rw", "a/b:/x"], "both claim /x")
    wrong(["--ro", "a:/x", "--rw", "a/b:/./x/"], "both claim /x")
    wrong(["--ro", "a:/x", "--ro", "a:/x/none/y"], "lies inside --ro a:/x", "no folder")
    wrong(["--ro", "file:/x", "--ro", "a:/x/y"], "which is a file")
    wrong(sum((["--ro", "a:/x%d" % i] for i in range(25)), []), "more than 24 grants")


def test_overlapping_grants():
    """One folder may be granted twice, under two paths, with different rights."""
    os.makedirs("same")
    open("same/f", "w").close()
    expect(run_keros("echo x >/rw/f; cat /ro/f; echo y >/ro/f 2>/dev/null || echo refused",
                     options=["--ro", "same:/ro", "--rw", "same:/rw"]), stdout="x\nrefused\n")


def test_names_of_folders():
    """Grants with spaces, commas, colons, quotes and bytes that are no UTF-8 in their names work."""
    for name in (b"with space", b"comma,readonly=off,x", b"a:b", b"quo'te\"", b"\xff\xfe", b"-dash", b"percent%d", b"new\nline"):
        top = os.path.join(os.getcwd().encode(), name)
        os.makedirs(top)
        with open(top + b"/f", "wb") as out:
            out.write(name)
        result = run([KEROS.encode(), b"run", b"--ro", top + b":/g/" + name, b"--", b"cat", b"/g/" + name + b"/f"])
        assert result.status == 0 and result.stdout == name, (name, result)


def test_same_path_default():
    """Without a path of its own a grant has the host's: --ro PATH."""
    os.makedirs("here")
    with open("here/f", "w") as out:
        out.write("content\n")
    expect(run_keros(["cat", os.getcwd() + "/here/f"], options=["--ro", "here"]), stdout="content\n")


def test_many_names_denied():
    """However many names --deny says, each is refused: the sixty-fifth was not, and nothing told so."""
    os.mkdir("d")
    for i in (0, 63, 64, 199, 200):
        open("d/x%d" % i, "w").close()
    denied = [word for i in range(200) for word in ("--deny", "x%d" % i)]
    result = run_keros("for i in 0 63 64 199 200; do cat /d/x$i && echo $i; done", options=[*denied, "--ro", "d:/d"])
    assert result.stdout == b"200\n" and result.stderr.count(b"Permission denied") == 4, result
