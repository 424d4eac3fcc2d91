#!/bin/sh
# build-lua.sh TARBALL OUTPUT - Lua's interpreter as a static musl program, from the distribution's source.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" --strip-components=1 -xf "$1"
# One translation unit for each file of the library and the interpreter; no readline, no dynamic loading.
(cd "$work/src" && rm -f luac.c && musl-gcc -O2 -std=gnu99 -DLUA_USE_POSIX -static -o lua ./*.c -lm)
mkdir -p "$(dirname "$2")"
cp "$work/src/lua" "$2"
