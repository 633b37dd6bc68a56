"""What every answer carries and every request keeps to, whoever gives it: headers, sizes, how many at once."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sales_platform.serving.api.problems import problem
from sales_platform.serving.options import (
    QUERY_BYTES,
    REQUESTS_AT_ONCE,
    RETRY_SECONDS,
    SOCKETS_AT_ONCE,
)

_EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_OF_API = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# The pages' scripts are Streamlit's own, which need more.
_OF_PAGES = "object-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
_API_PATHS = ("/api", "/swagger", "/healthz", "/readyz", "/visualization")
_TRY_AGAIN_LATER = 1013


def is_api(scope: Scope) -> bool:
    """Whether the path is ours and not the dashboard's."""
    return scope["type"] == "http" and any(
        scope["path"] == prefix or scope["path"].startswith(f"{prefix}/") for prefix in _API_PATHS
    )


class SecurityHeaders:
    """For answers of API and dashboard alike."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _EVERYWHERE.items():
                    headers[name] = value
                headers["content-security-policy"] = _OF_API if is_api(scope) else _OF_PAGES
            await send(message)

        await self._app(scope, receive, guarded)


class Limits:
    """Too long a URL, and too many requests or open pages at once, are refused before anything is done for them."""

    def __init__(
        self, app: ASGIApp, requests: int = REQUESTS_AT_ONCE, sockets: int = SOCKETS_AT_ONCE
    ) -> None:
        self._app = app
        self._most = {"http": requests, "websocket": sockets}
        self._now = {"http": 0, "websocket": 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind not in self._most:
            await self._app(scope, receive, send)
        elif len(scope["path"]) + len(scope["query_string"]) > QUERY_BYTES:
            await self._refuse(scope, receive, send, 414, f"A URL has {QUERY_BYTES:,} bytes at most.")
        elif self._now[kind] >= self._most[kind]:
            await self._refuse(scope, receive, send, 429, "Too many requests at once. Try again in a moment.")
        else:
            self._now[kind] += 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._now[kind] -= 1

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, detail: str) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER, "reason": detail})
        else:
            answer = problem(status, detail, headers={"Retry-After": str(RETRY_SECONDS)})
            await answer(scope, receive, send)


class ApiTransport:
    """Compression, and HEAD as a GET without its body, for the API alone: Streamlit has its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._compressed = GZipMiddleware(app, minimum_size=1_000, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not is_api(scope):
            await self._app(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _bodiless(send))
        else:
            await self._compressed(scope, receive, send)


def _bodiless(send: Send) -> Send:
    async def head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return head
