"""The record and the manifest that is made from it."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from _assess import assess, events, granted, row  # noqa: E402
from lib import BUILD, KEROS, PATIENCE, expect, limit, run, tree_with, until  # noqa: E402


def test_probe_is_no_grant():
    """Names that were looked for in vain, and names that a listing showed, are told apart and never granted."""
    r = assess("a", "cat /etc/nosuch; ls /etc >/dev/null; cat /etc/hostname; nosuchprogram; true", "--runs", "1")
    grants = granted(r.report)
    assert not [p for p in grants if "nosuch" in p], grants
    by_path = {t["path"]: t for t in r.report["touched"]}
    assert by_path["/etc/nosuch"]["state"] == "absent", by_path["/etc/nosuch"]
    assert by_path["/bin/nosuchprogram"]["state"] == "absent"
    assert by_path["/etc/hostname"]["state"] == "exercised"
    assert r.report["numbers"]["probed_and_absent"] >= 5
    seen = [e for e in events("a") if e["use"] == "seen"]
    assert {"/etc/passwd", "/etc/group"} <= {e["name"] for e in seen}, seen


def test_manifest_is_deterministic():
    """Two assessments of the same run write the same manifest, byte for byte, and it is canonical."""
    first = assess("a", "sort /etc/passwd | tee /tmp/x$$; mktemp; ls /bin | wc -l")
    second = assess("b", "sort /etc/passwd | tee /tmp/x$$; mktemp; ls /bin | wc -l")
    assert first.manifest == second.manifest, first.manifest + second.manifest
    again = run([KEROS, "merge", "a/manifest.toml"])
    expect(again, stdout=first.manifest)


def test_rules_say_what_they_widened():
    """Temporary names become their folder, many files of one folder become the folder, and the manifest says so."""
    tree = tree_with({"/data/f%d" % i: "%d" % i for i in range(12)})
    r = assess("a", "for i in 1 2 3; do : >$(mktemp); done; cat /data/f1 /data/f2 /data/f3 /data/f4 /data/f5 /data/f6 "
               "/data/f7 /data/f8 /data/f9; stat /data >/dev/null", "--tree", tree)
    grants = granted(r.report)
    assert grants["/tmp"]["kind"] == "scratch" and "temporary names: 3 names" in grants["/tmp"]["widened"], grants["/tmp"]
    assert grants["/data"]["whole"] and "many siblings: 9 files" in grants["/data"]["widened"], grants["/data"]
    assert not [p for p in grants if p.startswith("/data/") or p.startswith("/tmp/")], grants
    assert {w["path"] for w in r.report["widened"]} >= {"/tmp", "/data"}


def test_evidence_counts():
    """The evidence of a grant is the number of uses that were seen."""
    r = assess("a", "i=0; while [ $i -lt 40 ]; do read x </etc/hostname; i=$((i+1)); done")
    assert granted(r.report)["/etc/hostname"]["evidence"] == 40, granted(r.report)["/etc/hostname"]


def test_secrets_are_withheld_and_told():
    """Names that hold secrets are not shown to the program; asking for them is recorded as refused, with the count."""
    tree = tree_with({"/root/.ssh/id_rsa": "a key", "/root/notes": "n", "/srv/tls/host.key": "k"})
    r = assess("a", "cat /root/notes; cat /root/.ssh/id_rsa; cat /root/.ssh/id_rsa; cat /srv/tls/host.key; true", "--tree", tree)
    assert b"a key" not in r.stdout and r.stdout == b"n", r
    denied = {d["name"]: d for d in r.report["denied"]}
    assert denied["/root/.ssh/id_rsa"]["count"] == 2 and "secrets" in denied["/root/.ssh/id_rsa"]["why"], denied
    assert "/srv/tls/host.key" in denied, denied
    assert not [p for p in granted(r.report) if ".ssh" in p or ".key" in p], r.manifest
    assert set(r.report["withheld"]) == {"/root/.ssh", "/root/.ssh/id_rsa", "/srv/tls/host.key"}, r.report["withheld"]


def test_a_large_folder_is_a_view():
    """A large folder is not copied but seen: changes stay in the sandbox, secrets are denied there too, and a grant of all
    that is below never takes them along."""
    os.makedirs("home/.ssh")
    with open("home/.ssh/id_rsa", "w") as f:
        f.write("a key\n")
    for i in range(30):
        with open("home/f%d" % i, "wb") as f:
            f.write(os.urandom(1000000))
    r = assess("a", "cat /me/f* | wc -c; echo new >/me/f0; : >/me/made; rm /me/f1; cat /me/.ssh/id_rsa; ls -a /me | wc -l", "--ro", "home:/me")
    assert r.stdout.startswith(b"30000000\n") and b"a key" not in r.stdout, r
    assert os.path.getsize("home/f0") == 1000000 and os.path.exists("home/f1") and not os.path.exists("home/made")
    assert [d for d in r.report["denied"] if d["name"].startswith("/me/.ssh")], r.report["denied"]
    grants = granted(r.report)
    assert "/me/f0" in grants and not [g for p, g in grants.items() if g["whole"] or ".ssh" in p], grants


def test_phoning_home_is_refused_and_told():
    """A program that connects to the network gets an ordinary error, and the report names whom it wanted and where."""
    tree = tree_with({"/bin/sockets": ("copy", os.path.join(BUILD, "programs", "sockets"))})
    r = assess("a", ["sockets", "net"], "--tree", tree)
    denied = {d["name"]: d for d in r.report["denied"]}
    assert denied["inet 192.0.2.1:443 tcp"]["error"] == "ENETUNREACH", denied
    assert {"connect", "main"} <= set(denied["inet 192.0.2.1:443 tcp"]["function"].split(" < ")), denied
    assert row(r.report, "network") == {"kind": "network", "title": "network", "used": 0, "needed": 0,
                                        "default": row(r.report, "network")["default"]}
    efforts = [a["effort"] for a in r.report["assumptions"] if a["what"] == "network"]
    assert efforts and max(efforts) == 3, r.report["assumptions"]


def test_kinds_are_counted():
    """Clock, random, identity, children, environment and unused streams are each recorded with their counts."""
    assess("a", "date >/dev/null; id >/dev/null; head -c 4 /dev/urandom >/dev/null; sleep 0; kill -0 $$; sh -c true", "--env", "MINE=1")
    found = {}
    for e in events("a"):
        found.setdefault((e["kind"], e["use"]), {})[e["name"]] = e["count"]
    assert "real time" in found["clock", "read"], found
    assert {"getuid", "geteuid"} & set(found["identity", "read"]), found["identity", "read"]
    assert "/dev/urandom" in found["device", "read"], found
    assert "MINE" in found["env", "visible"], found["env", "visible"]
    assert found["process", "spawn"]["child"] >= 3, found["process", "spawn"]
    with open("a/events.jsonl") as f:
        assert '{"unused":"standard input"}' in f.read()


def test_missing_calls_and_whether_they_mattered():
    """A call that is not there is told with whether it mattered: the C library's own are no trouble."""
    r = assess("a", ["busybox", "true"])
    missing = {c["call"]: c for c in r.report["missing"]}
    assert missing["rseq"]["mattered"] is False and missing["rseq"]["effort"] == 0, missing


@limit(200)
def test_verify_tells_what_is_needed():
    """The second run under the manifest is the same, and taking away each grant in turn tells which are needed."""
    r = assess("a", "grep root /etc/passwd; read x </etc/hostname; : </dev/null", "--verify", timeout=190)
    assert r.report["verify"]["same"] is True, r
    needed = {x["what"]: x["needed"] for x in r.report["verify"]["removed"]}
    assert needed["/etc/passwd"] and needed["/bin/busybox"], needed
    assert r.report["saturation"][0]["count"] == 0, r.report["saturation"]
    assert "Runs with" in r.report["verdict"]["text"]
    if os.path.exists("a/least.toml"):
        expect(run([KEROS, "run", "--manifest", "a/least.toml"]), stdout=r.stdout)


def test_merge_unites_runs():
    """--merge adds what another run needed, and diff says what that was."""
    assess("a", ["cat", "/etc/hostname"])
    r = assess("b", ["cat", "/etc/passwd"], "--merge", "a/manifest.toml")
    assert "/etc/hostname" in r.manifest and "/etc/passwd" in r.manifest and "runs = 2" in r.manifest, r.manifest
    diff = run([KEROS, "diff", "a/manifest.toml", "b/manifest.toml"])
    assert diff.status == 1 and b"+ grant /etc/passwd of the base tree\n" in diff.stdout, diff


def test_nothing_is_written_back():
    """What the program changes stays in the sandbox; with --write it is changed below --ro, and nowhere else."""
    os.makedirs("data")
    with open("data/f", "w") as f:
        f.write("before\n")
    assess("a", "echo after >/data/f; echo new >/data/g", "--ro", "data:/data")
    assert open("data/f").read() == "before\n" and os.listdir("data") == ["f"]
    r = assess("b", "echo after >/data/f; echo new >/data/g", "--ro", "data:/data", "--write")
    assert open("data/f").read() == "after\n" and sorted(os.listdir("data")) == ["f", "g"]
    assert 'rights = "write"' in r.manifest, r.manifest


def test_names_of_any_bytes():
    """A name that is no UTF-8 is recorded, granted, written into the manifest and enforced as the same bytes."""
    os.makedirs(b"data")
    with open(b"data/caf\xe9 \"x\"", "w") as f:
        f.write("found\n")
    r = assess("a", "cat /d/caf*", "--ro", "data:/d", "--verify")
    assert r.stdout == b"found\n" and r.report["verify"]["same"], r
    assert 'path = "/d/caf\\xe9 \\"x\\""' in r.manifest, r.manifest
    expect(run([KEROS, "run", "--manifest", "a/manifest.toml"]), stdout="found\n")


def test_interrupted_it_leaves_nothing():
    """Stopped from the keyboard, it ends and its folder of copies is gone."""
    import signal
    import subprocess
    os.makedirs("tmp")
    env = dict(os.environ, TMPDIR=os.path.abspath("tmp"))
    process = subprocess.Popen([KEROS, "assess", "-o", "a", "--", "sleep", "1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=env, start_new_session=True)
    until(lambda: any(os.path.exists(os.path.join("tmp", d, "1-wide.jsonl")) for d in os.listdir("tmp")), "the first run")
    os.killpg(process.pid, signal.SIGINT)
    status = process.wait(30 * PATIENCE)
    assert status != 0 and os.listdir("tmp") == [], (status, os.listdir("tmp"))


def test_bad_command_lines():
    """Each mistake on the command line is named, with status 2."""
    for options, words in (([], b"assess needs a command"), (["--tree", "nosuch", "--", "true"], b"no such file or folder"),
                           (["--with", "nosuchprogram", "--", "true"], b"there is no program nosuchprogram"),
                           (["--bank", "7", "--", "true"], b"--bank is for keros run"),
                           (["--nonsense", "--", "true"], b"no option '--nonsense'"),
                           (["--write", "--verify", "--", "true"], b"--write changes the host's files")):
        result = run([KEROS, "assess", "-o", "a", *options])
        assert result.status == 2 and words in result.stderr, (options, result)
