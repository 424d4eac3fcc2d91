#!/bin/sh
# build-dash.sh TARBALL OUTPUT - dash as a static musl program, from the distribution's source.
set -eu
exec </dev/null                 # its configure copies its input's descriptor, which a caller may have closed
unset CFLAGS CPPFLAGS LDFLAGS LIBS || :
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -C "$work" --strip-components=1 -xf "$1"
# The helpers that make its tables run on the host, with the host's compiler; --enable-static is its own switch.
(cd "$work" && CC=musl-gcc CC_FOR_BUILD=gcc ./configure --enable-static --host=x86_64-linux-musl >configure.log 2>&1 &&
	make -s >make.log 2>&1) || { tail -n 20 "$work"/*.log >&2; exit 1; }
mkdir -p "$(dirname "$2")"
cp "$work/src/dash" "$2"
