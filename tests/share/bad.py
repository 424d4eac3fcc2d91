"""Shares that change, fill up, vanish or are odd while they are used: clear errors, nothing hangs, nothing else is touched."""

import os
import shutil
import signal
import subprocess

import lib
from lib import KEROS, PATIENCE, child_of, expect, folder, limit, run_keros, skip, until


class Running:
    """A sandbox that runs a shell script, which asks for each step by reading a line."""

    def __init__(self, script, options):
        self.process = subprocess.Popen([KEROS, "run", *options, "--", "sh", "-c", script], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def line(self):
        return self.process.stdout.readline().decode().rstrip("\n")

    def go(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()

    def end(self):
        out, err = self.process.communicate(timeout=60 * PATIENCE)
        return out.decode("utf-8", "backslashreplace"), err.decode("utf-8", "backslashreplace"), self.process.returncode


def test_deleted_under_way():
    """A share whose folder is deleted gives ENOENT from then on; an open file can still be read, and the sandbox ends well."""
    top = folder("gone", {"f": b"content\n", "d/x": b""})
    run = Running("exec 3</s/f; cd /s/d; echo ready; read x; cat <&3; cat /s/f; ls /s/d; ls; echo new >/s/n; echo status $?",
                  ["--rw", top + ":/s"])
    assert run.line() == "ready"
    shutil.rmtree(top)
    run.go()
    out, err, status = run.end()
    assert out == "content\nstatus 1\n" and status == 0 and err.count("No such file or directory") >= 2, (out, err)


def test_replaced_under_way():
    """The grant is of the folder, not of its path: what the host puts in its place is not shared."""
    top = folder("place", {"f": b"granted\n"})
    run = Running("cat /s/f; read x; cat /s/f; cat /s/other", ["--ro", top + ":/s"])
    assert run.line() == "granted"
    os.rename(top, top + ".old")
    folder("place", {"f": b"not granted\n", "other": b"not granted\n"})
    run.go()
    out, err, _ = run.end()
    assert out == "granted\n" and "not granted" not in out + err, (out, err)


def test_size_changes_under_way():
    """Files that grow and shrink while they are read, mapped and run give what was there, or an error, and nothing stops."""
    import threading
    top = folder("size", {"f": bytes(300000)})
    stop = threading.Event()

    def change():
        while not stop.is_set():
            for size in (0, 1, 4095, 300000, 70000, 1000000):
                os.truncate(top + "/f", size)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        result = run_keros("i=0; while [ $i -lt 60 ]; do wc -c </s/f; cat /s/f | wc -c; dd if=/s/f bs=70000 2>/dev/null | wc -c;"
                           " tail -c 10 /s/f | wc -c; i=$((i+1)); done; echo end", options=["--ro", top + ":/s"], timeout=100)
    finally:
        stop.set()
        thread.join()
    words = result.stdout.decode().split()
    assert words[-1] == "end" and all(0 <= int(w) <= 2000000 for w in words[:-1]), result


def test_names_of_any_bytes():
    """Names with bytes that are no UTF-8, control characters and all lengths are listed, opened, made and removed as they are."""
    top = folder("names").encode()
    names = [b"\xff\xfe\xfd", b"\x80", b"new\nline", b"tab\t", b"\x01\x02", b" ", b"-rf", b"*", b"'\"", b"x" * 255, "\u00fc".encode()]
    for name in names:
        with open(top + b"/" + name, "wb") as out:
            out.write(name)
    result = run_keros("cd /s; for f in *; do cat \"./$f\"; done | wc -c; cp -- * /tmp/; mkdir d; mv -- * d/ 2>/dev/null; ls -A;"
                       "cd d; for f in *; do mv -- \"$f\" \"../$f\"; done; cd ..; rmdir d; ls -A | wc -l", options=["--rw", top.decode() + ":/s"])
    total = sum(len(name) for name in names)
    assert result.stdout.split()[0] == b"%d" % total and b"\nd\n" in result.stdout, result
    assert sorted(os.listdir(top)) == sorted(names), os.listdir(top)


@limit(240)
def test_hundred_thousand_files():
    """A folder of 100,000 files is listed whole, each once, and files in it are found, made and removed."""
    top = folder("many")
    for i in range(100000):
        os.close(os.open(top + "/file%d" % i, os.O_CREAT | os.O_WRONLY, 0o600))
    expect(run_keros("cd /s; printf '%s\\n' * | sort -u | wc -l; set -- *; echo $#; ls file99999 file0; echo x >new; rm new file12345; set -- *; echo $#",
                     options=["--rw", top + ":/s", "--mem", "512M"], timeout=200),
           stdout="100000\n100000\nfile0\nfile99999\n99999\n")
    assert not os.path.exists(top + "/file12345")


def test_full_disk():
    """On a full disk of the host a write is ENOSPC, what was written before is there, and after a removal it goes on."""
    top = folder("full")
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", top],
                                           stderr=subprocess.DEVNULL).returncode != 0:
        skip("a small disk needs root, and leave to mount")
    try:
        result = run_keros("cd /s; echo small >keep; dd if=/dev/zero of=big bs=64k count=100; cat keep; rm big; echo again >again; cat again;"
                           "mkdir d && touch d/x && ls d", options=["--rw", top + ":/s"])
        assert result.stdout == b"small\nagain\nx\n" and b"No space left on device" in result.stderr, result
        assert sorted(os.listdir(top)) == ["again", "d", "keep"]
    finally:
        subprocess.run(["umount", top], check=True)


def test_machine_killed():
    """If QEMU is killed in the middle of writing, the command says so with status 125; the host has what was written before."""
    top = folder("killed", {"ro/f": b"untouched\n", "w/before": b"before\n"})
    run = Running("echo done >/w/first; echo ready; while :; do echo more >>/w/log; cat /r/f >/dev/null; done",
                  ["--rw", top + "/w:/w", "--ro", top + "/ro:/r"])
    assert run.line() == "ready"
    until(lambda: os.path.exists(top + "/w/log") and os.path.getsize(top + "/w/log") > 100, "a line in the log")
    os.kill(child_of(run.process), signal.SIGKILL)
    _, err, status = run.end()
    assert status == 125 and "QEMU was killed" in err, (status, err)
    assert open(top + "/w/first").read() == "done\n" and open(top + "/w/before").read() == "before\n"
    log = open(top + "/w/log").read()
    assert log == "more\n" * (len(log) // 5), "a line was torn"
    assert os.listdir(top + "/ro") == ["f"] and open(top + "/ro/f").read() == "untouched\n"


def test_many_at_once():
    """Twelve processes that read, write, list and make files through one share at a time all get their own right."""
    top = folder("many", {"in%d" % i: b"%d\n" % i * 20000 for i in range(4)})
    script = """cd /s; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do (
  mkdir d$i; j=0; while [ $j -lt 8 ]; do cat in$((i%4)) >d$i/f$j; cmp in$((i%4)) d$i/f$j || echo differs; j=$((j+1)); done
  ls d$i | wc -l >d$i/count; rm d$i/f3; mv d$i/f4 d$i/g ) & done; wait; cat d*/count | sort | uniq -c | tr -s ' '; ls d* | grep -c '^f'"""
    expect(run_keros(script, options=["--rw", top + ":/s"], timeout=100), stdout=" 12 9\n72\n")


def test_killed_reader():
    """A process that is killed in the middle of its calls on a share leaves the share and the sandbox as they were."""
    top = folder("reader", {"big": bytes(4 << 20)})
    expect(run_keros("i=0; while [ $i -lt 15 ]; do (while :; do cat /s/big; done >/dev/null) & p=$!; sleep 0.05; kill -9 $p; wait $p 2>/dev/null;"
                     " i=$((i+1)); done; sleep 0.3; cat /s/big | wc -c", options=["--ro", top + ":/s"], timeout=100), stdout="%d\n" % (4 << 20))


def test_deep_paths():
    """Sixty folders deep a file is found; what is deeper than a path may be is an error, not a failure."""
    deep = "/".join("d%d" % i for i in range(60))
    top = folder("deep", {deep + "/f": b"deep\n"})
    os.makedirs(top + "/" + "/".join("e%d" % i for i in range(100)))
    expect(run_keros("cat /s/%s/f; cd /s/%s && cat f; cd /s; i=0; while cd e$i 2>/dev/null; do i=$((i+1)); done; [ $i -ge 60 ] && echo stopped"
                     % (deep, deep), options=["--ro", top + ":/s"]), stdout="deep\ndeep\nstopped\n")


@limit(200)
def test_power_loss():
    """A system that goes on from its disk finds its share again: what was open is an error, what is opened anew is right; with
    another folder in its place the share is an error and not that folder."""
    top, other = folder("kept", {"w/f": b"open\n"}), folder("other", {"f": b"other\n"})
    disk = os.path.join(os.getcwd(), "disk")
    script = ("exec 3</w/f; read x <&3; i=0; while :; do i=$((i+1)); echo $i 2>/dev/null >/w/count || echo failed; [ $i = 3 ] && sync;"
              " read x <&3 || echo closed; y=$(cat /w/f 2>/dev/null) && echo $i $y; sleep 0.2; done")

    def life(share, want, lines=400):
        run = Running("true" if os.path.exists(disk) else script, ["--disk", disk, "--disk-size", "512M", "--rw", share + ":/w"])
        seen = []
        for _ in range(lines):
            seen.append(run.line())
            if want(seen):
                break
        os.kill(child_of(run.process), signal.SIGKILL)
        run.end()
        assert want(seen), seen[-20:]
        return seen

    life(top + "/w", lambda seen: "8 open" in seen)
    for _ in range(2):
        os.unlink(top + "/w/count")
        life(top + "/w", lambda seen: len([l for l in seen if l.endswith(" open")]) > 6)
        written = open(top + "/w/count").read()
        assert written == "" or int(written) > 3, written      # "": the power went between its opening and its writing
    life(other, lambda seen: seen.count("failed") > 3 and "other" not in " ".join(seen))
    assert sorted(os.listdir(other)) == ["f"]
