"""Against what strace shows on the host, and what recording costs."""

import os
import pwd
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from _assess import assess, events  # noqa: E402
from lib import BUILD, GUEST_ENV, PATIENCE, host_root, limit, need_strace, run_keros, skip, tree_with  # noqa: E402

FILE = re.compile(r'^(?:\d+ +)?(\w+)\((?:AT_FDCWD<([^>]*)>, |\d+<([^>]*)>, )?"((?:[^"\\]|\\.)*)"(.*)\) += (-?\d+)')
SECOND = re.compile(r', (?:AT_FDCWD<([^>]*)>, |\d+<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
# Calls whose strings are no names, or that only say where one is.
NO_NAMES = {"execveat", "getcwd", "statfs"}


def strace_uses(script, tree):
    """(exercised, absent): absolute names as the program saw them, by the same binaries on the host."""
    need_strace()
    if os.geteuid() != 0:
        skip("comparing with the host needs root, for chroot")
    top = os.path.realpath(host_root(tree))
    env = ["%s=%s" % item for item in GUEST_ENV.items()]
    subprocess.run(["strace", "-f", "-y", "-qq", "-s", "4096", "-e", "trace=%file", "-o", "trace", "chroot", top, "/bin/busybox",
                    "sh", "-c", "cd /root && script=$1 && shift && exec env -i \"$@\" sh -c \"$script\"", "sh", script, *env],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60 * PATIENCE)
    begun, found, absent = False, set(), set()

    def absolute(at, name):
        at = at[len(top):] or "/" if at and at.startswith(top) else "/root"
        return os.path.normpath(os.path.join(at, name.encode().decode("unicode_escape")))

    for line in open("trace"):
        m = FILE.match(line)
        if not m:
            continue
        call, at, at2, name, rest, result = m.groups()
        if call == "execve" and '["sh", "-c", "' + script[:20] in line:
            begun = True
            continue
        if not begun or call in NO_NAMES or not name:      # an empty name is the descriptor itself
            continue
        names = [absolute(at or at2, name)]
        second = SECOND.match(rest) if call.startswith(("rename", "link", "symlink")) else None
        if call.startswith("symlink"):
            names = [absolute(second.group(1) or second.group(2), second.group(3))] if second else []
        elif second:
            names.append(absolute(second.group(1) or second.group(2), second.group(3)))
        if int(result) >= 0:
            found.update(names)
        elif "ENOENT" in line:
            absent.update(names)
    # Through links to folders a file has another name than the one that was used; a busybox applet is busybox.
    others = {}
    for name in found | absent:
        folder = os.path.realpath(top + os.path.dirname(name))
        if folder.startswith(top):
            others[name] = os.path.join(folder[len(top):] or "/", os.path.basename(name))
        full = top + name
        if os.path.islink(full) and os.readlink(full) == "/bin/busybox":
            others[name] = "/bin/busybox"
    return {others.get(n, n) for n in found}, {others.get(n, n) for n in absent}


def compare(script, tree=None, *options):
    found, absent = strace_uses(script, tree)
    assert len(found) > 5, found
    if tree:
        options = ["--tree", tree, *options]
    assess("a", script, *options)
    ours, ours_absent, explained = set(), set(), set()
    for e in events("a"):
        if e["kind"] not in ("path", "proc", "device"):
            continue
        if e.get("error") in (2, 20):
            ours_absent.add(e["name"])
        elif e["use"] == "seen":
            explained.add(e["name"])               # a listing showed it; strace's trace=%file does not say what
        else:
            ours.add(e["name"])
    missed = {n for n in found - ours if not n.startswith("/proc/self")}
    assert not missed, "used on the host and not found by assess: %s" % sorted(missed)
    # Without /proc in the chroot busybox looks for its own applets along PATH; in the sandbox it need not.
    applets = set(subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split())
    unfound = {n for n in absent - ours_absent - ours if os.path.basename(n) not in applets and not n.startswith("/proc/self")}
    assert not unfound, "probed on the host and not found: %s" % sorted(unfound)
    # What is there that strace does not show: folders on the way, the applets behind busybox, /proc, where a link leads.
    extra = {n for n in ours - found if not n.startswith("/proc") and n != "/bin/busybox" and os.path.basename(n) not in applets
             and not any(f.startswith(n.rstrip("/") + "/") for f in found)}
    assert not extra, "nothing explains %s" % sorted(extra)


@limit(200)
def test_nothing_is_missed_in_a_build():
    """Every name that strace sees a build script use or probe on the host, assess finds; the extra ones are explained."""
    tree = tree_with({"/src/a.txt": "alpha\nbeta\n", "/src/b.txt": "gamma\n", "/src/sub/c.txt": "delta\n"})
    compare("set -e; mkdir /tmp/out; for f in /src/*.txt /src/sub/c.txt; do sed s/a/b/ $f >/tmp/out/$(basename $f); done; "
            "tar -C /tmp/out -cf /tmp/out.tar a.txt b.txt; gzip /tmp/out.tar; mv /tmp/out.tar.gz /tmp/z.gz; ln -s z.gz /tmp/link; "
            "chmod 600 /tmp/z.gz; cat /tmp/link | gunzip | tar -tf - ; rm -r /tmp/out /tmp/link; cat /etc/nosuch || true", tree)


@limit(200)
def test_nothing_is_missed_in_looking():
    """The same for a script that mostly looks: find, ls, stat, du, links and directories."""
    tree = tree_with({"/data/one/x": "1", "/data/two/y": "2", "/data/z": "3"}, links=[("/data/l", "one"), ("/data/dead", "nowhere")])
    compare("find /data -name x; ls -lL /data/l; stat /data/z; du -s /data; readlink /data/dead; cat /data/dead; "
            "[ -e /data/none ]; cd /data/two && cat /data/two/y; test -d /data/one", tree)


@limit(200)
def test_nothing_is_missed_of_sqlite():
    """Every name that strace sees the distribution's sqlite3 use on a database, its loader's too, assess finds."""
    need_strace()
    if not shutil.which("sqlite3"):
        skip("sqlite3 is not installed")
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        skip("the user has no entry in /etc/passwd, and the host's C library looks for him in other places")
    os.makedirs("data")
    command = ["sqlite3", os.path.abspath("data/my.db"), "create table t(a); insert into t values(1); select count(*) from t"]
    subprocess.run(["strace", "-f", "-qq", "-e", "trace=%file", "-o", "trace", "env", "-i", "HOME=/root", "PATH=/usr/bin:/bin", *command],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60 * PATIENCE, check=True)
    names = set()
    for line in open("trace"):
        found = re.search(r'"(/[^"]*)"', line)
        if found and not line.startswith("execve"):
            names.add(os.path.normpath(found.group(1)))
    os.remove("data/my.db")
    assess("a", command, "--with", "sqlite3", "--ro", os.path.abspath("data"))
    ours = {e["name"] for e in events("a")}
    assert len(names) > 8, names
    # env itself loads a library and a locale before it starts sqlite3.
    missed = {n for n in names - ours if "/locale" not in n and "gconv" not in n and n != "/usr/bin/env"}
    assert not missed, "used on the host and not found by assess: %s" % sorted(missed)


def elapsed(script, tree, *options):
    result = run_keros(["elapsed", "sh", "-c", script], options=["--icount", "--tree", tree, *options], timeout=110)
    found = re.search(rb"elapsed (\d+)", result.stderr)
    assert found, result
    return int(found.group(1))


WORK = {
    "files": "cd /tmp; for i in 1 2; do find / -xdev >/dev/null; ls -lR /etc >/dev/null; tar -cf x.tar /etc 2>/dev/null; "
             "tar -tf x.tar >/dev/null; gzip -k x.tar; rm x.tar*; done; grep -r root /etc >/dev/null",
    "fresh names": "i=0; while [ $i -lt 200 ]; do [ -e /etc/no$i ]; : >/tmp/f$i; rm /tmp/f$i; i=$((i+1)); done",
    "the same names": "i=0; while [ $i -lt 1000 ]; do [ -e /etc/nosuch ]; [ -e /etc/passwd ]; i=$((i+1)); done",
}


def test_recording_changes_nothing():
    """A program that is recorded does what it does otherwise: looks at the clock in many ways, and a name that nobody resolves."""
    script = ("i=0; while [ $i -lt 50 ]; do date +%s >/dev/null; i=$((i+1)); done; busybox wget -q -O /dev/null http://no.example/; "
              "echo $?; busybox time -p true 2>&1 | wc -l; usleep 1000; timeout 300 sleep 0.01; echo $?")
    plain, recorded = run_keros(script, options=["--random"]), run_keros(script, options=["--random", "--record", "events"])
    assert plain.stdout == recorded.stdout and plain.status == recorded.status == 0, (plain, recorded)
    assert plain.stdout == b"1\n3\n0\n", plain


@limit(300)
def test_recording_costs_at_most_15_percent():
    """Recording costs at most 15 % more guest instructions, whatever the program does; the figures are printed."""
    tree = tree_with({"/bin/elapsed": ("copy", os.path.join(BUILD, "programs", "elapsed"))})
    for name, script in WORK.items():
        plain, recorded = elapsed(script, tree), elapsed(script, tree, "--record", "events")
        print("%-16s %11d %11d  %+.1f %%" % (name, plain, recorded, 100.0 * (recorded - plain) / plain))
        assert recorded <= plain * 1.15, (name, plain, recorded)
