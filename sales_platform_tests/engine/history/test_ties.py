"""Two rows of one thing and one time: which one counts, whatever the order of loading (S-22 to S-25, S-05)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sales_platform.errors import DataRefused
from sales_platform_tests.engine.history.contracts import EVENT_COLUMNS, events_feed
from sales_platform_tests.engine.history.oracle import Event, gone, up
from sales_platform_tests.engine.history.scenario import History
from sales_platform_tests.engine.history.world import World, stamps

ROUND = {**EVENT_COLUMNS, "rank": {"type": "integer"}}


def test_s_05_an_empty_batch_writes_nothing_but_that_it_ran(warehouse_url: str, tmp_path: Path) -> None:
    history = History(warehouse_url, tmp_path, events_feed(empty="allow"))
    history.load(up("A", 10))
    before = (
        stamps(history, "analytics.dim_thing"),
        history.query("select * from ops.table_version order by 1"),
    )
    report = history.load()
    after = (
        stamps(history, "analytics.dim_thing"),
        history.query("select * from ops.table_version order by 1"),
    )
    assert (report.status, report.read, after) == ("succeeded", 0, before)


def test_s_22_of_two_rows_of_one_time_in_one_file_the_later_line_counts(history: History) -> None:
    report = history.load(up("A", 10), up("B", 10))
    assert (history.versions(), report.loaded, report.superseded) == ("B[10,∞)", 1, 1)
    (row,) = history.query("select reason, source_row, resolution from quality.rejected_record")
    assert row == ("AMBIGUOUS_TIME", 2, "superseded")


@pytest.mark.parametrize("arrival", [("1", "2"), ("2", "1")])
def test_s_22_of_two_files_the_later_name_counts_in_either_order_of_arrival(
    warehouse_url: str, tmp_path: Path, arrival: tuple[str, str]
) -> None:
    world = History(warehouse_url, tmp_path, events_feed("per_file"))
    rows = {"1": up("A", 10), "2": up("B", 10)}
    for name in arrival:
        _load_named(world, f"part_{name}.csv", rows[name])
    assert world.versions() == "B[10,∞)"
    assert world.query("select reason from quality.rejected_record") == [("AMBIGUOUS_TIME",)]


def test_s_22_file_names_are_ordered_with_their_digits_as_numbers(warehouse_url: str, tmp_path: Path) -> None:
    world = History(warehouse_url, tmp_path, events_feed("per_file"))
    _load_named(world, "part_10.csv", up("B", 10))
    _load_named(world, "part_9.csv", up("A", 10))
    assert world.versions() == "B[10,∞)"


def test_s_22_of_two_landings_of_one_file_the_newer_sighting_counts(
    warehouse_url: str, tmp_path: Path
) -> None:
    history = History(warehouse_url, tmp_path)
    for state in ("A", "B", "A"):
        history.load(up(state, 10))
    assert history.versions() == "A[10,∞)"


def test_s_22_the_first_row_counts_where_the_contract_says_first(warehouse_url: str, tmp_path: Path) -> None:
    world = History(warehouse_url, tmp_path, events_feed("per_file", on_duplicate="first"))
    _load_named(world, "part_2.csv", up("B", 10))
    _load_named(world, "part_1.csv", up("A", 10))
    assert world.versions() == "A[10,∞)"


def test_s_22_a_strict_feed_refuses_the_batch_and_keeps_what_stands(history: History) -> None:
    history.load(up("A", 10))
    strict = History(
        history.warehouse.url, history.folder, events_feed(history.feed.partitions, on_duplicate="refuse")
    )
    with pytest.raises(DataRefused, match="contradict"):
        strict.load(up("C", 5), up("B", 20), up("C", 20))
    assert history.versions() == "A[10,∞)"


def test_s_22_a_strict_feed_refuses_a_contradiction_between_two_loads(
    warehouse_url: str, tmp_path: Path
) -> None:
    strict = History(warehouse_url, tmp_path, events_feed("per_file", on_duplicate="refuse"))
    strict.load(up("A", 10))
    with pytest.raises(DataRefused, match="contradict"):
        strict.load(up("B", 10))
    assert strict.versions() == "A[10,∞)"


def test_s_22_a_feed_that_rejects_contradictions_loads_neither_row(
    warehouse_url: str, tmp_path: Path
) -> None:
    world = World(warehouse_url, tmp_path, History(warehouse_url, tmp_path).catalog)
    feed = events_feed(on_duplicate="reject")
    report = world.load_rows(feed, [("k", "2024-01-01", None, state, None) for state in "AB"])
    assert (report.loaded, report.rejected, report.reasons) == (0, 2, {"DUPLICATE_KEY": 2})


@pytest.mark.parametrize("files", [1, 2])
@pytest.mark.parametrize("ranks", [(2, 1), (1, 2), (None, 1), (1, None)])
def test_s_23_the_highest_tie_break_counts_in_one_load_or_two(
    warehouse_url: str, tmp_path: Path, ranks: tuple[int | None, int | None], files: int
) -> None:
    feed = events_feed(tie_break="rank", columns=ROUND)
    history = History(warehouse_url, tmp_path, feed)
    rows = [
        ("k", "2024-01-01T00:10:00", None, state, None, rank) for state, rank in zip("AB", ranks, strict=True)
    ]
    for batch in [rows] if files == 1 else [[row] for row in rows]:
        history.load_rows(feed, batch)
    history.refresh(history.dimension)
    winner = "A" if (ranks[0] or 0) > (ranks[1] or 0) else "B"
    assert history.versions() == f"{winner}[10,∞)"
    assert history.differences() == []


def test_s_23_an_equal_tie_break_falls_back_to_the_order_of_files(warehouse_url: str, tmp_path: Path) -> None:
    feed = events_feed("per_file", tie_break="rank", columns=ROUND)
    history = History(warehouse_url, tmp_path, feed)
    for name, state in (("part_2.csv", "B"), ("part_1.csv", "A")):
        history.load_rows(feed, [("k", "2024-01-01T00:10:00", None, state, None, 5)], name)
    history.refresh(history.dimension)
    assert history.versions() == "B[10,∞)"


def test_s_24_a_delete_counts_before_a_state_of_the_same_time(history: History) -> None:
    history.load(up("Z", 1))
    history.load(gone(10))
    history.load(up("A", 10))
    assert history.versions() == "Z[1,10)"
    history.load(up("B", 20), gone(20), up("C", 20))
    assert history.versions() == "Z[1,10)"


def test_s_24_a_higher_tie_break_lets_the_state_count_before_the_delete(
    warehouse_url: str, tmp_path: Path
) -> None:
    feed = events_feed(tie_break="rank", columns=ROUND)
    history = History(warehouse_url, tmp_path, feed)
    history.load_rows(feed, [("k", "2024-01-01T00:10:00", "D", None, None, 1)])
    history.load_rows(feed, [("k", "2024-01-01T00:10:00", None, "A", None, 2)])
    history.refresh(history.dimension)
    assert history.versions() == "A[10,∞)"


def test_s_25_two_changes_on_one_date_make_one_version_and_never_an_empty_one(history: History) -> None:
    day = events_feed(
        history.feed.partitions, columns={**EVENT_COLUMNS, "ts": {"type": "date", "required": True}}
    )
    world = History(history.warehouse.url, history.folder, day)
    for name, state in (("part_1.csv", "A"), ("part_2.csv", "B")):
        world.load_rows(day, [("k", "2024-01-02", None, state, None)], name)
    world.load_rows(day, [("k", "2024-01-03", None, "C", None)], "part_3.csv")
    world.refresh(world.dimension)
    assert world.versions() == "B[1440,2880) C[2880,∞)"
    assert world.differences() == []


def test_s_25_changes_within_one_millisecond_of_a_coarse_source_are_one_moment(history: History) -> None:
    at = "2024-01-01T00:10:00.123"
    for number, state in enumerate("AB"):
        history.load_rows(history.feed, [("k", at, None, state, None)], f"part_{number}.csv")
    history.refresh(history.dimension)
    (version,) = history.query("select a from analytics.dim_thing where thing_key <> 0")
    assert version == ("B",)


def _load_named(world: History, name: str, event: Event) -> None:
    at = event.moment.isoformat()
    world.load_rows(world.feed, [(event.k, at, event.op, event.a, event.b)], name)
    world.refresh(world.dimension)
    assert world.differences() == []
