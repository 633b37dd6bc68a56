"""Checks between systems as `sales-platform check` evaluates them: a planted fault fails the check meant for it."""

from __future__ import annotations

import dagster as dg
import psycopg
import pytest

from sales_platform.operations.checking import CheckFigures, check_on
from sales_platform.operations.opening import Platform
from sales_platform.operations.progress import Silent
from sales_platform.operations.running import run_on

COMPARED = {
    f"ops/accounts_reconciliation:{table}_equals_source"
    for table in ("customers", "accounts", "transactions")
}


@pytest.fixture
def loaded(platform: Platform, accounts: psycopg.Connection) -> Platform:
    """Three accounts with a posted credit of 100 each."""
    run_on(platform, "accounts", progress=Silent())
    return platform


def check(platform: Platform, selection: str = "accounts") -> dict[str, CheckFigures]:
    return {f"{found.asset}:{found.name}": found for found in check_on(platform, selection)}


def test_a_balance_that_its_transactions_do_not_make_is_found_by_its_check_alone(
    loaded: Platform, accounts: psycopg.Connection
) -> None:
    accounts.execute("update accounts.accounts set balance = 70 where account_id = 1")
    run_on(loaded, "accounts", progress=Silent())
    found = check(loaded)
    assert found.keys() > COMPARED
    [verdict] = [each for each in found.values() if not each.passed]
    assert (verdict.asset, verdict.name) == ("staging/accounts_accounts", "balance_equals_ledger")
    assert (verdict.severity, verdict.description) == ("ERROR", "1 of 3 rows")
    assert (verdict.figures["offenders"], verdict.figures["threshold"]) == (1, 0)


def test_a_source_that_is_down_is_a_warning_and_every_other_check_is_evaluated(
    loaded: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCOUNTS_OLTP_URL", "postgresql://u:secret@127.0.0.1:1/accounts")
    found = check(loaded, "key:staging/accounts_accounts or key:staging/accounts_customers")
    assert found["staging/accounts_accounts:balance_equals_ledger"].passed
    down = {name: each for name, each in found.items() if not each.passed}
    assert down.keys() < COMPARED
    assert {(each.severity, each.description[:12]) for each in down.values()} == {("WARN", "not compared")}
    assert "secret" not in str(down)


def test_the_nights_reconciliation_evaluates_them_and_no_run_of_the_domain_does(platform: Platform) -> None:
    graph = platform.definitions.resolve_asset_graph()
    night = dg.AssetSelection.assets(["ops", "accounts_reconciliation"]).resolve_checks(graph)
    domain = dg.AssetSelection.groups("accounts").resolve_checks(graph)
    assert {key.to_user_string() for key in night} >= COMPARED
    assert COMPARED.isdisjoint(key.to_user_string() for key in domain)
