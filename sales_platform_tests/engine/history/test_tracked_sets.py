"""Another set of tracked columns, another way of telling changes: from the next real change on (S-59)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile
from sales_platform.errors import ContractError
from sales_platform_tests.engine.history.contracts import catalog_of, events_feed, things
from sales_platform_tests.engine.history.drifting import ROADS, TEXT, Drifting, row
from sales_platform_tests.engine.history.world import stamps


@pytest.fixture(params=[*ROADS, "list"])
def drifting(request: pytest.FixtureRequest, warehouse_url: str, tmp_path: Path) -> Drifting:
    """`a` is tracked, `b` overwritten; of one key a version is closed in which `b` changed."""
    found = Drifting(warehouse_url, tmp_path, request.param)
    found.edit(track="a", overwrite="b", b=TEXT)
    for at, a, b in ((10, "A", "1"), (20, "A", "2"), (30, "B", "2"), (40, "B", "3")):
        found.load(row(at, a=a, b=b), row(at, "other", a="A", b="1"))
    assert found.states("a, b") == [("A", "2"), ("B", "3")]
    return found


def test_s_59_a_column_tracked_from_now_on_opens_a_version_with_its_next_change_and_no_other(
    drifting: Drifting,
) -> None:
    before = stamps(drifting, "analytics.dim_thing")
    drifting.edit(track="ab")
    drifting.settle()
    assert stamps(drifting, "analytics.dim_thing") == before

    drifting.load(row(50, a="B", b="3"), row(50, "other", a="A", b="1"))
    assert stamps(drifting, "analytics.dim_thing") == before

    drifting.load(row(60, a="B", b="4"), row(60, "other", a="A", b="1"))
    assert drifting.states("a, b") == [("A", "2"), ("B", "3"), ("B", "4")]
    assert drifting.states("a, b", "other") == [("A", "1")]


def test_s_59_a_column_tracked_no_longer_leaves_its_versions_and_opens_no_more(drifting: Drifting) -> None:
    drifting.edit(track="ab")
    drifting.load(row(50, a="B", b="4"), row(50, "other", a="A", b="1"))
    keys = drifting.keys()
    assert len(keys) == 3

    drifting.edit(track="a", overwrite="b")
    drifting.load(row(60, a="B", b="5"), row(60, "other", a="A", b="9"))

    assert drifting.states("a, b") == [("A", "2"), ("B", "3"), ("B", "5")]
    assert (drifting.keys(), drifting.states("b", "other")) == (keys, [("9",)])


def test_s_59_a_column_that_the_dimension_no_longer_shows_leaves_its_versions(drifting: Drifting) -> None:
    drifting.edit(track="ab")
    drifting.load(row(50, a="B", b="4"))
    keys = drifting.keys()

    drifting.edit(track="a")
    drifting.load(row(60, a="B", b="5"))
    drifting.load(row(70, a="C", b="5"))

    assert drifting.keys()[:3] == keys
    assert drifting.states() == [("A",), ("B",), ("B",), ("C",)]


def test_s_59_a_column_that_no_source_has_any_more_is_named_before_its_versions_would_vanish(
    drifting: Drifting,
) -> None:
    drifting.edit(track="ab")
    drifting.load(row(50, a="B", b="4"))
    before = stamps(drifting, "analytics.dim_thing")

    drifting.edit(track="a", b=None)
    drifting.execute(f"alter table staging.{drifting.feed.name} drop column b")
    with pytest.raises(ContractError, match="b was tracked and opened versions"):
        drifting.refresh(drifting.dimension)

    assert stamps(drifting, "analytics.dim_thing") == before


def test_s_59_a_new_column_with_a_past_in_raw_completes_versions_and_opens_none_for_the_past(
    drifting: Drifting,
) -> None:
    for at, c in ((50, "red"), (60, "blue")):
        drifting.load(row(at, a="B", b="3", c=c))
    keys = drifting.keys()

    drifting.edit(track="ac", overwrite="b", c=TEXT)
    drifting.load(row(70, a="B", b="3", c="blue"))
    assert drifting.keys() == keys

    drifting.load(row(80, a="B", b="3", c="green"))
    assert drifting.states("a, c")[-1] == ("B", "green")
    assert drifting.keys()[:2] == keys


def test_s_59_a_set_that_is_changed_again_before_any_event_counts_as_never_changed(
    drifting: Drifting,
) -> None:
    for track, overwrite in (("ab", ""), ("a", "b"), ("b", "a"), ("a", "b")):
        before = stamps(drifting, "analytics.dim_thing")
        drifting.edit(track=track, overwrite=overwrite)
        drifting.settle()
        assert stamps(drifting, "analytics.dim_thing") == before

    drifting.load(row(50, a="B", b="9"))
    assert drifting.states("a, b") == [("A", "2"), ("B", "9")]


@pytest.mark.parametrize("drifting", [*ROADS], indirect=True)
def test_s_59_a_late_event_is_judged_by_the_set_of_its_own_time(drifting: Drifting) -> None:
    """So history depends on what was tracked when, never on when an event arrived."""
    keys = drifting.keys()
    drifting.edit(track="ab")
    drifting.settle()
    drifting.load(row(60, a="B", b="4"))

    drifting.load(row(15, a="A", b="7"), row(35, a="B", b="7"), row(50, a="B", b="5"))

    assert drifting.states("a, b") == [("A", "2"), ("B", "3"), ("B", "5"), ("B", "4")]
    assert drifting.keys()[:2] == keys


@pytest.mark.parametrize("drifting", [*ROADS], indirect=True)
def test_s_59_a_stamp_of_the_far_future_does_not_put_off_the_new_set(drifting: Drifting) -> None:
    drifting.feed_words = {"future_tolerance": "1000 years"}
    drifting.load({"k": "other", "ts": "2999-01-01", "a": "A", "b": "1"})
    drifting.edit(track="ab")
    drifting.settle()
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()

    drifting.load({"k": "k", "ts": soon, "a": "B", "b": "4"})

    assert drifting.states("a, b") == [("A", "2"), ("B", "3"), ("B", "4")]


@pytest.mark.parametrize("drifting", ["list"], indirect=True)
def test_s_59_a_list_that_becomes_a_feed_of_events_is_refused_and_goes_on_as_a_second_source(
    drifting: Drifting,
) -> None:
    keys, before = drifting.keys(), stamps(drifting, "analytics.dim_thing")
    stamped = events_feed(
        table="list", deleted_when=None, columns=drifting.feed.columns, path="test/list.csv"
    )
    file = drifting.standing["list.csv"]
    with pytest.raises(ContractError, match="told apart by _snapshot_at, k"):
        load_files(drifting.warehouse, stamped, [file])

    second = events_feed(deleted_when=None, columns=drifting.feed.columns)
    both = things(
        events=[
            *drifting.dimension.model_dump(by_alias=True)["events"],
            {"from": "staging.test_events", "valid_from": "ts"},
        ]
    )
    world_catalog = catalog_of(drifting.folder, drifting.feed, second, both)
    drifting.catalog = world_catalog
    for minutes, a in ((5, "B"), (10, "C")):
        assert (drifting.keys(), stamps(drifting, "analytics.dim_thing")) == (keys, before)
        soon = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
        place = drifting.folder / f"events_{minutes}.csv"
        place.write_text(f"k,ts,a,b\nk,{soon},{a},3\nother,{soon},A,1\n", encoding="utf-8")
        load_files(drifting.warehouse, second, [SourceFile(place.name, str(place), file.partition)])
        drifting.refresh(both)

    assert drifting.states("a") == [("A",), ("B",), ("C",)]
    assert (drifting.keys()[:2], len(drifting.keys("other"))) == (keys, 1)
    assert drifting.differences() == []
