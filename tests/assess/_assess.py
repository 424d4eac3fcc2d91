"""What the tests of assess share."""

import json
import os

from lib import KEROS, run


def assess(out, command, *options, stdin=b"", status=0, timeout=110):
    """keros assess OPTIONS -o OUT -- COMMAND; its result with .report and .manifest."""
    if isinstance(command, str):
        command = ["sh", "-c", command]
    result = run([KEROS, "assess", "-o", out, *options, "--", *command], stdin=stdin, timeout=timeout)
    assert result.status == status, result
    with open(os.path.join(out, "report.json")) as f:
        result.report = json.load(f)
    with open(os.path.join(out, "manifest.toml")) as f:
        result.manifest = f.read()
    return result


def events(out):
    """The records of a run, with their counts."""
    records, by_id = [], {}
    with open(os.path.join(out, "events.jsonl")) as f:
        for line in f:
            e = json.loads(line)
            if "seen" in e:
                top = by_id[e["listing"]]["name"].rstrip("/")
                records += [{"kind": "path", "use": "seen", "name": top + "/" + n, "count": 1} for n in e["seen"]]
            elif "count" in e:
                by_id[e["id"]]["count"] = e["count"]
            elif "kind" in e:
                e["count"] = 1
                by_id[e["id"]] = e
                records.append(e)
    return records


def granted(report):
    return {g["path"]: g for g in report["grants"]}


def row(report, kind):
    return next(r for r in report["matrix"] if r["kind"] == kind)
