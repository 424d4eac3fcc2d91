"""KeyKOS's objects over a loss of power: they go on where the newest checkpoint left them, in mid-call."""

import difflib
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _table import u32  # noqa: E402
from apps import sum_of  # noqa: E402
from lib import KEROS, PATIENCE, ROOT, limit, run  # noqa: E402

ROUNDS = 300000


class Interpreter:
    """./keros keykos on a disk, spoken to line by line."""

    def __init__(self, *programs):
        self.process = subprocess.Popen([KEROS, "keykos", "--disk", "d", "--disk-size", "512M", *programs], stdin=subprocess.PIPE,
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
        until = time.monotonic() + seconds * PATIENCE
        while text not in self.text:
            assert time.monotonic() < until, "no %r behind %r" % (text, self.text[-1500:])
            if self.process.poll() is not None:
                self.reader.join()             # what it said last may not have been read yet
                assert text in self.text, "it ended: %r" % self.text
            time.sleep(0.02)

    def kill(self, with_signal=signal.SIGKILL):
        os.killpg(self.process.pid, with_signal)
        return self.process.wait()


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


# Everything that can be made, each with something in it that is not as it was born.
MADE = [
    "kc sb 16 () (,pg)", "kc pg 4096 (%aa page)", "kc pg 0 () (,pgro)", "kc sb 0 () (,nd)", "kc nd 19 (,pg)", "kc nd 32 (%x05) (,fet)",
    "kc nd 33 (%x85) (,seg)", "kc nd 34 () (,met)", "kc nd 36 () (,sen)", "kc nd 37 (%x05) (,fro)", "datakey dk %x0102030405060708090A0B",
    "newbank bank", "kc bank 16 () (,bpg)", "kc bank 39 () (,bweak)", "kc sbt 5 (%x0300000004000000,sb) (,few)",
    "kc dcc 0 (,sb,m) (,dc)", "kc dc 13 () (,dcweak)", "kc dc 12 (,sb) (,dom)", "kc dom 53 (,pg)", "kc dom 202 (%x00200000)", "kc dom 64 (%x2A) (,start)",
    "kc dom 73 () (,res)", "kc dc 12 (,sb) (,dom2)", "kc dom2 66 () (,fault)",
    "kc kidc 0 (%x64000000,sb,m,sb) (,kid)", "kc kid 1 (%x07000000,pg)", "kc kid 1 (%x09000000,dom)",
    "kc fcc 0 (,sb,m) (,fc2)", "kc fc2 4 () (,fcweak)", "kc fc 0 (,sb) (,fb)", "kc fb 64 (%x99000000)", "kc fb 3 (,pgro)", "kc fb 128 (,pg)",
    "cfact ctrf counter.s 0x10C0", "kc ctrf.builder 66 () (,req,fetch)", "kc ctrf.builder 67 () (,cpy)", "kc ctrf 0 (,sb,m,sb) (,ctr)", "kc ctr 0", "kc ctr 0",
    "cfact peekf peek.s 0x10C6", "kc peekf 0 (,sb,m,sb) (,peek)",
    "kc fsf 0 (,sb,m,sb) (,fs)", "kc peek 1 (%x0050000066726573,fs)", "kc fs 6 (%x0000100000000000)", "kc fs 10 (%x0102)", "kc fs 0 () (,fsro)",
    "kc vcsf 0 (,sb,m,sb) (,vcs)", "kc peek 1 (%x0050000076637321,vcs)", "kc vcs 17 (,sb) (,vcsfac)", "kc vcsfac 0 (,sb,m,sb) (,vcs2)", "kc peek 1 (%x0060000032323232,vcs2)",
    "kc rcf 1 (,sb,m,sb) (,names)", "kc names 6 (%x0161AABB,dom)", "kc names 3 (%x0162CC)", "kc names 0 (%x08000000) (,namesro)", "kc names 18 (%auser)",
    "kc rcf 0 (,sb,m,sb) (,entries)", "kc entries 3 (%x0400000000AA)", "kc snodef 0 (,sb,m,sb) (,sn)", "kc sn 42 (%x78563412,dom)", "kc sn 32 () (,snweak)",
    "kc siaf 0 (,sb,m) (,sia)", "kc sia 0", "kc sia 0", "kc clockf 0 (,sb,m,sb) (,clk)", "kc clk 1004 (%x08000000505354)", "kc clk 1003 () (,clkweak)",
    "kc waitf 0 (,sb,m,sb) (,wt)", "kc wt 1 (%x0000000000000000)", "kc mbwaitf 0 (,sb,m,sb) (,mbw)", "kc mbw 6 (,nd) (id)", "kc nrange 0 (%x05000000) (,rn)",
    "kc nrange 0 (%x419C0000) (,root)", "kc root 16 (,pg)", "kc domtool 0 (,root) (,rdom)", "kc rdom 64 (%x11) (,rstart)",
    "kc joinf 64 (,sb,m,sb) (,jn,,,js)", "kfork js 7 (%ain the join,pg,dom)", "kc joinf 64 (,sb,m,sb) (,jn2,,,js2)", "kc msgbuff 100 (,sb,m,sb) (,mb)", "kc mb 0 (,returner)",
    "kc forkf 272 (,sb,m,sb) (,doit,ctl)", "kc ctl 0 (,returner)", "kc mkeeperf 0 (,sb,m,sb) (,mk)", "kfork mk 0xFFFFFFFF (%x00,,,nd,js2)",
    "cfact boxf mailbox.s 0x10C3", "kc boxf 0 (,sb,m,sb) (,box)", "kc box 3 () (,slot)", "kc slot 0 (%aletter,dom)",
    "newmeter mm", "kc tssf 3 (,sb,m,sb) (,zmk,zs,zo,zc)", "cfact trapf trap.s 1", "kfork trapf 0 (,sb,m,sb)",
    "cfact spinf spinner.s 1", "kc spinf 0 (,sb,m,sb) (,spin)", "kc joinf 64 (,sb,m,sb) (,late,,,slip)", "kc joinf 64 (,sb,m,sb) (,awake,,,alarm)",
    "kc waitf 0 (,sb,m,sb) (,wt2)", "kc joinf 64 (,sb,m,sb) (,post,,,ppost)",
]
# In mid-call: work, a wait for a time, one for a letter, a call of who is busy.
CALLS = ["kfork wt2 4 (%x40420F0000000000,,,,alarm)", "kc box 1", "kfork box 2 (,,,,ppost)", "kfork spin 0 (%%x%s,,,,slip)" % u32(ROUNDS).hex(),
         "kc forkf 256 (,sb,m,sb) (,fk)", "kc fk 0", "kc forkf 4096 (,sb,m,sb) (,stall)", "kfork stall 0 (%x00,,,spin)"]
# What tells of them and changes nothing.
ASKED = ["kt %s" % key for key in (
    "pg pgro nd fet seg met sen fro dk bank bpg bweak few dc dcweak dom kid fc2 fcweak fb ctrf req fetch cpy ctr peek fs fsro vcs vcsfac vcs2 names "
    "namesro entries sn snweak sia clk clkweak wt mbw rn jn mk mkeeperf doit ctl zmk mm mmnode console tssf zc sb m discrim returner dkc domtool "
    "nrange prange root rdom rootnode wombfacil systimer calclock copy kidc fsf vcsf snodef rcf waitf mbwaitf clockf siaf joinf forkf msgbuff bsloadf dcc fcc fc sbt").split()
] + ["kc discrim 0 (,%s)" % key for key in ("pg", "dk", "met", "res", "fault", "start", "dom", "zs", "zo")] + [
    "kc discrim 2 (,%s)" % pair for pair in ("pg,pg", "pg,pgro", "req,ctrf", "names,namesro", "start,start")
] + ["kc pg 41", "kc nd 3 () (,k)", "kc discrim 2 (,k,pg)", "kc nd 38 (,fet)", "kc nd 38 (,met)", "kc sen 40", "kc dk 1", "kc bank 65", "kc few 5", "kc few 21", "kc bweak 65",
     "kc sb 66 (,bweak)", "kc dcc 1 (,dc)", "kc dcc 1 (,dcweak)", "kc dc 2 (,start) (,k)", "kc discrim 2 (,k,dom)", "kc dc 3 (,res) (,k)", "kc discrim 2 (,k,dom)",
     "kc dc 3 (,fault) (,k)", "kc dom 21 () (,k)", "kc discrim 2 (,k,pg)", "kc dom 201", "kc dom 80 (,start)", "kc dom 73", "kc dom2 66",
     "kc kid 2 (,pg)", "kc kid 2 (,dom)", "kc kid 2 (,nd)", "kc fcweak 6 (,ctrf)", "kc fb 99 () (,k)", "kc discrim 2 (,k,pgro)", "kc fetch 96", "kc ctrf -1 (,req)", "kc cpy 96",
     "kc ctr 1", "kc peek 0 (%x0050000006000000,fs)", "kc fs 8", "kc fs 11", "kc fs 1", "kc peek 0 (%x0050000006000000,vcs2)", "kc peek 0 (%x0060000006000000,vcs2)", "kc vcs2 1", "kc vcs 17 (,sb) (,k)",
     "kc discrim 2 (,k,vcsfac)", "kc names 11 (%x0161) (,k)", "kc discrim 2 (,k,dom)", "kc names 8", "kc namesro 3 (%x0163)", "kc names 19", "kc names kt () (%x)", "kc entries 14",
     "kc sn 41 (%x78563412) (,k)", "kc discrim 2 (,k,dom)", "kc snweak 18 (,pg)", "kc clk 5 (%x0000000000000100)", "kc clkweak 1004 (%x08000000505354)", "kc wt 5", "kc wt 0",
     "kc mbw 5", "kc mbw 4 (id)", "kc nrange 1 (,rn)", "kc domtool 1 (,rstart,pg) (,k)", "kc root 38 (,k)", "kc domtool 0 (,root) (,k)", "kc discrim 2 (,k,rdom)",
     "kc rootnode 7 () (,k)", "kc k 10 () (,k)", "kc discrim 2 (,k,domtool)", "kc jn 1 () (,a,b)", "kc discrim 2 (,b,dom)", "kc doit 77 (%aecho,pg) (,k)", "kc discrim 2 (,k,pg)", "kc mb 5 (%abuffered,pg)",
     "kc mk 1", "readmeter mm", "space sb", "kc domtool 1 (,start,nd)", "kc checkpoint 1 (%xFFFFFFFFFFFFFFFF)"]


@limit(240)
def test_every_object():
    """Killed with one of every object alive and calls going on: every key means what it meant, and every call comes to its end."""
    one = Interpreter(os.path.join(ROOT, "tests/keykos/trap.ck"))
    one.say(*MADE, "say made", *ASKED, "say asked")
    one.wait_for(b"asked\n", 100)
    before = one.text.decode("latin-1").split("made\n", 1)[1].split("asked\n", 1)[0]
    one.say(*CALLS, "checkpoint", "say saved")
    one.wait_for(b"saved\n", 100)
    assert b"line " not in one.text, [line for line in one.text.decode("latin-1").split("\n") if line.startswith("line ")]
    one.kill()
    two = Interpreter(os.path.join(ROOT, "tests/keykos/trap.ck"))
    two.say("say again", *(line for line in ASKED if not line.startswith("space")), "say asked", "kc late 1 () (%x)", "kc awake 1", "kc slot 0 (%alast,pg)", "kc post 1 () (%a)",
            "kc spin 0 (%x01000000)", "kc sia 0", "kc ctr 0", "kfork res 0", "kc discrim 0 (,res)", "kc mk 0", "kc jn2 1 () (%x)", "kc bank kt+4", "kt bpg", "say end", "exit")
    two.wait_for(b"end\n", 150)
    after = two.text.decode("latin-1").split("again\n", 1)[1]
    after, ends = after.split("asked\n", 1)
    two.kill()
    asked = re.sub(r"\d+ Nodes and \d+ Pages\n", "", before)
    assert len(asked.split("\n")) > 190 and after == asked, "\n".join(difflib.unified_diff(asked.split("\n"), after.split("\n"), lineterm=""))
    assert ends.split("end\n")[0].split("\n")[:-1] == [
        "RC=0", "  %X" + u32(sum_of(ROUNDS)).hex().upper(), "RC=0", "RC=0", "RC=0", '  "last"', "RC=0", "  %X" + u32(sum_of(1)).hex().upper(),
        "RC=3", "RC=0", "  %X03000000", "RC=1", "RC=0", "RC=0", "RC=0", "KT=80000001"], ends


@limit(240)
def test_lives():
    """Each start of one disk reads the script it is given, behind what the last had not done yet; exit, Ctrl-C and the end of a script save all."""
    def start(script, programs=(), status=0):
        with open("life.cmd", "w") as file:
            file.write(script)
        result = run([KEROS, "keykos", "--disk", "d", "--script", "life.cmd", *programs], timeout=100)
        assert result.status == status, result
        return result.stdout.decode().splitlines()

    with open("x.cmd", "w") as file:
        file.write("say in a file\n")
    one = Interpreter()
    one.say("kc sb 16 () (,pg)", "cfact ctrf counter.s 0x10C0", "kc ctrf 0 (,sb,m,sb) (,ctr)", "kc ctr 0 () (n)", "checkpoint", "say saved", "pause 4000", "say slept")
    one.wait_for(b"saved\n")
    one.kill()
    out = start("kc ctr 0\nkt pg\nsay done\nforget pg\nnonsense", status=1)
    rest = ["RC=0", "  %X02000000", "KT=202", "done", "line 5: no command 'nonsense'; help lists them"]
    late = b"slept" in one.text                # killed so late that this may have been saved, too
    assert out[-6:] == ["slept", *rest] or (late and out[-5:] == rest), out
    assert start("kc ctr 0\nkt pg\n exit 7\nkc ctr 0\n", status=7) == ["RC=0", "  %X03000000", "line 2: there is no key 'pg'; ls lists what there is"]
    assert start("kc ctr 0\n") == ["RC=0", "  %X04000000"]
    assert start("") == []

    # Ctrl-C saves.
    two = Interpreter()
    two.say("kc ctr 0 () (n)", "kc ctr 0 () (n)", "say counted")
    two.wait_for(b"counted\n")
    assert two.kill(signal.SIGINT) == 130
    assert start("kc ctr 1\n") == ["RC=0", "  %X06000000"]

    # A program that is new, or other than it was, has its name; what was made of the old one is as it was.
    def program(name, code):
        with open(name, "w") as file:
            file.write('#include "keykos.h"\nKEY CALLER = 2;\nvoid factory(void) { JUMPBUF; KRETURN (CALLER, %s); }\n' % code)
        return name

    script = "cfact pf p.s 1\nkc pf 0 (,sb,m,sb)\n"
    assert start(script, [program("p.ck", 3)]) == ["RC=3"]
    assert start("kc pf 0 (,sb,m,sb)\n" + script + "cfact qf q.s 1\nkc qf 0 (,sb,m,sb)\nkc ctr 0\n",
                 [program("p.ck", 4), program("q.ck", 5)]) == ["RC=3", "RC=4", "RC=5", "RC=0", "  %X07000000"]
    assert start("kc pf 0 (,sb,m,sb)\n" + script + "cfact qf q.s 1\nkc qf 0 (,sb,m,sb)\ncmdfile x.cmd\n",
                 [program("p.ck", 4), "x.cmd"]) == ["RC=4", "RC=4", "RC=5", "in a file"]
