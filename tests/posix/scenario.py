"""scenario - runs a script by a real binary on Keros and on the host, and compares.

A scenario is a directory with the programs in bin/ and its input files, and a script run in it.
Both sides get the same directory, relative paths only, the same few environment variables
and the same standard input; then these must agree, byte for byte:

  * standard output and standard error
  * the exit status (128 + signal if killed)
  * every file the script leaves in out/: names, kinds, permissions, link targets, contents

Interface: compare(script, ...), run_in_keros(script, ...), and the trees licences(), words(), sources().
With SCENARIO_PEER=host both sides are the host, which proves a script repeatable; without,
one side is `./keros run`, so a scenario costs one boot.
"""

import glob
import io
import os
import shutil
import subprocess
import tarfile
import tempfile

import programs
from lib import PATIENCE

ROOT = programs.ROOT
MARK = b"\n@@@ files of out/ follow @@@\n"
HOST_ONLY = os.environ.get("SCENARIO_PEER") == "host"
SECONDS = 120                  # times PATIENCE

# Comes before each script: nothing of the environment outside may show.
PRELUDE = """\
PATH=$PWD/bin
HOME=$PWD
LC_ALL=C
TERM=vt100
TZ=UTC0
PS1='$ '
export PATH HOME LC_ALL TERM TZ
umask 022
"""

# Runs the script, then hands what it left in out/ to the comparison, after the mark.  A static bash without HOME and SHELL
# asks the C library who the user is, which may load modules then, and die of them.
WRAPPER = """\
bin/busybox env -i HOME=/ SHELL=/bin/sh TZ=UTC0 bin/%s ./script%s
status=$?
if [ -d out ]; then
	printf '\\n@@@ files of out/ follow @@@\\n'
	bin/busybox tar -cf - out
fi
exit $status
"""


class Result:
    """What one side did."""

    def __init__(self, status, output, errors):
        self.status = status
        self.output, mark, archive = output.partition(MARK)
        self.errors = errors
        self.files = read_archive(archive) if mark else {}


def read_archive(data):
    """{name: (kind, permissions, link target, content)} of a tar archive."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for member in archive:
            content = archive.extractfile(member).read() if member.isreg() else b""
            files[member.name] = (member.type, member.mode, member.linkname, content)
    return files


# ---- what scripts work on ---------------------------------------------------------------------


def licences():
    """The distribution's licence texts, {path: contents}."""
    files = {}
    for path in glob.glob("/usr/share/common-licenses/*"):
        if not os.path.islink(path):
            with open(path, "rb") as file:
                files["licences/" + os.path.basename(path)] = file.read()
    return files


def words(every=1):
    """The word list, or each n-th word of it."""
    with open("/usr/share/dict/american-english", "rb") as file:
        return {"words": b"".join(file.readlines()[::every])}


def sources():
    """This project's own sources, as a tree."""
    files = {}
    for top in ("kernel", "idl", "doc", "lib"):
        for place, _, names in os.walk(os.path.join(ROOT, top)):
            for name in names:
                path = os.path.join(place, name)
                with open(path, "rb") as file:
                    files["sources/" + os.path.relpath(path, ROOT)] = file.read()
    return files


def data(*names):
    """Files of tests/posix/data."""
    files = {}
    for name in names:
        with open(os.path.join(ROOT, "tests", "posix", "data", name), "rb") as file:
            files[name] = file.read()
    return files


# ---- the two sides ------------------------------------------------------------------------------


def stage(place, files, binaries):
    """Fills a directory: bin/ with the programs and a link per applet, and the input files."""
    os.makedirs(os.path.join(place, "bin"))
    for name in ["busybox"] + [name for name in binaries if name != "busybox"]:
        shutil.copy2(programs.path(name), os.path.join(place, "bin", name))
    applets = subprocess.run([programs.path("busybox"), "--list"], stdout=subprocess.PIPE, text=True, check=True)
    for applet in applets.stdout.split():
        link = os.path.join(place, "bin", applet)
        if not os.path.lexists(link):
            os.symlink("busybox", link)
    for name, content in files.items():
        path = os.path.join(place, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o644)
        os.utime(path, (1700000000, 1700000000))


def write_scenario(place, script, shell, binaries, files, arguments):
    """Fills a directory with all that one side of a scenario needs."""
    stage(place, files or {}, [shell.split()[0], *binaries])
    with open(os.path.join(place, "script"), "w") as file:
        file.write(PRELUDE + script)
    with open(os.path.join(place, "wrapper"), "w") as file:
        file.write(WRAPPER % (shell, " " + arguments if arguments else ""))


def keros_command(tree, *options):
    return [os.path.join(ROOT, "build", "keros"), "run", "--random", *options, "--tree", tree, "--"]


def run_host(top, command, stdin, seconds):
    done = subprocess.run(command, cwd=os.path.join(top, "root"), input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=seconds * PATIENCE, env={"PATH": "/bin:/usr/bin"},
                          preexec_fn=lambda: os.umask(0o022))
    status = done.returncode if done.returncode >= 0 else 128 - done.returncode
    return Result(status, done.stdout, done.stderr)


def run_keros(top, command, stdin, seconds):
    done = subprocess.run(keros_command(top) + command, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=seconds * PATIENCE)
    return Result(done.returncode, done.stdout, done.stderr)


def run_in_keros(script, shell="busybox sh", binaries=(), files=None, stdin=b"", seconds=SECONDS):
    """Runs a script on Keros alone, for what the host is not to be asked."""
    with tempfile.TemporaryDirectory(prefix="scenario.") as top:
        place = os.path.join(top, "root")
        os.makedirs(place)
        write_scenario(place, script, shell, binaries, files, "")
        side = run_host if HOST_ONLY else run_keros
        return side(top, ["bin/busybox", "sh", "./wrapper"], stdin, seconds)


def run_twice(prepare, command, stdin, seconds):
    """The result on the host and the one on Keros, each in a directory of its own."""
    results = []
    for side in (run_host, run_host if HOST_ONLY else run_keros):
        with tempfile.TemporaryDirectory(prefix="scenario.") as top:
            os.chmod(top, 0o755)
            place = os.path.join(top, "root")
            os.makedirs(place)
            prepare(place)
            results.append(side(top, command, stdin, seconds))
    return results


# ---- the comparison -----------------------------------------------------------------------------


def describe_difference(what, host, keros):
    """The first place where two byte strings differ, with what surrounds it."""
    at = next((i for i, (a, b) in enumerate(zip(host, keros)) if a != b), min(len(host), len(keros)))
    start = max(0, at - 80)
    return "%s differs at byte %d (host %d bytes, Keros %d):\n  host  %r\n  Keros %r" % (
        what, at, len(host), len(keros), host[start:at + 160], keros[start:at + 160])


def check_equal(host, keros):
    """Raises AssertionError unless two results agree."""
    if host.output != keros.output:
        raise AssertionError(describe_difference("standard output", host.output, keros.output)
                             + "\n  errors on Keros: %r" % keros.errors[-400:])
    if host.errors != keros.errors:
        raise AssertionError(describe_difference("standard error", host.errors, keros.errors))
    if host.status != keros.status:
        raise AssertionError("exit status: host %d, Keros %d" % (host.status, keros.status))
    for name in sorted(set(host.files) | set(keros.files)):
        one, two = host.files.get(name), keros.files.get(name)
        if one is None or two is None:
            raise AssertionError("%s is only on %s" % (name, "Keros" if one is None else "the host"))
        if one[:3] != two[:3]:
            raise AssertionError("%s: host %r, Keros %r" % (name, one[:3], two[:3]))
        if one[3] != two[3]:
            raise AssertionError(describe_difference(name, one[3], two[3]))


def compare(script, shell="busybox sh", binaries=(), files=None, stdin=b"", arguments="", status=None,
            expect=None, seconds=SECONDS):
    """Runs a script on both sides and compares.

    shell      the program in bin/ that runs it, with arguments
    status     what the exit status must be as well, so that a script failing alike on both does not pass
    expect     a string that standard output must hold, for the same reason
    """
    def prepare(place):
        write_scenario(place, script, shell, binaries, files, arguments)

    host, keros = run_twice(prepare, ["bin/busybox", "sh", "./wrapper"], stdin, seconds)
    check_equal(host, keros)
    if status is not None and host.status != status:
        raise AssertionError("exit status %d on both, not %d: %r" % (host.status, status, host.errors[-300:]))
    if expect is not None and expect.encode() not in host.output:
        raise AssertionError("%r is in neither output: %r %r" % (expect, host.output[-300:], host.errors[-300:]))
    return host
