"""A source table whose columns change: what comes is taken, what goes or changes type stops that table and says why."""

from __future__ import annotations

import pytest

from sales_platform.errors import ContractError, SourceDrift
from sales_platform_tests.engine.oltp.world import BY_COMPARING, BY_STAMP, World, fates


@pytest.fixture
def loaded(world: World) -> World:
    world.do("insert into shop.orders values (1, 'new'), (2, 'paid')")
    world.load()
    return world


def test_i_31_an_added_column_arrives_and_is_named(loaded: World) -> None:
    loaded.do("alter table shop.orders add colour text, add size int")
    loaded.do("insert into shop.orders values (3, 'new', clock_timestamp(), 'red', 7)")

    report = loaded.load().reports[0]

    assert report.new_columns == ("colour", "size")
    assert any("colour, size" in note for note in report.notes)
    assert loaded.staged("id, state, colour, size") == loaded.held("id, state, colour, size")
    again = loaded.load().reports[0]
    assert (again.new_columns, again.notes) == ((), ())


def test_s_54_values_of_an_added_column_complete_rows_whose_stamp_did_not_move(loaded: World) -> None:
    """Only rows with a value are written, and each stays the event that it was."""
    loaded.tables["orders"] = {**BY_STAMP, "versions": True}
    loaded.order("drop table staging.shop_orders")
    loaded.load()
    loaded.do("alter table shop.orders add colour text")
    loaded.source.execute("update shop.orders set colour = 'red' where id = 1")

    assert fates(loaded.load())[1] == 1

    assert loaded.staged("id, colour, _event_at = updated_at") == [(1, "red", True), (2, None, True)]


def test_i_31_a_comparison_that_meets_a_new_column_names_it_too(loaded: World) -> None:
    loaded.tables["orders"] = dict(BY_COMPARING)
    loaded.do("alter table shop.orders add colour text default 'red'")

    report = loaded.load().reports[-1]

    assert report.new_columns == ("colour",)
    assert loaded.staged("id, colour") == loaded.held("id, colour")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("drop column state", "column state is no longer in the source table"),
        ("rename state to status", "column state is no longer in the source table"),
        ("alter state type varchar(20)", "column state was text and is now character varying(20)"),
    ],
)
def test_i_31_a_column_that_went_or_changed_stops_its_table_until_somebody_says_what_it_means(
    loaded: World, change: str, said: str
) -> None:
    loaded.do(f"alter table shop.orders {change}", "insert into shop.orders (id) values (3)")
    before = loaded.mark("*")

    (fault,) = loaded.try_load().faults.values()

    assert isinstance(fault, SourceDrift)
    assert said in str(fault)
    assert fault.remedy
    assert (loaded.staged("id"), loaded.mark("*")) == ([(1,), (2,)], before)
    assert loaded.ask("select status from ops.load order by load_id desc limit 1") in (
        [("failed",)],
        [("succeeded",)],
    )


def test_i_31_a_column_said_to_be_dropped_keeps_what_was_read_and_stays_empty_from_then_on(
    loaded: World,
) -> None:
    loaded.do("alter table shop.orders drop column state", "insert into shop.orders (id) values (3)")
    loaded.tables["orders"] = {**BY_STAMP, "columns": {"state": {"dropped": True}}}

    loaded.load()
    loaded.load(comparing=True)

    assert loaded.staged() == [(1, "new"), (2, "paid"), (3, None)]


def test_i_31_the_remedy_for_a_changed_type_works(loaded: World) -> None:
    loaded.do(
        "alter table shop.orders add amount int default 5",
        "insert into shop.orders values (3, 'new', clock_timestamp(), 7)",
    )
    loaded.load()
    loaded.do(
        "alter table shop.orders alter amount type bigint", "update shop.orders set amount = 8 where id = 3"
    )
    (fault,) = loaded.try_load().faults.values()
    assert "alter table raw.shop_orders alter column amount type bigint" in str(fault)

    loaded.order("alter table raw.shop_orders alter column amount type bigint")
    loaded.order("drop table staging.shop_orders")
    loaded.rebuild()
    loaded.load(comparing=True)

    assert loaded.staged("id, amount") == loaded.held("id, amount")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"key": ["number"], "cursor": "updated_at"}, "no column number"),
        ({"key": ["id"], "cursor": "changed_at"}, "no column changed_at"),
        ({"key": ["id"], "cursor": "state"}, "only a time"),
    ],
)
def test_a_contract_that_names_what_is_not_there_is_refused(
    world: World, said: dict[str, object], reason: str
) -> None:
    world.tables["orders"] = said

    with pytest.raises(ContractError, match=reason):
        world.load()


def test_s_46_a_column_named_like_the_platforms_own_is_refused(world: World) -> None:
    world.do("alter table shop.orders add _load_id int")

    with pytest.raises(ContractError, match="S-46"):
        world.load()
