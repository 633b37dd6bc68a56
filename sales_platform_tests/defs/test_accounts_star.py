"""The star of accounts, from a live ledger to the reports; expected figures come from the source itself or by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from sales_platform.sources.accounts.generator import fill
from sales_platform.sources.accounts.ledger import create_account, create_customer, transaction
from sales_platform.sources.accounts.ledger_errors import InsufficientFunds
from sales_platform_tests.defs.oltp_road import OltpRoad, Rows

BALANCES = """
    select c.customer_id, c.name, c.email, a.account_id, a.account_type, a.currency, a.balance
    from accounts.customers as c inner join accounts.accounts as a using (customer_id) order by a.account_id"""
OUR_BALANCES = """
    select customer_id, name, email, account_id, account_type, currency, balance
    from marts.accounts_customer_balance order by account_id"""
ACTIVITY = """
    select a.account_id, a.currency,
        coalesce(sum(case when t.type = 'credit' then t.amount end), 0),
        coalesce(sum(case when t.type = 'debit' then t.amount end), 0), count(t.transaction_id)
    from accounts.accounts as a
    left join accounts.transactions as t on a.account_id = t.account_id and t.status = 'posted'
    group by 1, 2 order by 1, 2"""
OUR_ACTIVITY = """
    select account_id, currency, total_credits, total_debits, transaction_count
    from marts.accounts_account_activity order by 1, 2"""
FLOW = """
    select (created_at at time zone 'UTC')::date, currency,
        coalesce(sum(amount) filter (where type = 'credit'), 0),
        coalesce(sum(amount) filter (where type = 'debit'), 0),
        sum(case type when 'credit' then amount else -amount end), count(*)
    from accounts.transactions where status = 'posted' group by 1, 2 order by 1, 2"""
OUR_FLOW = """
    select day, currency, credits, debits, net_flow, transactions from marts.accounts_net_flow_daily order by 1, 2"""
REPORTS = ((BALANCES, OUR_BALANCES), (ACTIVITY, OUR_ACTIVITY), (FLOW, OUR_FLOW))


@pytest.fixture
def road(database_url: str, warehouse_url: str) -> Iterator[OltpRoad]:
    """A ledger without rows. After every test the warehouse is what raw says, and the reports are the source's."""
    road = OltpRoad("accounts", database_url, warehouse_url)
    yield road
    assert road.verify() == []
    for theirs, ours in REPORTS:
        assert road.ask(ours) == road.source(theirs)


@pytest.fixture
def ledger(road: OltpRoad) -> Iterator[psycopg.Connection]:
    with psycopg.connect(road.url, autocommit=True) as connection:
        yield connection


def _account(ledger: psycopg.Connection, email: str, kind: str = "checking", currency: str = "USD") -> int:
    return create_account(ledger, create_customer(ledger, email, email.title()), kind, currency)


def _debit_in_vain(ledger: psycopg.Connection, account: int, amount: str, currency: str = "USD") -> None:
    with suppress(InsufficientFunds):
        transaction(ledger, account, Decimal(amount), currency, "debit")
        pytest.fail("the ledger let a balance go below zero")


def test_the_three_reports_of_a_history_are_those_of_the_source(road: OltpRoad) -> None:
    filled = fill(
        road.url,
        customers=15,
        accounts_per_customer=2,
        transactions_per_account=8,
        seed=5,
        end=date(2026, 3, 31),
    )
    assert filled
    assert filled.failed
    road.run()
    assert road.ask(
        "select count(*), count(*) filter (where status = 'failed') from analytics.fact_account_transaction"
    ) == [(filled.transactions, filled.failed)]
    assert road.ask("select sum(transaction_count) from marts.accounts_account_activity") == [
        (filled.transactions - filled.failed,)
    ]


def test_every_column_of_a_transaction_is_the_sources(road: OltpRoad) -> None:
    fill(
        road.url,
        customers=5,
        accounts_per_customer=2,
        transactions_per_account=8,
        seed=5,
        end=date(2026, 3, 31),
    )
    road.run()
    theirs = road.source(
        "select transaction_id, t.account_id, customer_id, amount, t.currency, type, status, metadata, t.created_at,"
        " to_char(t.created_at at time zone 'UTC', 'YYYYMMDD')::int"
        " from accounts.transactions as t inner join accounts.accounts using (account_id) order by 1"
    )
    assert theirs == road.ask(
        "select transaction_id, account_id, customer_id, amount, currency, type, status, metadata, created_at,"
        " transaction_date_key from analytics.fact_account_transaction order by 1"
    )
    assert road.ask(
        "select count(*) from analytics.fact_account_transaction as t"
        " inner join analytics.dim_account as a using (account_key)"
        " inner join analytics.dim_account_customer as c on t.customer_key = c.customer_key"
        " where a.account_id = t.account_id and c.customer_id = t.customer_id and a.customer_key = c.customer_key"
    ) == [(len(theirs),)]


def test_a_failed_transaction_is_kept_with_its_reason_and_counts_nowhere(
    road: OltpRoad, ledger: psycopg.Connection
) -> None:
    account = _account(ledger, "ann@example.com")
    transaction(ledger, account, Decimal("100.00"), metadata={"note": "initial deposit"})
    _debit_in_vain(ledger, account, "100.01")
    road.run()
    assert road.ask(
        "select status, amount, metadata ->> 'failure_reason' from analytics.fact_account_transaction order by 1"
    ) == [("failed", Decimal("100.01"), "Insufficient funds"), ("posted", Decimal(100), None)]
    assert road.ask(OUR_ACTIVITY) == [(account, "USD", Decimal(100), Decimal(0), 1)]
    assert [row[1:] for row in road.ask(OUR_FLOW)] == [("USD", Decimal(100), Decimal(0), Decimal(100), 1)]


def test_currencies_stand_side_by_side_and_are_never_added(
    road: OltpRoad, ledger: psycopg.Connection
) -> None:
    dollars = _account(ledger, "ann@example.com")
    euros = _account(ledger, "ann@example.com", "savings", "EUR")
    transaction(ledger, dollars, Decimal("10.00"))
    transaction(ledger, euros, Decimal("7.00"), "EUR")
    transaction(ledger, euros, Decimal("2.00"), "EUR", "debit")
    road.run()
    assert [row[1:] for row in road.ask(OUR_FLOW)] == [
        ("EUR", Decimal(7), Decimal(2), Decimal(5), 2),
        ("USD", Decimal(10), Decimal(0), Decimal(10), 1),
    ]
    assert [(row[4], row[5], row[6]) for row in road.ask(OUR_BALANCES)] == [
        ("checking", "USD", Decimal(10)),
        ("savings", "EUR", Decimal(5)),
    ]


def test_an_account_without_a_posted_transaction_has_zeros(
    road: OltpRoad, ledger: psycopg.Connection
) -> None:
    idle, refused = _account(ledger, "ann@example.com"), _account(ledger, "bob@example.com", currency="EUR")
    _debit_in_vain(ledger, refused, "1.00", "EUR")
    road.run()
    assert road.ask(OUR_ACTIVITY) == [
        (idle, "USD", Decimal(0), Decimal(0), 0),
        (refused, "EUR", Decimal(0), Decimal(0), 0),
    ]
    assert road.ask(OUR_FLOW) == []


def test_balances_names_and_addresses_that_change_without_a_stamp_follow(
    road: OltpRoad, ledger: psycopg.Connection
) -> None:
    account = _account(ledger, "ann@example.com")
    transaction(ledger, account, Decimal("100.00"))
    road.run()
    transaction(ledger, account, Decimal("30.00"), ttype="debit")
    road.write("update accounts.customers set name = 'Ann Lee', email = 'lee@example.com'")
    road.run()
    assert road.ask(OUR_BALANCES) == [
        (1, "Ann Lee", "lee@example.com", account, "checking", "USD", Decimal(70))
    ]
    assert road.ask(
        "select balance, customer_key from analytics.dim_account where account_key <> 0"
    ) == road.ask(
        "select 70.00, customer_key from analytics.dim_account_customer where email = 'lee@example.com'"
    )


def test_an_account_that_moves_to_another_customer_takes_its_transactions_along(
    road: OltpRoad, ledger: psycopg.Connection
) -> None:
    account = _account(ledger, "ann@example.com")
    other = create_customer(ledger, "bob@example.com", "Bob")
    transaction(ledger, account, Decimal("5.00"))
    road.run()
    road.write(f"update accounts.accounts set customer_id = {other}")
    road.run()
    for table in ("fact_account_transaction", "dim_account"):
        assert road.ask(
            f"select c.name from analytics.{table} as t"
            " inner join analytics.dim_account_customer as c using (customer_key) where t.account_key <> 0"
        ) == [("Bob",)]
    assert [row[:2] for row in road.ask(OUR_BALANCES)] == [(other, "Bob")]


def test_a_transaction_that_comes_before_its_account_is_kept_and_finds_account_and_customer_later(
    road: OltpRoad, ledger: psycopg.Connection
) -> None:
    _account(ledger, "ann@example.com")
    road.run()
    late = _account(ledger, "bob@example.com", currency="EUR")
    transaction(ledger, late, Decimal("5.00"), "EUR")
    road.load("transactions")
    road.publish()
    kept = "select account_id, account_key > 0, customer_id, customer_key > 0 from analytics.fact_account_transaction"
    assert road.ask(kept) == [(late, True, None, False)]
    assert road.ask(OUR_ACTIVITY)[1:] == [(late, "EUR", Decimal(5), Decimal(0), 1)]
    assert len(road.ask(OUR_BALANCES)) == 1
    (key,) = road.ask("select account_key from analytics.fact_account_transaction")
    road.run()
    assert road.ask(kept) == [(late, True, 2, True)]
    assert road.ask("select account_key from analytics.fact_account_transaction") == [key]


def test_a_second_run_writes_no_row_anywhere(road: OltpRoad, ledger: psycopg.Connection) -> None:
    account = _account(ledger, "ann@example.com")
    transaction(ledger, account, Decimal("100.00"))
    road.run()
    tables = [name for name, table in road.catalog.tables.items() if table.domain == "accounts"]
    tables += ["raw.accounts_transactions", "raw.accounts_accounts", "analytics.dim_account"]

    def written() -> dict[str, Rows]:
        return {t: road.ask(f"select xmin::text, ctid::text from {t} order by 2") for t in tables}

    before = written()
    road.run()
    assert written() == before


def test_deleted_transactions_and_accounts_leave_every_table(
    road: OltpRoad, ledger: psycopg.Connection
) -> None:
    kept, gone = _account(ledger, "ann@example.com"), _account(ledger, "bob@example.com")
    for account in (kept, gone):
        transaction(ledger, account, Decimal("4.00"))
    road.run()
    road.write(
        f"delete from accounts.transactions where account_id = {gone}",
        f"delete from accounts.accounts where account_id = {gone}",
        "delete from accounts.customers where name like 'Bob%'",
    )
    road.run(comparing=True)
    assert road.ask("select account_id from analytics.fact_account_transaction") == [(kept,)]
    assert road.ask("select account_id from analytics.dim_account where account_key <> 0") == [(kept,)]
    assert road.ask("select customer_id from analytics.dim_account_customer where customer_key <> 0") == [
        (1,)
    ]


def test_a_transaction_writes_the_rows_of_its_account_and_day_only(
    road: OltpRoad, ledger: psycopg.Connection
) -> None:
    accounts = [_account(ledger, f"{name}@example.com") for name in ("ann", "bob")]
    for account in accounts:
        transaction(ledger, account, Decimal("9.00"))
    road.write("update accounts.transactions set created_at = '2026-01-05 12:00+00' where account_id = 1")
    road.run()

    def written() -> dict[object, str]:
        """Account or day → the transaction that wrote its row."""
        rows = road.ask("select account_id, xmin::text from marts.accounts_account_activity")
        return dict(rows + road.ask("select day, xmin::text from marts.accounts_net_flow_daily"))

    before = written()
    transaction(ledger, accounts[1], Decimal("1.00"))
    road.run()
    ((today,),) = road.source("select (max(created_at) at time zone 'UTC')::date from accounts.transactions")
    assert {key for key, row in written().items() if row != before.get(key)} == {accounts[1], today}


def test_what_an_older_ledger_let_in_is_never_added_to_another_currency_or_day(
    database_url: str, warehouse_url: str
) -> None:
    road = OltpRoad("accounts", database_url, warehouse_url)
    road.write(
        "insert into accounts.customers (email, name) values ('ann@example.com', 'Ann')",
        "insert into accounts.accounts (customer_id, account_type, currency) values (1, 'checking', 'USD')",
        "insert into accounts.transactions (account_id, amount, currency, type, status, created_at) values"
        " (1, 3.00, 'USD', 'credit', 'posted', '2026-01-05 23:30-02'), (1, 8.00, 'EUR', 'debit', 'posted', null)",
    )
    road.run(comparing=True)
    assert road.ask(OUR_ACTIVITY) == [
        (1, "EUR", Decimal(0), Decimal(8), 1),
        (1, "USD", Decimal(3), Decimal(0), 1),
    ]
    assert road.ask(OUR_FLOW) == [(date(2026, 1, 6), "USD", Decimal(3), Decimal(0), Decimal(3), 1)]
    assert road.verify() == []


def test_a_moment_that_no_calendar_has_is_rejected_and_stops_no_other_row(
    road: OltpRoad, ledger: psycopg.Connection
) -> None:
    account = _account(ledger, "ann@example.com")
    transaction(ledger, account, Decimal("1.00"))
    road.write(
        "insert into accounts.transactions (account_id, amount, currency, type, status, created_at)"
        f" values ({account}, 2.00, 'USD', 'credit', 'pending', 'infinity')"
    )
    road.run()
    assert road.ask("select amount from analytics.fact_account_transaction") == [(Decimal(1),)]
    assert road.ask("select feed, reason from quality.rejected_record") == [
        ("accounts_transactions", "INVALID_CREATED_AT")
    ]
