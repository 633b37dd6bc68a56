"""Events of one thing in any order: what the versions are, and which keys they keep (S-01 to S-21)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sales_platform_tests.engine.history.contracts import catalog_of, events_feed, things
from sales_platform_tests.engine.history.oracle import gone, minute, up
from sales_platform_tests.engine.history.scenario import History
from sales_platform_tests.engine.history.world import World


def test_s_01_a_first_load_opens_versions_at_each_rows_own_time(history: History) -> None:
    history.load(up("A", 10, k="k"), up("B", 7, k="l"), up("C", 3, k="m"))
    assert [history.versions(k) for k in "klm"] == ["A[10,∞)", "B[7,∞)", "C[3,∞)"]


def test_s_02_the_same_batch_again_writes_no_row(history: History) -> None:
    history.load(up("A", 10), up("B", 20))
    keys = history.surrogates()
    report = history.load(up("B", 20), up("A", 10))  # another file, the same events
    assert (report.loaded, history.surrogates()) == (0, keys)


def test_s_03_a_newer_state_closes_the_open_version_which_keeps_its_key(history: History) -> None:
    history.load(up("A", 10))
    (a,) = history.surrogates()
    history.load(up("B", 20))
    assert history.versions() == "A[10,20) B[20,∞)"
    assert history.surrogates()[0] == a != history.surrogates()[1]


def test_s_04_closed_versions_are_not_written_again(history: History) -> None:
    history.load(up("A", 10), up("B", 20), up("C", 30), up("D", 40))
    closed = history.surrogates()[:3]
    before = [history.stamp_of(key) for key in closed]
    history.load(up("E", 50))
    assert [history.stamp_of(key) for key in closed] == before


def test_s_06_a_return_to_an_earlier_state_is_a_new_version(history: History) -> None:
    history.load(up("A", 10))
    history.load(up("B", 20))
    history.load(up("A", 30))
    assert history.versions() == "A[10,20) B[20,30) A[30,∞)"
    assert len(set(history.surrogates())) == 3


def test_s_07_two_states_in_one_batch_make_two_versions(history: History) -> None:
    history.load(up("A", 10), up("B", 20))
    assert history.versions() == "A[10,20) B[20,∞)"


def test_s_08_two_newer_states_in_one_batch_follow_one_another(history: History) -> None:
    history.load(up("A", 10))
    history.load(up("C", 30), up("B", 20))
    assert history.versions() == "A[10,20) B[20,30) C[30,∞)"


def test_s_09_insert_update_delete_and_reinsert_in_one_batch(history: History) -> None:
    history.load(up("A", 10), up("B", 20), gone(30), up("C", 40))
    assert history.versions() == "A[10,20) B[20,30) C[40,∞)"


def test_s_11_a_late_event_before_all_others_opens_history_earlier(history: History) -> None:
    history.load(up("B", 20))
    (b,) = history.surrogates()
    history.load(up("A", 10))
    assert history.versions() == "A[10,20) B[20,∞)"
    assert history.surrogates()[1] == b


def test_s_12_a_late_event_splits_a_version_and_its_neighbours_keep_their_keys(history: History) -> None:
    history.load(up("A", 10), up("C", 20))
    a, c = history.surrogates()
    history.load(up("B", 15))
    assert history.versions() == "A[10,15) B[15,20) C[20,∞)"
    assert [history.surrogates()[0], history.surrogates()[2]] == [a, c]


def test_s_13_a_late_and_a_new_event_in_one_batch(history: History) -> None:
    history.load(up("A", 10))
    (a,) = history.surrogates()
    history.load(up("B", 5), up("C", 12))
    assert history.versions() == "B[5,10) A[10,12) C[12,∞)"
    assert history.surrogates()[1] == a


def test_s_14_an_unchanged_sighting_touches_no_version_and_is_remembered(history: History) -> None:
    history.load(up("A", 10), up("B", 20))
    before = [history.stamp_of(key) for key in history.surrogates()]
    history.load(up("A", 15))
    assert history.versions() == "A[10,20) B[20,∞)"
    assert [history.stamp_of(key) for key in history.surrogates()] == before
    assert history.query("select count(*) from staging.test_events") == [(3,)]


def test_s_15_an_earlier_sighting_moves_the_start_and_keeps_the_key(history: History) -> None:
    history.load(up("A", 10))
    keys = history.surrogates()
    history.load(up("A", 5))
    assert (history.versions(), history.surrogates()) == ("A[5,∞)", keys)


def test_s_16_a_late_event_within_an_unchanged_stretch_splits_it(history: History) -> None:
    history.load(up("A", 5))
    history.load(up("A", 10))
    history.load(up("A", 15))
    history.load(up("C", 20))
    a, c = history.surrogates()
    history.load(up("B", 12))
    assert history.versions() == "A[5,12) B[12,15) A[15,20) C[20,∞)"
    assert (history.surrogates()[0], history.surrogates()[3]) == (a, c)
    assert len(set(history.surrogates())) == 4


def test_s_17_a_late_delete_ends_the_version_it_falls_in(history: History) -> None:
    history.load(up("A", 10), up("B", 30))
    a, b = history.surrogates()
    history.load(gone(20))
    assert history.versions() == "A[10,20) B[30,∞)"
    assert history.surrogates() == [a, b]


def test_s_18_a_late_delete_before_a_delete_and_an_event_between_them(history: History) -> None:
    history.load(up("A", 10), gone(20))
    history.load(gone(15))
    assert history.versions() == "A[10,15)"
    history.load(up("A", 17))
    assert history.versions() == "A[10,15) A[17,20)"


def test_s_19_a_delete_of_an_unknown_thing_is_remembered(history: History) -> None:
    history.load(gone(20))
    assert history.versions() == ""
    history.load(up("A", 10))
    assert history.versions() == "A[10,20)"


def test_s_20_a_late_event_fills_a_gap_and_leaves_its_neighbours(history: History) -> None:
    history.load(up("A", 10), gone(20), up("C", 40))
    a, c = history.surrogates()
    before = [history.stamp_of(key) for key in (a, c)]
    history.load(up("B", 30))
    assert history.versions() == "A[10,20) B[30,40) C[40,∞)"
    assert [history.stamp_of(key) for key in (a, c)] == before


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_events_of_a_finer_key_at_one_time_make_one_version_of_the_thing(
    warehouse_url: str, tmp_path: Path, order: tuple[int, ...]
) -> None:
    feed = events_feed(key=["k", "b"])
    world = World(warehouse_url, tmp_path, catalog_of(tmp_path, feed, things(overwrite=[])))
    rows = [
        ("k", minute(at).isoformat(), None, a, b)
        for a, b, at in (("A", "1", 10), ("B", "2", 10), ("C", "1", 20))
    ]
    for place in order:
        world.load_rows(feed, [rows[place]])
        world.refresh(world.catalog.dimensions["dim_thing"])
        assert world.differences() == []
    states = world.query(
        "select a from analytics.dim_thing where thing_key <> 0 order by effective_start_date"
    )
    assert states in ([("A",), ("C",)], [("B",), ("C",)])


def test_s_21_an_identical_row_twice_is_one_version_and_one_counted_duplicate(history: History) -> None:
    report = history.load(up("A", 10), up("A", 10))
    assert (history.versions(), report.loaded, report.duplicate) == ("A[10,∞)", 1, 1)
