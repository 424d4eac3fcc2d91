#!/usr/bin/python3
"""fake_qemu - stands in for QEMU in the tests of the keros command.

Reads the boot pack it is given, runs the command of its config on the host, and speaks the guest's end of the
link (doc/link.md).  A few commands are its own: @panic, @reset, @off, @dump (prints the config), @noexit.
"""

import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time

DATA, EOF, WINSIZE, CREDIT, EXIT, HELLO, HANGUP = range(1, 8)


def sections(path):
    with open(path, "rb") as file:
        pack = file.read()
    magic, version, count, length = struct.unpack_from("<8sIIQ", pack)
    assert magic == b"KEKPACK1" and version == 1 and length == len(pack), (magic, version, length, len(pack))
    for i in range(count):
        kind, _, offset, size, name = struct.unpack_from("<IIQQ40s", pack, 64 + 64 * i)
        assert offset % 4096 == 0 and offset + size <= length
        yield kind, name.rstrip(b"\0").decode(), pack[offset:offset + size]


class Link:
    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.buffer = b""

    def send(self, kind, channel, payload=b""):
        for at in range(0, max(len(payload), 1), 65536):
            piece = payload[at:at + 65536]
            self.socket.sendall(struct.pack("<BBHI", kind, channel, 0, len(piece)) + piece)

    def frames(self):
        data = self.socket.recv(65536)
        if not data:
            os._exit(0)
        self.buffer += data
        while len(self.buffer) >= 8:
            kind, channel, zero, length = struct.unpack_from("<BBHI", self.buffer)
            assert zero == 0 and length <= 65536
            if len(self.buffer) < 8 + length:
                return
            yield kind, channel, self.buffer[8:8 + length]
            self.buffer = self.buffer[8 + length:]


def log(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def serve(link, args, env):
    """Runs args; its bytes go through the link against the credit that the protocol promises."""
    child = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                             restore_signals=True)
    os.set_blocking(child.stdin.fileno(), False)
    select = selectors.DefaultSelector()
    select.register(link.socket, selectors.EVENT_READ, "link")
    select.register(child.stdout, selectors.EVENT_READ, 1)
    select.register(child.stderr, selectors.EVENT_READ, 2)
    waiting, ended, credit, open_outputs = b"", False, 65536, 2
    while open_outputs:
        if waiting and child.stdin:
            try:
                n = os.write(child.stdin.fileno(), waiting)
                waiting = waiting[n:]
                credit += n
                link.send(CREDIT, 0, struct.pack("<I", n))
            except BlockingIOError:
                pass
            except BrokenPipeError:
                waiting = b""
        if ended and not waiting and child.stdin:
            child.stdin.close()
            child.stdin = None
        for key, _ in select.select(0.01 if waiting else None):
            if key.data == "link":
                for kind, channel, payload in link.frames():
                    if kind == DATA:
                        credit -= len(payload)
                        assert credit >= 0, "more than the credit"
                        waiting += payload
                    elif kind == EOF:
                        ended = True
                    elif kind == HANGUP:
                        stream = child.stdout if channel == 1 else child.stderr
                        select.unregister(stream)
                        stream.close()
                        open_outputs -= 1
                    elif kind == WINSIZE:
                        log("size %d %d" % struct.unpack("<HH", payload))
            elif key.fileobj.closed:
                continue
            else:
                data = os.read(key.fd, 65536)
                if data:
                    link.send(DATA, key.data, data)
                else:
                    select.unregister(key.fileobj)
                    open_outputs -= 1
    status = child.wait()
    link.send(EXIT, 0, struct.pack("<I", status if status >= 0 else 128 - status))


def main():
    argv = sys.argv
    pack = argv[argv.index("-initrd") + 1]
    link = Link(int([a for a in argv if a.startswith("socket,id=link,fd=")][0].split("=")[-1]))
    records = [r.decode() for kind, _, data in sections(pack) if kind == 3 for r in data.split(b"\0") if r]
    main_records = records[:records.index("sandbox=second")] if "sandbox=second" in records else records
    args = [r[4:] for r in main_records if r.startswith("arg=")]
    env = dict(r[4:].split("=", 1) for r in records if r.startswith("env="))
    log("fake kernel: first line")
    link.send(HELLO, 0, struct.pack("<I", 1))
    if args == ["@panic"]:
        log("CHECK 7: the invariant's name")
        os._exit(171)
    if args == ["@reset"]:
        os._exit(0)
    if args == ["@off"]:
        os._exit(3 << 1 | 1)
    if args == ["@noexit"]:
        time.sleep(1000)
    if args == ["@dump"]:
        link.send(DATA, 1, "\n".join(records).encode() + b"\n")
        link.send(EXIT, 0, struct.pack("<I", 0))
    else:
        serve(link, args, env)
    log("fake kernel: off")
    os._exit(1)


main()
