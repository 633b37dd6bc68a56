"""Who is answered: this machine, or whoever has the key. In pure ASGI, so that it covers WebSockets too."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sales_platform.serving.api.problems import problem

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
COOKIE = "sales_platform_visit"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
# what a WebSocket that is refused is closed with (RFC 6455: policy violation)
_REFUSED = 1008
log = logging.getLogger(__name__)


class Access:
    """Without a key: only requests that name this machine as their host, so that a page of another site, whose name
    was made to lead here, reads nothing. With one: `Authorization: Bearer KEY`, `X-API-Key: KEY`, or a browser's own
    question for a password, which is the key; the browser then keeps a cookie, because not all of them send passwords
    to WebSockets.
    """

    def __init__(self, app: ASGIApp, key: str | None) -> None:
        self._app = app
        self._key = key
        self._visit = hmac.new((key or "").encode(), b"visit", hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._key is None:
            if _host(headers) in LOOPBACK:
                await self._app(scope, receive, send)
            else:
                await _refuse(
                    scope, receive, send, 403, "Only this machine is answered, by its own name.", {}
                )
        elif _same(self._visit, _visit_of(headers)):
            await self._app(scope, receive, send)
        elif any(_same(self._key, said) for said in _keys_of(headers)):
            await self._app(scope, receive, self._remembered(scope, send))
        else:
            challenge = {"www-authenticate": 'Basic realm="sales platform: the password is the API key"'}
            await _refuse(scope, receive, send, 401, "The API key is missing or wrong.", challenge)

    def _remembered(self, scope: Scope, send: Send) -> Send:
        """The same `send`, with the cookie for whoever came by a password."""
        if not Headers(scope=scope).get("authorization", "").lower().startswith("basic "):
            return send
        safe = "; Secure" if scope["scheme"] in ("https", "wss") else ""
        cookie = f"{COOKIE}={self._visit}; HttpOnly; SameSite=Strict; Path=/{safe}"

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        return with_cookie


def _host(headers: Headers) -> str:
    host = headers.get("host", "")
    return host if host.endswith("]") else host.rpartition(":")[0] or host


def _visit_of(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _keys_of(headers: Headers) -> Iterable[str]:
    kind, _, said = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        yield said.strip()
    if kind.lower() == "basic":
        try:
            yield base64.b64decode(said, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            log.debug("a password that cannot be read")
    yield headers.get("x-api-key", "")


def _same(known: str, said: str) -> bool:
    """In a time that tells nothing about the key."""
    return hmac.compare_digest(known.encode(), said.encode())


async def _refuse(
    scope: Scope, receive: Receive, send: Send, status: int, detail: str, headers: dict[str, str]
) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _REFUSED, "reason": detail})
    else:
        await problem(status, detail, headers=headers)(scope, receive, send)
