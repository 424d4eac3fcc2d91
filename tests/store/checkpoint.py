"""The checkpoint capability, operation by operation."""

from lib import limit, run_native
from witnesses import Life


def good(lines):
    text = b"\n".join(lines)
    assert b"not ok" not in text and b"# 0 failed" in text, text.decode("utf-8", "replace")


def test_without_a_store():
    """Where nothing is saved, all but the status is refused."""
    result = run_native("t_checkpoint")
    assert result.status == 0, result
    good(result.stdout.split(b"\n"))


@limit(120)
def test_with_a_store():
    """Forcing, waiting, notices, figures, the interval, the weaker capability; after a loss of power what was asked for is told."""
    life = Life(["--mem", "64M", "--disk", "d", "--disk-size", "512M", "--native", "t_checkpoint"])
    life.wait_for(lambda line: line.startswith((b"# power may go", b"1..")))
    life.kill()
    assert not any(line.startswith(b"1..") for line in life.lines), life.lines
    first = life.lines
    life = Life(["--mem", "64M", "--disk", "d", "--native", "t_checkpoint"])
    status = life.join()
    assert status == 0, (life.lines, life.errors)
    good(first + life.lines)
