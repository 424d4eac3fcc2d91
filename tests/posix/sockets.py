"""Sockets: AF_UNIX as on the host, line by line; and a network that is not there."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lib import BUILD, expect, run, run_keros, tree_with  # noqa: E402

PROGRAM = os.path.join(BUILD, "programs", "sockets")


def guest(*args):
    tree = tree_with({"/bin/sockets": ("copy", PROGRAM)})
    return run_keros(["/bin/sockets", *args], options=["--tree", tree, "--cwd", "/tmp"])


def test_unix():
    """Pairs, names, packets, datagrams and passed descriptors behave as on the host: the same lines."""
    host = run([PROGRAM])
    assert host.stdout.count(b"\n") == 50, host
    expect(guest(), stdout=host.stdout)


def test_no_network():
    """Without a network connect, send and bind fail with ordinary errors."""
    expect(guest("net"), stdout="connect: Network unreachable\nsendto: Network unreachable\n"
           "bind: Address not available\nnetlink: Address family not supported by protocol\n")
