"""Who is answered, what every answer carries, and how many at once: for requests and WebSockets alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from sales_platform.engine.warehouse import Warehouse
from sales_platform.serving.app import build_app
from sales_platform.serving.guards import Limits
from sales_platform.serving.options import ServingOptions

KEY = "0123456789abcdef"
NOWHERE = Warehouse("postgresql://nobody@127.0.0.1:1/none")


class Pages:
    """A dashboard of one page and one WebSocket, that notes whether it was begun and ended."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self._app = Starlette(
            routes=[
                WebSocketRoute("/stream", _talk),
                Route("/{rest:path}", lambda _: PlainTextResponse("page")),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def lifespan(self) -> Callable[[Any], AbstractAsyncContextManager[None]]:
        @asynccontextmanager
        async def life(_app: Any) -> AsyncIterator[None]:
            self.noted.append("begun")
            yield
            self.noted.append("ended")

        return life


async def _talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


def client(key: str | None, host: str = "127.0.0.1:8000") -> TestClient:
    app = build_app(ServingOptions(NOWHERE, api_key=key), Pages())
    return TestClient(app, base_url=f"http://{host}", follow_redirects=False)


def test_pages_are_mounted_below_the_api_and_begin_and_end_with_it() -> None:
    pages = Pages()
    app = build_app(ServingOptions(NOWHERE), pages)
    with TestClient(app, base_url="http://localhost") as api:
        assert [api.get(path).text for path in ("/", "/billing")] == ["page", "page"]
        assert api.get("/api/metrics").headers["content-type"] == "application/json"
        assert api.get("/api/nothing").status_code == 404
    assert pages.noted == ["begun", "ended"]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "10.0.0.1", ""])
def test_without_a_key_only_this_machine_is_answered_by_its_own_name(host: str) -> None:
    api = client(None)
    for path in ("/", "/api/metrics"):
        assert api.get(path, headers={"host": host}).status_code == 403
        assert api.get(path).status_code == 200
    with pytest.raises(WebSocketDisconnect), api.websocket_connect("/stream", headers={"host": host}):
        pass


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"x-api-key": KEY},
        {"authorization": "Basic dmlzaXRvcjowMTIzNDU2Nzg5YWJjZGVm"},  # visitor and the key
    ],
)
def test_with_a_key_whoever_has_it_is_answered(headers: dict[str, str]) -> None:
    api = client(KEY, "figures.example")
    for path in ("/", "/api/metrics"):
        refused = api.get(path)
        assert (refused.status_code, KEY in refused.text) == (401, False)
        assert refused.headers["www-authenticate"].startswith("Basic")
        assert api.get(path, headers=headers).status_code == 200
        api.cookies.clear()
    with api.websocket_connect("/stream", headers=headers) as socket:
        assert socket.receive_text() == "hello"


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer 0123456789abcdeX"},
        {"authorization": "Basic %%%"},
        {"authorization": "Basic"},
        {"x-api-key": ""},
        {"cookie": "sales_platform_visit=x"},
    ],
)
def test_with_a_wrong_key_nobody_is(headers: dict[str, str]) -> None:
    api = client(KEY)
    assert api.get("/api/metrics", headers=headers).status_code == 401
    assert api.get("/healthz", headers=headers).status_code == 200
    with pytest.raises(WebSocketDisconnect), api.websocket_connect("/stream", headers=headers):
        pass


def test_a_browser_that_gave_the_password_once_reaches_the_socket_by_its_cookie() -> None:
    api = client(KEY, "testserver")
    entered = api.get("/", auth=("anyone", KEY))
    assert "HttpOnly; SameSite=Strict" in entered.headers["set-cookie"]
    assert KEY not in entered.headers["set-cookie"]
    with api.websocket_connect("/stream") as socket:
        assert socket.receive_text() == "hello"


def test_every_answer_carries_the_security_headers_and_long_ones_of_the_api_are_compressed() -> None:
    api = client(None)
    for path in ("/", "/api/metrics", "/api/nothing", "/api/docs", "/healthz"):
        headers = api.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in api.get("/api/docs").headers["content-security-policy"]
    assert api.get("/api/metrics").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in api.get("/api/metrics", headers={"accept-encoding": "identity"}).headers


def test_beyond_the_limit_requests_are_told_to_come_later() -> None:
    """One is held; the next is refused at once, and another after its end is let in."""
    released = asyncio.Event()
    sent: list[int] = []

    async def held(_scope: Scope, _receive: Receive, send: Send) -> None:
        await released.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            sent.append(message["status"])

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def ask() -> None:
        limits = Limits(held, requests=1)
        scope: Scope = {"type": "http", "path": "/", "query_string": b"", "method": "GET", "headers": []}
        first = asyncio.create_task(limits(scope, receive, send))
        await asyncio.sleep(0)
        await limits(scope, receive, send)
        released.set()
        await first
        await limits(scope, receive, send)

    asyncio.run(ask())
    assert sent == [429, 200, 200]
