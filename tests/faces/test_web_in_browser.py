"""The page's own script: its syntax by Node, its work by a browser without a window; each skipped where it is missing.

The browser opens the page with a question in its address, and what it then shows is read from the document.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

from symgrad.bank.writers.pdf import BROWSERS
from symgrad.faces.web.pool import Pool
from symgrad.faces.web.server import Server, page

BROWSER = next((name for name in BROWSERS if shutil.which(name)), None)
NODE = shutil.which("node")
PATIENCE = 120
VOID = {"meta", "link", "br", "input", "img", "mspace"}

in_browser = pytest.mark.skipif(BROWSER is None, reason="no browser is installed")


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
def test_the_script_is_javascript(tmp_path: Path) -> None:
    found = re.search(r"<script>(.*?)</script>", page(), re.DOTALL)
    assert found is not None
    file = tmp_path / "page.js"
    file.write_text(found[1], encoding="utf-8")
    run = subprocess.run([str(NODE), "--check", str(file)], capture_output=True, text=True, timeout=PATIENCE)
    assert run.returncode == 0, run.stderr


class Shown(HTMLParser):
    """The text and the tags inside every element that has an id."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str | None] = []
        self.text: dict[str, str] = {}
        self.tags: dict[str, list[str]] = {}
        self.attributes: dict[str, dict[str, str | None]] = {}
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        identity = given.get("id") or (tag if tag == "html" else None)
        if identity:
            self.attributes[identity] = given
        for outer in filter(None, self.open):
            self.tags.setdefault(outer, []).append(tag)
        if tag not in VOID:
            self.open.append(identity)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID and self.open:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        for outer in filter(None, self.open):
            self.text[outer] = self.text.get(outer, "") + data


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = Server("127.0.0.1", 0, Pool(jobs=2, seconds=PATIENCE))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()


def shown(address: str, profile: Path, **question: str) -> Shown:
    """What the page shows when its script has run."""
    fragment = "&".join(f"{key}={quote(value)}" for key, value in question.items())
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
        "--virtual-time-budget=20000", "--dump-dom", f"{address}#{fragment}",
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE)
    assert run.returncode == 0, run.stderr
    return Shown(run.stdout)


@in_browser
def test_a_derivative_its_steps_and_a_wrong_answer(address: str, tmp_path: Path) -> None:
    question = {"e": "x'*A*x", "w": "x", "d": "x: R^n; A: R^{n x n}", "m": "differential", "a": "2*A*x", "lang": "en"}
    found = shown(address, tmp_path, **question)
    assert "math" in found.tags["formula"]
    assert found.text["remarks"] == "mixed layout, n x 1"
    assert "agrees with 6 numeric comparisons" in found.text["checked"]
    assert found.text["written"] == "d/dx = (A + A')*x"
    assert found.tags["steps"].count("math") >= found.tags["steps"].count("li") >= 3
    assert "a matrix was taken as symmetric" in found.text["verdict"]
    assert "(A + A')*x" in found.text["verdict"]
    assert "error" not in found.text


@in_browser
def test_an_error_in_persian(address: str, tmp_path: Path) -> None:
    found = shown(address, tmp_path, e="x*z", w="x", d="x, z: R^n", lang="fa")
    assert found.attributes["html"]["dir"] == "rtl"
    assert "ضرب بردار ستونی (n x 1) در بردار ستونی (n x 1) شدنی نیست" in found.text["error"]
    assert "x'*z برای ضرب داخلی" in found.text["error"]
    assert "cannot" not in found.text["error"]
    assert found.attributes["expression"]["aria-invalid"] == "true"


@in_browser
def test_a_verdict_in_persian(address: str, tmp_path: Path) -> None:
    found = shown(address, tmp_path, e="x'*A*x", w="x", d="x: R^n; A: R^{n x n}", a="x'*(A+A')", lang="fa")
    assert "در چیدمان numerator درست است" in found.text["verdict"]
    assert found.text["remarks"] == "چیدمان mixed، n x 1"


@in_browser
def test_what_is_typed_stays_text(address: str, tmp_path: Path) -> None:
    found = shown(address, tmp_path, e="<img src=x>*x", w="x", lang="en")
    assert "img" not in found.tags["html"]
    assert "<img src=x>*x" in found.text["error"]
