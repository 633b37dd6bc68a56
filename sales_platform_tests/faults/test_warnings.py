"""Rows that a rule of the contract only warns of: they are taken in, and every one is counted (Q-19)."""

from __future__ import annotations

import dagster as dg

from sales_platform.components.feed_checks import staging_inspection
from sales_platform.components.metadata import load_figures
from sales_platform.contracts.columns import Rule
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform_tests.faults.road import DAY, Road, good_sales, sale, text

CHEAP = Rule(reason="UNLIKELY_REVENUE", check="revenue < 1000", severity="warn")


def doubting(road: Road) -> FileFeedContract:
    feed = road.catalog.feeds["retail_sales"]
    return feed.model_copy(update={"rules": (*feed.rules, CHEAP)})


def test_q_19_a_row_that_a_rule_only_warns_of_is_loaded_and_counted_and_a_check_that_blocks_nothing_names_it(
    road: Road,
) -> None:
    feed = doubting(road)
    odd = [
        sale(101, revenue="1000"),
        sale(102, revenue="5000"),
        sale(103, revenue="x"),
        sale(104, quantity=0),
    ]
    road.put_sales(text([*good_sales(), *odd]))

    (report,) = load_files(road.warehouse, feed, [road.file("sales", DAY)])

    assert (report.loaded, report.rejected) == (42, 2)
    assert report.warned == {"UNLIKELY_REVENUE": 2}
    assert load_figures([report])["warned"].value == {"UNLIKELY_REVENUE": 2}
    assert road.one("select message from ops.load") == "rows taken in with a warning: UNLIKELY_REVENUE 2"
    with road.warehouse.transaction() as connection:
        (found,) = staging_inspection(feed).results(connection, {"warnings"}, [DAY.isoformat()])
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description == f"2 of 42 rows: UNLIKELY_REVENUE, on {DAY}"
    (spec,) = [spec for spec in staging_inspection(feed).specs if spec.name == "warnings"]
    assert not spec.blocking


def test_q_19_rows_that_no_rule_doubts_are_silent(road: Road) -> None:
    road.put_sales(text(good_sales()))

    (report,) = load_files(road.warehouse, doubting(road), [road.file("sales", DAY)])

    assert (report.warned, report.notes) == ({}, ())
    assert "warned" not in load_figures([report])
