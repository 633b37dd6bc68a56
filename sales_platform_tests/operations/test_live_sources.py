"""How simulated traffic begins, begins again and ends; the simulators themselves are tested with their sources."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import pytest

from sales_platform.errors import DatabaseFailure, ServerUnavailable
from sales_platform.operations import live_sources
from sales_platform.operations.live_sources import Simulator, live_traffic
from sales_platform.settings import Settings

WAIT = 30


@pytest.fixture
def simulating(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Event], None]], Settings]:
    """Takes what one simulator of an embedded source does instead of traffic."""

    def let(traffic: Callable[[Event], None]) -> Settings:
        simulator = Simulator(lambda _settings, _seed: None, lambda _settings, stop: traffic(stop))
        monkeypatch.setattr(live_sources, "simulators", lambda: {"accounts": simulator})
        monkeypatch.setattr(live_sources, "PAUSE_SECONDS", 0.01)
        return Settings()

    return let


def test_a_simulator_that_loses_its_server_begins_again(
    simulating: Callable[[Callable[[Event], None]], Settings],
) -> None:
    begun, third = [], Event()

    def traffic(stop: Event) -> None:
        begun.append(1)
        if len(begun) < 3:
            raise ServerUnavailable("the server went away.")
        third.set()
        stop.wait(WAIT)

    stop = Event()
    with live_traffic(simulating(traffic), stop) as running:
        assert third.wait(WAIT)
        running.refuse_dead()
    assert stop.is_set()


def test_an_error_that_will_not_pass_is_raised_to_whoever_looks(
    simulating: Callable[[Callable[[Event], None]], Settings],
) -> None:
    failed = Event()

    def traffic(_stop: Event) -> None:
        failed.set()
        raise DatabaseFailure("no such table.")

    def look_until_it_is_raised() -> None:
        with live_traffic(simulating(traffic), Event()) as running:
            assert failed.wait(WAIT)
            while True:
                running.refuse_dead()

    with pytest.raises(DatabaseFailure, match="no such table"):
        look_until_it_is_raised()


def test_the_stop_that_up_is_given_ends_the_traffic(
    simulating: Callable[[Callable[[Event], None]], Settings],
) -> None:
    begun, ended, stop = Event(), Event(), Event()

    def traffic(over: Event) -> None:
        begun.set()
        assert over.wait(WAIT)
        ended.set()

    with live_traffic(simulating(traffic), stop):
        assert begun.wait(WAIT)
        stop.set()
        assert ended.wait(WAIT)
