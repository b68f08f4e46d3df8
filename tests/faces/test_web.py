"""`symgrad serve`: the server, its calls and the page; what is hostile is refused and hurts nobody."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from symgrad.faces.batch import LINE_LIMIT
from symgrad.faces.cli import commands
from symgrad.faces.web.pool import Pool
from symgrad.faces.web.server import Server, is_local, page, policy

QUADRATIC = {"expression": "x'*A*x", "wrt": "x", "where": "x: R^n; A: R^{n x n}"}
JSON_HEAD = "POST /api/derive HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LONG = 90.0  # seconds that a test waits at most


@contextmanager
def served(pool: Pool, patience: float = LONG) -> Iterator[Server]:
    server = Server("127.0.0.1", 0, pool, patience)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(LONG)
        server.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served(Pool(jobs=2, seconds=LONG)) as found:
        yield found


def ask(
    server: Server, path: str, body: object = None, method: str = "POST", **headers: str
) -> tuple[int, dict[str, str], str]:
    """Status, headers and text; a body that is no text is written as JSON."""
    data = body if isinstance(body, str | bytes) else json.dumps(body)
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=LONG)
    try:
        connection.request(method, path, data if method == "POST" else None, sent)
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read().decode()
    finally:
        connection.close()


def raw(server: Server, text: str) -> str:
    """The reply to bytes as they are."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=LONG) as door:
        door.sendall(text.encode("latin-1"))
        found = b""
        while taken := door.recv(65536):
            found += taken
    return found.decode()


def error_of(text: str) -> dict[str, object]:
    found = json.loads(text)
    assert set(found) == {"error"}
    return found["error"]


# --- what it answers ------------------------------------------------------------------------------


def test_derive_has_the_fields_of_the_command(server: Server) -> None:
    status, headers, text = ask(server, "/api/derive", QUADRATIC)
    command = ["derive", "x'*A*x", "--wrt", "x", "--where", "x: R^n; A: R^{n x n}", "--json"]
    assert status == 200 and headers["Content-Type"].startswith("application/json")
    assert json.loads(text) == json.loads(CliRunner().invoke(commands, command).output)
    assert json.loads(text)["text"] == "(A + A')*x"


@pytest.mark.parametrize(("answer", "correct"), [("(A+A')*x", True), ("A'*x + A*x", True), ("2*A*x", False)])
def test_check_has_the_fields_of_the_command(server: Server, answer: str, correct: bool) -> None:
    status, _, text = ask(server, "/api/check", {**QUADRATIC, "answer": answer})
    command = ["check", "x'*A*x", "--wrt", "x", "--where", "x: R^n; A: R^{n x n}", "--answer", answer, "--json"]
    assert status == 200 and json.loads(text)["correct"] is correct
    assert json.loads(text) == json.loads(CliRunner().invoke(commands, command).output)


def test_options_are_those_of_derive(server: Server) -> None:
    program = "l = W*x;\nL = l'*l"
    where = "W: R^{m x n}; x: R^n"
    body = {"expression": program, "wrt": ["x"], "where": where, "of": "L", "layout": "numerator", "steps": "chain"}
    found = json.loads(ask(server, "/api/derive", body)[2])
    assert found["of"] == "L" and found["shape"] == [1, "n"] and found["steps"]
    asked = {"expression": "x'*A*x", "wrt": "x", "where": "A: R^{n x n} symmetric", "infer": True, "answer": "2*A*x"}
    assert json.loads(ask(server, "/api/check", asked)[2])["correct"] is True


def test_what_is_wanted_also(server: Server) -> None:
    names = ["answer", "remarks", "mathml", "check", "sentences", "numpy", "jax", "torch"]
    found = json.loads(ask(server, "/api/derive", {**QUADRATIC, "steps": "index", "also": names})[2])
    also = found["also"]
    assert list(also) == [*names, "remarks_fa"] and also["answer"] == "d/dx = (A + A')*x"
    assert also["remarks_fa"][0] == "چیدمان mixed، n x 1"
    assert also["check"]["ok"] is True
    assert "import numpy" in also["numpy"] and "jax" in also["jax"] and "torch" in also["torch"]
    assert also["mathml"]["result"].startswith("<math")
    assert len(also["mathml"]["steps"]) == len(also["sentences"]) == len(found["steps"]) > 2
    assert all(set(said) == {"en", "fa"} for said in also["sentences"])
    wrong = json.loads(ask(server, "/api/check", {**QUADRATIC, "answer": "2*A*x", "also": ["mistakes", "numpy"]})[2])
    assert wrong["also"]["mistakes"][0]["id"] == "assumed symmetric" and wrong["also"]["mistakes"][0]["title"]["fa"]
    assert "numpy" in wrong["also"]["numpy"]["error"]["message"]
    assert ask(server, "/api/derive", {**QUADRATIC, "also": ["nmpy"]})[0] == 400
    assert ask(server, "/api/derive", {**QUADRATIC, "also": "numpy"})[0] == 400


@pytest.mark.parametrize(
    ("call", "change", "kind", "place"),
    [
        ("derive", {"expression": "x'*(A*x"}, "ParseError", ("expression", 1, 4, 1)),
        ("derive", {"expression": "h = A*x\nh'*zz"}, "UnknownNameError", ("expression", 2, 4, 2)),
        ("derive", {"where": "x: R^n;\nA: Q^3"}, "ParseError", ("where", 2, 4, 1)),
        ("check", {"answer": "2*q"}, "UnknownNameError", ("answer", 1, 3, 1)),
    ],
)
def test_errors_say_where(server: Server, call: str, change: dict, kind: str, place: tuple) -> None:
    status, _, text = ask(server, f"/api/{call}", {**QUADRATIC, **change})
    error = error_of(text)
    assert status == 400 and error["type"] == kind
    assert (error["in"], error["line"], error["column"], error["length"]) == place


def test_many_at_a_time(server: Server) -> None:
    found: dict[int, object] = {}

    def one(k: int) -> None:
        found[k] = json.loads(ask(server, "/api/derive", {"expression": f"{k}*x'*x", "wrt": "x"})[2])["text"]

    threads = [threading.Thread(target=one, args=(k,)) for k in range(2, 22)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert found == {k: f"{2 * k}*x" for k in range(2, 22)}


# --- what it refuses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    ["", "{", "[1]", "null", '"x"', "[" * 100_000, '{"a":' * 50_000, '{"expression": "x"}',
     '{"expression": 3, "wrt": "x"}', '{"expression": "x", "wrt": {}}',
     '{"expression": "x", "wrt": "x", "file": "/etc/passwd"}',
     json.dumps({"expression": "(" * 5000 + "x", "wrt": "x"}),
     json.dumps({"expression": "x" + "'" * 90_000, "wrt": "y"}),
     json.dumps({**QUADRATIC, "answer": "x"}), '{"expression": "\\ud800", "wrt": "x"}', "\x00\n\r\n"],
)  # fmt: skip
def test_bad_requests(server: Server, body: str) -> None:
    status, _, text = ask(server, "/api/derive", body)
    assert status == 400 and error_of(text)["message"]


@pytest.mark.parametrize(
    "expression", ["@/etc/passwd", "__import__('os').system('true')", "open('/etc/passwd')", "-", "(lambda: 0)()"]
)
def test_input_is_neither_run_nor_a_file(server: Server, expression: str) -> None:
    status, _, text = ask(server, "/api/derive", {"expression": expression, "wrt": "x"})
    assert status == 400 and "root:" not in text


def test_check_wants_an_answer(server: Server) -> None:
    status, _, text = ask(server, "/api/check", QUADRATIC)
    assert status == 400 and "answer" in str(error_of(text)["message"])


@pytest.mark.parametrize("size", [LINE_LIMIT + 1, 10_000_000])
def test_a_body_too_large(server: Server, size: int) -> None:
    status, _, text = ask(server, "/api/derive", b"x" * size)
    assert status == 413 and error_of(text)["type"] == "LimitError"


def test_not_utf8(server: Server) -> None:
    assert ask(server, "/api/derive", b"\xff\xfe{}")[0] == 400


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "/../../../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/page.html", "/server.py",
     "/api/", "/api/derive/", "/..\\..\\x", "/\u00a0".encode().decode("latin-1").replace("\u00c2\u00a0", "%c2%a0")],
)  # fmt: skip
def test_nothing_else_is_served(server: Server, path: str) -> None:
    status, _, text = ask(server, path, method="GET")
    assert status == 404 and error_of(text)["type"] == "UnknownNameError"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/api/derive", "POST"), ("PUT", "/api/check", "POST"), ("DELETE", "/", "GET, HEAD"),
     ("OPTIONS", "/api/derive", "POST"), ("POST", "/", "GET, HEAD")],
)  # fmt: skip
def test_methods(server: Server, method: str, path: str, allowed: str) -> None:
    status, headers, _ = ask(server, path, {}, method=method)
    assert status == 405 and headers["Allow"] == allowed


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", ""]
)
@pytest.mark.parametrize("path", ["/", "/api/derive"])
def test_another_host_is_refused(server: Server, host: str, path: str) -> None:
    assert ask(server, path, QUADRATIC, method="GET" if path == "/" else "POST", Host=host)[0] == 403


def test_hosts() -> None:
    assert all(is_local(h, "127.0.0.1") for h in ("localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000"))
    assert is_local("class.example:8000", "class.example") and not is_local("class.example", "0.0.0.0")
    assert not any(is_local(h, "127.0.0.1") for h in ("", "[", "a@evil.example", "localhost@evil.example", "evil"))


def test_forged_requests_are_refused(server: Server) -> None:
    assert ask(server, "/api/derive", QUADRATIC, Origin="http://evil.example")[0] == 403
    assert ask(server, "/api/derive", QUADRATIC, Origin="null")[0] == 403
    assert ask(server, "/api/derive", QUADRATIC, Origin=f"http://127.0.0.1:{server.server_port}")[0] == 200
    assert ask(server, "/api/derive", json.dumps(QUADRATIC), Content_Type="text/plain")[0] == 415


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (JSON_HEAD, 411),
        (JSON_HEAD + "Content-Length: -1\r\n", 400),
        (JSON_HEAD + "Content-Length: 1e9\r\n", 400),
        (JSON_HEAD + "Content-Length: 2\r\nContent-Length: 3\r\n", 400),
        (JSON_HEAD + "Transfer-Encoding: chunked\r\n", 411),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n", 403),
        ("GET / HTTP/1.1\r\n", 403),
        ("GET /" + "a" * 70_000 + " HTTP/1.1\r\n", 414),
        ("GET / HTTP/1.1\r\n" + "".join(f"A{k}: b\r\n" for k in range(200)), 431),
        ("nonsense\r\n", 400),
        ("BREW / HTTP/1.1\r\nHost: localhost\r\n", 501),
    ],
)  # fmt: skip
def test_bad_heads(server: Server, head: str, status: int) -> None:
    found = raw(server, head + "\r\n")
    assert found.startswith(f"HTTP/1.0 {status} "), found[:200]
    assert error_of(found.partition("\r\n\r\n")[2])


# --- bounded work ---------------------------------------------------------------------------------


def test_a_request_that_never_ends_harms_no_other() -> None:
    with served(Pool(jobs=1, seconds=LONG), patience=1.0) as server:
        slow = socket.create_connection(("127.0.0.1", server.server_port), timeout=LONG)
        slow.sendall(f"{JSON_HEAD}Content-Length: 100\r\n\r\n{{".encode())
        assert ask(server, "/", method="GET")[0] == 200
        assert slow.recv(65536).startswith(b"HTTP/1.0 408 ")
        slow.close()


def test_work_is_bounded_and_others_go_on() -> None:
    """A worker that is stopped stands for one that works for ever: it says nothing, and nothing of it is asked."""
    pool = Pool(jobs=2, seconds=LONG)
    with served(pool) as server:
        assert ask(server, "/api/derive", QUADRATIC)[0] == 200
        (stuck,) = [place.process for place in pool._places if place.process]
        pool.seconds = 1.0
        stuck.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        statuses = sorted(s for s, _, _ in _together(server, 2))
        assert statuses == [200, 504] and time.monotonic() - began < LONG
        assert stuck.process.poll() is not None
        pool.seconds = LONG
        assert [s for s, _, _ in _together(server, 2)] == [200, 200]


def _together(server: Server, count: int) -> list[tuple[int, dict[str, str], str]]:
    found: list[tuple[int, dict[str, str], str]] = []
    one = lambda: found.append(ask(server, "/api/derive", QUADRATIC))  # noqa: E731
    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    return found


def test_a_worker_that_dies_is_replaced() -> None:
    pool = Pool(jobs=1, seconds=LONG)
    try:
        request = json.dumps(QUADRATIC)
        assert pool.ask("derive", request)[0] == 200
        pool._places[0].process.process.kill()
        pool._places[0].process.process.wait()
        assert pool.ask("derive", request)[0] == 504
        assert pool.ask("derive", request)[0] == 200
    finally:
        pool.close()


def test_computing_is_bounded_by_the_system() -> None:
    pool = Pool(jobs=1, seconds=1.0)
    parts = "; ".join(f"h{k} = tanh(A*h{k - 1}) .* sigmoid(B*h{k - 1})" for k in range(1, 1500))
    body = {"expression": f"h0 = x; {parts}; sum(h1499)", "wrt": ["x", "x"], "steps": "index", "also": ["check"]}
    began = time.monotonic()
    status, text = pool.ask("derive", json.dumps(body))
    pool.close()
    assert time.monotonic() - began < LONG
    assert status in (400, 504) and error_of(text)["type"] in ("LimitError", "MethodError")


def test_busy_is_said() -> None:
    pool = Pool(jobs=1, seconds=0.05)
    pool._idle.get()
    status, text = pool.ask("derive", "{}")
    assert status == 503 and "busy" in str(error_of(text)["message"])


# --- the page -------------------------------------------------------------------------------------

VOID = {"meta", "link", "input", "br"}


class Reader(HTMLParser):
    """Every element closed in order; what is named, and what names it."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def reader() -> Reader:
    found = Reader()
    found.feed(page())
    found.close()
    return found


def test_the_page_is_served_with_its_policy(server: Server) -> None:
    status, headers, text = ask(server, "/", method="GET")
    assert status == 200 and text == page() and headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"] == policy() and headers["X-Content-Type-Options"] == "nosniff"
    status, headers, text = ask(server, "/", method="HEAD")
    assert status == 200 and text == "" and int(headers["Content-Length"]) == len(page().encode())


def test_the_policy_knows_exactly_the_pages_own_script(reader: Reader) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", page(), re.DOTALL)
    expected = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{expected}';" in policy() and "unsafe" not in policy()
    assert not [a for a in reader.attributes if a[1] == "style" or a[1].startswith("on")]
    assert "innerHTML" not in script and "eval(" not in script


def test_the_page_is_well_formed(reader: Reader) -> None:
    assert reader.open == [] and len(set(reader.ids)) == len(reader.ids)
    used = re.findall(r'\$\("([\w]+)"\)', page())
    assert used and set(used) <= set(reader.ids)
    for _, name, value in reader.attributes:
        if name in ("for", "aria-labelledby", "aria-describedby"):
            assert set(value.split()) <= set(reader.ids), value


def test_every_field_has_a_label(reader: Reader) -> None:
    labelled = {value for tag, name, value in reader.attributes if (tag, name) == ("label", "for")}
    fields = re.findall(r'<(?:input|textarea|select) id="(\w+)"', page())
    assert len(fields) == 8 and set(fields) == labelled


def test_the_page_needs_nothing_from_elsewhere(reader: Reader) -> None:
    addresses = [v for _, name, v in reader.attributes if name in ("src", "href", "action", "srcset")]
    assert all(address.startswith("data:") for address in addresses)
    named = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", page()))
    assert named == {"http://www.w3.org/1998/Math/MathML"}  # the name of a language, never fetched
    assert not re.search(r"@import|url\(", page())


def test_both_languages_say_everything() -> None:
    table = re.search(r"const SAY = \{(.*?)\n\};", page(), re.DOTALL)
    assert table
    english, persian = re.split(r"\n  fa: \{", table[1])
    names = [set(re.findall(r'(?:^|[{,]|\s)(\w+): "', re.sub(r'"[^"]*"', '""', part))) for part in (english, persian)]
    assert names[0] == names[1] and len(names[0]) > 50
    assert set(re.findall(r'data-say="(\w+)"', page())) <= names[0]


# --- the command ----------------------------------------------------------------------------------


def test_a_port_in_use(server: Server) -> None:
    found = CliRunner().invoke(commands, ["serve", "--port", str(server.server_port)])
    assert found.exit_code == 2 and f"port {server.server_port} is in use" in found.output and "--port" in found.output


@pytest.mark.parametrize("options", [["--host", "203.0.113.7"], ["--host", "no such host"], ["--port", "70000"]])
def test_an_address_that_cannot_be_used(options: list[str]) -> None:
    found = CliRunner().invoke(commands, ["serve", "--port", "0", *options])
    assert found.exit_code == 2 and "Traceback" not in found.output


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_it() -> None:
    command = [sys.executable, "-u", "-m", "symgrad", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert re.fullmatch(r"symgrad is at http://127\.0\.0\.1:\d+/ \(Ctrl-C ends it\)\n", said)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONG)
    assert process.returncode == 0 and out.strip() == "stopped" and err == ""
