"""The replay law: any sequence of loads, corrections, kills and refreshes leaves what one rebuild from raw would leave.

Hypothesis chooses the steps. After every settling the tables are compared with an oracle in plain Python and with a
rebuild, surrogate keys included.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from sales_platform.errors import SalesPlatformError
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.engine.history.contracts import things
from sales_platform_tests.engine.history.facts import DAYS, Fact, Facts
from sales_platform_tests.engine.history.fuse import fit_fuse, has_burnt, light, put_out
from sales_platform_tests.engine.history.oracle import Event

KEYS = st.sampled_from(["k", "l", "m"])
STATES = st.sampled_from(["A", "B", None])
MINUTES = st.integers(0, 12)
EVENTS = st.one_of(
    st.builds(Event, STATES, MINUTES, STATES, KEYS),
    st.builds(Event, STATES, MINUTES, STATES, KEYS),
    st.builds(Event, st.none(), MINUTES, st.none(), KEYS, st.just("D")),
)
LISTS = st.dictionaries(KEYS, st.tuples(STATES, STATES), min_size=1)
FACTS = st.lists(
    st.builds(Fact, st.integers(1, 5), st.one_of(KEYS, KEYS, st.none()), MINUTES, st.integers(1, 3)),
    max_size=4,
)
# two steps of three are let live; a step has up to some twenty moments at which it can be killed
KILLS = st.integers(0, 45).map(lambda moment: moment if moment <= 15 else 0)
BOTH = [
    {"from": "staging.test_list", "valid_from": "created_at", "later": "_snapshot_at"},
    {"from": "staging.test_events", "valid_from": "ts"},
]


class Platform(RuleBasedStateMachine):
    """Two feeds of one dimension, facts by day, a mart; every step may be the last one before a kill."""

    server: EmbeddedServer
    template: str
    on_duplicate: str

    def __init__(self) -> None:
        super().__init__()
        self.database = f"test_{uuid.uuid4().hex[:12]}"
        self.server.create_database(self.database, self.template)
        self.folder = tempfile.TemporaryDirectory()
        self.world = Facts(
            self.server.url(self.database),
            Path(self.folder.name),
            things(events=BOTH),
            on_duplicate=self.on_duplicate,
        )
        # every table stands, so that any step may come first and every write can be killed
        self.world.load_list({"k": ("A", None)})
        self.world.load(Event("B", 5))
        self.world.load_facts({DAYS[0]: [Fact(1, "k", 4), Fact(2, "l", 4)]})
        self.world.settle()
        fit_fuse(self.world)

    def teardown(self) -> None:
        try:
            self.world.settle()
            self.world.check()
        finally:
            self.server.drop_database(self.database)
            self.folder.cleanup()

    @rule(events=st.lists(EVENTS, min_size=1, max_size=5), kill=KILLS)
    def load_events(self, events: list[Event], kill: int) -> None:
        if self._attempt(lambda: self.world.send_events(events), kill):
            self.world.landed += events

    @rule(state=LISTS, kill=KILLS)
    def land_the_list(self, state: dict[str, tuple[str | None, str | None]], kill: int) -> None:
        if self._attempt(lambda: self.world.send_list(state), kill):
            self.world.lists.append(state)

    @rule(days=st.dictionaries(st.sampled_from(DAYS), FACTS, min_size=1), kill=KILLS)
    def load_days_of_facts(self, days: dict[date, list[Fact]], kill: int) -> None:
        if self._attempt(lambda: self.world.send_facts(days), kill):
            self.world.days |= days

    @precondition(lambda self: len(self.world.days) > 0)
    @rule(data=st.data())
    def load_a_day_again(self, data: st.DataObject) -> None:
        day = data.draw(st.sampled_from(sorted(self.world.days)))
        self.world.send_facts({day: self.world.days[day]})

    @rule(everything=st.booleans(), kill=KILLS)
    def refresh(self, everything: bool, kill: int) -> None:
        self._attempt(lambda: self.world.refresh(self.world.dimension, everything=everything), kill)

    @rule(kill=KILLS, days=st.one_of(st.none(), st.just([day.isoformat() for day in DAYS])))
    def publish_facts(self, kill: int, days: list[str] | None) -> None:
        self._attempt(lambda: self.world.publish("analytics.fact_thing", days), kill)

    @rule(kill=KILLS)
    def publish_mart(self, kill: int) -> None:
        self._attempt(lambda: self.world.publish("marts.test_daily"), kill)

    @rule()
    def settle(self) -> None:
        self.world.settle()
        self.world.check()

    def _attempt(self, step: Callable[[], Any], kill: int) -> bool:
        """Do a step; with kill > 0 a fuse burns at its n-th moment, if it has so many. Whether it was completed."""
        if kill:
            light(self.world, kill)
        try:
            step()
        except SalesPlatformError:
            if not has_burnt(self.world):
                raise
            return False
        finally:
            put_out(self.world)
        return True


def _prove(server: EmbeddedServer, template: str, on_duplicate: str, *, examples: int, steps: int) -> None:
    words = {"server": server, "template": template, "on_duplicate": on_duplicate}
    run_state_machine_as_test(
        type("Platform", (Platform,), words),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            print_blob=True,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize(
    "on_duplicate", ["latest", *(pytest.param(word, marks=pytest.mark.slow) for word in ("first", "reject"))]
)
def test_any_sequence_of_loads_kills_and_refreshes_equals_one_rebuild(
    postgres_server: EmbeddedServer, migrated_template: str, on_duplicate: str
) -> None:
    _prove(postgres_server, migrated_template, on_duplicate, examples=4, steps=10)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("on_duplicate", ["latest", "first", "reject"])
def test_many_long_sequences_of_loads_kills_and_refreshes_equal_one_rebuild(
    postgres_server: EmbeddedServer, migrated_template: str, on_duplicate: str
) -> None:
    _prove(postgres_server, migrated_template, on_duplicate, examples=40, steps=20)
