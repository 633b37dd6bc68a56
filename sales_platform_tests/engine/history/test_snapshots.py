"""S-26 to S-37, S-73, B-15, B-16, Q-20: complete and partial snapshots, their absences, their order, their guards."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sales_platform.engine.feeds import load_files
from sales_platform.engine.snapshots import Meant
from sales_platform.errors import DataRefused, FileEmpty
from sales_platform_tests.engine.history.contracts import things
from sales_platform_tests.engine.history.oracle import minute, up
from sales_platform_tests.engine.history.snapshots import (
    BAD,
    Snapshots,
    Taken,
    expected,
    snapshot_feed,
    taken,
)
from sales_platform_tests.engine.history.world import stamps

ALL = ("staging.test_full", "analytics.dim_thing")
MANY = [f"m{number:02}" for number in range(40)]


@pytest.fixture
def world(warehouse_url: str, tmp_path: Path) -> Snapshots:
    return Snapshots(warehouse_url, tmp_path)


def test_s_26_a_thing_that_a_complete_snapshot_lacks_is_closed_at_its_time(world: Snapshots) -> None:
    world.load(taken(10, k="A", l="B"))
    before = world.surrogates("l")
    world.load(taken(20, l="B"))
    assert (world.versions("k"), world.versions("l")) == ("A[10,20)", "B[10,∞)")
    assert (world.surrogates("l"), world.differences()) == (before, [])


def test_s_27_a_partial_snapshot_says_nothing_of_what_it_lacks(warehouse_url: str, tmp_path: Path) -> None:
    partial = Snapshots(warehouse_url, tmp_path, snapshot="partial")
    partial.load(taken(10, k="A", l="B"), taken(20, l="C"))
    assert (partial.versions("k"), partial.versions("l")) == ("A[10,∞)", "B[10,20) C[20,∞)")
    assert partial.differences() == []


def test_s_28_the_same_list_after_a_delete_moves_nothing(world: Snapshots) -> None:
    world.load(taken(10, k="A", l="B"), taken(20, l="B"))
    before = [stamps(world, table) for table in ALL]
    world.load(taken(30, l="B"), taken(40, l="B"))
    assert [stamps(world, table) for table in ALL] == before
    assert (world.versions(), world.differences()) == ("A[10,20)", [])


def test_s_29_a_thing_that_comes_back_unchanged_opens_a_version_and_leaves_the_gap(world: Snapshots) -> None:
    world.load(taken(10, k="A", l="B"), taken(20, l="B"), taken(30, k="A", l="B"))
    first, second = world.surrogates()
    assert (world.versions(), first != second) == ("A[10,20) A[30,∞)", True)
    assert world.differences() == []


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_s_29_a_stamp_older_than_the_delete_does_not_fill_the_gap(
    warehouse_url: str, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """`part` bears the source's own stamp: the state was written at 5, long before it was last seen."""
    columns = snapshot_feed().model_dump(exclude_unset=True)["columns"]
    world = Snapshots(
        warehouse_url,
        tmp_path,
        columns={**columns, "part": {"type": "timestamptz", "zone": "UTC"}},
    )
    world.dimension = things(overwrite=[], events=[{"from": "staging.test_full", "valid_from": "part"}])
    world.catalog.add(world.dimension)
    stamp = "2024-01-01T00:05:00"
    lists = [
        taken(10, k=("A", stamp), l=("B", stamp)),
        taken(20, l=("B", stamp)),
        taken(30, k=("A", stamp), l=("B", stamp)),
    ]
    world.load(*(lists[place] for place in order))
    assert (world.versions(), world.versions("l")) == ("A[5,20) A[30,∞)", "B[5,∞)")
    assert world.differences() == []


def test_s_30_deletes_and_returns_alternate_and_every_rerun_is_stable(world: Snapshots) -> None:
    lists = [
        taken(10, k="A", l="B"),
        taken(20, l="B"),
        taken(30, k="A", l="B"),
        taken(40, l="B"),
        taken(50, k="A", l="B"),
    ]
    world.load(*lists)
    assert world.versions() == "A[10,20) A[30,40) A[50,∞)"
    before = [stamps(world, table) for table in ALL]
    reports = world.load(*lists)
    assert {report.status for report in reports} == {"unchanged"}
    assert [stamps(world, table) for table in ALL] == before
    assert world.differences() == []


def test_s_31_what_ended_keeps_its_values_and_no_empty_row_says_so(world: Snapshots) -> None:
    world.load(taken(10, k=("A", "north"), l="B"), taken(20, l="B"))
    rows = world.query("select k, a, is_current from analytics.dim_thing where k = 'k'")
    staged = world.query(
        "select a, part, _deleted from staging.test_full where k = 'k' order by _snapshot_at"
    )
    assert rows == [("k", "A", False)]
    assert staged == [("A", "north", False), ("A", "north", True)]


@pytest.mark.parametrize(("flag", "history"), [("true", "A[10,20)"), ("false", "A[10,∞)"), (None, "A[10,∞)")])
def test_s_32_only_a_flag_that_is_true_deletes(
    warehouse_url: str, tmp_path: Path, flag: str | None, history: str
) -> None:
    columns = snapshot_feed().model_dump(exclude_unset=True)["columns"]
    world = Snapshots(
        warehouse_url, tmp_path, deleted_when="part", columns={**columns, "part": {"type": "boolean"}}
    )
    world.load(taken(10, k="A"), Taken(20, {"k": ("A", flag)}))  # type: ignore[dict-item]
    assert (world.versions(), world.differences()) == (history, [])


def test_s_33_an_empty_list_is_refused_and_a_person_may_mean_it(warehouse_url: str, tmp_path: Path) -> None:
    world = Snapshots(warehouse_url, tmp_path, snapshot_at=None)
    world.load(taken(10, k="A"))
    before = [stamps(world, table) for table in ALL]
    with pytest.raises(FileEmpty):
        world.load(taken(20))
    assert [stamps(world, table) for table in ALL] == before
    world.load(taken(20), meant=Meant(allow_deletes=True))
    (version,) = world.found()
    assert (version.end is not None, world.differences()) == (True, [])


def test_s_33_an_empty_list_that_a_contract_allows_closes_nothing_unasked(
    warehouse_url: str, tmp_path: Path
) -> None:
    world = Snapshots(warehouse_url, tmp_path, snapshot_at=None, empty="allow")
    world.load(taken(10, k="A"))
    with pytest.raises(DataRefused, match="1 of 1 live keys"):
        world.load(taken(20))
    assert world.found()[0].end is None


def test_s_33_more_deletes_than_allowed_are_refused_before_any_write(world: Snapshots) -> None:
    world.load(Taken(10, dict.fromkeys(MANY, "A")))
    before = [stamps(world, table) for table in ("raw.test_full", "ops.snapshot", *ALL)]
    rest = Taken(20, dict.fromkeys(MANY[:28], "B"))
    with pytest.raises(
        DataRefused, match=r"12 of 40 live keys, more than the 20%.*--allow-deletes"
    ) as refused:
        world.load(rest)
    world.refresh(world.dimension)
    assert refused.value.exit_code == 3
    assert [stamps(world, table) for table in ("raw.test_full", "ops.snapshot", *ALL)] == before
    assert world.query(
        "select status from ops.load where feed = 'test_full' order by load_id desc limit 1"
    ) == [("refused",)]
    world.load(rest, meant=Meant(allow_deletes=True))
    assert (world.versions(MANY[-1]), world.differences()) == ("A[10,20)", [])


def test_s_33_the_dimension_says_how_many_may_be_closed(world: Snapshots) -> None:
    world.catalog.add(world.dimension.model_copy(update={"max_close": 0.5}))
    world.load(Taken(10, dict.fromkeys(MANY, "A")), Taken(20, dict.fromkeys(MANY[:28], "A")))
    assert world.versions(MANY[-1]) == "A[10,20)"


def test_s_33_a_late_list_that_would_let_a_later_one_close_too_many_is_refused(world: Snapshots) -> None:
    world.load(Taken(20, dict.fromkeys(MANY[:20], "A")))
    before = [stamps(world, table) for table in ("raw.test_full", "ops.snapshot", *ALL)]
    with pytest.raises(DataRefused, match="20 of 40 live keys"):
        world.load(Taken(10, dict.fromkeys(MANY, "A")))
    assert [stamps(world, table) for table in ("raw.test_full", "ops.snapshot", *ALL)] == before


def test_s_34_a_list_that_is_read_half_way_closes_nothing(world: Snapshots) -> None:
    world.load(taken(10, k="A", l="B"))
    file = world.file(world.feed, taken(20, l="B").rows)
    place = Path(file.location)
    place.write_bytes(place.read_bytes() + b'"m","A')
    (report,) = load_files(world.warehouse, world.feed, [file], catalog=world.catalog)
    world.refresh(world.dimension)
    assert (report.rejected, world.versions()) == (1, "A[10,∞)")
    assert world.query("select complete from ops.snapshot where feed = 'test_full' order by snapshot_at") == [
        (True,),
        (False,),
    ]
    world.load(taken(30, l="B"))
    assert (world.versions(), world.differences()) == ("A[10,30)", [])


def test_s_35_a_list_of_one_part_closes_only_things_of_that_part(warehouse_url: str, tmp_path: Path) -> None:
    world = Snapshots(warehouse_url, tmp_path, scope="part")
    world.load(taken(10, k=("A", "p"), l=("B", "q"), m=("C", "p")), taken(20, m=("C", "p")))
    assert (world.versions("k"), world.versions("l")) == ("A[10,20)", "B[10,∞)")
    assert world.differences() == []


def test_s_36_a_thing_that_moves_between_parts_is_open_once(warehouse_url: str, tmp_path: Path) -> None:
    world = Snapshots(warehouse_url, tmp_path, scope="part")
    world.load(taken(10, k=("A", "p"), l=("B", "p"), m=("C", "q")))
    world.load(taken(30, l=("B", "p")), taken(20, k=("A", "q"), m=("C", "q")))
    assert world.versions("k") == "A[10,∞)"
    world.load(taken(40, m=("C", "q")), taken(50, k=("A", "p"), l=("B", "p")))
    assert (world.versions("k"), world.differences()) == ("A[10,40) A[50,∞)", [])


def test_s_36_a_move_within_one_list_leaves_no_gap(warehouse_url: str, tmp_path: Path) -> None:
    world = Snapshots(warehouse_url, tmp_path, scope="part")
    world.load(taken(10, k=("A", "p"), l=("B", "p")), taken(20, l=("B", "p"), k=("A", "q")))
    assert (world.versions("k"), world.differences()) == ("A[10,∞)", [])


def test_s_37_a_thing_whose_line_is_quarantined_is_not_closed(world: Snapshots) -> None:
    world.load(taken(10, k="A", l="B", m="C"), taken(20, l=BAD, m="C"))
    assert (world.versions("k"), world.versions("l")) == ("A[10,20)", "B[10,∞)")
    assert world.differences() == []


def test_s_37_where_a_refused_line_names_no_thing_none_is_closed(world: Snapshots) -> None:
    world.load(taken(10, k="A", l="B"), taken(20, nameless=1, l="B"))
    assert world.versions("k") == "A[10,∞)"
    world.load(taken(30, l="B"))
    assert (world.versions("k"), world.differences()) == ("A[10,30)", [])


def test_s_37_a_thing_whose_lines_contradict_each_other_is_not_closed(
    warehouse_url: str, tmp_path: Path
) -> None:
    world = Snapshots(warehouse_url, tmp_path, on_duplicate="reject", reject_limit=1)
    world.load(taken(10, k="A", l="B"))
    lines = [(k, a, None, minute(20).isoformat()) for k, a in (("k", "C"), ("k", "D"), ("l", "B"))]
    load_files(world.warehouse, world.feed, [world.file(world.feed, lines)], catalog=world.catalog)
    world.refresh(world.dimension)
    assert (world.versions("k"), world.versions("l")) == ("A[10,∞)", "B[10,∞)")


def test_q_20_three_rejected_rows_of_a_complete_list_are_not_taken_for_deleted(world: Snapshots) -> None:
    world.load(taken(10, k="A", l="B", m="C", n="D", o="E"), taken(20, k=BAD, l=BAD, m=BAD, n="D"))
    assert [world.versions(k) for k in "klmno"] == ["A[10,∞)", "B[10,∞)", "C[10,∞)", "D[10,∞)", "E[10,20)"]
    held = world.query(
        "select business_key from quality.rejected_record where resolved_at is null order by 1"
    )
    assert held == [(["k"],), (["l"],), (["m"],)]


def test_s_73_an_old_list_sent_again_changes_nothing(world: Snapshots) -> None:
    world.load(taken(10, k="A", l="B"), taken(20, l="C"))
    before = [stamps(world, table) for table in ("raw.test_full", *ALL)]
    (report,) = world.load(taken(10, k="A", l="B"))
    assert report.status == "unchanged"
    assert [stamps(world, table) for table in ("raw.test_full", *ALL)] == before


def test_s_73_other_content_of_an_old_list_is_refused_until_it_is_called_a_correction(
    world: Snapshots,
) -> None:
    world.load(taken(10, k="A", l="B"), taken(20, k="A", l="B"), taken(30, k="C", l="B"))
    before = [stamps(world, table) for table in ("raw.test_full", "ops.snapshot", *ALL)]
    with pytest.raises(DataRefused, match=r"S-73.*--correction"):
        world.load(taken(20, l="B"))
    assert [stamps(world, table) for table in ("raw.test_full", "ops.snapshot", *ALL)] == before
    keys = world.surrogates()
    world.load(taken(20, k="B"), meant=Meant(correction=True))
    assert (world.versions("k"), world.versions("l")) == ("A[10,20) B[20,30) C[30,∞)", "B[10,20) B[30,∞)")
    assert {world.surrogates()[0], world.surrogates()[2]} == set(keys)
    assert world.differences() == []
    # the first content again is another content than the one that stands now
    with pytest.raises(DataRefused, match="S-73"):
        world.load(taken(20, k="A", l="B"))


def test_b_15_lists_of_earlier_months_in_any_order_leave_what_is_current(world: Snapshots) -> None:
    world.load(taken(30, k="C", l="X"))
    current = world.surrogates()
    world.load(taken(20, k="B", l="X"), taken(10, k="A", m="Y"))
    assert world.versions("k") == "A[10,20) B[20,30) C[30,∞)"
    assert (world.versions("m"), world.versions("l")) == ("Y[10,20)", "X[20,∞)")
    assert world.surrogates()[-1:] == current
    assert world.differences() == []


def test_b_16_history_restated_from_a_time_keeps_what_was_before_it(world: Snapshots) -> None:
    world.load(taken(10, k="A"), taken(20, k="B"), taken(30, k="C"), taken(40, k="D"))
    before = world.surrogates()
    world.load(taken(30, k="X"), taken(40, k="D"), meant=Meant(correction=True))
    assert world.versions() == "A[10,20) B[20,30) X[30,40) D[40,∞)"
    after = world.surrogates()
    assert (after[:2], after[3]) == (before[:2], before[3])
    world.load(taken(30, k="D"), meant=Meant(correction=True))
    assert (world.versions(), world.surrogates()[:2]) == ("A[10,20) B[20,30) D[30,∞)", before[:2])
    assert world.differences() == []


def test_a_dimension_without_history_shows_what_the_last_list_has(world: Snapshots) -> None:
    plain = things(track=[], overwrite=["a"], events=[{"from": "staging.test_full"}], table="dim_plain")
    world.catalog.add(plain)
    shown = "select k, a from analytics.dim_plain where plain_key <> 0 order by k"
    for one, rows in (
        (taken(10, k="A", l="B"), [("k", "A"), ("l", "B")]),
        (taken(30, k="C", m="D"), [("k", "C"), ("m", "D")]),
        (taken(20, k="X", l="Y", m="D"), [("k", "C"), ("m", "D")]),
    ):
        world.load(one)
        world.refresh(plain)
        assert world.query(shown) == rows
    assert world.differences() == []


def test_the_day_in_the_path_says_when_a_list_was_true(warehouse_url: str, tmp_path: Path) -> None:
    words = snapshot_feed().model_dump(exclude_unset=True)
    columns = {name: words["columns"][name] for name in ("k", "a", "part")}
    world = Snapshots(
        warehouse_url,
        tmp_path,
        partitions="daily",
        path="test/{partition:%Y-%m-%d}.csv",
        snapshot_at=None,
        columns=columns,
    )
    for day, rows in (
        ("2024-01-03", [("k", "C", None)]),
        ("2024-01-01", [("k", "A", None), ("l", "B", None)]),
    ):
        load_files(world.warehouse, world.feed, [world.file(world.feed, rows, day)], catalog=world.catalog)
    world.refresh(world.dimension)
    assert (world.versions("k"), world.versions("l")) == ("A[0,2880) C[2880,∞)", "B[0,2880)")
    assert world.differences() == []
    with pytest.raises(DataRefused, match="S-73"):
        load_files(
            world.warehouse,
            world.feed,
            [world.file(world.feed, [("k", "D", None)], "2024-01-03")],
            catalog=world.catalog,
        )


def test_lines_of_several_times_and_lists_of_the_future_are_refused(world: Snapshots) -> None:
    mixed = [taken(10).row("k", "A"), taken(20).row("l", "A")]
    with pytest.raises(DataRefused, match="several times"):
        world.load_rows(world.feed, mixed)
    with pytest.raises(DataRefused, match="in the future"):
        world.load(taken(60 * 24 * 365 * 200, k="A"))
    assert world.query("select count(*) from raw.test_full") == [(0,)]


def _random_lists(dice: random.Random, count: int) -> list[Taken]:
    lists = []
    for at in dice.sample(range(10, 90), count):
        lines = {k: (dice.choice(("A", "B", BAD)), dice.choice("pq")) for k in "klmn" if dice.random() < 0.6}
        if all(state == BAD for state, _ in lines.values()):
            lines["o"] = ("A", "p")
        lists.append(Taken(at, lines, int(dice.random() < 0.2)))
    return lists


@pytest.mark.parametrize("scoped", [False, True], ids=["whole", "parts"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_lists_and_events_in_any_order_give_one_history(
    warehouse_url: str, tmp_path: Path, seed: int, scoped: bool
) -> None:
    """Absences, quarantined and nameless lines included; staging equals a rebuild, so nothing hides behind versions."""
    dice = random.Random(seed)
    world = Snapshots(warehouse_url, tmp_path, **({"scope": "part"} if scoped else {}))
    lists = _random_lists(dice, 9)
    events = [
        up(dice.choice("AB"), at + 0.5, None, dice.choice("klmn")) for at in dice.sample(range(10, 90), 4)
    ]
    arriving: list[Taken | object] = [*lists, *events]
    dice.shuffle(arriving)
    for one in arriving:
        if isinstance(one, Taken):
            world.load(one)
        else:
            world.load_events(one)  # type: ignore[arg-type]
    assert world.found() == expected(lists, *events, scoped=scoped), f"seed {seed}"
    assert world.differences() == [], f"seed {seed}"
