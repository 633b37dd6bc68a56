"""What `sales-platform serve` does: API and dashboard on one port, in the foreground, until it is asked to stop."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import FrameType
from typing import TYPE_CHECKING

from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import TransientError
from sales_platform.local.databases import Databases, external_url, using
from sales_platform.local.processes import LOOPBACK, free_port, stop_signals
from sales_platform.operations.opening import make_current
from sales_platform.settings import Settings

if TYPE_CHECKING:
    import uvicorn

    from sales_platform.serving.app import Mounted

EVERY_ADDRESS = "0.0.0.0"
# A page that stays open would else hold up the end.
GRACE_SECONDS = 5
IDLE_SECONDS = 30
log = logging.getLogger(__name__)
_DASHBOARD = "sales_platform.serving.dashboard"


def serve(
    settings: Settings,
    *,
    port: int | None = None,
    on_step: Callable[[str], None] = lambda _text: None,
    on_ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Serve until SIGINT or SIGTERM. on_ready hears the address.

    Only this machine is answered unless API_KEY is set. An external warehouse need not be up: until it is, answers and
    pages say so. Raises ConfigurationError where it lacks migrations.
    """
    wanted = port or settings.port
    chosen = free_port(wanted)
    if chosen != wanted:
        on_step(f"port {wanted} is taken by another program; taking {chosen}")
    if settings.api_key:
        on_step("answering every address of this machine, because API_KEY is set")
    # uvicorn hands a signal on when it has ended; unheard, it would end the process before the warehouse is left
    with stop_signals(), _warehouse(settings, on_step) as url:
        _server(settings, url, chosen, lambda: on_ready(f"http://{LOOPBACK}:{chosen}")).run()


@contextmanager
def _warehouse(settings: Settings, on_step: Callable[[str], None]) -> Iterator[str]:
    """The URL of a warehouse of the newest version, or of an external one that is down."""
    url = external_url(settings, "warehouse")
    if url is None:
        with using(settings, "warehouse") as databases:
            make_current(settings, databases, migrating=False)
            yield databases.url("warehouse")
        return
    try:
        Warehouse(url).connect().close()
        make_current(settings, Databases({"warehouse": url}), migrating=False)
    except TransientError as error:
        log.warning("%s", error)
        on_step("the warehouse does not answer yet; serving begins without it")
    yield url


def _server(settings: Settings, url: str, port: int, on_ready: Callable[[], None]) -> uvicorn.Server:
    import uvicorn

    from sales_platform.serving.app import build_app
    from sales_platform.serving.options import ServingOptions

    # Streamlit brings the log of requests back, and a URL may hold what somebody searched for.
    logging.getLogger("uvicorn.access").disabled = True
    key = settings.api_key.get_secret_value() if settings.api_key else None
    options = ServingOptions(Warehouse(url, settings.lock_timeout_seconds), settings.time_zone, key)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                on_ready()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            # a second Ctrl-C would cut off an end that takes GRACE_SECONDS at most, with a traceback
            if not self.should_exit:
                super().handle_exit(sig, frame)

    return Server(
        uvicorn.Config(
            build_app(options, _dashboard(settings, url)),
            host=EVERY_ADDRESS if key else LOOPBACK,
            port=port,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )


def _dashboard(settings: Settings, url: str) -> Mounted | None:
    """The pages; None in an installation that has the API alone."""
    if find_spec(_DASHBOARD) is None or find_spec(f"{_DASHBOARD}.asgi") is None:
        return None
    from sales_platform.serving.dashboard.asgi import dashboard_app

    app: Mounted = dashboard_app(url, dagster_url=f"http://{LOOPBACK}:{settings.ui_port}")
    return app
