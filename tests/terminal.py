"""terminal - driving what a person sees: a program on a terminal of its own, with keys and a screen.

Interface
    Terminal(command)            starts it on a terminal of 24 rows and 80 columns
    wait(text or regular expression, seconds)   what came before it, decoded
    keys(text), line(text)       types
    run(command)                 types a shell command and returns what it printed
    start(command)               types a command that goes on running, and lets it start
    end(seconds)                 waits for the end, returns the exit status
A wait that fails is an AssertionError that shows the last of the screen.
"""

import os
import re
import time

try:
    import pexpect
except ImportError:  # another Python than the distribution's, which has the package
    import sys
    sys.path.append("/usr/lib/python3/dist-packages")
    import pexpect

PROMPT = r"keros:[^\r\n]*[#$] "
SECONDS = 60


class Terminal:
    def __init__(self, command, rows=24, columns=80, env=None, cwd=None):
        environment = dict(os.environ if env is None else env, TERM="vt100")
        self.child = pexpect.spawn(command[0], command[1:], dimensions=(rows, columns), env=environment, cwd=cwd,
                                   timeout=SECONDS)
        self.child.delaybeforesend = 0.02

    def wait(self, pattern, seconds=SECONDS):
        try:
            self.child.expect(pattern.encode(), timeout=seconds)
        except (pexpect.TIMEOUT, pexpect.EOF) as trouble:
            raise AssertionError("%s instead of %r; the terminal's last bytes: %r"
                                 % (type(trouble).__name__, pattern, self.child.before[-800:]))
        return re.sub("\r+\n", "\n", self.child.before.decode("utf-8", "replace"))

    def wait_text(self, text, seconds=SECONDS):
        return self.wait(re.escape(text), seconds)

    def keys(self, text):
        """Types; after an escape a moment passes, since what follows at once makes it an arrow key's."""
        for piece in re.split("(?<=\x1b)(?!\\[)", text):
            self.child.send(piece)
            if piece.endswith("\x1b"):
                time.sleep(0.5)

    def line(self, text):
        self.keys(text + "\r")

    def run(self, command, seconds=SECONDS):
        """What a shell command prints.  The marks are written so that their echo does not look like them."""
        self.line("echo be''gin; " + command + "; echo en''d")
        self.wait("begin\r+\n", seconds)       # QEMU on a terminal adds a return of its own
        text = self.wait("end\r+\n", seconds)
        self.wait(PROMPT, seconds)
        return text

    def start(self, command):
        """Types a command that goes on running, and gives the shell the time to hand it the terminal."""
        self.line(command)
        self.wait("\r+\n")
        time.sleep(0.7)

    def resize(self, rows, columns):
        self.child.setwinsize(rows, columns)

    def end(self, seconds=SECONDS):
        try:
            self.child.expect(pexpect.EOF, timeout=seconds)
        except pexpect.TIMEOUT:
            raise AssertionError("no end; the terminal's last bytes: %r" % self.child.before[-800:])
        self.child.close()
        return self.child.exitstatus if self.child.exitstatus is not None else 128 + self.child.signalstatus

    def stop(self):
        self.child.close(force=True)
