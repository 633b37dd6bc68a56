"""The time of an event: missing, in another zone, in the future, twice or never (S-38, S-60 to S-65)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sales_platform.engine.feeds import load_files
from sales_platform.errors import SourceError
from sales_platform_tests.engine.history.contracts import (
    EVENT_COLUMNS,
    catalog_of,
    events_feed,
    list_feed,
    things,
)
from sales_platform_tests.engine.history.oracle import minute, up
from sales_platform_tests.engine.history.scenario import History
from sales_platform_tests.engine.history.world import World

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
TWO_DAYS = timedelta(days=2)


def _load(history: History, name: str, *rows: tuple[datetime | str | None, str]) -> dict[str, int]:
    """Load (time, state) rows of one thing; returns the reasons of the refused ones."""
    texts = [(at.isoformat() if isinstance(at, datetime) else at, state) for at, state in rows]
    report = history.load_rows(history.feed, [("k", at, None, state, None) for at, state in texts], name)
    history.refresh(history.dimension)
    return report.reasons


def _states(history: History) -> list[str]:
    return [str(a) for a, _ in history.states()]


def _open_rejections(history: History) -> int:
    ((count,),) = history.query("select count(*) from quality.rejected_record where resolved_at is null")
    return int(count)


def test_s_38_a_row_of_the_future_is_held_and_the_rest_enters(history: History) -> None:
    reasons = _load(history, "part_1.csv", (minute(10), "A"), (minute(20), "B"), ("2999-01-01", "C"))
    assert reasons == {"FUTURE_TIMESTAMP": 1}
    assert history.versions() == "A[10,20) B[20,∞)"
    assert history.differences() == []


def test_s_38_a_row_within_the_tolerance_is_not_held(history: History) -> None:
    assert _load(history, "part_1.csv", (datetime.now(UTC) + timedelta(minutes=50), "A")) == {}


def test_s_38_held_rows_are_released_in_the_order_in_which_they_landed(history: History) -> None:
    _load(history, "part_1.csv", (minute(10), "Z"), (SOON, "A"))
    _load(history, "part_2.csv", (minute(10), "Z"), (SOON, "B"))
    _load(history, "part_3.csv", (minute(10), "Z"), (SOON, "A"))
    assert _states(history) == ["Z"]
    assert history.differences() == []
    history.let_time_pass(history.feed, TWO_DAYS)
    _load(history, "part_4.csv", (minute(20), "Y"))
    assert _states(history) == ["Z", "Y", "A"]
    assert history.differences() == []


def test_s_38_a_list_that_repeats_a_held_row_releases_it_as_its_first_landing(history: History) -> None:
    for number in (1, 2, 3):
        _load(history, f"part_{number}.csv", (minute(number), "Z"), (SOON, "A"))
    history.let_time_pass(history.feed, TWO_DAYS)
    _load(history, "part_4.csv", (minute(20), "Y"))
    assert history.differences() == []
    resolved = history.query("select reason, resolved_at is not null from quality.rejected_record")
    assert set(resolved) <= {("FUTURE_TIMESTAMP", True), ("AMBIGUOUS_TIME", True)}


def test_s_38_a_failed_load_releases_nothing_and_the_next_one_does(history: History) -> None:
    _load(history, "part_1.csv", (minute(10), "Z"), (SOON, "A"))
    vanished = history.file(history.feed, [], "part_2.csv")
    Path(vanished.location).unlink()
    with pytest.raises(SourceError):
        load_files(history.warehouse, history.feed, [vanished])
    history.let_time_pass(history.feed, TWO_DAYS)
    assert history.differences() == []
    _load(history, "part_3.csv", (minute(20), "Y"))
    assert (_states(history), history.differences()) == (["Z", "Y"], [])
    history.let_time_pass(history.feed, TWO_DAYS)
    _load(history, "part_4.csv", (minute(30), "X"))
    assert _states(history) == ["Z", "Y", "X", "A"]
    assert (history.differences(), _open_rejections(history)) == ([], 0)


def test_s_38_the_same_file_again_releases_what_its_time_has_freed(history: History) -> None:
    _load(history, "part_1.csv", (minute(10), "Z"), (SOON, "A"))
    history.let_time_pass(history.feed, TWO_DAYS)
    file = history.file(
        history.feed,
        [("k", at, None, a, None) for at, a in ((minute(10).isoformat(), "Z"), (SOON.isoformat(), "A"))],
        "part_1.csv",
    )
    load_files(history.warehouse, history.feed, [file])
    history.refresh(history.dimension)
    assert _states(history) == ["Z", "A"]
    assert (history.differences(), _open_rejections(history)) == ([], 0)


def test_s_38_a_held_row_that_its_partition_withdraws_never_enters(
    warehouse_url: str, tmp_path: Path
) -> None:
    history = History(warehouse_url, tmp_path, events_feed("per_file"))
    _load(history, "part_1.csv", (minute(10), "Z"), (SOON, "A"))
    _load(history, "part_1.csv", (minute(10), "Z"))
    history.let_time_pass(history.feed, TWO_DAYS)
    _load(history, "part_2.csv", (minute(20), "Y"))
    assert _states(history) == ["Z", "Y"]
    assert (history.differences(), _open_rejections(history)) == ([], 0)


def test_s_38_a_list_whose_first_state_lies_in_the_future_begins_where_it_was_seen(
    warehouse_url: str, tmp_path: Path
) -> None:
    feed = list_feed()
    dimension = things(
        events=[{"from": "staging.test_list", "valid_from": "created_at", "later": "_snapshot_at"}]
    )
    world = World(warehouse_url, tmp_path, catalog_of(tmp_path, feed, dimension))
    for state in ("A", "B", "C"):
        world.load_rows(feed, [("k", state, None, SOON.isoformat())])
        world.refresh(dimension)
        assert world.differences() == []
    rows = world.query("select a from analytics.dim_thing where thing_key <> 0 order by effective_start_date")
    assert rows == [("A",), ("B",), ("C",)]


def test_s_60_a_row_without_time_is_quarantined(history: History) -> None:
    reasons = _load(history, "part_1.csv", (minute(10), "A"), (None, "B"), ("", "C"))
    assert (reasons, history.versions()) == ({"NULL_TS": 2}, "A[10,∞)")


def test_s_61_naive_times_are_read_in_the_declared_zone_and_stored_as_instants(
    warehouse_url: str, tmp_path: Path
) -> None:
    tokyo = {**EVENT_COLUMNS, "ts": {"type": "timestamptz", "required": True, "zone": "Asia/Tokyo"}}
    history = History(warehouse_url, tmp_path, events_feed(columns=tokyo))
    _load(history, "part_1.csv", ("2024-01-01T09:10:00", "A"), ("2024-01-01 00:20:00Z", "B"))
    assert history.versions() == "A[10,20) B[20,∞)"


@pytest.mark.parametrize("setting", ["TimeZone = 'America/St_Johns'", "DateStyle = 'SQL, DMY'"])
def test_s_62_other_defaults_of_the_server_change_nothing(history: History, setting: str) -> None:
    history.load(up("A", 10), up("B", 20))
    ((name,),) = history.query("select current_database()")
    history.execute(f'alter database "{name}" set {setting}')
    for at, state in (("2024-01-01T00:15:00", "C"), ("2024-01-01 00:17", "D"), ("2024-01-01T01:18+01", "E")):
        _load(history, f"part_{state}.csv", (at, state))
    assert history.versions() == "A[10,15) C[15,17) D[17,18) E[18,20) B[20,∞)"
    assert history.differences() == []


def _berlin(history: History, ambiguous: str) -> History:
    column = {"type": "timestamptz", "required": True, "zone": "Europe/Berlin", "ambiguous": ambiguous}
    feed = events_feed(columns={**EVENT_COLUMNS, "ts": column})
    return History(history.warehouse.url, history.folder, feed)


def test_s_63_both_half_past_twos_of_the_autumn_night_are_ordered_by_instant(
    warehouse_url: str, tmp_path: Path
) -> None:
    berlin = _berlin(History(warehouse_url, tmp_path), "reject")
    _load(berlin, "p.csv", ("2024-10-27T02:30:00+01:00", "B"), ("2024-10-27T02:30:00+02:00", "A"))
    assert _states(berlin) == ["A", "B"]


@pytest.mark.parametrize(("rule", "instant"), [("earlier", "00:30"), ("later", "01:30"), ("reject", None)])
def test_s_63_an_ambiguous_autumn_time_follows_the_declared_rule(
    warehouse_url: str, tmp_path: Path, rule: str, instant: str | None
) -> None:
    berlin = _berlin(History(warehouse_url, tmp_path), rule)
    reasons = _load(berlin, "p.csv", ("2024-10-27T02:30:00", "A"), ("2024-10-27T12:00:00", "B"))
    starts = berlin.query(
        "select to_char(effective_start_date, 'HH24:MI') from analytics.dim_thing"
        " where thing_key <> 0 order by effective_start_date"
    )
    assert starts == [(time,) for time in (instant, "11:00") if time]
    assert reasons == ({} if instant else {"INVALID_TS": 1})


def test_s_63_the_missing_hour_of_spring_is_refused(warehouse_url: str, tmp_path: Path) -> None:
    berlin = _berlin(History(warehouse_url, tmp_path), "later")
    reasons = _load(berlin, "p.csv", ("2024-03-31T02:30:00", "A"), ("2024-03-31T03:30:00", "B"))
    assert (reasons, _states(berlin)) == ({"INVALID_TS": 1}, ["B"])


def test_s_64_infinity_is_refused_and_the_first_year_is_a_time(history: History) -> None:
    reasons = _load(
        history,
        "part_1.csv",
        ("infinity", "X"),
        ("-infinity", "Y"),
        ("0001-01-01T00:00:00", "A"),
        (minute(10), "B"),
    )
    assert (reasons, _states(history)) == ({"INVALID_TS": 2}, ["A", "B"])


def test_s_64_the_year_9999_is_a_far_future_time_and_not_our_open_end(history: History) -> None:
    reasons = _load(history, "part_1.csv", (minute(10), "A"), ("9999-12-31T00:00:00", "B"))
    assert (reasons, history.versions()) == ({"FUTURE_TIMESTAMP": 1}, "A[10,∞)")


def test_s_65_a_clock_that_goes_back_gives_the_next_landing_a_later_time(
    warehouse_url: str, tmp_path: Path
) -> None:
    feed = list_feed()
    dimension = things(
        events=[{"from": "staging.test_list", "valid_from": "created_at", "later": "_snapshot_at"}]
    )
    world = World(warehouse_url, tmp_path, catalog_of(tmp_path, feed, dimension))
    world.load_rows(feed, [("k", "A", None, minute(10).isoformat())])
    world.execute("update ops.snapshot set snapshot_at = snapshot_at + interval '1 hour'")
    for state in ("B", "C"):
        world.load_rows(feed, [("k", state, None, minute(10).isoformat())])
        world.refresh(dimension)
    moments = [row[0] for row in world.query("select snapshot_at from ops.snapshot order by load_id")]
    assert moments == sorted(set(moments))
    rows = world.query("select a from analytics.dim_thing where thing_key <> 0 order by effective_start_date")
    assert (rows, world.differences()) == ([("A",), ("B",), ("C",)], [])
