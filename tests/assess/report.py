"""The report: one page that needs nothing else, opened as a user opens it."""

import html.parser
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from _assess import assess  # noqa: E402
from lib import PATIENCE, ROOT, limit, skip, tree_with  # noqa: E402

VOID = {"meta", "br", "line", "circle"}


class Balance(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.wrong = [], set(), []

    def handle_starttag(self, tag, attributes):
        self.ids.update(value for name, value in attributes if name == "id")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        while self.open and self.open[-1] != tag and self.open[-1] in ("td", "th", "tr", "li"):
            self.open.pop()
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def sample():
    """A page with something in every part, and names that try to be markup."""
    tree = tree_with({"/data/<script>alert(1)</script>": "x", "/data/a&b": "y", "/root/.ssh/id_rsa": "k"})
    return assess("a", "cat /data/*; cat /root/.ssh/id_rsa; wget -q http://192.0.2.1/; : >$(mktemp); ls /data >/dev/null; "
                  "sleep 0; date >/dev/null; true", "--tree", tree)


def test_page_is_whole():
    """The page is well-formed, asks nothing of the network, and names from the program cannot become markup."""
    r = sample()
    page = open("a/report.html", encoding="utf-8").read()
    assert "table{border-collapse:collapse;width:100%}" in page and "%%" not in page
    parser = Balance()
    parser.feed(page)
    assert not parser.wrong and not parser.open, (parser.wrong, parser.open)
    assert {"verdict", "picture", "before", "after", "matrix", "grants", "denied", "assumptions", "missing", "touched",
            "saturation", "risks", "manifest"} <= parser.ids, parser.ids
    assert not re.search(r"(src|href)=|@import|url\(|<script|<link", page), "it would load something"
    assert "&lt;script&gt;alert(1)" in page
    assert page.count('class="spoke"') == len(r.report["matrix"]) + sum(row["needed"] > 0 for row in r.report["matrix"])


def browser():
    """A headless browser; it is large, so it is installed only for this test, if that may be done."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if shutil.which(name):
            return shutil.which(name)
    subprocess.run([os.path.join(ROOT, "configure"), "--optional", "chromium"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return shutil.which("chromium") or skip("no headless browser; as root: ./configure --optional chromium")


@limit(400)
def test_picture_in_a_browser():
    """A browser that has no network shows the picture: a spoke for each kind before, one for each needed kind after."""
    program = browser()
    r = sample()
    probe = ("<script>addEventListener('load',()=>{const s=document.querySelector('#picture').getBoundingClientRect();"
             "const n=(q)=>document.querySelectorAll(q).length;const t=document.createElement('p');t.id='probe';"
             "const seen=[...document.querySelectorAll('#after .spoke')].filter(e=>e.getBoundingClientRect().width+e.getBoundingClientRect().height>10).length;"
             "t.textContent=[Math.round(s.width),Math.round(s.height),n('#before .spoke'),seen,n('#after circle'),n('#matrix tr'),"
             "document.fonts?performance.getEntriesByType('resource').length:-1].join(' ');document.body.append(t)})</script></body>")
    with open("a/report.html", encoding="utf-8") as f:
        page = f.read()
    with open("a/probe.html", "w", encoding="utf-8") as f:
        f.write(page.replace("</body>", probe))
    result = subprocess.run([program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                             "--user-data-dir=" + os.path.abspath("profile"), "--host-resolver-rules=MAP * ~NOTFOUND",
                             "--window-size=1200,2000", "--virtual-time-budget=5000", "--screenshot=" + os.path.abspath("a/page.png"),
                             "--dump-dom", "file://" + os.path.abspath("a/probe.html")],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=200 * PATIENCE)
    found = re.search(rb'<p id="probe">(\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (-?\d+)</p>', result.stdout)
    assert found, result.stderr[-2000:]
    width, height, before, after, dots, rows, loaded = map(int, found.groups())
    matrix = r.report["matrix"]
    assert width > 800 and height > 300, (width, height)
    assert before == len(matrix) and dots == len(matrix) + 1 and rows == len(matrix) + 1, found.groups()
    assert after == sum(row["needed"] > 0 for row in matrix), (after, matrix)
    assert loaded == 0, "the page loaded %d things" % loaded
