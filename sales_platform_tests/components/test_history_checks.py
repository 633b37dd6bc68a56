"""Versions held against their log: sound ones pass, and a defect planted by hand is found by the check meant for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sales_platform_tests.components.judged import found, judged, samples
from sales_platform_tests.engine.history.contracts import things
from sales_platform_tests.engine.history.oracle import Event, gone, up
from sales_platform_tests.engine.history.scenario import History
from sales_platform_tests.engine.history.world import event_row

# as the database would never let them be planted
UNGUARDED = """
do $$ declare c record; begin
    for c in select conname from pg_constraint where conrelid = 'analytics.dim_thing'::regclass loop
        execute format('alter table analytics.dim_thing drop constraint %I', c.conname);
    end loop;
    drop index analytics.dim_thing_current;
end $$
"""
FIRST = "where effective_start_date = '2024-01-01 00:10+00'"
LAST = "where k = 'k' and is_current"


@pytest.fixture
def history(warehouse_url: str, tmp_path: Path) -> History:
    """k: A from minute 10, B from 20, deleted at 30, C from 40; two: A from 10, deleted at 50."""
    history = History(warehouse_url, tmp_path)
    events = [up("A", 10), up("B", 20), gone(30), up("C", 40), up("A", 10, k="two"), gone(50, "two")]
    take_in(history, 1, *events)
    return history


def take_in(history: History, number: int, *events: Event, refresh: bool = True) -> None:
    partition = f"part_{number}.csv" if history.feed.partitions == "per_file" else None
    history.load_rows(history.feed, map(event_row, events), partition)
    if refresh:
        history.refresh(history.dimension)


def broken(history: History) -> dict[str, dict[str, int]]:
    """Failed check → its findings."""
    with history.warehouse.transaction() as connection:
        results = judged(connection, history.dimension)
    return {name: found(result) for name, result in results.items() if not result.passed}


def test_versions_that_the_log_makes_pass_every_check_deletes_included(history: History) -> None:
    assert broken(history) == {}


@pytest.mark.parametrize(
    ("defect", "expected"),
    [
        pytest.param(
            f"update analytics.dim_thing set effective_end_date = '2024-01-01 00:15+00' {FIRST} and k = 'k'",
            {
                "no_gap": {"a version ends without a delete and without the next one": 1},
                "equals_log": {"another end or attribute than the log's": 1},
            },
            id="a gap without a delete",
        ),
        pytest.param(
            f"update analytics.dim_thing set effective_end_date = now(), is_current = false {LAST}",
            {
                "no_gap": {"a version ends without a delete and without the next one": 1},
                "equals_log": {"another end or attribute than the log's": 1},
            },
            id="an end without a delete",
        ),
        pytest.param(
            f"update analytics.dim_thing set a = 'Z' {LAST}",
            {"equals_log": {"another end or attribute than the log's": 1}},
            id="another value",
        ),
        pytest.param(
            f"delete from analytics.dim_thing {LAST}",
            {"equals_log": {"a version of the log that is missing": 1}},
            id="a missing version",
        ),
        pytest.param(
            "update staging.test_events set a = 'Z' where k = 'k' and ts = '2024-01-01 00:20+00'",
            {"equals_log": {"another end or attribute than the log's": 1}},
            id="another log",
        ),
        pytest.param(
            "update staging.test_events set _deleted = false, a = 'B' where k = 'k' and _deleted",
            {
                "no_gap": {"a version ends without a delete and without the next one": 1},
                "equals_log": {"another end or attribute than the log's": 1},
            },
            id="a delete taken out of the log",
        ),
        pytest.param(
            f"update analytics.dim_thing set effective_end_date = '2024-01-01 00:25+00' {FIRST} and k = 'k'",
            {
                "history": {"versions overlap": 1},
                "equals_log": {"another end or attribute than the log's": 1},
            },
            id="an overlap",
        ),
    ],
)
def test_what_the_log_does_not_say_is_found(
    history: History, defect: str, expected: dict[str, dict[str, int]]
) -> None:
    history.execute(UNGUARDED)
    history.execute(defect)
    assert broken(history) == expected


@pytest.mark.parametrize(
    ("defect", "finding"),
    [
        ("delete from ops.surrogate_key where surrogate_key = {key}", "a key that was never issued"),
        (
            "update ops.surrogate_key set business_key = '[\"other\"]' where surrogate_key = {key}",
            "a key of another member",
        ),
        (
            "update ops.surrogate_key set dimension = 'dim_other' where surrogate_key = {key}",
            "a key that was never issued",
        ),
        (
            "update ops.surrogate_key set merged_into = 0 where surrogate_key = {key}",
            "a key whose version vanished",
        ),
    ],
)
def test_a_surrogate_key_that_stands_for_something_else_is_found(
    history: History, defect: str, finding: str
) -> None:
    (key, *_) = history.surrogates()
    history.execute(defect.format(key=key))
    assert broken(history) == {"surrogate_keys": {finding: 1}}


def test_one_key_for_two_members_is_found_where_it_was_not_issued(history: History) -> None:
    history.execute(UNGUARDED)
    (key, *_) = history.surrogates()
    history.execute("update analytics.dim_thing set thing_key = %s where k = 'two'", key)
    assert broken(history) == {
        "unique_key": {"thing_key": 1},
        "surrogate_keys": {"a key of another member": 1},
    }


def test_the_samples_name_the_version_and_mask_what_is_personal(history: History) -> None:
    history.execute(f"update analytics.dim_thing set a = 'Z' {LAST}")
    told = things(columns={"k": {"pii": "identifier"}})
    with history.warehouse.transaction() as connection:
        result = judged(connection, history.dimension)["equals_log"]
        hidden = judged(connection, told.model_copy(update={"columns": told.columns}))
    (sample,) = samples(result)
    assert (sample["k"], sample["effective_start_date"]) == ("k", "2024-01-01T00:40:00+00:00")
    assert (sample["thing_key"], sample["_differs"]) == (history.surrogates()[-1], "['a']")
    assert samples(hidden["equals_log"])[0]["k"] == "***"


def test_news_that_the_dimension_has_yet_to_take_in_is_no_defect(history: History) -> None:
    take_in(history, 2, gone(120), refresh=False)
    with history.warehouse.transaction() as connection:
        results = judged(connection, history.dimension)
    assert all(result.passed for result in results.values())
    assert [results[name].metadata["compared"].value for name in ("no_gap", "equals_log")] == [False, False]
    history.refresh(history.dimension)
    assert broken(history) == {}
