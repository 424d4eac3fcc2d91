"""qemu - machines whose QEMU is started with more than ./keros asks for: disk errors, plugins.

A directory with a script called qemu-system-x86_64 is put in front of PATH; the script changes the command line and
becomes the real one.  environment(...) returns what to give as env= to whoever starts ./keros.
"""

import os
import shutil
import sys

SCRIPT = """#!%(python)s
import os, sys
args = sys.argv[1:]
config, more = %(config)r, %(more)r
for i, word in enumerate(args):
    if config and word == "-drive" and args[i + 1].startswith("if=none,id=store,"):
        args[i] = "-blockdev"
        args[i + 1] = "driver=raw,node-name=store,file.driver=blkdebug,file.config=%%s,file.image.driver=file,file.image.filename=%%s" %% (
            config, args[i + 1].split("file=", 1)[1])
os.execv(%(qemu)r, [%(qemu)r, *args, *more])
"""


def environment(config=None, more=()):
    """config: a blkdebug file for the disk; more: words to add to QEMU's command line."""
    directory = os.path.join(os.getcwd(), "qemu-wrapped")
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "qemu-system-x86_64")
    real = shutil.which("qemu-system-x86_64")
    with open(path, "w") as out:
        out.write(SCRIPT % dict(python=sys.executable, qemu=real, config=config and os.path.abspath(config), more=list(more)))
    os.chmod(path, 0o755)
    return {**os.environ, "PATH": directory + ":" + os.environ["PATH"]}


def failing_disk(nth, kind, error, once):
    """environment() of a disk that answers its nth write or flush (kind) with this errno; if not once all later ones too."""
    event = "pwritev" if kind == "write" else "flush_to_disk"
    with open("blkdebug.conf", "w") as out:
        for i in range(1, nth):
            out.write('[set-state]\nevent = "%s"\nstate = "%d"\nnew_state = "%d"\n' % (event, i, i + 1))
        out.write('[inject-error]\nevent = "%s"\nstate = "%d"\niotype = "%s"\nerrno = "%d"\nonce = "%s"\n' %
                  (event, nth, kind, error, "on" if once else "off"))
    return environment("blkdebug.conf")


def failing_read(frame, once):
    """environment() of a disk that answers reads of this frame of 4 KiB with EIO, the first or all."""
    with open("blkdebug.conf", "w") as out:
        for sector in range(frame * 8, frame * 8 + (1 if once else 8)):
            out.write('[inject-error]\nevent = "none"\niotype = "read"\nsector = "%d"\nerrno = "5"\nonce = "%s"\n' % (sector, "on" if once else "off"))
    return environment("blkdebug.conf")
