"""Columns of files that come, go, widen, change or move (S-53 to S-58): what that does to history."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest
from pydantic import ValidationError

from sales_platform.engine.rebuild import rebuild
from sales_platform.errors import ContractError, DataRefused, HeaderMismatch
from sales_platform_tests.engine.history.contracts import EVENT_COLUMNS, catalog_of, events_feed
from sales_platform_tests.engine.history.drifting import ROADS, TEXT, Drifting, row
from sales_platform_tests.engine.history.world import stamps

BY_EVENTS = pytest.mark.parametrize("drifting", [*ROADS], indirect=True)
INTEGER = {"type": "integer"}
BIGINT = {"type": "bigint"}


@pytest.fixture(params=[*ROADS, "list"])
def drifting(request: pytest.FixtureRequest, warehouse_url: str, tmp_path: Path) -> Drifting:
    return Drifting(warehouse_url, tmp_path, request.param)


def test_s_53_an_added_column_without_values_opens_no_version(drifting: Drifting) -> None:
    drifting.load(row(10, a="A"))
    (key,) = drifting.keys()
    drifting.edit(track="ac", c=TEXT)

    drifting.load(row(20, a="A", c=None))

    assert drifting.states("thing_key, a, c") == [(key, "A", None)]


def test_s_53_a_default_that_the_contract_declares_stands_for_every_row_and_opens_no_version(
    drifting: Drifting,
) -> None:
    drifting.load(row(10, a="A"))
    drifting.edit(track="ac", c={**TEXT, "nulls": [""], "default": "'x'"})

    drifting.load(row(20, a="A", c="x"))

    assert drifting.states("a, c") == [("A", "x")]
    assert len(drifting.keys()) == 1


def test_s_53_a_column_that_the_contract_does_not_know_is_kept_and_named_and_can_be_taken_in_later(
    drifting: Drifting,
) -> None:
    report = drifting.load(row(10, a="A", c="red"))
    (key,) = drifting.keys()
    assert report.new_columns == ("c",)
    assert drifting.query("select message from ops.load") == [
        ("columns that the contract does not know, kept in raw: c",)
    ]

    drifting.edit(track="ac", c=TEXT)
    drifting.load(row(20, a="A", c="red"))

    assert drifting.states("thing_key, a, c") == [(key, "A", "red")]


def test_s_54_only_rows_with_a_value_in_an_added_column_open_a_version(drifting: Drifting) -> None:
    drifting.load(row(10, a="A"), row(12, "other", a="A"))
    before = drifting.keys(), drifting.keys("other")
    drifting.edit(track="ac", c=TEXT)

    # dated before what is known of the other key: that must not matter
    drifting.load(row(11, a="A", c="red"), row(20, "other", a="A", c=None))

    assert drifting.states("a, c") == [("A", None), ("A", "red")]
    assert drifting.keys()[:1] == before[0]
    assert (drifting.keys("other"), drifting.states("c", "other")) == (before[1], [(None,)])


@BY_EVENTS
@pytest.mark.parametrize("policy", ["latest", "first", "refuse", "reject"])
def test_s_54_a_value_for_a_time_that_is_known_completes_the_version_and_is_no_conflict(
    drifting: Drifting, policy: str
) -> None:
    drifting.feed_words = {"on_duplicate": policy}
    drifting.load(row(10, a="A"), row(20, a="B"))
    keys = drifting.keys()
    drifting.edit(track="ac", c=TEXT)

    report = drifting.load(row(20, a="B", c="red"))

    assert (report.loaded, report.rejected) == (1, 0)
    assert drifting.states("a, c") == [("A", None), ("B", "red")]
    assert drifting.keys() == keys
    assert drifting.query("select * from quality.rejected_record") == []


@pytest.mark.parametrize("order", [*permutations(["part_1.csv", "part_2.csv", "part_3.csv"])])
def test_s_54_a_file_without_the_column_takes_nothing_from_those_that_have_it(
    warehouse_url: str, tmp_path: Path, order: tuple[str, ...]
) -> None:
    """Whichever is loaded first, and although the last name counts."""
    drifting = Drifting(warehouse_url, tmp_path, "files")
    drifting.edit(track="ac", c={**TEXT, "dropped": True})
    said = {"part_1.csv": {"c": "red"}, "part_2.csv": {"c": "blue"}, "part_3.csv": {}}

    for name in order:
        drifting.load(row(10, a="A", **said[name]), name=name)

    assert drifting.states("a, c") == [("A", "blue")]


def test_s_55_a_column_that_is_gone_is_refused_by_its_name_until_somebody_accepts_it(
    drifting: Drifting,
) -> None:
    drifting.edit(track="ac", c=TEXT)
    drifting.load(row(10, a="A", c="red"))
    before = stamps(drifting, f"staging.{drifting.feed.name}"), stamps(drifting, "analytics.dim_thing")

    with pytest.raises(HeaderMismatch, match="the header lacks c") as refused:
        drifting.land(row(20, a="A"))

    assert "columns: {c: {dropped: true}}" in str(refused.value.remedy)
    drifting.settle()
    after = stamps(drifting, f"staging.{drifting.feed.name}"), stamps(drifting, "analytics.dim_thing")
    assert after == before
    assert drifting.query(f"select count(*) from raw.{drifting.feed.name}") == [(1,)]


def test_s_55_after_a_column_is_accepted_as_gone_old_versions_keep_it_and_new_ones_are_empty(
    drifting: Drifting,
) -> None:
    drifting.edit(track="ac", c={**TEXT, "required": True})
    drifting.load(row(10, a="A", c="red"))
    drifting.load(row(20, a="B", c="blue"))
    keys = drifting.keys()
    drifting.edit(c={**TEXT, "required": True, "dropped": True})

    report = drifting.load(row(30, a="B"))
    assert report.rejected == 0
    assert drifting.states("thing_key, a, c") == [(keys[0], "A", "red"), (keys[1], "B", "blue")]

    drifting.load(row(40, a="C"))
    assert drifting.states("a, c") == [("A", "red"), ("B", "blue"), ("C", None)]
    assert drifting.keys()[:2] == keys

    drifting.load(row(50, a="C", c="green"))
    assert drifting.states("a, c") == [("A", "red"), ("B", "blue"), ("C", None), ("C", "green")]


def test_s_55_a_known_row_that_comes_again_without_the_column_changes_nothing(drifting: Drifting) -> None:
    drifting.edit(track="ac", c={**TEXT, "dropped": True})
    drifting.load(row(10, a="A", c="red"))

    report = drifting.load(row(10, a="A"))

    assert (report.loaded, report.unchanged + report.duplicate) == (0, 1)
    assert drifting.states("a, c") == [("A", "red")]


def test_rows_of_an_older_release_are_proved_before_their_next_load(drifting: Drifting) -> None:
    """Their staging table has no column yet for what their files lacked."""
    drifting.load(row(10, a="A"))
    drifting.execute(f"alter table staging.{drifting.feed.name} drop column _absent_columns")

    assert drifting.differences() == []
    drifting.load(row(20, a="B"))
    assert drifting.states() == [("A",), ("B",)]


def test_s_55_a_column_that_comes_back_with_its_value_opens_no_version(drifting: Drifting) -> None:
    drifting.edit(track="ac", c={**TEXT, "dropped": True})
    for at, values in ((10, {"c": "red"}), (20, {}), (30, {"c": "red"})):
        drifting.load(row(at, a="A", **values))
    assert drifting.states("a, c") == [("A", "red")]

    drifting.load(row(40, a="A", c=None))
    assert drifting.states("a, c") == [("A", "red"), ("A", None)]


def test_s_55_a_late_event_without_the_column_says_nothing_of_it(warehouse_url: str, tmp_path: Path) -> None:
    drifting = Drifting(warehouse_url, tmp_path, "files")
    drifting.edit(track="ac", c={**TEXT, "dropped": True})
    drifting.load(row(10, a="A", c="red"), row(30, a="A", c="red"))
    drifting.load(row(20, a="A"))
    assert drifting.states("a, c") == [("A", "red")]


def test_s_55_an_overwritten_column_that_is_gone_keeps_its_latest_value(drifting: Drifting) -> None:
    drifting.edit(track="a", overwrite="c", c={**TEXT, "dropped": True})
    drifting.load(row(10, a="A", c="red"))
    drifting.load(row(20, a="A"))
    assert drifting.states("a, c") == [("A", "red")]


@pytest.mark.parametrize("word", ["k", "ts"])
def test_s_55_what_names_or_orders_the_rows_cannot_be_dropped(word: str) -> None:
    columns = {**EVENT_COLUMNS, word: {**EVENT_COLUMNS[word], "dropped": True}}
    with pytest.raises(ValidationError, match="cannot be dropped"):
        events_feed(columns=columns)


def test_s_56_a_wider_type_widens_the_tables_in_place_and_opens_no_version(drifting: Drifting) -> None:
    drifting.edit(track="ac", k={**INTEGER, "required": True}, a=INTEGER, c={"type": "numeric(4,2)"})
    drifting.load(row(10, "1", a=1, c="1.50"))
    drifting.load(row(20, "1", a=2, c="1.50"))
    keys = drifting.keys("1")

    drifting.edit(k={**BIGINT, "required": True}, a=BIGINT, c={"type": "numeric(12,3)"})
    drifting.load(row(30, "1", a=2, c="1.500"))

    assert drifting.keys("1") == keys
    for schema, table in (("staging", drifting.feed.name), ("analytics", "dim_thing")):
        assert drifting.query(
            "select data_type from information_schema.columns"
            " where table_schema = %s and table_name = %s and column_name = any('{k,a,c}') order by column_name",
            schema,
            table,
        ) == [("bigint",), ("numeric",), ("bigint",)]
    large = 5_000_000_000
    drifting.load(row(40, "1", a=large, c="123456.789"), row(40, large, a=1, c="1"))
    assert drifting.states("a", "1") == [(1,), (2,), (large,)]
    assert len(drifting.keys(str(large))) == 1


@pytest.mark.parametrize(
    ("kind", "other"),
    [("integer", "text"), ("bigint", "integer"), ("numeric(12,2)", "numeric(12,4)"), ("date", "timestamptz")],
)
def test_s_57_a_type_that_cannot_hold_every_value_is_refused_before_any_write(
    drifting: Drifting, kind: str, other: str
) -> None:
    value = "2024-01-01" if kind == "date" else "1"
    drifting.edit(track="ac", c={"type": kind})
    drifting.load(row(10, a="A", c=value))
    tables = (f"raw.{drifting.feed.name}", f"staging.{drifting.feed.name}", "analytics.dim_thing")
    before = [stamps(drifting, table) for table in tables]

    drifting.edit(c={"type": other})
    with pytest.raises(ContractError, match=r"column c is .* in the warehouse and .* in the contract"):
        drifting.land(row(20, a="A", c=value))

    assert [stamps(drifting, table) for table in tables] == before
    drifting.edit(c={"type": kind})
    drifting.load(row(20, a="A", c=value))


def test_s_57_the_remedy_for_another_type_keeps_every_version_and_its_key(drifting: Drifting) -> None:
    drifting.edit(track="ac", c=INTEGER)
    drifting.load(row(10, a="A", c="1"))
    drifting.load(row(20, a="A", c="2"))
    keys = drifting.keys()
    drifting.edit(c=TEXT)
    drifting.catalog = catalog_of(drifting.folder, drifting.feed, drifting.dimension)
    superseded = f", quality.{drifting.feed.name}_superseded" if drifting.road == "files" else ""

    drifting.execute(f"drop table staging.{drifting.feed.name}, analytics.dim_thing{superseded}")
    list(
        rebuild(
            drifting.warehouse, drifting.catalog, [f"staging.{drifting.feed.name}", "analytics.dim_thing"]
        )
    )

    assert drifting.states("thing_key, c") == [(keys[0], "1"), (keys[1], "2")]
    drifting.load(row(30, a="A", c="two"))
    assert drifting.states("c") == [("1",), ("2",), ("two",)]


def test_s_57_text_in_a_column_of_numbers_is_quarantined_or_refuses_the_file_as_the_contract_says(
    drifting: Drifting,
) -> None:
    drifting.edit(track="ac", c=INTEGER)
    drifting.load(row(10, a="A", c="1"))

    report = drifting.load(row(20, a="A", c="two"), row(20, "other", a="A", c="2"))
    assert (report.reasons, drifting.states("c")) == ({"INVALID_C": 1}, [(1,)])

    drifting.feed_words = {"reject_limit": "10%"}
    with pytest.raises(DataRefused):
        drifting.land(row(30, a="A", c="three"))
    assert drifting.states("c") == [(1,)]


def test_s_58_another_order_of_columns_opens_no_version(drifting: Drifting) -> None:
    drifting.edit(track="ac", c=TEXT)
    drifting.load(row(10, a="A", c="red"))
    (key,) = drifting.keys()

    drifting.load({"c": "red", "a": "A", "ts": 20, "k": "k"})
    drifting.columns = {"c": TEXT, "a": TEXT}
    drifting.load({"a": "A", "c": "red", "k": "k", "ts": 30})

    assert drifting.states("thing_key, a, c") == [(key, "A", "red")]


def test_s_58_a_column_that_files_bring_under_another_name_opens_no_version(drifting: Drifting) -> None:
    drifting.edit(track="ac", c=TEXT)
    drifting.load(row(10, a="A", c="red"))
    (key,) = drifting.keys()
    drifting.edit(c={**TEXT, "aliases": ["colour"]})

    report = drifting.load(row(20, a="A", colour="red"))
    assert (report.new_columns, drifting.states("thing_key, c")) == ((), [(key, "red")])

    drifting.load(row(30, a="A", colour="blue"))
    assert drifting.states("c") == [("red",), ("blue",)]


def test_s_58_a_column_that_the_contract_renames_opens_no_version(drifting: Drifting) -> None:
    drifting.edit(track="ac", c={**TEXT, "required": True})
    drifting.load(row(10, a="A", c="red"))
    (key,) = drifting.keys()
    drifting.edit(c=None, colour={**TEXT, "required": True, "aliases": ["c"]})
    drifting.dimension_words |= {"rename": {"c": "colour"}}

    drifting.load(row(20, a="A", colour="red"))
    assert drifting.states("thing_key, c") == [(key, "red")]

    drifting.load(row(30, a="A", c="blue"))
    assert drifting.states("c") == [("red",), ("blue",)]


def test_s_58_two_names_of_one_column_in_one_file_are_refused(drifting: Drifting) -> None:
    drifting.edit(c={**TEXT, "aliases": ["colour"]})
    with pytest.raises(HeaderMismatch, match="c and colour, which are one column"):
        drifting.land(row(10, a="A", c="red", colour="blue"))


def test_s_58_a_column_renamed_without_a_map_is_one_that_goes_and_one_that_comes(drifting: Drifting) -> None:
    drifting.edit(track="ac", c=TEXT)
    drifting.load(row(10, a="A", c="red"))
    with pytest.raises(HeaderMismatch, match="lacks c"):
        drifting.land(row(20, a="A", d="red"))
    drifting.edit(track="acd", c={**TEXT, "dropped": True}, d=TEXT)

    drifting.load(row(20, a="A", d="red"))
    drifting.load(row(30, a="B", d="red"))

    assert drifting.states("a, c, d") == [("A", "red", None), ("A", None, "red"), ("B", None, "red")]


def test_a_column_that_is_no_longer_required_may_be_missing_from_then_on(drifting: Drifting) -> None:
    drifting.edit(a={**TEXT, "required": True}, c={**INTEGER, "required": True})
    drifting.load(row(10, a="A", c=1))
    drifting.edit(c=INTEGER)
    drifting.load(row(20, a="A", c=None))

    drifting.edit(c=None)
    drifting.load(row(30, a="B"))

    assert drifting.states("a") == [("A",), ("B",)]
