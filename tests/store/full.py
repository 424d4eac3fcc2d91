"""A disk that is nearly full, a checkpoint asked for all the time, and losses of power."""

import os
import random
import time

from lib import KEROS, limit, run
from witnesses import Life, check_image

OPTIONS = ["--mem", "48M", "--disk", "d", "--disk-size", "256M", "--bank", "53000"]
# Fills the disk but for one file's room, then rewrites that file, checks what is old and what is new, and counts.
LOAD = """
mkdir /tmp/d; yes old | head -c 4000000 > /tmp/d/f0; i=0
while cp /tmp/d/f0 /tmp/d/f$((i+1)) 2>/dev/null; do i=$((i+1)); done
rm /tmp/d/f$((i+1)); echo full $i; n=0
while :; do
    n=$((n+1)); yes $n | head -c 1500000 > /tmp/d/new || echo BAD no room; echo $n > /tmp/n; sync
    [ "$(cat /tmp/n)" = $n ] && [ "$(tail -n 1 /tmp/d/new | head -c 1)" = "$(echo $n | head -c 1)" ] || echo BAD new
    for f in 0 7 $i; do cmp /tmp/d/f0 /tmp/d/f$f || echo BAD old; done
    echo A $n
done
"""


def checkpoints(life, least, end):
    """Asks for one after the other, at least so many and until then; how many."""
    count = 0
    while count < least or time.monotonic() < end:
        result = run([KEROS, "ckpt", "--json", "d"], timeout=60)
        assert result.status == 0, (result, life.errors)
        count += 1
    return count


@limit(300)
def test_nearly_full():
    """Nothing that was synced is lost, nobody is refused what he has room for, and each checkpoint that is asked for comes."""
    os.environ["XDG_RUNTIME_DIR"] = os.getcwd()
    random.seed(5)
    last = 0
    for _ in range(3):
        life = Life(OPTIONS, ["sh", "-c", LOAD])
        life.wait_for(lambda line: line.startswith((b"A ", b"BAD")), 200)
        checkpoints(life, 4, time.monotonic() + random.uniform(1, 3))
        life.wait_for(lambda line: line.startswith(b"A ") and int(line[2:]) > last)
        life.kill()
        numbers = [int(line[2:]) for line in life.lines if line.startswith(b"A ")]
        assert not [line for line in life.lines if line.startswith(b"BAD")], (life.lines, life.errors)
        assert numbers[0] >= last, (numbers, last)
        assert b"d is nearly full" in life.errors, life.errors
        last = numbers[-1]
        check_image("d")
