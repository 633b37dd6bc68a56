"""What a look at a source table leaves on record: columns, values that a pattern refuses, rows that a rule doubts."""

from __future__ import annotations

import pytest

from sales_platform.engine.column_drift import Drift, drifts
from sales_platform.errors import SourceDrift
from sales_platform_tests.engine.oltp.world import BY_STAMP, World


def drift(world: World) -> dict[str, Drift]:
    with world.warehouse.transaction() as connection:
        return drifts(connection, world.feed(), None)[1]


def test_i_31_a_column_that_came_is_told_until_the_contract_names_it(world: World) -> None:
    world.do("insert into shop.orders values (1, 'new')")
    world.load()
    assert drift(world) == {}

    world.do("alter table shop.orders add colour text")
    world.load()
    world.load()
    assert drift(world) == {"": Drift(unknown=("colour",))}

    world.tables["orders"] = {**BY_STAMP, "columns": {"colour": {"description": "its colour"}}}
    assert drift(world) == {}


def test_i_31_a_column_that_went_is_told_though_the_load_was_refused(world: World) -> None:
    world.do("insert into shop.orders values (1, 'new')")
    world.load()
    world.do("alter table shop.orders drop column state")
    with pytest.raises(SourceDrift):
        world.load()
    assert drift(world) == {"": Drift(lacking=("state",))}

    world.tables["orders"] = {**BY_STAMP, "columns": {"state": {"dropped": True}}}
    world.load()
    assert drift(world) == {}


def test_a_value_that_does_not_match_its_pattern_waits_in_quarantine(world: World) -> None:
    world.tables["orders"] = {**BY_STAMP, "columns": {"state": {"pattern": "^[a-z]+$"}}}
    world.do("insert into shop.orders values (1, 'new'), (2, 'N0'), (3, null)")

    world.load()

    assert world.staged() == [(1, "new"), (3, None)]
    assert world.ask("select reasons from quality.rejected_record") == [(["INVALID_STATE"],)]


def test_q_19_rows_of_a_source_that_a_rule_only_warns_of_stand_and_are_counted_in_the_load_that_brought_them(
    world: World,
) -> None:
    doubt = {"reason": "ODD_STATE", "check": "state <> 'odd'", "severity": "warn"}
    world.tables["orders"] = {**BY_STAMP, "rules": [doubt]}
    world.do("insert into shop.orders values (1, 'new'), (2, 'odd')")
    first = world.load().reports[0]
    world.do("insert into shop.orders values (3, 'odd'), (4, 'new'), (5, null)")
    second = world.load().reports[0]
    third = world.load().reports[0]

    assert [report.warned for report in (first, second, third)] == [{"ODD_STATE": 1}, {"ODD_STATE": 2}, {}]
    assert second.notes == ("rows taken in with a warning: ODD_STATE 2",)
    assert [state for _, state in world.staged()] == ["new", "odd", "odd", "new", None]
    assert second.rejected == 0
