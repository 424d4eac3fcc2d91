"""doc/lua/tutorial.md: what a reader types gives what the page says he will see."""

import os
import re

from lib import KEROS, ROOT, difference, limit, run

PAGE = os.path.join(ROOT, "doc", "lua", "tutorial.md")
DRIVER = """
local function case(text)
	local chunk, why = load(text, '=[string "lua"]')
	if not chunk then print(why) else
		local ok, e = pcall(chunk)
		if not ok then print(e) end
	end
	io.write('\\0') io.flush()
end
"""


def long_string(text):
    level = "=" * next(n for n in range(9) if "]" + "=" * n + "]" not in text)
    return "[%s[\n%s]%s]" % (level, text, level)


@limit(180)
def test_every_block():
    """Every block of the tutorial, typed in order into one domain, prints the block under it."""
    blocks = re.findall(r"^```lua\n(.*?)^```\n```\n(.*?)^```$", open(PAGE).read(), re.M | re.S)
    assert len(blocks) >= 20 and len(blocks) == open(PAGE).read().count("```lua"), "a block without its output"
    with open("tutorial.lua", "w") as out:
        out.write(DRIVER + "".join("case%s\n" % long_string(code) for code, _ in blocks))
    result = run([KEROS, "lua", "--icount", "tutorial.lua"], timeout=100)
    assert result.status == 0 and result.stderr == b"", result
    printed = re.sub(rb"0x[0-9a-f]{6,}", b"ADDRESS", result.stdout).split(b"\0")
    wrong = "".join(difference(code.split("\n")[0], want.encode(), got) for (code, want), got in zip(blocks, printed))
    assert not wrong and len(printed) == len(blocks) + 1, wrong
