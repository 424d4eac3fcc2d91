"""The promised speeds, in guest instructions: exact, so a change that makes a call dearer shows here at once."""

import os
import re

from lib import BUILD, run_keros, run_native, tree_with

# The most that one operation may take (the Linux peer's figures: reference of `make bench`).
MOST = {
    "syscall_getppid": 120, "pipe_rt_1B": 6600, "pagefault_anon_zero": 3200, "fork_exit_wait": 406000,
    "fork_exec_wait": 528000, "syscall_stat": 3000, "syscall_open_close": 5600, "tmpfs_read_4KiB": 1800,
}
MOST_NATIVE = {"ipc_call_return": 450, "keeper_fault": 9019, "process_create": 174306}


def check(result, most):
    found = {name.decode(): int(ticks)
             for name, ticks in re.findall(rb"BENCH name=(\S+) .*tsc_med=(\d+)", result.stdout)}
    slow = ["%s takes %s, allowed %d" % (name, found.get(name, "no figure"), bound)
            for name, bound in most.items() if found.get(name, bound + 1) > bound]
    assert not slow, "%s\n%r" % ("; ".join(slow), result)


def test_posix_calls():
    """System calls, faults, fork and exec, pipes and files take no more instructions than promised."""
    tree = tree_with({"bench/" + name: ("copy", os.path.join(BUILD, "bench", name)) for name in ("bench", "hello")})
    check(run_keros(["/bench/bench", *MOST], options=["--icount", "--tree", tree], timeout=100), MOST)


def test_native_calls():
    """A round trip between two processes, a fault through a keeper and a new process: likewise."""
    check(run_native("bench-native", options=["--icount"], timeout=100), MOST_NATIVE)
