"""What the interface's commonest operations cost, in guest instructions: exact, so a change that makes one dearer shows here.

apps/keykos/bench.ck measures them twice: in a fresh system, and again when its bank and server have been used.
"""

import re

from lib import KEROS, run, run_native

SCRIPT = """cfact echof bench.s 0x10B0 1
cfact benchf bench.s 0x10B1 f0=echof
kc benchf 0 (,sb,m,sb) (,b)
kc b 0 () (%a)
kc b 0 () (%a)
"""

# The most that one may take.  A gate jump: 1.3 of a native call and return with the same string.
MOST = {"keykos_node_fetch": 350, "keykos_page_create_destroy": 3000, "keykos_yield": 60000}
JUMP, NATIVE, RATIO = "keykos_gate_jump_16", "ipc_call_return_16B", 1.3


def figures(result):
    return [(name.decode(), int(ticks)) for name, ticks in re.findall(rb"BENCH name=(\S+) .*?tsc_med=(\d+)", result.stdout)]


def test_measures():
    """A gate jump, a node fetch, a page made and given back, and a yield cost no more than promised, fresh and used."""
    with open("bench.cmd", "w") as file:
        file.write(SCRIPT)
    found = figures(run([KEROS, "keykos", "--icount", "--script", "bench.cmd"], timeout=100))
    native = dict(figures(run_native("bench-native", options=["--icount"], timeout=100)))[NATIVE]
    most = dict(MOST, **{JUMP: int(RATIO * native)})
    slow = ["%s takes %d, allowed %d" % (name, ticks, most[name]) for name, ticks in found if ticks > most[name]]
    print("== shown\n" + "\n".join("%-28s %7d of %7d" % (name, ticks, most[name]) for name, ticks in found))
    assert len(found) == 2 * len(most), found
    assert not slow, "; ".join(slow)
