"""What counts as the same thing and the same state: keys, NULL, numbers, JSON, long text (S-39 to S-52)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from sales_platform_tests.engine.history.contracts import EVENT_COLUMNS, catalog_of, events_feed, things
from sales_platform_tests.engine.history.oracle import gone, up
from sales_platform_tests.engine.history.scenario import History
from sales_platform_tests.engine.history.world import World

TEXT = {"type": "text"}
PAIR = {**{name: {"type": "text"} for name in ("k1", "k2")}, "ts": EVENT_COLUMNS["ts"], "a": TEXT}


def _typed(url: str, folder: Path, kind: str, column: str = "a") -> History:
    columns = {**EVENT_COLUMNS, column: {"type": kind, "required": column == "k"}}
    return History(url, folder, events_feed(columns=columns))


def _pairs(url: str, folder: Path) -> World:
    feed = events_feed(key=["k1", "k2"], deleted_when=None, columns=PAIR)
    return World(url, folder, catalog_of(folder, feed, things(key=["k1", "k2"], overwrite=[])))


def _load_pairs(world: World, *rows: tuple[str | None, str | None, int, str]) -> None:
    feed = world.catalog.feeds["test_events"]
    world.load_rows(feed, [(one, two, f"2024-01-01T00:{at:02}:00", a) for one, two, at, a in rows])
    world.refresh(world.catalog.dimensions["dim_thing"])
    assert world.differences() == []


def _pair_versions(world: World) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for one, two, a in world.query(
        "select k1, k2, a from analytics.dim_thing where thing_key <> 0 order by effective_start_date"
    ):
        found.setdefault((one, two), []).append(a)
    return found


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (("a", "bc"), ("ab", "c")),  # S-39
        (("1", "23"), ("12", "3")),
        (("a|b", "c"), ("a", "b|c")),  # S-40
        (("US", "Springfield"), ("CA", "Springfield")),  # S-45
        (("x", ""), ("", "x")),
    ],
)
def test_s_39_s_40_s_45_a_change_of_one_composite_key_leaves_the_other(
    warehouse_url: str, tmp_path: Path, one: tuple[str, str], two: tuple[str, str]
) -> None:
    world = _pairs(warehouse_url, tmp_path)
    _load_pairs(world, (*one, 10, "A"), (*two, 10, "A"))
    _load_pairs(world, (*one, 20, "B"))
    assert _pair_versions(world) == {one: ["A", "B"], two: ["A"]}
    _load_pairs(world, (*one, 30, "C"), (*two, 30, "C"), (*one, 5, "Z"), (*two, 5, "Z"))
    world.refresh(world.catalog.dimensions["dim_thing"], everything=True)
    assert _pair_versions(world) == {one: ["Z", "A", "B", "C"], two: ["Z", "A", "C"]}


def test_s_41_a_missing_key_part_is_not_an_empty_one(warehouse_url: str, tmp_path: Path) -> None:
    world = _pairs(warehouse_url, tmp_path)
    _load_pairs(world, ("x", "", 10, "A"), ("x", None, 10, "B"))
    assert _pair_versions(world) == {("x", ""): ["A"]}
    assert world.query("select reason from quality.rejected_record") == [("NULL_KEY",)]


def test_s_42_a_row_without_key_is_quarantined_and_the_rest_loaded(history: History) -> None:
    report = history.load_rows(
        history.feed, [(None, "2024-01-01", None, "A", None), ("k", "2024-01-01", None, "B", None)]
    )
    assert (report.loaded, report.rejected, report.reasons) == (1, 1, {"NULL_KEY": 1})


def test_s_43_keys_differ_by_case_by_blanks_and_by_unicode_form(history: History) -> None:
    keys = ["AB", "ab", "ab ", "\u00e9", "e\u0301"]
    history.load(*(up("A", 10, k=k) for k in keys))
    history.load(up("B", 20, k="ab"))
    assert [history.versions(k) for k in keys] == ["A[10,∞)", "A[10,20) B[20,∞)", *["A[10,∞)"] * 3]


def test_s_43_a_declared_case_is_applied_on_entry_and_raw_keeps_the_text(
    warehouse_url: str, tmp_path: Path
) -> None:
    columns = {**EVENT_COLUMNS, "k": {"type": "text", "case": "lower", "trim": True}}
    history = History(warehouse_url, tmp_path, events_feed(columns=columns))
    for text, minute, state in (("AB", 10, "A"), (" ab ", 20, "B")):
        history.load_rows(history.feed, [(text, f"2024-01-01T00:{minute}:00", None, state, None)])
    history.refresh(history.dimension)
    assert history.versions("ab") == "A[10,20) B[20,∞)"
    assert history.query("select k from raw.test_events order by _load_id") == [("AB",), (" ab ",)]


def test_s_44_numeric_keys_are_equal_by_value(warehouse_url: str, tmp_path: Path) -> None:
    history = _typed(warehouse_url, tmp_path, "numeric", "k")
    for minute, number in ((10, "1"), (20, "1.0"), (30, "1.00"), (40, "01")):
        history.load_rows(history.feed, [(number, f"2024-01-01T00:{minute}:00", None, "A", None)])
        history.refresh(history.dimension)
        assert history.differences() == []
    assert history.query("select k from analytics.dim_thing where thing_key <> 0") == [(1,)]


def test_s_44_not_a_number_is_no_key(warehouse_url: str, tmp_path: Path) -> None:
    history = _typed(warehouse_url, tmp_path, "numeric", "k")
    report = history.load_rows(history.feed, [("NaN", "2024-01-01", None, "A", None)])
    assert report.rejected == 1


@pytest.mark.parametrize("name", ["Mixed Case", 'with "quotes"', "select", "x" * 63, "ünïcode"])
def test_s_46_columns_may_bear_any_name(warehouse_url: str, tmp_path: Path, name: str) -> None:
    columns: dict[str, Any] = {name: {"type": "integer", "required": True}, "ts": EVENT_COLUMNS["ts"]}
    columns |= {f"{name[:-1]}y": {"type": "integer"}}
    feed = events_feed(key=[name], deleted_when=None, columns=columns)
    dimension = things(key=[name], track=[f"{name[:-1]}y"], overwrite=[])
    world = World(warehouse_url, tmp_path, catalog_of(tmp_path, feed, dimension))
    for minute, value in ((10, 1), (20, 2)):
        report = world.load_rows(feed, [(7, f"2024-01-01T00:{minute}:00", value)])
        assert report.loaded == 1
        world.refresh(dimension)
    assert world.query("select count(*) from analytics.dim_thing where thing_key <> 0") == [(2,)]
    assert world.differences() == []


@pytest.mark.parametrize("name", ["_load_id", "_snapshot_at", "_deleted", "_reasons", "_fate"])
def test_s_46_a_column_named_like_one_of_ours_is_refused_at_configure_time(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        events_feed(columns={**EVENT_COLUMNS, name: TEXT})


@pytest.mark.parametrize("name", ["effective_start_date", "is_current", "is_inferred", "thing_key"])
def test_s_46_an_attribute_named_like_one_of_ours_is_refused_at_configure_time(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        things(overwrite=[name])


def test_s_47_a_closed_version_keeps_its_null(history: History) -> None:
    history.load(up(None, 10))
    history.load(up("A", 20))
    assert history.versions() == "NULL[10,20) A[20,∞)"


def test_s_48_a_value_that_becomes_null_opens_a_version(history: History) -> None:
    history.load(up("A", 10))
    history.load(up(None, 20))
    assert history.versions() == "A[10,20) NULL[20,∞)"


def test_s_48_null_and_the_empty_text_are_two_states(history: History) -> None:
    history.load(up("", 10), up(None, 20))
    assert history.states() == [("", None), (None, None)]


def test_s_49_an_overwritten_column_shows_the_latest_event_by_time_not_by_arrival(history: History) -> None:
    history.load(up("A", 10, "x"))
    keys = history.surrogates()
    history.load(up("A", 20, "z"))
    history.load(up("A", 15, "y"))
    assert (history.states(), history.surrogates()) == ([("A", "z")], keys)


def test_s_49_a_column_that_keeps_the_first_shows_the_earliest_event(
    warehouse_url: str, tmp_path: Path
) -> None:
    dimension = things(overwrite=[], keep_first=["b"])
    history = History(warehouse_url, tmp_path, dimension=dimension)
    for minute, b in ((20, "y"), (30, "z"), (10, "x")):
        history.load_rows(history.feed, [("k", f"2024-01-01T00:{minute}:00", None, "A", b)])
        history.refresh(dimension)
        assert history.differences() == []
    assert history.states() == [("A", "x")]


def test_s_49_an_overwritten_column_differs_from_version_to_version(history: History) -> None:
    history.load(up("A", 10, "x"), up("B", 20, "y"), gone(25), up("B", 30, "z"))
    assert history.states() == [("A", "x"), ("B", "y"), ("B", "z")]


def test_s_50_an_untracked_null_of_a_closed_version_stays_null(history: History) -> None:
    history.load(up("A", 10, None))
    history.load(up("B", 20, "x"))
    assert history.states() == [("A", None), ("B", "x")]


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("jsonb", '{"x": 1, "y": [2, 3]}', '{"y":[2,3],"x":1}'),
        ("jsonb", '{"x": 1.0}', '{"x": 1.00}'),
        ("numeric", "1.0", "1.00"),
        ("numeric", "-0.0", "0.0"),
        ("timestamptz", "2024-01-01T12:00:00+02:00", "2024-01-01T10:00:00Z"),
    ],
)
def test_s_51_equal_values_written_otherwise_are_one_state(
    warehouse_url: str, tmp_path: Path, kind: str, one: str, other: str
) -> None:
    history = _typed(warehouse_url, tmp_path, kind)
    for minute, value in ((20, one), (30, other), (10, other)):
        history.load_rows(history.feed, [("k", f"2024-01-01T00:{minute}:00", None, value, None)])
        history.refresh(history.dimension)
        assert history.differences() == []
    assert len(history.surrogates()) == 1


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [("jsonb", "[]", None), ("jsonb", "[]", "{}"), ("text", '{"x":1}', '{"x": 1}'), ("jsonb", "null", None)],
)
def test_s_51_different_values_are_two_states(
    warehouse_url: str, tmp_path: Path, kind: str, one: str, other: str | None
) -> None:
    history = _typed(warehouse_url, tmp_path, kind)
    for minute, value in ((10, one), (20, other)):
        history.load_rows(history.feed, [("k", f"2024-01-01T00:{minute}:00", None, value, None)])
    history.refresh(history.dimension)
    assert len(history.surrogates()) == 2


@pytest.mark.parametrize("text", ["x" * 500_000, "n" * 500, "\U0001f600", "two\nlines", 'say "x"', "a\\b"])
def test_s_52_long_and_unusual_text_is_compared_and_stored_whole(history: History, text: str) -> None:
    history.load(up(text, 10), up(text + "!", 20))
    assert [a for a, _ in history.states()] == [text, text + "!"]
