"""Two loads at once, sessions that are killed, readers that look on, a rebuild (S-66 to S-70)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import psycopg
import pytest

from sales_platform.engine.feeds import load_files
from sales_platform.engine.rebuild import rebuild
from sales_platform.errors import LockNotAvailable, SalesPlatformError
from sales_platform_tests.engine.history.facts import DAYS, Fact, Facts
from sales_platform_tests.engine.history.fuse import fit_fuse, has_burnt, light, put_out
from sales_platform_tests.engine.history.oracle import Event as Happening
from sales_platform_tests.engine.history.oracle import gone, up
from sales_platform_tests.engine.history.scenario import History
from sales_platform_tests.engine.history.world import event_row, version_rows


def test_s_66_two_loads_that_start_together_give_what_one_after_the_other_gives(history: History) -> None:
    batches = [up("A", 10), up("C", 30), gone(40)], [up("B", 20), up("A", 10), up("D", 50)]
    files = [
        history.file(history.feed, map(event_row, batch), f"part_{number}.csv")
        for number, batch in enumerate(batches)
    ]
    barrier = Barrier(2)

    def load(number: int) -> None:
        barrier.wait()
        load_files(history.warehouse, history.feed, [files[number]])
        history.refresh(history.dimension)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(load, range(2)))
    assert history.versions() == "A[10,20) B[20,30) C[30,40) D[50,∞)"
    assert history.differences() == []


def test_s_66_a_load_that_waits_too_long_says_which_table_it_waits_for(history: History) -> None:
    history.load(up("A", 10))
    hasty = History(history.warehouse.url, history.folder, history.feed)
    hasty.warehouse = type(history.warehouse)(url=history.warehouse.url, lock_timeout_seconds=1)
    with psycopg.connect(history.warehouse.url) as other:
        other.execute(
            "select pg_advisory_xact_lock(hashtextextended('sales_platform:staging.test_events', 0))"
        )
        with pytest.raises(LockNotAvailable, match=r"staging\.test_events"):
            hasty.load_rows(hasty.feed, [event_row(up("B", 20))], "part_9.csv")
    assert history.versions() == "A[10,∞)"


def _facts_of_two_days(url: str, folder: Path) -> Facts:
    facts = Facts(url, folder)
    facts.load(up("A", 10), up("C", 30), up("X", 5, k="l"))
    facts.load_facts({DAYS[0]: [Fact(1, "k", 15), Fact(2, "k", 25), Fact(3, "new", 9)]})
    facts.settle()
    facts.check()
    fit_fuse(facts)
    return facts


_MORE: list[Happening] = [up("B", 20), gone(40), up("A", 1, k="new"), up("C", 10)]
_MORE_FACTS: dict[date, list[Fact]] = {
    DAYS[0]: [Fact(1, "k", 15), Fact(4, "stranger", 9)],
    DAYS[1]: [Fact(2, "k", 45), Fact(3, "new", 9)],
}
STEPS: dict[str, Callable[[Facts], None]] = {
    "load events": lambda facts: facts.send_events(_MORE),
    "refresh": lambda facts: facts.refresh(facts.dimension),
    "load facts": lambda facts: facts.send_facts(_MORE_FACTS),
    "publish facts": lambda facts: facts.publish("analytics.fact_thing"),
    "publish mart": lambda facts: facts.publish("marts.test_daily"),
}


@pytest.mark.parametrize(
    "step", [pytest.param(name, marks=pytest.mark.slow if "publish" in name else ()) for name in STEPS]
)
def test_s_67_a_kill_at_any_statement_leaves_all_or_nothing_and_the_next_run_heals(
    warehouse_url: str, tmp_path: Path, step: str
) -> None:
    facts = _facts_of_two_days(warehouse_url, tmp_path)
    for before in list(STEPS)[: list(STEPS).index(step)]:
        STEPS[before](facts)
    stood = _contents(facts)
    kills = 0
    while _is_killed(facts, STEPS[step], after=kills):
        kills += 1
        assert _contents(facts) == stood, f"killed at statement {kills}"
    assert kills > 3
    assert _contents(facts) != stood
    for run in STEPS.values():
        run(facts)
    put_out(facts)
    facts.landed += _MORE
    facts.days |= _MORE_FACTS
    facts.check()


def _is_killed(facts: Facts, step: Callable[[Facts], None], after: int) -> bool:
    """Run a step with a fuse that burns at its n-th moment; a step that ends before that was not killed."""
    light(facts, after + 1)
    try:
        step(facts)
    except SalesPlatformError:
        if not has_burnt(facts):
            raise
        return True
    finally:
        put_out(facts)
    return False


def _contents(facts: Facts) -> list[list[tuple[Any, ...]]]:
    """Everything that a reader can see, and the keys: not the journal of loads, which shows the killed ones."""
    tables = (
        "raw.test_events", "raw.test_facts", "staging.test_events", "staging.test_facts", "analytics.dim_thing",
        "analytics.fact_thing", "marts.test_daily", "ops.surrogate_key", "ops.table_version", "quality.rejected_record",
    )  # fmt: skip
    return [facts.query(f"select t::text from {table} as t order by 1") for table in tables]


@contextmanager
def _reader(world: History, faults: list[str]) -> Iterator[Event]:
    """Look at the dimension again and again until the block ends; says when it has looked for the first time."""
    looked, stop = Event(), Event()

    def look() -> None:
        with psycopg.connect(world.warehouse.url, autocommit=True) as connection:
            while not stop.is_set():
                found = connection.execute(
                    "select k, count(*) from analytics.dim_thing where is_current and thing_key <> 0 group by k"
                ).fetchall()
                if dict(found) != {"k": 1, "l": 1}:
                    faults.append(str(found))
                looked.set()

    thread = Thread(target=look)
    thread.start()
    try:
        yield looked
    finally:
        stop.set()
        thread.join()


def test_s_68_a_reader_always_sees_one_open_version_of_a_live_thing(history: History) -> None:
    history.load(up("A", 100), up("A", 100, k="l"))
    faults: list[str] = []
    with _reader(history, faults) as looked:
        assert looked.wait(30)
        for number in range(6):
            rows = [event_row(up(f"S{number}", at, k=k)) for at in (100 + number, 90 - number) for k in "kl"]
            history.load_rows(history.feed, rows, f"part_{number + 2}.csv")
            history.refresh(history.dimension, everything=number % 2 == 0)
    assert faults == []
    assert len(version_rows(history)) > 12


def test_s_70_a_rebuild_in_place_gives_the_same_rows_with_the_same_keys(
    warehouse_url: str, tmp_path: Path
) -> None:
    facts = _facts_of_two_days(warehouse_url, tmp_path)
    for step in STEPS.values():
        step(facts)
    before = _contents(facts)[2:7]
    facts.execute("delete from analytics.dim_thing where thing_key <> 0")
    order = [
        "staging.test_events",
        "staging.test_facts",
        "analytics.dim_thing",
        "analytics.fact_thing",
        "marts.test_daily",
    ]
    list(rebuild(facts.warehouse, facts.catalog, order))
    assert [sorted(rows) for rows in _contents(facts)[2:7]] == [sorted(rows) for rows in before]


def test_s_70_a_key_is_never_used_for_a_second_version(history: History) -> None:
    seen: set[int] = set()
    for number, batch in enumerate(([up("A", 10)], [gone(10)], [up("A", 20)], [up("B", 20)], [up("C", 5)])):
        history.load(*batch)
        fresh = set(history.surrogates()) - seen
        assert not fresh or min(fresh) > max(seen, default=0), number
        seen |= fresh
