"""What history ought to be, computed in plain Python from the accepted events. Shares no code with the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


def minute(number: float) -> datetime:
    """A moment of the scenarios: A@10 is ten minutes into 2024."""
    return EPOCH + timedelta(minutes=number)


@dataclass(frozen=True)
class Event:
    """One row of the events file; at: minutes, or the text of a timestamp."""

    a: str | None
    at: float | str | datetime | None
    b: str | None = None
    k: str | None = "k"
    op: str | None = None

    @property
    def deletes(self) -> bool:
        return self.op == "D"

    @property
    def moment(self) -> datetime:
        if isinstance(self.at, datetime):
            return self.at
        assert isinstance(self.at, int | float)
        return minute(self.at)


@dataclass(frozen=True)
class Version:
    """A state of a thing in [start, end); end None is open."""

    k: str
    a: str | None
    b: str | None
    start: datetime
    end: datetime | None


def up(a: str | None, at: float | str | None, b: str | None = None, k: str | None = "k") -> Event:
    return Event(a, at, b, k)


def gone(at: float, k: str = "k") -> Event:
    return Event(None, at, None, k, "D")


def history_of(events: Iterable[Event]) -> list[Version]:
    """Versions by key and start. events: in the order in which the later of two conflicting rows counts."""
    chosen: dict[tuple[str, datetime], Event] = {}
    for event in events:
        assert event.k is not None
        standing = chosen.get((event.k, event.moment))
        if standing is None or not standing.deletes or event.deletes:
            chosen[event.k, event.moment] = event
    ordered = [event for _, event in sorted(chosen.items())]
    return [v for k, of_key in groupby(ordered, lambda e: str(e.k)) for v in _versions(k, list(of_key))]


def _versions(k: str, events: Sequence[Event]) -> list[Version]:
    runs = [list(run) for _, run in groupby(events, lambda e: (e.deletes, None if e.deletes else e.a))]
    starts = [run[0].moment for run in runs]
    ends: list[datetime | None] = [*starts[1:], None]
    return [
        Version(k, run[0].a, run[-1].b, start, end)
        for run, start, end in zip(runs, starts, ends, strict=True)
        if not run[0].deletes
    ]


def in_force(versions: Sequence[Version], k: str, at: datetime) -> tuple[Version | None, bool]:
    """The version that a fact takes, and whether it was inferred (S-72); None for a thing without any version."""
    own = sorted((v for v in versions if v.k == k), key=lambda v: v.start)
    if not own:
        return None, True
    begun = [v for v in own if v.start <= at]
    if not begun:
        return own[0], True
    return begun[-1], begun[-1].end is not None and begun[-1].end <= at
