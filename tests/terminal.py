"""terminal - driving what a person sees: a program on a terminal of its own, with keys and a screen.

Interface
    Terminal(command)            starts it on a terminal of 24 rows and 80 columns
    wait(text or regular expression, seconds)   what came before it, decoded
    keys(text), line(text)       types
    escape(mode)                 types an escape and waits until the program has taken it for one
    run(command)                 types a shell command and returns what it printed
    begin(command)               types a command of the shell's own that goes on running, and waits until it runs
    start(program)               types a program's command line, and waits until it has the terminal
    press_until(keys, pattern)   types keys, again and again while nothing comes of them
    end(seconds)                 waits for the end, returns the exit status
A wait that fails is an AssertionError that shows the last of the screen.
"""

import os
import re

try:
    import pexpect
except ImportError:  # another Python than the distribution's, which has the package
    import sys
    sys.path.append("/usr/lib/python3/dist-packages")
    import pexpect

from lib import PATIENCE

PROMPT = r"keros:[^\r\n]*[#$] "
SECONDS = 60


class Terminal:
    def __init__(self, command, rows=24, columns=80, env=None, cwd=None):
        environment = dict(os.environ if env is None else env, TERM="vt100")
        self.child = pexpect.spawn(command[0], command[1:], dimensions=(rows, columns), env=environment, cwd=cwd,
                                   timeout=SECONDS * PATIENCE)
        self.child.delaybeforesend = 0.02

    def wait(self, pattern, seconds=SECONDS):
        try:
            self.child.expect(pattern.encode(), timeout=seconds * PATIENCE)
        except (pexpect.TIMEOUT, pexpect.EOF) as trouble:
            raise AssertionError("%s instead of %r; the terminal's last bytes: %r"
                                 % (type(trouble).__name__, pattern, self.child.before[-800:]))
        return re.sub("\r+\n", "\n", self.child.before.decode("utf-8", "replace"))

    def wait_text(self, text, seconds=SECONDS):
        return self.wait(re.escape(text), seconds)

    def keys(self, text):
        self.child.send(text)

    def escape(self, mode):
        """What follows an escape at once makes it an arrow key's, so the program shows first that it was one by itself."""
        self.child.send("\x1b")
        self.wait(mode)

    def line(self, text):
        self.keys(text + "\r")

    def run(self, command, seconds=SECONDS):
        """What a shell command prints.  The marks are written so that their echo does not look like them."""
        self.line("echo be''gin; " + command + "; echo en''d")
        self.wait("begin\r+\n", seconds)       # QEMU on a terminal adds a return of its own
        text = self.wait("end\r+\n", seconds)
        self.wait(PROMPT, seconds)
        return text

    def begin(self, command):
        self.line("echo go''ing; " + command)
        self.wait("going\r+\n")

    def start(self, program):
        """The program is the one that says so, or it would have the terminal only a moment later."""
        self.line("sh -c 'echo go\"\"ing; exec %s'" % program)
        self.wait("going\r+\n")

    def press_until(self, keys, pattern):
        """For keys that may come too early to do anything."""
        for _ in range(12):
            self.keys(keys)
            try:
                self.child.expect(pattern.encode(), timeout=PATIENCE)
                return re.sub("\r+\n", "\n", self.child.before.decode("utf-8", "replace"))
            except pexpect.TIMEOUT:
                pass
        return self.wait(pattern)

    def resize(self, rows, columns):
        self.child.setwinsize(rows, columns)

    def end(self, seconds=SECONDS):
        try:
            self.child.expect(pexpect.EOF, timeout=seconds * PATIENCE)
        except pexpect.TIMEOUT:
            raise AssertionError("no end; the terminal's last bytes: %r" % self.child.before[-800:])
        self.child.close()
        return self.child.exitstatus if self.child.exitstatus is not None else 128 + self.child.signalstatus

    def stop(self):
        self.child.close(force=True)
