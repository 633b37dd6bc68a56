"""`sales-platform check` over everything and over some partitions, on tables that someone tampered with."""

from __future__ import annotations

import pytest

from sales_platform.errors import WrongUse
from sales_platform.operations.checking import as_partitions, check_on
from sales_platform.operations.opening import Platform
from sales_platform.operations.progress import Silent
from sales_platform.operations.running import run_on
from sales_platform.operations.simulating import simulate_retail
from sales_platform.operations.simulating_billing import simulate_billing
from sales_platform.settings import Settings


@pytest.fixture
def days(platform: Platform, settings: Settings) -> list[str]:
    """Three loaded days of sales; the first sale of the first and of the last day is wrong."""
    simulate_retail(settings, days=3)
    assert run_on(platform, "retail", progress=Silent()).exit_code == 0
    with platform.warehouse.transaction() as connection:
        standing = connection.execute(
            "select _partition, min(sale_id) from staging.retail_sales group by 1 order by 1"
        ).fetchall()
        for _, sale in (standing[0], standing[-1]):
            connection.execute("update staging.retail_sales set quantity = -1 where sale_id = %s", [sale])
    return [day for day, _ in standing]


def test_a_check_of_a_day_or_a_range_judges_it_alone_and_names_its_bad_days(
    platform: Platform, days: list[str]
) -> None:
    runs = len(platform.instance.get_runs())
    first, middle, last = days
    for asked, bad in (
        ([first], f"on {first}"),
        ([middle], None),
        ([middle, last], f"on {last}"),
        (days, f"on {first} and {last}"),
    ):
        found = check_on(platform, "retail", asked)
        assert {each.asset for each in found} == {
            "staging/retail_sales",
            "analytics/fact_sales",
            "marts/retail_sales_daily",
        }
        assert "freshness" not in {each.name for each in found}
        # the fact still has the old quantity
        failed = {each.name: each for each in found if each.failed}
        assert failed.keys() == ({"range", "equals_retail_sales"} if bad else set())
        assert bad is None or failed["range"].description.endswith(bad)

    assert {row["_partition"] for row in failed["range"].samples} == {first, last}
    assert {row["quantity"] for row in failed["range"].samples} == {-1}
    with platform.warehouse.transaction() as connection:
        assert len(connection.execute(failed["range"].offenders_sql.encode()).fetchall()) == 2
    assert len(platform.instance.get_runs()) == runs, "Dagster's record is left as it is"
    with pytest.raises(WrongUse, match="no selected table has a load"):
        check_on(platform, "retail", ["2020-01-01"])


def test_a_check_of_a_file_judges_the_tables_that_are_cut_into_files(
    platform: Platform, settings: Settings
) -> None:
    simulate_billing(settings, files=1, rows=20)
    assert run_on(platform, "billing", progress=Silent()).exit_code == 0
    found = check_on(platform, "*", ["invoices_1.csv"])
    assert {each.asset for each in found} == {"staging/billing_invoices"}
    assert all(each.passed for each in found)
    with pytest.raises(WrongUse, match="no selected table has a load"):
        check_on(platform, "*", ["invoices_7.csv"])


@pytest.mark.parametrize(
    ("text", "partitions"),
    [
        ("2026-03-02", ["2026-03-02"]),
        ("2024-02-28..2024-03-01", ["2024-02-28", "2024-02-29", "2024-03-01"]),
        ("2024-02-28...2024-02-29", ["2024-02-28", "2024-02-29"]),
        ("2026-03-02..2026-03-02", ["2026-03-02"]),
        ("2026-03..b.csv", ["2026-03..b.csv"]),
    ],
)
def test_what_is_no_day_and_no_range_of_days_is_a_file(text: str, partitions: list[str]) -> None:
    assert as_partitions(text) == partitions


def test_a_range_that_ends_before_it_begins_is_wrong_use() -> None:
    with pytest.raises(WrongUse, match="ends before it begins"):
        as_partitions("2026-03-02..2026-03-01")
