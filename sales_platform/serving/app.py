"""The one ASGI application: the API, and the dashboard mounted below it, behind the same guards. Starts no server."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import Any, Protocol

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from sales_platform.metrics.registry import Registry, read_registry
from sales_platform.serving.access import Access
from sales_platform.serving.api import routes
from sales_platform.serving.api.documents import DESCRIPTION, OPENAPI, complete
from sales_platform.serving.api.kept_answers import KeptAnswers
from sales_platform.serving.guards import ApiTransport, Limits, SecurityHeaders
from sales_platform.serving.options import ServingOptions
from sales_platform.serving.pool import ReaderPool

TITLE = "Sales platform API"
# A page being drawn keeps the interpreter to itself for so long, while answers wait for it at each of their steps.
_TURN_SECONDS = 0.0005


class Mounted(Protocol):
    """An ASGI application whose start and end its parent calls, as Streamlit's is."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    def lifespan(self) -> Callable[[Any], AbstractAsyncContextManager[None]]: ...


def build_app(
    options: ServingOptions, dashboard: Mounted | None = None, registry: Registry | None = None
) -> ASGIApp:
    """The application for a server with one worker. The warehouse need not be up yet. registry: the
    project's own unless given; raises ContractError where a metric of that is wrong.

    FastAPI is the parent: as a child of Streamlit's application its unknown paths would be answered with a page.
    """
    app = FastAPI(
        title=TITLE,
        version=version("sales-platform"),
        description=DESCRIPTION,
        openapi_url=OPENAPI,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(options, dashboard),
    )
    app.state.options, app.state.registry = options, registry or read_registry()
    app.state.kept_answers = KeptAnswers()
    routes.install(app)
    complete(app, app.state.registry)
    if dashboard:
        app.mount("/", dashboard)
    guarded = Limits(Access(ApiTransport(app), options.api_key))
    return SecurityHeaders(guarded)


def _lifespan(
    options: ServingOptions, dashboard: Mounted | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as opened:
            if dashboard:
                await opened.enter_async_context(dashboard.lifespan()(app))
            pool = ReaderPool(options)
            pool.open()
            opened.callback(pool.close)
            opened.enter_context(_no_long_turns())
            app.state.pool = pool
            yield

    return lifespan


@contextmanager
def _no_long_turns() -> Iterator[None]:
    """Threads hand the interpreter on ten times as often as by default; and what was there at the start, all modules
    among it, is not searched for garbage again and again, which would hold up every answer for a tenth of a second.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before)
