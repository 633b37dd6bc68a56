"""Rebuild and check on tables that someone tampered with."""

from __future__ import annotations

import pytest

from sales_platform.errors import WrongUse
from sales_platform.operations.checking import check_on
from sales_platform.operations.opening import Platform
from sales_platform.operations.progress import Silent
from sales_platform.operations.rebuilding import rebuild, verify
from sales_platform.operations.running import run_on
from sales_platform.operations.showing_sql import show_sql, table_name
from sales_platform.operations.simulating import simulate_retail
from sales_platform.settings import Settings


@pytest.fixture
def loaded(platform: Platform, settings: Settings) -> Platform:
    simulate_retail(settings, days=1)
    assert run_on(platform, "retail", progress=Silent()).exit_code == 0
    return platform


def test_verify_finds_the_row_that_was_tampered_with_and_rebuild_heals_it(
    loaded: Platform, settings: Settings
) -> None:
    assert verify(settings) == []
    with loaded.warehouse.transaction() as connection:
        connection.execute(
            "update analytics.fact_sales set revenue = revenue + 1 "
            "where sale_id = (select min(sale_id) from analytics.fact_sales)"
        )

    found = {difference.table: difference for difference in verify(settings)}
    assert set(found) == {"analytics.fact_sales"}
    assert (found["analytics.fact_sales"].only_live, found["analytics.fact_sales"].only_rebuilt) == (1, 1)

    done = {table.table: table.changed for table in rebuild(settings, "key:analytics/fact_sales")}
    assert set(done) == {"analytics.fact_sales"}
    assert verify(settings) == []

    # of everything: domains that never landed are left out, with all that is made of them
    everything = {table.table for table in rebuild(settings)}
    assert {"analytics.fact_sales", "marts.retail_sales_daily", "analytics.dim_date"} <= everything
    assert {name for name in everything if "retail" not in name} <= {
        *(
            f"analytics.{name}"
            for name in ("dim_customer", "dim_product", "dim_store", "dim_date", "fact_sales")
        ),
    }


def test_a_check_fails_with_its_figures_when_a_table_breaks_its_contract(loaded: Platform) -> None:
    with loaded.warehouse.transaction() as connection:
        connection.execute(
            "update staging.retail_sales set quantity = -1 where sale_id = "
            "(select min(sale_id) from staging.retail_sales)"
        )

    # one that only warns may depend on the hour: before 03:00 the day that ended is not due
    failed = [found for found in check_on(loaded, "retail") if found.failed]

    # the fact was made of the old row
    assert [(found.asset, found.name, found.failed) for found in failed] == [
        ("analytics/fact_sales", "equals_retail_sales", True),
        ("staging/retail_sales", "range", True),
    ]
    assert [found.figures["offenders"] for found in failed] == [1, 1]


def test_checks_before_the_first_load_are_none(platform: Platform) -> None:
    assert check_on(platform, "retail") == []


@pytest.mark.parametrize("name", ["analytics/dim_customer", "analytics.dim_customer", "dim_customer"])
def test_a_table_is_found_however_it_is_written(name: str) -> None:
    assert table_name(name) == "analytics.dim_customer"


def test_the_sql_of_every_table_can_be_shown() -> None:
    for name in ("staging/retail_sales", "analytics/dim_customer", "analytics/fact_sales", "dim_date"):
        assert "select" in show_sql(name)


def test_a_misspelt_asset_is_told_the_nearest_name() -> None:
    with pytest.raises(WrongUse) as caught:
        show_sql("analytics/dim_custmer")
    assert "analytics.dim_customer" in str(caught.value.remedy)
