"""Machines killed at random moments under load: a share of `make kills`."""

from lib import limit
from witnesses import kill_loop, native_options, posix_options


@limit(300)
def test_posix_load():
    """An appender with fsync, processes that pass a chain, and a file tree: all of one moment after every kill."""
    witness = kill_loop(posix_options, 8, 1)
    assert all(witness.counts.get(kind, 0) > 20 for kind in (b"A", b"C", b"T")), witness.counts


@limit(300)
def test_native_load():
    """Accounts behind IPC keep their sum, each process its chain, and rescinded capabilities stay void."""
    witness = kill_loop(native_options, 8, 2)
    assert witness.counts.get(b"W", 0) > 1000, witness.counts
