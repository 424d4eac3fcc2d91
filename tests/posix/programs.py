"""programs - the foreign binaries that the scenarios run.

Interface: path(NAME) gives the path of a static Linux binary.

  busybox, bash     as packaged by the distribution, byte for byte
  lua, dash         musl-gcc -static, from the distribution's source packages
  glibc             tests/programs/glibc/glibc.c by gcc -static (the other libc, with its own start-up)
  NAME              tests/programs/NAME.c by musl-gcc -static

All but the packaged ones are made by `make programs`; one that is not there yet is made now.
"""

import os
import subprocess

from lib import skip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGED = {
    "busybox": ("busybox-static", ["/bin/busybox", "/usr/bin/busybox"]),
    "bash": ("bash-static", ["/bin/bash-static", "/usr/bin/bash-static"]),
}
SOURCES = {"lua": "LUA_TARBALL", "dash": "DASH_TARBALL"}


def has_source(variable):
    with open(os.path.join(ROOT, "build", "config.mk")) as config:
        return any(line.split()[:2] == [variable, "="] and len(line.split()) > 2 for line in config)


class Missing(Exception):
    """A program that could not be had, and what to do about it."""


def path(name):
    if name in PACKAGED:
        package, places = PACKAGED[name]
        for place in places:
            if os.path.exists(place):
                return os.path.realpath(place)
        raise Missing("%s is not there: install the package %s" % (name, package))
    target = os.path.join(ROOT, "build", "programs", name)
    if not os.path.exists(target):
        if name in SOURCES and not has_source(SOURCES[name]):
            skip("no build/programs/%s: configure found no source package" % name)
        subprocess.run(["make", "-s", "build/programs/" + name], cwd=ROOT, check=True)
    return target
