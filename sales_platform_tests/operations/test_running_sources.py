"""Runs and status of a live source: its tables have no days, and are looked at by every run."""

from __future__ import annotations

import psycopg

from sales_platform.operations.opening import Platform
from sales_platform.operations.progress import Silent
from sales_platform.operations.running import RunSummary, run_on
from sales_platform.operations.status import FeedStatus, status
from sales_platform.settings import Settings


def go(platform: Platform, selection: str = "accounts") -> RunSummary:
    return run_on(platform, selection, progress=Silent())


def of(feed: str, settings: Settings) -> FeedStatus:
    return next(found for found in status(settings) if found.feed == feed)


def test_each_run_brings_what_is_new_and_says_the_fates_of_each_table(
    platform: Platform, accounts: psycopg.Connection
) -> None:
    first = go(platform)
    accounts.execute("insert into accounts.customers (email, name) values ('dan@example.com', 'Dan')")
    second = go(platform)

    assert first.exit_code == second.exit_code == 0
    assert {fates.feed: fates.loaded for fates in first.fates} == {
        "accounts_accounts": 3,
        "accounts_customers": 3,
        "accounts_transactions": 3,
    }
    customers = next(fates for fates in second.fates if fates.feed == "accounts_customers")
    assert (customers.read, customers.loaded, customers.unchanged) == (4, 1, 3)
    with platform.warehouse.transaction() as connection:
        names = connection.execute("select name from analytics.dim_account_customer where customer_key <> 0")
        assert {name for (name,) in names} == {"Ann", "Bob", "Cas", "Dan"}


def test_a_failing_table_ends_the_run_with_1_and_is_named(
    platform: Platform, accounts: psycopg.Connection, settings: Settings
) -> None:
    go(platform)
    accounts.execute("alter table accounts.transactions drop column status")

    found = go(platform)

    assert found.exit_code == 1
    (step,) = [step for outcome in found.outcomes for step in outcome.failed_steps]
    assert "accounts_transactions" in str(step.error)
    assert "status" in str(step.error)
    told = of("accounts_transactions", settings)
    assert told.due == {"failed": 1}
    assert told.last_load is not None
    assert "status" in str(told.last_load.message)
    assert of("accounts_customers", settings).due == {}


def test_a_run_of_everything_compares_no_source_whole(
    platform: Platform, accounts: psycopg.Connection
) -> None:
    everything = go(platform, 'key:"ops/accounts_reconciliation" or key:"analytics/dim_date"')
    alone = go(platform, 'key:"ops/accounts_reconciliation"')

    assert [
        step.name for outcome in everything.outcomes for step in outcome.steps if "ops" in step.name
    ] == []
    assert any("ops" in step.name for outcome in alone.outcomes for step in outcome.steps)


def test_a_source_that_no_run_has_seen_is_due(settings: Settings) -> None:
    found = of("accounts_customers", settings)

    assert found.source is None
    assert found.due == {"never loaded": 1}
    assert found.next == "sales-platform run accounts"


def test_status_shows_how_far_a_table_was_read_and_what_it_waits_for(
    platform: Platform, accounts: psycopg.Connection, database_url: str, settings: Settings
) -> None:
    with psycopg.connect(database_url) as late:
        late.execute("insert into accounts.customers (email, name) values ('eve@example.com', 'Eve')")
        began = late.execute("select now()").fetchone()
        newest = accounts.execute("select max(created_at) from accounts.transactions").fetchone()
        go(platform)

        read = of("accounts_transactions", settings).source

    assert read is not None
    assert began is not None
    assert newest is not None
    assert read.position is not None
    assert read.position <= newest[0]
    assert (read.waiting_for, read.oldest) == (1, began[0])
    assert read.lag_seconds is not None
    assert read.lag_seconds >= 0
    compared = of("accounts_customers", settings).source
    assert compared is not None
    assert compared.position is None
    assert of("accounts_customers", settings).next is None
