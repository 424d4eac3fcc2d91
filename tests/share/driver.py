"""The driver of the shares by itself, as a client that is not the posix-server meets it."""

import os

from lib import run_native


def test_capabilities():
    """Paths, links, handles, facets and strange requests: every operation of the directory and file interfaces, by a native client
    that tries to get more than it was given (t_share)."""
    for name in ("w", "r"):
        os.makedirs("host/%s/d" % name)
        open("host/%s/d/x" % name, "w").close()
        with open("host/%s/f" % name, "w") as out:
            out.write("content")
        os.symlink("..", "host/%s/out" % name)
    with open("host/secret", "w") as out:
        out.write("secret")
    result = run_native("t_share", options=["--rw", "host/w:/1", "--ro", "host/r:/2"], timeout=100)
    lines = result.stdout.decode("utf-8", "backslashreplace").splitlines()
    failed = [line for line in lines if line.startswith("not ok")]
    assert not failed, "\n".join(failed)
    assert result.status == 0 and sum(line.startswith("ok ") for line in lines) >= 110, result
    assert sorted(os.listdir("host/w")) == ["d", "f", "out"] and open("host/w/f").read() == "content"
    assert sorted(os.listdir("host")) == ["r", "secret", "w"] and os.listdir("host/r/d") == ["x"]
