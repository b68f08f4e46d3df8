"""The server of the web page: http.server of the standard library, for one person on one machine.

GET / is the page; POST /api/derive and /api/check take the requests of `symgrad batch` and give its results.  There is
nothing else: no file is found by its name, no session is kept.  Requests are bounded in size and in time; those of
other pages (DNS rebinding, forged requests) are refused by their Host, Origin and Content-Type.

>>> is_local("127.0.0.1:8000", "127.0.0.1"), is_local("evil.example:8000", "127.0.0.1")
(True, False)
"""

from __future__ import annotations

import base64
import errno
import hashlib
import ipaddress
import os
import re
import socket
import socketserver
import threading
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from symgrad.errors import DomainError, LimitError, ParseError, SymgradError, UnknownNameError
from symgrad.faces.batch import LINE_LIMIT
from symgrad.faces.web.pool import Pool, refusal

PAGES = ("/", "/index.html")
CALLS = {"/api/derive": "derive", "/api/check": "check"}
PATIENCE = 10.0  # seconds for a request to arrive
CONNECTIONS = 64  # at a time
DRAINED = 16 * 2**20  # bytes of a refused body that are still taken, so that the sender can read why
HTML, JSON = "text/html; charset=utf-8", "application/json; charset=utf-8"


class Refused(Exception):
    """A request that is answered with this status and error."""

    def __init__(self, status: int, error: SymgradError):
        super().__init__(status)
        self.status, self.error = status, error


# --- what is served -------------------------------------------------------------------------------


@cache
def page() -> str:
    """The one page, as it is in the package."""
    return files("symgrad.faces.web").joinpath("page.html").read_text(encoding="utf-8")


@cache
def policy() -> str:
    """The content security policy: the page's own script and style by their hashes, requests to this server."""
    return (
        f"default-src 'none'; script-src {_hashes('script')}; style-src {_hashes('style')}; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hashes(element: str) -> str:
    inside = re.findall(rf"<{element}>(.*?)</{element}>", page(), re.DOTALL)
    return " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in inside)


def is_local(host: str, served: str) -> bool:
    """Whether a Host header is that of this server: an address, localhost, or the name it is served under.

    A page that rebinds its own domain name to this machine still says that name.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", served.lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


# --- one request ----------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    server: Server
    server_version, sys_version = "symgrad", ""
    timeout = PATIENCE  # of a single read

    def setup(self) -> None:
        """However the bytes come in, at the end of our patience the connection is shut."""
        super().setup()
        self._deadline = threading.Timer(self.server.patience, self._give_up)
        self._deadline.daemon = True
        self._deadline.start()

    def _give_up(self) -> None:
        with suppress(OSError):  # it has been closed
            self.connection.shutdown(socket.SHUT_RD)

    def finish(self) -> None:
        """The end of the connection."""
        self._deadline.cancel()
        with suppress(OSError):  # nobody reads on
            super().finish()

    def handle(self) -> None:
        """Answer; a reader who has gone is no fault."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def answer(self) -> None:
        """Any method: the page, a call, or why not."""
        try:
            self._check_origin()
            status, kind, body = self._found(self.path.partition("?")[0])
        except Refused as refused:
            status, body = refusal(refused.status, refused.error)
            kind = JSON
        self._send(status, kind, body)
        if status >= 400:
            self._drain()

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = answer

    def _found(self, path: str) -> tuple[int, str, str]:
        if path in PAGES:
            self._check_method("GET", "HEAD")
            return 200, HTML, page()
        if path not in CALLS:
            raise Refused(404, UnknownNameError("there is no such page", hint=", ".join(("/", *CALLS))))
        self._check_method("POST")
        body = self._body()
        self._deadline.cancel()
        return _with_kind(JSON, self.server.pool.ask(CALLS[path], body))

    def _check_method(self, *allowed: str) -> None:
        if self.command not in allowed:
            self._allow = ", ".join(allowed)
            raise Refused(405, DomainError(f"{self.command} is not possible here", hint=self._allow))

    def _check_origin(self) -> None:
        hosts, origin = self.headers.get_all("Host", []), self.headers.get("Origin")
        if len(hosts) != 1 or not is_local(hosts[0], self.server.served):
            hint = f"http://{self.server.served}:{self.server.server_port}/, or --host NAME"
            raise Refused(403, DomainError("this server does not answer under that name", hint=hint))
        if origin is not None and urlsplit(origin).netloc != hosts[0]:
            raise Refused(403, DomainError("a request from another page"))

    def _body(self) -> str:
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, DomainError("the request is not JSON", hint="Content-Type: application/json"))
        lengths = self.headers.get_all("Content-Length", [])
        if "Transfer-Encoding" in self.headers or not lengths:
            raise Refused(411, DomainError("the request does not say how long it is", hint="Content-Length"))
        if len(lengths) > 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0]):
            raise Refused(400, DomainError("Content-Length is no number"))
        if int(lengths[0]) > LINE_LIMIT:
            raise Refused(413, LimitError(f"a request has at most {LINE_LIMIT} bytes"))
        try:
            data = self.rfile.read(int(lengths[0]))
        except TimeoutError:
            data = b""
        if len(data) < int(lengths[0]):
            raise Refused(408, LimitError("the request did not arrive in time, or not as long as it says"))
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(400, ParseError("the request is not UTF-8 text")) from None

    def _send(self, status: int, kind: str, body: str) -> None:
        data = body.encode("utf-8", "replace")
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Content-Security-Policy": policy(),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
            **({"Allow": self._allow} if status == 405 else {}),
            **({"Retry-After": "5"} if status == 503 else {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _drain(self) -> None:
        """Take what is still coming, within bounds: closing at once would make the sender lose our answer."""
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(1.0)
            left = DRAINED
            while left > 0 and (taken := len(self.connection.recv(65536))):
                left -= taken

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library refuses (a bad request line, endless headers), as JSON too."""
        self.command, self.request_version = getattr(self, "command", None) or "GET", self.protocol_version
        self._send(int(code), JSON, refusal(int(code), ParseError(message or "this is no request"))[1])
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what somebody derives is nobody's business."""


def _with_kind(kind: str, reply: tuple[int, str]) -> tuple[int, str, str]:
    return reply[0], kind, reply[1]


# --- the server -----------------------------------------------------------------------------------


class Server(ThreadingHTTPServer):
    """A thread for each connection, of which there are so many at most; the work is done by the pool.

    Raises DomainError where the address cannot be used.
    """

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would let two servers have one port

    def __init__(self, host: str, port: int, pool: Pool | None = None, patience: float = PATIENCE):
        self.served, self.pool, self.patience = host, pool or Pool(), patience
        self._free = threading.BoundedSemaphore(CONNECTIONS)
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), Handler)
        except (OSError, OverflowError) as error:
            raise _unusable(host, port, error) from error

    def server_bind(self) -> None:
        """Without asking the network for our name, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.served, self.server_address[1]

    @property
    def url(self) -> str:
        """Where the page is."""
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        host = anywhere.get(self.served, self.served)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """A connection too many waits a moment, and is closed if nothing gets free."""
        if self._free.acquire(timeout=1.0):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault of one connection ends that connection; it is shown where faults are looked for."""
        if os.environ.get("SYMGRAD_DEBUG") == "1":
            super().handle_error(request, client_address)

    def server_close(self) -> None:
        """Close the door and end the workers."""
        super().server_close()
        self.pool.close()


def _unusable(host: str, port: int, error: Exception) -> SymgradError:
    """Why an address cannot be used, and what to do."""
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 8000
        return DomainError(f"port {port} is in use", hint=f"--port {other}, or --port 0 for any that is free")
    if number == errno.EACCES:
        return DomainError(f"port {port} may not be used by you", hint="a port from 1024 on, such as --port 8000")
    said = (getattr(error, "strerror", None) or str(error)).lower()
    return DomainError(f"{host}, port {port} cannot be used: {said}", hint="--host 127.0.0.1 --port 8000")
