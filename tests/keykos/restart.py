"""KeyKOS's objects over a loss of power: they go on where the newest checkpoint left them, in mid-call."""

import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import u32  # noqa: E402
from apps import sum_of  # noqa: E402
from lib import KEROS, limit  # noqa: E402

ROUNDS = 300000


class Interpreter:
    """./keros keykos on a disk, spoken to line by line."""

    def __init__(self):
        self.process = subprocess.Popen([KEROS, "keykos", "--disk", "d", "--disk-size", "512M"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, start_new_session=True)
        self.text = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                return
            self.text += piece

    def say(self, *lines):
        self.process.stdin.write("".join(line + "\n" for line in lines).encode())
        self.process.stdin.flush()

    def wait_for(self, text, seconds=60):
        until = time.monotonic() + seconds
        while text not in self.text:
            assert time.monotonic() < until, "no %r in %r" % (text, self.text)
            assert self.process.poll() is None or text in self.text, "it ended: %r" % self.text
            time.sleep(0.02)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@limit(180)
def test_mid_call():
    """Killed with a call in a domain, a fault with a keeper and a letter in a box: all three come to their end."""
    one = Interpreter()
    one.say("cfact spinf spinner.s 0x10C8", "cfact ctrf counter.s 0x10C0", "cfact boxf mailbox.s 0x10C3",
            "cfact patternf pattern.s 0x10C5", "cfact peekf peek.s 0x10C6", "cfact patronf patron.s 0x10C7",
            "kc ctrf 0 (,sb,m,sb) (,ctr)", "kc ctr 0 () (n)", "kc ctr 0 () (n)",
            "kc boxf 0 (,sb,m,sb) (,box)", "kc box 0 (%aa letter,dkc)",
            "kc patternf 0 (,sb,m,sb) (,seg)", "kc peekf 0 (,sb,m,sb) (,peek)",
            "kc peek 1 (%x0030000068656c6c6f,seg)",
            "kc spinf 0 (,sb,m,sb) (,spin)", "kc joinf 64 (,sb,m,sb) (,late,,,slip)",
            "kc patronf 0 (,sb,m,sb) (,patron)", "newmeter dry", "kc drynode 16+2 (,patron)",
            "kc spinf 0 (,sb,dry,sb) (,poor)", "kc joinf 64 (,sb,m,sb) (,paid,,,bill)",
            "datakey zero %x00", "kc drynode 16+3 (,zero)",
            "kfork poor 0 (%%x%s,,,,bill)" % u32(3).hex(),
            "kfork spin 0 (%%x%s,,,,slip)" % u32(ROUNDS).hex(),
            "pause 50", "kc checkpoint 1 (%x0000000000000000)", "say saved")
    one.wait_for(b"saved\n")
    assert b"RC=0\nsaved" in one.text, one.text
    one.kill()
    two = Interpreter()
    two.say("say again", "kc late 1 () (%x)", "kc ctr 1 () (%x)", "kc box 1 () (%a,k)", "kt k",
            "kc peek 0 (%x0030000006000000,seg) (%a)", "kc patron 1 () (%x)",
            "kc patron 0 (%%x%s)" % u32(1, 16000000).hex(), "kc paid 1 () (%x)", "kc seg 0 () (%x)", "say end", "exit")
    two.wait_for(b"end\n", 100)
    answers = two.text.decode().split("again\n", 1)[1].split("\n")
    two.kill()
    assert answers[:2] == ["RC=0", "  %X" + u32(sum_of(ROUNDS)).hex().upper()], answers
    assert answers[2:4] == ["RC=0", "  %X02000000"], answers
    assert answers[4:7] == ["RC=0", '  "a letter"', "KT=309"], answers
    assert answers[7:9] == ["RC=0", '  "hello3"'], answers
    assert answers[9:11] == ["RC=0", "  %X" + u32(0, 1).hex().upper()], answers
    assert answers[11:14] == ["RC=0", "RC=0", "  %X" + u32(sum_of(3)).hex().upper()], answers
