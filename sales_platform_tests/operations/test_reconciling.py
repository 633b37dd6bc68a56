"""A source compared with the warehouse from the outside: what was found, what was repaired, how it ends."""

from __future__ import annotations

import psycopg
import pytest

from sales_platform.errors import ConfigurationError, ServerUnavailable, WrongUse
from sales_platform.operations.opening import Platform
from sales_platform.operations.progress import Silent
from sales_platform.operations.reconciling import Reconciliation, TableReconciled, reconcile, reconcile_on
from sales_platform.operations.running import run_on
from sales_platform.settings import Settings


def go(platform: Platform, *, allow_deletes: bool = False) -> Reconciliation:
    return reconcile_on(platform, "accounts", allow_deletes=allow_deletes, progress=Silent())


def of(found: Reconciliation, table: str) -> TableReconciled:
    return next(each for each in found.tables if each.table == table)


def test_silent_edits_and_deletes_are_repaired_through_to_the_marts(
    platform: Platform, accounts: psycopg.Connection
) -> None:
    # older than what a window reads again
    accounts.execute("update accounts.transactions set created_at = created_at - interval '1 day'")
    assert run_on(platform, "accounts", progress=Silent()).exit_code == 0
    accounts.execute("update accounts.transactions set amount = 70 where transaction_id = 1")
    accounts.execute("update accounts.accounts set balance = 70 where account_id = 1")
    accounts.execute("delete from accounts.transactions where transaction_id = 2")

    found = go(platform)

    transactions = of(found, "transactions")
    assert (transactions.rows, transactions.missing, transactions.changed, transactions.deleted) == (
        2,
        0,
        1,
        1,
    )
    assert of(found, "accounts").changed == 1
    assert of(found, "customers") == TableReconciled("customers", rows=3)
    assert found.exit_code == 0
    with platform.warehouse.transaction() as connection:
        credits = connection.execute(
            "select account_id, total_credits from marts.accounts_account_activity order by 1"
        ).fetchall()
    assert credits == [(1, 70), (2, 0), (3, 100)]


def test_a_source_that_equals_the_warehouse_repairs_nothing_and_starts_no_run(
    platform: Platform, accounts: psycopg.Connection
) -> None:
    run_on(platform, "accounts", progress=Silent())

    found = go(platform)

    assert [(each.missing, each.changed, each.deleted) for each in found.tables] == [(0, 0, 0)] * 3
    assert found.run is not None
    assert found.run.outcomes == ()


def test_what_a_stamp_shows_has_arrived_and_was_not_missing(
    platform: Platform, accounts: psycopg.Connection
) -> None:
    run_on(platform, "accounts", progress=Silent())
    accounts.execute(
        """
        insert into accounts.transactions (account_id, amount, currency, type, status)
        values (1, 5, 'USD', 'debit', 'failed')
        """
    )

    transactions = of(go(platform), "transactions")

    assert (transactions.arrived, transactions.missing) == (1, 0)


def test_s_33_more_deletes_than_the_contract_allows_end_with_3_until_they_are_allowed(
    platform: Platform, accounts: psycopg.Connection
) -> None:
    run_on(platform, "accounts", progress=Silent())
    accounts.execute("delete from accounts.transactions")

    refused = go(platform)

    assert refused.exit_code == 3
    assert "S-33" in str(of(refused, "transactions").error)
    with platform.warehouse.transaction() as connection:
        status = connection.execute(
            "select status from ops.load where feed = 'accounts_transactions' order by load_id desc limit 1"
        ).fetchone()
    assert status == ("refused",)

    allowed = go(platform, allow_deletes=True)

    assert allowed.exit_code == 0
    assert of(allowed, "transactions").deleted == 3


def test_a_table_that_is_gone_fails_alone_and_is_named(
    platform: Platform, accounts: psycopg.Connection
) -> None:
    run_on(platform, "accounts", progress=Silent())
    accounts.execute("drop table accounts.transactions")
    accounts.execute("update accounts.customers set name = 'Anna' where name = 'Ann'")

    found = go(platform)

    assert found.exit_code == 1
    assert "accounts.transactions" in str(of(found, "transactions").error)
    assert of(found, "customers").changed == 1


def test_a_domain_without_a_source_is_told_which_have_one(settings: Settings) -> None:
    with pytest.raises(WrongUse, match="accounts, invoicing"):
        reconcile(settings, "retail")


def test_a_source_that_is_down_is_named_without_its_password(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCOUNTS_OLTP_URL", "postgresql://u:secret@127.0.0.1:1/accounts")

    with pytest.raises(ServerUnavailable, match="source accounts") as told:
        go(platform)

    assert "secret" not in str(told.value)


def test_a_url_that_is_none_names_its_variable_only(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCOUNTS_OLTP_URL", "secret")

    with pytest.raises(ConfigurationError, match="ACCOUNTS_OLTP_URL") as told:
        go(platform)

    assert "secret" not in str(told.value)
