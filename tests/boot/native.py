"""The native test programs: each is booted alone, on the kernel and the services, and judges itself."""

from lib import limit, run_native


def check(name, least, timeout=100, options=()):
    """Boots a test program; it must end with status 0, have no failure and at least so many results."""
    result = run_native(name, timeout=timeout, options=options)
    lines = result.stdout.decode("utf-8", "backslashreplace").splitlines()
    failed = [line for line in lines if line.startswith("not ok")]
    passed = [line for line in lines if line.startswith("ok ")]
    planned = [line for line in lines if line.startswith("1..")]
    assert not failed, "\n".join(failed)
    assert result.status == 0 and planned, "%s did not come to its end:\n%r" % (name, result)
    assert len(passed) >= least, "%s has only %d results:\n%r" % (name, len(passed), result)


def test_objects():
    """Every kernel object answers every operation as its interface says, by the strength of the capability."""
    check("t_objects", 125)


def test_nodes():
    """Nodes and trees of them answer so too; what is reached through a sense capability is weak; discrim tells each kind."""
    check("t_nodes", 310)


def test_process():
    """Registers, slots, resume capabilities and brands of a process are set, read and refused as its interface says."""
    check("t_process", 57)


@limit(120)
def test_ipc():
    """Messages, strings, capabilities, notices and queues behave as specified."""
    check("t_ipc", 138)


def test_keepers():
    """Faults reach their keepers, and invocations of red segments theirs; windows show what they should."""
    check("t_keepers", 152)


@limit(120)
def test_sched():
    """Priorities, preemption and reserves decide who runs; an exhausted schedule calls its keeper."""
    check("t_sched", 30, options=["--icount"])     # time is instructions: a busy host takes no share of it


@limit(120)
def test_fpu():
    """SSE and AVX registers, MXCSR and the x87 control word belong to a process."""
    check("t_fpu", 11)


@limit(120)
def test_bank():
    """The bank's limits hold, and everything that is given comes back."""
    check("t_bank", 100)


def test_services():
    """Banks, constructors and process creators answer as their pages say, whatever they are handed."""
    check("t_services", 100)


def test_replace():
    """A running service gets another program, in its place or by a front end: no capability and no caller is lost."""
    check("t_replace", 25)


def test_vcs():
    """Zero segments and virtual copies show and cost what they should; a dry bank stops their user alone."""
    check("t_vcs", 40)


def test_constructor():
    """Nothing enters a sealed constructor, every hole is told, and a yield holds what it was given alone."""
    check("t_constructor", 70)


def test_console():
    """The console answers every client at once, and keeps no capability that could make it wait."""
    check("t_console", 50)


@limit(120)
def test_fuzz():
    """100,000 random invocations on every capability type harm neither kernel nor services."""
    check("t_fuzz", 6, options=["--icount"])        # it waits for 8,000 helpers: idle time passes at once
