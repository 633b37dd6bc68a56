"""Concurrent traffic on the accounts system, through the ledger. How long it runs, who writes, when all stop.

What one writer does stands in `live_calls`.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

import psycopg

from sales_platform.engine.driver_errors import translated
from sales_platform.errors import ServerUnavailable, WrongUse
from sales_platform.sources.accounts.live_calls import Calls, Deed, KnownRows

WRITERS = 4
_WATCH_SECONDS = 0.1


@dataclass(frozen=True)
class TrafficReport:
    """What came of the traffic, in calls that ended; a deed that never happened is absent.

    done: how often each `Deed` happened, which for a rolled back one means that it left nothing.
    cut_off: connections that the server ended and that were opened again; their last calls may have happened.
    """

    seconds: float
    done: Mapping[str, int]
    cut_off: int

    @property
    def calls(self) -> int:
        return sum(self.done.values())

    def summary(self) -> str:
        """One line for a person."""
        cut = f"; {self.cut_off} connections cut off and opened again" if self.cut_off else ""
        return f"{self.calls:,} calls in {self.seconds:.0f} s{cut}"


def run_traffic(
    url: str,
    *,
    rate: float,
    seconds: float | None = None,
    writers: int = WRITERS,
    seed: int | None = None,
    stop: threading.Event | None = None,
) -> TrafficReport:
    """Let `writers` clients make `rate` calls per second together, and one more hold transactions open.

    Each has a connection of its own. It ends after `seconds`, or soon after `stop` is set, and commits or rolls
    back what is open. A writer that falls behind catches up. A source without accounts gets customers first.
    `seed` fixes what each client draws, not in which order they meet.

    Raises WrongUse for figures that make no sense, ServerUnavailable when the server goes or does not answer.
    """
    _refuse_impossible(rate, seconds, writers, stop)
    known = _known_rows(url)
    began = time.monotonic()
    halt = threading.Event()
    crew = [_Writer(url, known, seed, number, halt) for number in range(writers + 1)]
    jobs: list[Callable[[], None]] = [crew[0].hold_transactions_open]
    jobs += [lambda w=writer: w.call_at(rate / writers) for writer in crew[1:]]  # type: ignore[misc]
    with ThreadPoolExecutor(len(jobs), thread_name_prefix="accounts") as pool:
        pending = [pool.submit(job) for job in jobs]
        try:
            while not (stop and stop.is_set()):
                left = _WATCH_SECONDS if seconds is None else began + seconds - time.monotonic()
                if left <= 0 or wait(pending, min(_WATCH_SECONDS, left), FIRST_EXCEPTION).done:
                    break
        finally:
            halt.set()
    for job in pending:
        job.result()
    return TrafficReport(
        seconds=time.monotonic() - began,
        done=dict(sum((writer.done for writer in crew), Counter[str]())),
        cut_off=sum(writer.cut_off for writer in crew),
    )


def _refuse_impossible(
    rate: float, seconds: float | None, writers: int, stop: threading.Event | None
) -> None:
    for where, value in (("--rate", rate), ("--for", seconds), ("writers", writers)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise WrongUse("a positive number is needed.", where=where)
    if seconds is None and stop is None:
        raise WrongUse("traffic needs an end: seconds, or an event that stops it.")


def _known_rows(url: str) -> KnownRows:
    with translated("accounts"), psycopg.connect(url, connect_timeout=10) as connection:
        return KnownRows.read(connection)


class _Writer:
    """One client: connects, calls until all halt, and connects again when its connection was cut."""

    def __init__(
        self, url: str, known: KnownRows, seed: int | None, number: int, halt: threading.Event
    ) -> None:
        self._url = url
        self._calls = Calls(known, seed, number)
        self._halt = halt
        self.done: Counter[str] = Counter()
        self.cut_off = 0

    def call_at(self, rate: float) -> None:
        """Make `rate` calls per second."""
        began, made = time.monotonic(), 0

        def call(connection: psycopg.Connection) -> Deed:
            nonlocal made
            made += 1
            return self._calls.call(connection)

        self._until_halted(call, lambda: began + made / rate)

    def hold_transactions_open(self) -> None:
        """One transaction after the other stays open for seconds, then commits or is rolled back."""
        self._until_halted(lambda connection: self._calls.call_slowly(connection, self._halt), time.monotonic)

    def _until_halted(self, act: Callable[[psycopg.Connection], Deed], due: Callable[[], float]) -> None:
        while not self._halt.is_set():
            with (
                translated("accounts"),
                psycopg.connect(self._url, autocommit=True, connect_timeout=10) as connection,
            ):
                self._until_cut_off(connection, act, due)

    def _until_cut_off(
        self,
        connection: psycopg.Connection,
        act: Callable[[psycopg.Connection], Deed],
        due: Callable[[], float],
    ) -> None:
        """Returns when all halt, and when the connection is gone: connecting again tells whether the server is."""
        try:
            with translated("accounts", connection):
                while not self._halt.wait(max(0.0, due() - time.monotonic())):
                    self.done[act(connection)] += 1
        except ServerUnavailable:
            self.cut_off += 1
