"""Users and groups: setuid and its kin answer and leave what they do on Linux."""

import os

from lib import BUILD, expect, run, run_keros, tree_with

PROGRAM = os.path.join(BUILD, "programs", "identity")
RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "identity.txt")


def test_ids():
    """From five beginnings, eight kinds of arguments to each of six calls answer as on Linux, and leave the same ids."""
    with open(RECORDED, "rb") as file:
        recorded = file.read()
    assert recorded.count(b"\n") == 240
    expect(run_keros(["/bin/identity"], options=["--tree", tree_with({"/bin/identity": ("copy", PROGRAM)})]), stdout=recorded)
    host = run([PROGRAM])
    if b"this needs root" not in host.stdout:       # what was recorded is what a Linux says
        expect(host, stdout=recorded)
