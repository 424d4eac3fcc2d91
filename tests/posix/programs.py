"""programs - the foreign binaries that the scenarios run.

Interface: path(NAME) gives the path of a static Linux binary, made if it is not there yet.

  busybox, bash     as packaged by the distribution, byte for byte
  lua, dash         musl-gcc -static, from the distribution's source packages
  glibc             tests/posix/src/glibc.c by gcc -static (the other libc, with its own start-up)
  NAME              tests/posix/src/NAME.c by musl-gcc -static

What is built lies in build/posix.  Source packages are pinned by version and checksum.
"""

import hashlib
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "posix")
SOURCE = os.path.join(ROOT, "tests", "posix", "src")

# package: (version, archive, sha256 of the archive)
SOURCE_PACKAGES = {
    "lua5.4": ("5.4.4-3+deb12u1", "lua5.4_5.4.4.orig.tar.gz",
               "164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61"),
    "dash": ("0.5.12-2", "dash_0.5.12.orig.tar.gz",
             "6a474ac46e8b0b32916c4c60df694c82058d3297d8b385b74508030ca4a8f28a"),
}


class Missing(Exception):
    """A program that could not be had, and what to do about it."""


def find_packaged(name, package, places):
    for place in places:
        if os.path.exists(place):
            return os.path.realpath(place)
    raise Missing("%s is not there: install the package %s" % (name, package))


def write_source_list(path):
    """The machine's own package sources, once more as sources of source packages."""
    lines = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
                            "Created-By: Packages"], stdout=subprocess.PIPE, text=True, check=True).stdout
    with open(path, "w") as file:
        for line in sorted(set(lines.split("\n"))):
            if line.endswith(" main"):
                file.write("deb-src %s\n" % line)


def fetch_source(package):
    """Unpacks the original source of a pinned package and returns its directory."""
    version, archive, wanted = SOURCE_PACKAGES[package]
    place = os.path.join(BUILD, "source", package)
    os.makedirs(os.path.join(BUILD, "source", "lists", "partial"), exist_ok=True)
    os.makedirs(place, exist_ok=True)
    path = os.path.join(place, archive)
    if not os.path.exists(path):
        sources = os.path.join(BUILD, "source", "sources.list")
        write_source_list(sources)
        apt = ["apt-get", "-qq", "-o", "Dir::Etc::sourcelist=" + sources, "-o", "Dir::Etc::sourceparts=-",
               "-o", "Dir::State::lists=" + os.path.join(BUILD, "source", "lists")]
        subprocess.run(apt + ["update"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(apt + ["source", "--download-only", "%s=%s" % (package, version)], cwd=place,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not os.path.exists(path):
        raise Missing("cannot download the source package %s=%s; see SOURCE_PACKAGES" % (package, version))
    with open(path, "rb") as file:
        found = hashlib.sha256(file.read()).hexdigest()
    if found != wanted:
        raise Missing("%s has sha256 %s, not the pinned one" % (archive, found))
    subprocess.run(["tar", "-xzf", archive, "--strip-components=1"], cwd=place, check=True)
    return place


def build_lua(target):
    source = os.path.join(fetch_source("lua5.4"), "src")
    files = sorted(name for name in os.listdir(source) if name.endswith(".c") and name != "luac.c")
    subprocess.run(["musl-gcc", "-static", "-O2", "-std=gnu99", "-DLUA_USE_POSIX", "-o", target]
                   + files + ["-lm"], cwd=source, check=True)


def build_dash(target):
    source = fetch_source("dash")
    subprocess.run(["./configure", "CC=musl-gcc -static", "CFLAGS=-O2", "--quiet"], cwd=source, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["make", "-s"], cwd=source, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    shutil.copy2(os.path.join(source, "src", "dash"), target)


def build_own(name, target):
    compiler = "gcc" if name == "glibc" else "musl-gcc"
    subprocess.run([compiler, "-static", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-o", target,
                    os.path.join(SOURCE, name + ".c")], check=True)


def path(name):
    """The path of a program; building happens beside and is moved into place whole."""
    if name == "busybox":
        return find_packaged(name, "busybox-static", ["/bin/busybox", "/usr/bin/busybox"])
    if name == "bash":
        return find_packaged(name, "bash-static", ["/usr/bin/bash-static", "/bin/bash-static"])
    target = os.path.join(BUILD, name)
    own = os.path.join(SOURCE, name + ".c")
    if os.path.exists(target) and not (os.path.exists(own) and os.path.getmtime(own) > os.path.getmtime(target)):
        return target
    os.makedirs(BUILD, exist_ok=True)
    unfinished = "%s.%d" % (target, os.getpid())
    if name == "lua":
        build_lua(unfinished)
    elif name == "dash":
        build_dash(unfinished)
    else:
        build_own(name, unfinished)
    os.replace(unfinished, target)
    return target
