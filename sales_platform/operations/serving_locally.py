"""What `sales-platform up` does: Dagster's UI and daemon over one code server, and what `serve` serves."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from sales_platform.local.processes import LOOPBACK, Children, children, free_port, is_listening, stop_signals
from sales_platform.operations.environment import dagster_home, variables
from sales_platform.operations.live import LiveShop
from sales_platform.operations.live_sources import fill_sources, live_traffic
from sales_platform.operations.opening import make_current, prepare_instance
from sales_platform.operations.source_databases import using_with_sources
from sales_platform.settings import Settings

LOCATION = "sales_platform.definitions"
START_SECONDS = 120.0
LOOK_SECONDS = 1.0


def up(
    settings: Settings,
    *,
    live: bool = False,
    port: int | None = None,
    on_step: Callable[[str], None] = lambda _text: None,
    on_ready: Callable[[str], None] = lambda _url: None,
) -> None:
    """Server, migrations, UI, daemon, dashboard and API in the foreground; returns after SIGINT or SIGTERM, all ended.

    live: the simulated shop goes on writing a day's files, and the embedded sources are under traffic. on_step hears
    what is being started, on_ready the address of the UI. Raises ServerUnavailable when one of the processes ends by
    itself.
    """
    with stop_signals() as stop, using_with_sources(settings, "warehouse", "dagster") as databases:
        applied = make_current(settings, databases, migrating=True)
        if applied:
            on_step(f"applied migrations {', '.join(applied)}")
        if left := prepare_instance(settings, databases):
            on_step(f"marked {len(left)} runs as failed whose processes were killed")
        with children(settings.logs, os.environ | variables(settings, databases)) as started:
            simulation = _Simulation(settings, on_step) if live else None
            wanted = port or settings.ui_port
            address = _start(settings, started, wanted, stop, on_step)
            if address:
                on_ready(address)
            with simulation.going_on(stop) if simulation else nullcontext() as going_on:
                while not stop.wait(LOOK_SECONDS):
                    started.refuse_dead()
                    if going_on:
                        going_on()
                on_step("stopping …")


class _Simulation:
    """The simulated company of `--live`: history and files at once, traffic and further files inside `going_on`."""

    def __init__(self, settings: Settings, on_step: Callable[[str], None]) -> None:
        self._settings = settings
        self._shop = LiveShop(settings)
        self._shop.look(datetime.now(UTC))
        simulated = fill_sources(settings)
        on_step(f"simulated live: the shop's files{''.join(f', {name}' for name in simulated)}")

    @contextmanager
    def going_on(self, stop: threading.Event) -> Iterator[Callable[[], None]]:
        """What to call again and again meanwhile."""
        with live_traffic(self._settings, stop) as traffic:

            def look() -> None:
                traffic.refuse_dead()
                self._shop.look(datetime.now(UTC))

            yield look


def workspace(port: int) -> str:
    """A Dagster workspace of one code server on loopback."""
    server = {"host": LOOPBACK, "port": port, "location_name": LOCATION}
    return json.dumps({"load_from": [{"grpc_server": server}]}, indent=2)


def _start(
    settings: Settings,
    started: Children,
    wanted: int,
    stop: threading.Event,
    on_step: Callable[[str], None],
) -> str | None:
    """Start all processes. Returns the UI's address, or None when a stop was asked for."""
    code_port = free_port()
    on_step("starting the code server …")
    started.start(
        "code-server",
        _program("dagster", "api", "grpc", "-h", LOOPBACK, "-p", str(code_port), "-m", LOCATION),
    )
    if not started.wait_until(lambda: is_listening(code_port), START_SECONDS, stop):
        return None
    file = _write_workspace(settings, code_port)
    port = free_port(wanted)
    if port != wanted:
        on_step(f"port {wanted} is taken by another program; taking {port}")
    on_step("starting the UI and the daemon …")
    started.start("daemon", _program("dagster-daemon", "run", "-w", file))
    started.start("webserver", _program("dagster-webserver", "-h", LOOPBACK, "-p", str(port), "-w", file))
    address = f"http://{LOOPBACK}:{port}"
    if not started.wait_until(lambda: _answers(f"{address}/server_info"), START_SECONDS, stop):
        return None
    return address if _start_serving(settings, started, stop, on_step) else None


def _start_serving(
    settings: Settings, started: Children, stop: threading.Event, on_step: Callable[[str], None]
) -> bool:
    """Start dashboard and API; False when a stop was asked for."""
    port = free_port(settings.port)
    if port != settings.port:
        on_step(f"port {settings.port} is taken by another program; taking {port}")
    on_step("starting the dashboard and the API …")
    started.start("serving", _program("sales-platform", "serve", "--port", str(port)))
    address = f"http://{LOOPBACK}:{port}"
    if not started.wait_until(lambda: _answers(f"{address}/healthz"), START_SECONDS, stop):
        return False
    on_step(f"Dashboard: {address}   API: {address}/api/docs")
    return True


def _write_workspace(settings: Settings, port: int) -> str:
    file = dagster_home(settings) / "workspace.yaml"
    file.write_text(workspace(port), encoding="utf-8")
    return str(file)


def _program(program: str, *arguments: str) -> list[str]:
    """A program of the environment that this process runs in."""
    return [str(Path(sys.executable).with_name(program)), *arguments]


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (URLError, HTTPException, OSError):
        return False
