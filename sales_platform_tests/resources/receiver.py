"""A real HTTP server on this machine that takes alerts, or does not. No mock: sockets, time-outs and redirects are
what is tested.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

SECRET_PATH = "T000/B000/very-secret-path"


class Receiver:
    """answer: the status it gives; None: it takes the request and never answers. bodies: what it took, as JSON."""

    def __init__(self) -> None:
        self.answer: int | None = 200
        self.location = ""
        self.bodies: list[Any] = []
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/{SECRET_PATH}"

    @property
    def texts(self) -> list[str]:
        return [body["text"] for body in self.bodies]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.answer is None:
                    receiver._over.wait(30)
                    return
                if receiver.answer == 200:
                    receiver.bodies.append(json.loads(body))
                self.send_response(receiver.answer)
                if receiver.location:
                    self.send_header("Location", receiver.location)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
