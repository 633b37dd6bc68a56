"""An HTTP proxy on loopback that passes requests on to one server, and fails those that a test chooses."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Belong to one connection, not to what is passed on.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "date", "server"}


class Fault(Enum):
    """How a request fails when no status is answered."""

    RESET = auto()  # the connection is reset, and the server never sees the request
    ANSWER_LOST = auto()  # the server does it, and the connection is reset before the answer
    CUT = auto()  # half of the answer's body, then a reset
    SILENCE = auto()  # nothing, until the test is over


@dataclass(frozen=True)
class Status:
    """An answer in place of the server's."""

    status: int
    code: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Rule:
    """Fails the requests that `chosen` picks by method and path, `times` of them, after `skip` that pass."""

    chosen: Callable[[str, str], bool]
    fault: Fault | Status
    skip: int = 0
    times: int = 1_000_000


class FaultProxy(ThreadingHTTPServer):
    """origin: where it listens. seen: every request that came, method and path with query."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = urlsplit(target).netloc
        self.origin = f"http://127.0.0.1:{self.server_port}"
        self.seen: list[str] = []
        self.over = threading.Event()
        self._rules: list[Rule] = []
        self._lock = threading.Lock()

    def fail(self, rule: Rule) -> None:
        self._rules.append(rule)

    def heal(self) -> None:
        self._rules.clear()
        self.seen.clear()

    def fault_of(self, method: str, path: str) -> Fault | Status | None:
        with self._lock:
            self.seen.append(f"{method} {path}")
            for rule in self._rules:
                if rule.chosen(method, path):
                    if rule.skip:
                        rule.skip -= 1
                    elif rule.times:
                        rule.times -= 1
                        return rule.fault
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultProxy

    def _serve(self) -> None:
        body = self._body()
        fault = self.server.fault_of(self.command, self.path)
        if isinstance(fault, Status):
            self._answer(fault.status, {"x-ms-error-code": fault.code, **fault.headers}, b"")
        elif fault is Fault.RESET:
            self._reset()
        elif fault is Fault.SILENCE:
            self.server.over.wait()
            self._reset()
        else:
            self._pass_on(body, fault)

    do_GET = do_PUT = do_HEAD = do_DELETE = _serve

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _pass_on(self, body: bytes, fault: Fault | None) -> None:
        upstream = http.client.HTTPConnection(self.server.target)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        if fault is Fault.ANSWER_LOST:
            self._reset()
            return
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        self._answer(answer.status, headers, content, cut=fault is Fault.CUT)

    def _answer(self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        if not any(name.lower() == "content-length" for name in headers):
            headers["Content-Length"] = str(len(content))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if cut else content)
        if cut:
            self.wfile.flush()
            self._reset()

    def _reset(self) -> None:
        """Close without a farewell: the other side sees a reset, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """The list of what was seen is the log."""

    def finish(self) -> None:
        with suppress(OSError, ValueError):  # it was reset
            super().finish()


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """Serve until the block ends; target: scheme, host and port of the server behind."""
    proxy = FaultProxy(target)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        proxy.over.set()
        proxy.shutdown()
        thread.join()
        proxy.server_close()
