"""Variables, coroutines, closures and held capabilities outlive a loss of power, without a line of saving code."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib import KEROS, limit  # noqa: E402
from terminal import Terminal  # noqa: E402
from witnesses import IN_FLIGHT, Life, check_image  # noqa: E402

SCRIPT = """
local page, held = bank:alloc_page(), {}
local count = coroutine.wrap(function() for i = 1, math.huge do coroutine.yield(i) end end)
local object = serve{ n = 0, add = function(self, k) self.n = self.n + k return self.n end }
local child = constructor{ program = 'local n = 0 return { add = function(_, k) n = n + k return n end }' }:seal()
    :yield{ bank = bank:make_sub(600) }
local ticks = 0
every(0.01, function() ticks = ticks + 1 end)
while true do
    local n = count()
    local sent = await(send(object, 'add', 1))
    local called = child:add(1)
    page:write(0, ('%%d'):format(n))
    held[n %% 100] = bank:alloc_node()
    local spun = 0
    for i = 1, 20000 do spun = spun + 1 end        -- the power goes mostly in the midst of this
    print(n, sent, called, kind(page), spun, ticks > 0)
    %s
end
"""


def numbers(line):
    """The count of a line in which everything agrees; 0 for any other."""
    parts = line.split(b"\t")
    good = len(parts) == 6 and parts[0] == parts[1] == parts[2] and parts[3:5] == [b"page", b"20000"]
    return int(parts[0]) if good else 0


def lives(statement, count, more):
    with open("s.lua", "w") as file:
        file.write(SCRIPT % statement)
    last = 0
    for _ in range(count):
        life = Life(["--disk", "d", "--disk-size", "512M", "s.lua"], verb="lua")
        life.wait_for(lambda line: numbers(line) >= last + more)
        life.kill()
        seen = [numbers(line) for line in life.lines]
        assert 0 not in seen, life.lines
        assert seen == list(range(seen[0], seen[0] + len(seen))), seen
        yield last, seen[0]
        last = seen[-1]
        check_image("d")


@limit(240)
def test_power_cuts():
    """A script goes on after each of four losses of power: what it has saved is never done again, and all of it agrees."""
    for last, first in lives("save()", 4, 5):
        assert last <= first <= last + IN_FLIGHT, (last, first)


@limit(240)
def test_power_cuts_in_mid_statement():
    """Without waiting for the store it goes on from a checkpoint in the midst of whatever it did, and never back to its beginning."""
    began = []
    for last, first in lives("if n % 20 == 0 then store:force() end", 3, 200):
        began.append(first)
        assert first <= last + IN_FLIGHT, (last, first)
    assert began[0] == 1 and (began[1] > 1 or began[2] > 1), began


@limit(120)
def test_prompt_after_a_power_cut():
    """What was typed at the prompt is still there after the plug was pulled, and so is a line's waiting result."""
    def prompt():
        return Terminal([KEROS, "lua", "--disk", "d", "--disk-size", "512M"])

    t = prompt()
    t.wait_text("Ctrl-D ends it.")
    t.wait(r"\r> ")
    for line in ["x = { n = 41, page = bank:alloc_page() }", "x.page:write(0, 'kept')",
                 "function x.f() x.n = x.n + 1 return x.n end", "co = coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end)",
                 "co(), co()"]:
        t.line(line)
        t.wait(r"\r> ")
    t.line("save()")
    t.wait("true")
    t.wait(r"\r> ")
    t.child.kill(9)
    t.child.wait()
    t = prompt()
    t.wait(r"> ")
    t.line("x.f(), co(), kind(x.page), x.page:test_zero()")
    t.wait_text('42\t3\t"page"\t1')
    t.keys("\x04")
    assert t.end() == 0
