"""What the comparison of a source's table with the warehouse says of each kind of difference, and how severe it is."""

from __future__ import annotations

from typing import Any

import dagster as dg
import psycopg
import pytest
from psycopg import sql

from sales_platform.components.source_checks import result
from sales_platform.engine.oltp.equality import source_equality
from sales_platform.sources.accounts.ledger import create_account, create_customer, transaction
from sales_platform_tests.defs.oltp_road import OltpRoad


@pytest.fixture
def road(database_url: str, warehouse_url: str) -> OltpRoad:
    """Three customers with a credit of 100 each, loaded; the window reads the last one's again."""
    road = OltpRoad("accounts", database_url, warehouse_url)
    with psycopg.connect(database_url, autocommit=True) as session:
        for name in ("Ann", "Bob", "Cas"):
            customer = create_customer(session, f"{name.lower()}@example.com", name)
            transaction(session, create_account(session, customer), 100)
        session.execute("update accounts.transactions set created_at = created_at - interval '1 day'")
    road.load()
    return road


def judged(road: OltpRoad, table: str) -> dg.AssetCheckResult:
    found = source_equality(road.warehouse, road.database, road.contract, [table], samples=5)
    [feed] = [feed for feed in road.contract.feeds if feed.table == table]
    return result(feed, found[table])


def shown(found: dg.AssetCheckResult, name: str) -> Any:
    return found.metadata[name].value


def test_what_was_loaded_is_alike_and_says_what_comes_next(road: OltpRoad) -> None:
    found = judged(road, "transactions")
    assert found.passed
    assert found.description == "2 rows alike by count, sums and hash; 1 more are read by the next load"
    assert shown(found, "source") == shown(found, "warehouse")


def test_an_edit_without_a_stamp_and_a_delete_are_a_warning_that_reconciliation_ends(road: OltpRoad) -> None:
    road.write(
        "update accounts.transactions set amount = 70 where transaction_id = 1",
        "delete from accounts.transactions where transaction_id = 2",
    )
    found = judged(road, "transactions")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description == (
        "source 1 rows, warehouse 2: 0 missing, 1 changed, 1 that the source does not have; no stamp shows it:"
        " `sales-platform reconcile accounts`"
    )
    assert [shown(found, side)["sums"]["amount"] for side in ("source", "warehouse")] == ["70.00", "200.00"]
    samples = found.metadata["samples"]
    assert isinstance(samples, dg.TableMetadataValue)
    assert [sample.data for sample in samples.records] == [
        {"transaction_id": 1, "found": "changed"},
        {"transaction_id": 2, "found": "surplus"},
    ]
    assert {"-- in the source", "-- in the warehouse"} <= set(shown(found, "offenders_sql").splitlines())
    road.load(comparing=True)
    assert judged(road, "transactions").passed


def test_of_a_table_without_a_stamp_a_change_is_a_warning_that_the_next_run_ends(road: OltpRoad) -> None:
    road.write("update accounts.customers set name = 'Anna' where name = 'Ann'")
    found = judged(road, "customers")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "`sales-platform run accounts`" in str(found.description)
    road.load()
    assert judged(road, "customers").passed


def test_staging_that_contradicts_its_own_log_is_an_error_that_only_a_rebuild_mends(road: OltpRoad) -> None:
    with road.warehouse.transaction() as connection:
        connection.execute(
            sql.SQL("update staging.accounts_customers set name = 'Ghost' where customer_id = 2")
        )
    road.load(comparing=True)
    found = judged(road, "customers")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "`sales-platform rebuild accounts`" in str(found.description)
    assert "Ghost" not in str(found.metadata["samples"])
