"""The torment kernel: no translation, hint or clean object outlives its use, and checkpoints follow each other."""

import json
import os

from lib import BUILD, KEROS, expect, limit, run, run_keros, run_native
from witnesses import Life, LINE, check_image, posix_options

TORMENT = ["--kernel", os.path.join(BUILD, "torment", "kernel.elf")]

SCRIPT = """
mkdir -p /tmp/d && cd /tmp/d
i=0; while [ $i -lt 12 ]; do echo "line $i" > f$i; i=$((i+1)); done
cat f* | sort | md5sum
(cat f3; echo in a pipe) | tr a-z A-Z | tail -1
rm -r /tmp/d; ls /tmp | wc -l
"""


@limit(240)
def test_script():
    """A shell script prints what it prints without torment, and its image is sound, after hundreds of generations."""
    expect(run_keros(SCRIPT, options=[*TORMENT, "--mem", "48M", "--disk", "d", "--disk-size", "512M"], timeout=220),
           stdout=run_keros(SCRIPT).stdout)
    figures = json.loads(run([KEROS, "store", "--json", "d"]).stdout)
    assert figures["sound"] and figures["generation"] > 40, figures


@limit(240)
def test_native():
    """The native tests of invocation, objects and virtual copies hold, without a store and with one."""
    programs = [(name, []) for name in ("t_ipc", "t_keepers", "t_objects", "t_nodes", "t_process", "t_vcs")]
    for name, options in [*programs, ("t_vcs", ["--disk", "d", "--disk-size", "512M"])]:
        result = run_native(name, options=[*TORMENT, *options], timeout=200)
        assert result.status == 0 and b"not ok" not in result.stdout, (name, options, result)


@limit(240)
def test_kill():
    """A machine under load and torment is killed, and goes on with all its witnesses."""
    options, command = posix_options(os.path.join(os.getcwd(), "d"))
    for _ in range(2):
        life = Life([*options, *TORMENT], command)
        seen = life.wait_for(lambda line: LINE.match(line) and line.startswith(b"T"), seconds=100)
        life.kill()
        assert seen and not any(line.startswith(b"BAD") for line in life.lines), life.lines
        check_image("d")
