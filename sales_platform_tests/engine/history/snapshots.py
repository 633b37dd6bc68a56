"""`Snapshots`: a list that says of itself when it was true, and what its history ought to be, in plain Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.snapshots import Meant
from sales_platform_tests.engine.history.contracts import catalog_of, events_feed, things
from sales_platform_tests.engine.history.oracle import Event, Version, history_of, minute
from sales_platform_tests.engine.history.world import World, event_row, spoken

BAD = "bad"  # a value that the contract refuses


def snapshot_feed(**words: Any) -> FileFeedContract:
    """A complete list of things; `at` says when it was true, `part` to which part of the list a line belongs."""
    settings: dict[str, Any] = {
        "domain": "test",
        "table": "full",
        "path": "test/full.csv",
        "description": "All things there are",
        "versions": True,
        "snapshot": "complete",
        "snapshot_at": "at",
        "key": ["k"],
        "columns": {
            "k": {"type": "text", "required": True},
            "a": {"type": "text", "check": f"a <> '{BAD}'"},
            "part": {"type": "text"},
            "at": {"type": "timestamptz", "zone": "UTC"},
        },
    }
    return FileFeedContract.model_validate({**settings, **words})


@dataclass(frozen=True)
class Taken:
    """A snapshot. lines: thing → state, or (state, part). nameless: how many refused lines have no key."""

    at: float
    lines: Mapping[str, str | tuple[str, str]] = field(default_factory=dict)
    nameless: int = 0

    def row(self, k: str | None, line: str | tuple[str, str]) -> tuple[object, ...]:
        a, part = line if isinstance(line, tuple) else (line, None)
        return (k, a, part, minute(self.at).isoformat())

    @property
    def rows(self) -> list[tuple[object, ...]]:
        return [self.row(k, line) for k, line in self.lines.items()] + [self.row(None, "A")] * self.nameless


def taken(at: float, nameless: int = 0, **lines: str | tuple[str, str]) -> Taken:
    """`taken(10, k="A", l="B")`."""
    return Taken(at, lines, nameless)


class Snapshots(World):
    """`.load(taken(10, k="A"))`, then `.versions("k") == "A[10,∞)"`."""

    def __init__(self, url: str, folder: Path, **words: Any) -> None:
        self.feed = snapshot_feed(**words)
        self.events = events_feed()
        self.dimension = things(
            overwrite=[],
            track=["a"],
            events=[
                {"from": "staging.test_events", "valid_from": "ts"},
                {"from": "staging.test_full", "valid_from": "_snapshot_at"},
            ],
        )
        super().__init__(url, folder, catalog_of(folder, self.feed, self.events, self.dimension))
        self.load_rows(self.events, [event_row(Event("Z", 1, None, "stranger"))])

    def load(self, *snapshots: Taken, meant: Meant | None = None) -> list[LoadReport]:
        """Each as a file of its own, then one refresh."""
        reports = []
        for snapshot in snapshots:
            file = self.file(self.feed, snapshot.rows)
            reports += load_files(self.warehouse, self.feed, [file], meant=meant, catalog=self.catalog)
        self.refresh(self.dimension)
        return reports

    def load_events(self, *events: Event) -> None:
        self.load_rows(self.events, map(event_row, events))
        self.refresh(self.dimension)

    def versions(self, k: str = "k") -> str:
        return spoken(v for v in self.found() if v.k == k)

    def found(self) -> list[Version]:
        rows = self.query(
            """
            select k, a, effective_start_date, effective_end_date from analytics.dim_thing
            where thing_key <> 0 and k <> 'stranger' order by k collate "C", effective_start_date
            """
        )
        return [Version(k, a, None, start, end) for k, a, start, end in rows]

    def surrogates(self, k: str = "k") -> list[int]:
        rows = self.query(
            "select thing_key from analytics.dim_thing where k = %s order by effective_start_date", k
        )
        return [row[0] for row in rows]

    def staged(self) -> list[tuple[str, datetime, bool]]:
        return self.query("select k, _snapshot_at, _deleted from staging.test_full order by 2, 1")


def events_of(snapshots: Sequence[Taken], *, scoped: bool = False) -> list[Event]:
    """What snapshots say, taken one after the other in the order of their times: lines that differ, and absences."""
    known: dict[str, tuple[str | None, str | None]] = {}
    events = []
    for snapshot in sorted(snapshots, key=lambda one: one.at):
        lines = {k: line if isinstance(line, tuple) else (line, None) for k, line in snapshot.lines.items()}
        clean = {k: line for k, line in lines.items() if line[0] != BAD}
        parts = {part for _, part in clean.values()}
        for k, line in clean.items():
            if known.get(k) != line:
                events.append(Event(line[0], snapshot.at, None, k))
            known[k] = line
        for k, (state, part) in list(known.items()):
            if (
                k not in lines
                and state is not None
                and not snapshot.nameless
                and (not scoped or part in parts)
            ):
                events.append(Event(None, snapshot.at, None, k, "D"))
                known[k] = (None, part)
    return events


def expected(snapshots: Sequence[Taken], *more: Event, scoped: bool = False) -> list[Version]:
    return history_of([*more, *events_of(snapshots, scoped=scoped)])
