"""Real concurrent traffic on the invoicing database: threads, their pace, how transactions end. No row is drawn here.

Some transactions stay open for seconds and commit late, some are rolled back, some undo a part at a
savepoint: what a reader of changes has to stand.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from math import ceil
from threading import Event, Lock

import psycopg

from sales_platform.engine.driver_errors import translated
from sales_platform.errors import WrongUse
from sales_platform.sources.invoicing.changes import KINDS
from sales_platform.sources.invoicing.draws import Draws
from sales_platform.sources.invoicing.generator import make_history, yesterday
from sales_platform.sources.invoicing.history import SMALL
from sales_platform.sources.invoicing.sessions import DOMAIN, session

FEWEST_WRITERS, MOST_WRITERS = 4, 32
RATE_OF_A_WRITER = 5
"""Transactions per second that a writer manages, those that it keeps open for seconds included."""
SHORTEST_HOLD, LONGEST_HOLD = 1.0, 4.0
"""Seconds that a late transaction stays open."""
ATTEMPTS = 10
LOOK_EVERY = 0.1
FIRST_SEED = 42


class _End(Enum):
    """How a transaction ends."""

    COMMIT = "committed"
    LATE = "committed after seconds"
    ROLLBACK = "rolled back"
    SAVEPOINT = "committed, a part of it undone at a savepoint"


_ENDS = tuple(_End)
_SHARES = (80, 5, 5, 10)

# Two sessions met: the next attempt finds what the other one left.
_PASSING = (
    psycopg.errors.DeadlockDetected,
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.ForeignKeyViolation,
    psycopg.errors.RestrictViolation,
    psycopg.errors.UniqueViolation,
)


@dataclass(frozen=True)
class TrafficReport:
    """What was done, by kind: committed or rolled back on purpose; how many of them late, and how many retries.

    undone: deeds that were taken back at a savepoint of a transaction that was committed.
    """

    committed: Mapping[str, int]
    rolled_back: Mapping[str, int]
    undone: Mapping[str, int]
    late: int
    retried: int
    seconds: float

    def summary(self) -> str:
        """One line for a person."""
        committed, rolled_back = sum(self.committed.values()), sum(self.rolled_back.values())
        return (
            f"{committed:,} transactions in {self.seconds:.0f} s, {self.late} of them committed late; "
            f"{rolled_back} rolled back, {sum(self.undone.values())} undone at a savepoint, {self.retried} retried"
        )


@dataclass
class _Tally:
    """What one writer did; merged when all have ended."""

    committed: Counter[str] = field(default_factory=Counter)
    rolled_back: Counter[str] = field(default_factory=Counter)
    undone: Counter[str] = field(default_factory=Counter)
    late: int = 0
    retried: int = 0


def run_traffic(
    url: str,
    *,
    rate: float,
    seconds: float | None = None,
    writers: int | None = None,
    seed: int | None = None,
    stop: Event | None = None,
) -> TrafficReport:
    """Write until `seconds` are over or `stop` is set, `rate` transactions per second over all writers,
    of which there are by default as many as the rate needs.

    An invoicing database without an invoice gets a small past first. `seed` fixes what each writer draws,
    not in which order they meet. Transactions that stay open are committed at the end, and every session is
    closed when this returns or raises. Raises WrongUse for figures that make no sense, ServerUnavailable when
    the server goes away, and what `driver_errors.translate` makes of its other answers.
    """
    _refuse_impossible(rate, seconds, stop)
    writers = writers or min(MOST_WRITERS, max(FEWEST_WRITERS, ceil(rate / RATE_OF_A_WRITER)))
    make_history(url, end=yesterday(), seed=FIRST_SEED if seed is None else seed, size=SMALL)
    over = Event()
    pace = _Pace(rate, over)
    with ThreadPoolExecutor(writers, thread_name_prefix="invoicing-writer") as pool:
        work = [pool.submit(_write, url, pace, over, seed, number) for number in range(writers)]
        try:
            _wait(over, seconds, stop)
        finally:
            over.set()
    return _merged([each.result() for each in work], time.monotonic() - pace.began)


def _refuse_impossible(rate: float, seconds: float | None, stop: Event | None) -> None:
    if rate <= 0:
        raise WrongUse("traffic needs a rate above 0.", where="--rate")
    if seconds is None and stop is None:
        raise WrongUse("traffic needs an end: seconds, or an event that stops it.")
    if seconds is not None and seconds <= 0:
        raise WrongUse("traffic lasts longer than 0 seconds.", where="--for")


class _Pace:
    """Hands out the moments of all transactions, evenly; a writer that comes late begins at once."""

    def __init__(self, rate: float, over: Event) -> None:
        self.began = time.monotonic()
        self._rate = rate
        self._over = over
        self._given = 0
        self._lock = Lock()

    def wait_for_turn(self) -> bool:
        """Sleep until the next moment; False when the traffic is over."""
        with self._lock:
            at = self.began + self._given / self._rate
            self._given += 1
        return not self._over.wait(max(0.0, at - time.monotonic()))


def _wait(over: Event, seconds: float | None, stop: Event | None) -> None:
    """Return when time is up, when somebody sets `stop`, or when a writer has given up."""
    until = None if seconds is None else time.monotonic() + seconds
    while not (stop and stop.is_set()):
        left = LOOK_EVERY if until is None else min(LOOK_EVERY, until - time.monotonic())
        if left <= 0 or over.wait(left):
            return


def _write(url: str, pace: _Pace, over: Event, seed: int | None, number: int) -> _Tally:
    """One writer, from its first turn to the end; its failure ends the others."""
    tally = _Tally()
    try:
        draws = Draws(seed, f"invoicing traffic {number}")
        with session(url) as connection:
            while pace.wait_for_turn():
                _transact(connection, draws, over, tally)
    finally:
        over.set()
    return tally


def _transact(connection: psycopg.Connection, draws: Draws, over: Event, tally: _Tally) -> None:
    """One transaction of a random kind and end; drawn anew when it met another session."""
    for _ in range(ATTEMPTS):
        try:
            _attempt(connection, draws, over, tally)
            return
        except _PASSING:
            tally.retried += 1
            if over.is_set():
                return
    with translated(DOMAIN):
        _attempt(connection, draws, over, tally)


def _attempt(connection: psycopg.Connection, draws: Draws, over: Event, tally: _Tally) -> None:
    end = draws.rng.choices(_ENDS, _SHARES)[0]
    undone: str | None = None
    with connection.transaction(force_rollback=end is _End.ROLLBACK):
        done = _change(connection, draws)
        if end is _End.SAVEPOINT:
            with connection.transaction(force_rollback=True):
                undone = _change(connection, draws)
        if end is _End.LATE:
            over.wait(draws.rng.uniform(SHORTEST_HOLD, LONGEST_HOLD))
    (tally.rolled_back if end is _End.ROLLBACK else tally.committed)[done] += 1
    tally.late += end is _End.LATE
    if undone:
        tally.undone[undone] += 1


def _change(connection: psycopg.Connection, draws: Draws) -> str:
    """Do something and say what it was; where there is no row for it, the next best thing."""
    kinds = draws.rng.choices(KINDS, [kind.weight for kind in KINDS])
    for kind in (*kinds, *KINDS):
        if kind.change(connection, draws):
            return kind.name
    raise AssertionError("a new client can always be inserted")


def _merged(tallies: list[_Tally], seconds: float) -> TrafficReport:
    total = _Tally()
    for tally in tallies:
        total.committed += tally.committed
        total.rolled_back += tally.rolled_back
        total.undone += tally.undone
        total.late += tally.late
        total.retried += tally.retried
    return TrafficReport(total.committed, total.rolled_back, total.undone, total.late, total.retried, seconds)
