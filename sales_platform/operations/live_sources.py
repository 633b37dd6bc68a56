"""The simulated OLTP sources under steady traffic, as long as somebody watches. What is written there, the simulators
know.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event

from sales_platform.errors import TransientError
from sales_platform.local.databases import external_url
from sales_platform.operations.simulating import DEFAULT_SEED
from sales_platform.settings import Settings

PAUSE_SECONDS = 5.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Simulator:
    """fill: give an empty source its history. traffic: write into it until the event is set."""

    fill: Callable[[Settings, int], object]
    traffic: Callable[[Settings, Event], object]


def simulators() -> Mapping[str, Simulator]:
    """Source → its simulator, at a pace that a laptop does not notice."""
    from sales_platform.operations.simulating_accounts import simulate_accounts, simulate_accounts_traffic
    from sales_platform.operations.simulating_invoicing import simulate_invoicing, simulate_invoicing_traffic

    return {
        "invoicing": Simulator(
            lambda settings, seed: simulate_invoicing(settings, seed=seed),
            lambda settings, stop: simulate_invoicing_traffic(settings, rate=1, seconds=None, stop=stop),
        ),
        "accounts": Simulator(
            lambda settings, seed: simulate_accounts(settings, seed=seed),
            lambda settings, stop: simulate_accounts_traffic(settings, rate=2, seconds=None, stop=stop),
        ),
    }


def simulated_sources(settings: Settings) -> list[str]:
    """The embedded ones: what an external source holds is real, and nobody asked for rows in it."""
    return [name for name in simulators() if external_url(settings, name) is None]


def fill_sources(settings: Settings, *, seed: int = DEFAULT_SEED) -> list[str]:
    """Give every embedded source that is empty a history; returns the names of the embedded ones."""
    names = simulated_sources(settings)
    for name in names:
        simulators()[name].fill(settings, seed)
    return names


class Traffic:
    """What runs in the background of the block of `live_traffic`."""

    def __init__(self, running: list[Future[None]]) -> None:
        self._running = running

    def refuse_dead(self) -> None:
        """Raise the error by which a simulator has ended, if one has."""
        for simulator in self._running:
            if simulator.done():
                simulator.result()


@contextmanager
def live_traffic(settings: Settings, stop: Event) -> Iterator[Traffic]:
    """Traffic on every embedded source until `stop` is set, which the end of the block does; no session outlives it."""
    names = simulated_sources(settings)
    with ThreadPoolExecutor(max(len(names), 1), thread_name_prefix="live") as pool:
        try:
            known = simulators()
            yield Traffic([pool.submit(_keep_alive, settings, name, known[name], stop) for name in names])
        finally:
            stop.set()


def _keep_alive(settings: Settings, name: str, simulator: Simulator, stop: Event) -> None:
    """Begin again after the server went away; any other error ends the simulator and is told by `refuse_dead`."""
    while not stop.is_set():
        try:
            simulator.traffic(settings, stop)
        except TransientError as error:
            log.warning("simulated traffic on %s pauses for %.0f s: %s", name, PAUSE_SECONDS, error)
            stop.wait(PAUSE_SECONDS)
