"""`Facts`: a world with events, a list, facts by day and a mart, and the oracle of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sales_platform.contracts.dimension import DimensionContract
from sales_platform_tests.engine.history.contracts import (
    catalog_of,
    daily_mart,
    events_feed,
    facts_feed,
    facts_table,
    list_feed,
    things,
    write_selects,
)
from sales_platform_tests.engine.history.oracle import Event, Version, history_of, in_force, minute
from sales_platform_tests.engine.history.world import Row, World, event_row, version_rows

DAYS = (date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3))

State = Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True)
class Fact:
    id: int
    k: str | None
    at: float
    amount: int = 1

    @property
    def row(self) -> Row:
        return (self.id, self.k, minute(self.at).isoformat(), self.amount)


class Facts(World):
    """What landed is remembered, so that everything can be computed again without the engine."""

    def __init__(
        self, url: str, folder: Path, dimension: DimensionContract | None = None, **words: Any
    ) -> None:
        self.events, self.facts = events_feed(), facts_feed(**words)
        self.list = list_feed()
        self.rule = self.facts.on_duplicate
        self.dimension = dimension or things()
        write_selects(folder)
        contracts = (self.events, self.list, self.facts, self.dimension, facts_table(), daily_mart())
        super().__init__(url, folder, catalog_of(folder, *contracts))
        self.landed: list[Event] = []
        self.days: dict[date, list[Fact]] = {}
        self.lists: list[State] = []

    def load(self, *events: Event) -> None:
        self.send_events(events)
        self.landed += events

    def load_list(self, state: State) -> None:
        self.send_list(state)
        self.lists.append(dict(state))

    def load_facts(self, days: Mapping[date, Sequence[Fact]]) -> None:
        self.send_facts(days)
        self.days.update({day: list(facts) for day, facts in days.items()})

    def send_events(self, events: Sequence[Event]) -> None:
        """Load without remembering; whoever sends knows whether it arrived."""
        self.load_rows(self.events, map(event_row, events))

    def send_list(self, state: State) -> None:
        """State by thing; every thing was created at minute 3."""
        created = minute(3).isoformat()
        self.load_rows(self.list, [(k, a, b, created) for k, (a, b) in sorted(state.items())])

    def send_facts(self, days: Mapping[date, Sequence[Fact]]) -> None:
        self.load_days(self.facts, {day: [fact.row for fact in facts] for day, facts in days.items()})

    def settle(self) -> None:
        """Bring every table up to date."""
        self.refresh(self.dimension)
        self.publish("analytics.fact_thing")
        self.publish("marts.test_daily")

    def check(self) -> None:
        """Tables equal the oracle, and equal a rebuild."""
        versions = self.expected_versions()
        assert version_rows(self) == versions
        assert self.fact_rows() == self.expected_facts(versions)
        assert self.mart_rows() == self.expected_mart(versions)
        assert self.differences() == []

    def expected_versions(self) -> list[Version]:
        return history_of([*self._list_events(), *self.landed])

    def _list_events(self) -> list[Event]:
        """The list's lines that differ from the one before; the first at its creation, later ones at their landing."""
        moments = [
            row[0]
            for row in self.query(
                "select snapshot_at from ops.snapshot where feed = 'test_list' order by load_id"
            )
        ]
        landings = [
            one for one, before in zip(self.lists, [None, *self.lists], strict=False) if one != before
        ]
        last: dict[str, tuple[str | None, str | None]] = {}
        events = []
        for moment, landing in zip(moments, landings, strict=True):
            for k, state in landing.items():
                if last.get(k) != state:
                    at: float | datetime = moment if k in last else 3
                    events.append(Event(state[0], at, state[1], k))
                last[k] = state
        return events

    def accepted(self) -> list[tuple[date, Fact]]:
        """The row that counts of every id: each day chooses its own, then the days are compared.

        Equal rows of several days are shown under the first of them.
        """
        chosen = [(day, fact) for day in sorted(self.days) for fact in _of_one_day(self.days[day], self.rule)]
        winners: dict[int, Fact] = {}
        for _, fact in chosen:
            if self.rule == "latest" or fact.id not in winners:
                winners[fact.id] = fact
        first = {fact: day for day, fact in reversed(chosen)}
        return [(first[fact], fact) for _, fact in sorted(winners.items())]

    def fact_rows(self) -> list[tuple[Any, ...]]:
        """id, day, state of the version pointed at, whether it was inferred, whether the member is a stranger."""
        return self.query(
            """
            select f.id, f._partition, t.a, nullif(t.effective_start_date, '-infinity'),
                f.thing_version_inferred, t.is_inferred
            from analytics.fact_thing as f inner join analytics.dim_thing as t on t.thing_key = f.thing_key
            order by f.id
            """
        )

    def expected_facts(self, versions: Sequence[Version]) -> list[tuple[Any, ...]]:
        return [(fact.id, day.isoformat(), *_pointed_at(fact, versions)) for day, fact in self.accepted()]

    def mart_rows(self) -> list[tuple[Any, ...]]:
        return self.query(
            'select _partition, a, facts, amount, inferred, b from marts.test_daily order by 1, a collate "C"'
        )

    def expected_mart(self, versions: Sequence[Version]) -> list[tuple[Any, ...]]:
        sums: dict[tuple[str, str], list[Any]] = {}
        for day, fact in self.accepted():
            state, start, inferred, _ = _pointed_at(fact, versions)
            group = sums.setdefault(
                (day.isoformat(), "none" if state is None else state), [0, Decimal(0), 0, None]
            )
            for place, more in enumerate((1, fact.amount, int(inferred))):
                group[place] += more
            names = [v.b for v in versions if (v.k, v.start) == (fact.k, start)] if fact.k else ["Unknown"]
            b = names[0] if names else None
            group[3] = min((text for text in (group[3], b) if text is not None), default=None)
        return [(*group, *figures) for group, figures in sorted(sums.items())]


def _of_one_day(facts: Sequence[Fact], rule: str) -> list[Fact]:
    by_id: dict[int, list[Fact]] = {}
    for fact in facts:
        by_id.setdefault(fact.id, []).append(fact)
    agreed = [rows for rows in by_id.values() if rule != "reject" or len(set(rows)) == 1]
    return [rows[-1] if rule == "latest" else rows[0] for rows in agreed]


def _pointed_at(fact: Fact, versions: Sequence[Version]) -> tuple[str | None, datetime | None, bool, bool]:
    if fact.k is None:
        return "Unknown", None, False, False
    version, inferred = in_force(versions, fact.k, minute(fact.at))
    if version is None:
        return None, None, True, True
    return version.a, version.start, inferred, False
