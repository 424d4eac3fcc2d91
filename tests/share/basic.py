"""--ro and --rw: what a program in the sandbox sees and does through a share of the host."""

import os
import shutil

from lib import expect, folder, run_keros

BUSYBOX = "/bin/busybox"


def test_read():
    """Files and folders of --ro are there, with their content, attributes and links."""
    top = folder("src", {"a": b"hello\n", "sub/deep/b": b"below\n"})
    os.chmod(os.path.join(top, "a"), 0o640)
    os.utime(os.path.join(top, "a"), (1000000000, 1000000000))
    os.symlink("sub/deep/b", os.path.join(top, "l"))
    os.symlink("/src/a", os.path.join(top, "absolute"))
    expect(run_keros("cat a l absolute sub/../a; ls; readlink l; stat -c '%a %s %Y' a; ls sub/deep; pwd",
                     options=["--ro", top + ":/src", "--cwd", "/src"]),
           stdout="hello\nbelow\nhello\nhello\na\nabsolute\nl\nsub\nsub/deep/b\n640 6 1000000000\nb\n/src\n")


def test_readonly():
    """Through --ro nothing of the host changes: every way to change it is EROFS."""
    top = folder("src", {"a": b"hello\n", "d/x": b""})
    script = """cd /src
for c in 'echo x >a' 'echo x >>a' 'echo x >new' 'rm a' 'mv a b' 'mkdir m' 'rmdir d' 'ln a h' 'ln -s a s' 'chmod 600 a' \
         'touch a' 'touch new' 'truncate -s 0 a' 'rm -r d' 'mv d e' 'mkfifo f' 'cp a c' 'sed -i s/h/j/ a'; do
  sh -c "$c" 2>/dev/null && echo "done: $c"; done; cat a; ls"""
    expect(run_keros(script, options=["--ro", top + ":/src"]), stdout="hello\na\nd\n")
    assert open(os.path.join(top, "a")).read() == "hello\n" and sorted(os.listdir(top)) == ["a", "d"]


def test_write():
    """Through --rw the host has afterwards what the program did: files, folders, links, names, modes, times."""
    top = folder("w", {"old": b"old\n", "gone": b"", "dir/in": b"1\n"})
    script = """set -e; cd /w
echo one >new; echo two >>new; mkdir d; echo x >d/y; mv d e; ln -s new l; ln new h; rm gone; chmod 600 old
touch -d '2001-02-03 04:05:06' old; mv dir/in dir/out; cp old copy; truncate -s 3 copy; cat new; cat l; mv e/y z; rmdir e
dd if=/dev/zero of=holes bs=1 count=1 seek=99999 2>/dev/null; printf abc | dd of=new bs=1 seek=4 conv=notrunc 2>/dev/null"""
    expect(run_keros(script, options=["--rw", top + ":/w"]), stdout="one\ntwo\none\ntwo\n")
    assert open(top + "/new").read() == "one\nabc\n", open(top + "/new").read()
    assert os.readlink(top + "/l") == "new" and os.stat(top + "/h").st_ino == os.stat(top + "/new").st_ino
    assert os.stat(top + "/old").st_mode & 0o777 == 0o600 and int(os.stat(top + "/old").st_mtime) == 981173106
    assert sorted(os.listdir(top)) == ["copy", "dir", "h", "holes", "l", "new", "old", "z"], os.listdir(top)
    assert os.listdir(top + "/dir") == ["out"] and os.path.getsize(top + "/holes") == 100000
    assert open(top + "/copy").read() == "old"


def test_program_of_a_share():
    """A program, and a script with its interpreter, run from a share; a changed program runs as changed."""
    top = folder("bin")
    shutil.copy(BUSYBOX, top + "/echo")
    shutil.copy(BUSYBOX, top + "/ash")
    with open(top + "/script", "w") as out:
        out.write("#!/bin2/ash\necho from $0 $1\n")
    os.chmod(top + "/script", 0o755)
    options = ["--rw", top + ":/bin2"]
    expect(run_keros(["/bin2/echo", "direct"], options=options), stdout="direct\n")
    expect(run_keros(["/bin2/script", "arg"], options=options), stdout="from /bin2/script arg\n")
    expect(run_keros("/bin2/script 1; printf '#!/bin2/ash\\necho changed\\n' >/bin2/script; /bin2/script",
                     options=options), stdout="from /bin2/script 1\nchanged\n")


def test_one_file():
    """A file can be granted alone: it is there under the path given, and its neighbours are not."""
    top = folder("etc", {"one": b"1\n", "two": b"2\n"})
    expect(run_keros("cat /conf/one; ls /conf; cat /conf/two 2>/dev/null; cat /conf/one/../two 2>/dev/null; echo x >/conf/one",
                     options=["--ro", top + "/one:/conf/one"]), stdout="1\none\n", status=1)
    expect(run_keros("echo more >>/f; cat /f", options=["--rw", top + "/one:/f"]), stdout="1\nmore\n")
    assert open(top + "/one").read() == "1\nmore\n" and open(top + "/two").read() == "2\n"


def test_inner_grant():
    """Where grants nest the inner one wins, for looking, listing and writing; a name that the outer lacks is there too."""
    outer = folder("outer", {"in/hidden": b"", "a": b"a\n"})
    inner = folder("inner", {"shown": b"s\n"})
    other = folder("other", {"o": b"o\n"})
    expect(run_keros("cd /x; ls; ls in more; cat in/shown more/o; ls in/..; touch in/new && echo written; touch a 2>/dev/null;"
                     "rm -r in 2>/dev/null; rmdir more 2>/dev/null; mv in a2 2>/dev/null; ls",
                     options=["--ro", outer + ":/x", "--rw", inner + ":/x/in", "--ro", other + ":/x/more"]),
           stdout="a\nin\nmore\nin:\nshown\n\nmore:\no\ns\no\na\nin\nmore\nwritten\na\nin\nmore\n")
    assert os.listdir(outer + "/in") == ["hidden"]


def test_live():
    """The share is live: what the host changes while the program runs is seen by its next call."""
    import subprocess
    import lib
    top = folder("live", {"f": b"first\n"})
    run = subprocess.Popen([lib.KEROS, "run", "--ro", top + ":/s", "--", "sh", "-c",
                            "cat /s/f; echo --; read x; cat /s/f; ls /s; read x; cat /s/g || echo gone"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert run.stdout.readline() + run.stdout.readline() == b"first\n--\n"
    with open(top + "/f", "w") as out:
        out.write("second, longer\n")
    open(top + "/g", "w").close()
    run.stdin.write(b"\n")
    run.stdin.flush()
    second = run.stdout.readline()
    assert second == b"second, longer\n", second
    assert run.stdout.readline() + run.stdout.readline() == b"f\ng\n"
    os.unlink(top + "/g")
    run.stdin.write(b"\n")
    run.stdin.close()
    assert run.stdout.read() == b"gone\n"
    assert run.wait(60 * lib.PATIENCE) == 0


def test_large():
    """Eight megabytes go through a share and back byte for byte, in pieces large and small."""
    data = bytes((i * 11 + i // 253) & 0xFF for i in range(1 << 16)) * 128
    top = folder("large", {"in": data})
    expect(run_keros("cd /s; cat in >out1; dd if=in of=out2 bs=7777 2>/dev/null; dd if=in of=out3 bs=100000 2>/dev/null;"
                     "cmp in out1 && cmp in out2 && head -c 1234567 in | tail -c 17 | od -An -tx1 | head -1",
                     options=["--rw", top + ":/s"]),
           stdout=" " + " ".join("%02x" % b for b in data[1234550:1234566]) + "\n")
    assert all(open(top + "/out%d" % i, "rb").read() == data for i in (1, 2, 3))


def test_copy_on_write():
    """Over --cow a program changes what it likes, sees its changes, and the host's files stay as they are."""
    top = folder("cow", {"a": b"alpha\n", "d/x": b"x\n", "d/y": b"y\n", "e/z": b"z\n", "big": bytes(200000)})
    os.symlink("a", top + "/l")
    os.link(top + "/a", top + "/h")
    before = sorted((where, sorted(names)) for where, _, names in os.walk(top))
    script = """set -e; cd /c; ls; cat a l d/x; echo more >>a; cat a; cat l; echo new >n; mkdir m; mv d m/d2; cat m/d2/y; ls m/d2
rm -r e; ls; printf X | dd of=big bs=1 seek=100000 conv=notrunc 2>/dev/null; wc -c <big; tail -c 100000 big | head -c 1; echo
chmod 600 h; ln h h2; rm h; stat -c %a h2; : >m/d2/x; wc -c <m/d2/x; truncate -s 3 h2; cat h2; echo; rmdir m 2>/dev/null || echo full
touch -d '2001-01-01' l; mv m/d2 m2; cd m2; pwd; cat y; find /c -type f | sort"""
    expect(run_keros(script, options=["--cow", top + ":/c"]), stdout=(
        "a\nbig\nd\ne\nh\nl\nalpha\nalpha\nx\nalpha\nmore\nalpha\nmore\ny\nx\ny\na\nbig\nh\nl\nm\nn\n200000\nX\n600\n0\nalp\n"
        "full\n/c/m2\ny\n/c/a\n/c/big\n/c/h2\n/c/m2/x\n/c/m2/y\n/c/n\n"))
    assert before == sorted((where, sorted(names)) for where, _, names in os.walk(top))
    assert open(top + "/a").read() == "alpha\n" and open(top + "/big", "rb").read() == bytes(200000)
