"""The disk's interrupt line, which it may share with other devices."""

import os

from lib import expect, limit, run_keros
from witnesses import check_image


@limit(120)
def test_shared_line():
    """A share and the disk are served by turns on one line: each line of a file of the host is followed by a sync, and none is late."""
    os.mkdir("out")
    script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do seq $i 200 >> /out/f; echo $i >> /tmp/g; sync; done; wc -l < /out/f; wc -l < /tmp/g"
    expect(run_keros(script, options=["--disk", "d", "--disk-size", "512M", "--rw", "out:/out"], timeout=100), stdout="2334\n12\n")
    with open("out/f") as file:
        assert sum(int(line) for line in file) == sum(sum(range(i, 201)) for i in range(1, 13))
    check_image("d")
