"""The prompt as a person meets it: expressions, statements over lines, errors, completion, history, Ctrl-C."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib import KEROS, expect, run  # noqa: E402
from terminal import PROMPT, Terminal  # noqa: E402


def start():
    terminal = Terminal([KEROS, "lua"])
    terminal.wait_text("Ctrl-D ends it.")
    terminal.wait_text("> ")
    return terminal


def ask(terminal, line, answer, seconds=60):
    terminal.line(line)
    text = terminal.wait(answer, seconds)
    terminal.wait(r"\r> ")
    return text


def test_expressions():
    """Expressions are shown, statements run, what is not complete asks for more, Ctrl-D ends with status 0."""
    t = start()
    ask(t, "1 + 1, 'two', {3, x = {}}", r'2\t"two"\t\{ 3, x = \{\} \}')
    ask(t, "x = 20", r"\n")
    t.line("for i = 1, 2 do")
    t.wait(r"\r>> ")
    ask(t, "print(x + i) end", "21\r+\n22")
    ask(t, "bank", "<bank 'bank'>")
    ask(t, "bank:alloc_page()", "<page #")
    t.keys("\x04")
    assert t.end() == 0


def test_errors():
    """An error is told with the calls that led to it and who is to blame; the prompt goes on."""
    t = start()
    ask(t, "nothing.here", r"error: prompt:1: attempt to index a nil value \(global 'nothing'\)")
    ask(t, "x = = 1", r"error: prompt:1: unexpected symbol near '='")
    ask(t, "bank:free(5)", r"argument 'object' must be a capability or nil, not number.*\(to blame: the caller\)")
    ask(t, "(function() error{} end)()", "error: table")
    ask(t, "6 * 7", "42")
    t.keys("\x04")
    t.end()


def test_editing():
    """Arrows, history and Tab: names, fields, and the operations of a capability."""
    t = start()
    t.keys("ban\t")
    t.wait_text("bank")
    ask(t, ":get_lim\t)", r"get_limits\(.*\d+\t\d+\t\d+")
    t.keys("string.re\t")
    t.wait("rep.*reverse")
    t.keys("\x03")
    t.wait_text("^C")
    ask(t, "12\x1b[D3", "132")
    ask(t, "\x1b[A\x1b[A + 0", "")
    t.line("4 +")
    t.wait(r"\r>> ")
    t.keys("\x03")
    ask(t, "5", "5")
    t.keys("\x04")
    t.end()


def test_interrupt():
    """Ctrl-C ends a loop, a wait, a read and a call that nobody answers, and nothing else is lost."""
    t = start()
    ask(t, "kept = 5", r"\n")
    for code in ["while true do end", "await(promise())", "sleep(1000)", "io.read()"]:
        t.line("print('go' .. 'ing') " + code)
        t.wait("going\r+\n")
        t.keys("\x03")
        t.wait_text("interrupted!")
        t.wait(r"\r> ")
    ask(t, "d = constructor{ program = 'return { never = function() while true do end end }' }:seal():yield{ bank = bank:make_sub(600) }", r"\n")
    t.line("print('go' .. 'ing') d:never()")
    t.wait("going\r+\n")
    t.keys("\x03")
    t.wait_text("interrupted!")
    t.wait(r"\r> ")
    ask(t, "kept", "5")
    t.keys("\x04")
    t.end()


def test_not_a_terminal():
    """Without a terminal, standard input is the script."""
    expect(run([KEROS, "lua"], stdin="print(6 * 7)\nlocal t = {}\nprint(#t)\n"), stdout="42\n0\n", status=0)
    assert run([KEROS, "lua"], stdin="x = = 1").status == 1


def test_beside_the_shell():
    """Ctrl-A L goes from the shell to a Lua prompt and back; what is hidden goes on, and is shown later."""
    t = Terminal([KEROS, "shell"])
    t.wait(PROMPT)
    t.keys("\x01l")
    t.wait_text("Ctrl-D ends it.")
    t.wait(r"\r> ")
    ask(t, "x = 6 * 7", r"\n")
    t.keys("\x01l")
    t.wait_text("[shell; Ctrl-A L goes to Lua]")
    t.line("sleep 1; echo la''ter")
    t.keys("\x01L")
    ask(t, "sleep(2) return x", "42")
    t.keys("\x01l")
    t.wait_text("later")
    t.wait(PROMPT)
    t.keys("\x01l")
    t.wait_text("[Lua;")
    t.keys("\x04")
    t.wait_text("[shell;")
    t.keys("\x01l")
    t.wait_text("has ended")
    t.line("exit 3")
    assert t.end() == 3


def test_idle_size():
    """A domain that idles at its prompt takes at most 400 KiB of its bank."""
    t = start()
    t.line("print('used ' .. select(2, bank:get_limits()) * 4 .. ' KiB')")
    t.wait(r"\nused ")
    used = int(t.wait(" KiB"))
    print("used %d KiB" % used)
    assert used <= 400, used
    t.keys("\x04")
    t.end()
