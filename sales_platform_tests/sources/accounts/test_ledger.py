"""What the ledger books, what it refuses, and what stays when its caller rolls back."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from sales_platform.errors import DatabaseFailure, LockNotAvailable
from sales_platform.sources.accounts.ledger import create_account, create_customer, transaction
from sales_platform.sources.accounts.ledger_errors import (
    ForeignCurrency,
    InsufficientFunds,
    InvalidAmount,
    LedgerError,
    UnknownAccount,
    UnknownCurrency,
    UnknownCustomer,
    UnknownTransactionType,
    UnstorableMetadata,
)
from sales_platform.sources.accounts.sample import alice
from sales_platform_tests.sources.accounts.books import assert_books_are_true, balance, rows, statuses


@pytest.fixture
def account(conn: psycopg.Connection) -> int:
    return create_account(conn, create_customer(conn, "bob@example.com", "Bob"))


def test_the_alice_sample_opens_an_account_and_posts_100_dollars(source_url: str) -> None:
    with psycopg.connect(source_url) as conn:
        sample = alice(conn)
    assert str(sample) == (
        f"Customer {sample.customer_id} Account {sample.account_id}\nPosted transaction {sample.transaction_id}"
    )
    with psycopg.connect(source_url) as conn:
        # without the schema's name, as the older system's user writes it
        assert rows(
            conn,
            "select email, name, account_type, balance, currency from customers join accounts using (customer_id)",
        ) == [("alice@example.com", "Alice", "checking", Decimal("100.00"), "USD")]
        assert rows(conn, "select amount, currency, type, status, metadata from transactions") == [
            (Decimal("100.00"), "USD", "credit", "posted", {"note": "initial deposit"})
        ]


def test_a_known_customer_gets_the_new_name_and_keeps_the_key(conn: psycopg.Connection) -> None:
    first = create_customer(conn, "bob@example.com", "Bob")
    assert create_customer(conn, "bob@example.com", "Robert") == first
    assert rows(conn, "select name from accounts.customers") == [("Robert",)]


def test_an_account_is_opened_once_for_each_type(conn: psycopg.Connection) -> None:
    customer = create_customer(conn, "bob@example.com", "Bob")
    checking = create_account(conn, customer)
    savings = create_account(conn, customer, "savings", "EUR")
    assert create_account(conn, customer, "checking") == checking
    assert rows(conn, "select * from accounts.accounts order by account_id")[1][:5] == (
        savings,
        customer,
        "savings",
        Decimal(0),
        "EUR",
    )


def test_an_untouched_account_takes_another_currency(conn: psycopg.Connection) -> None:
    customer = create_customer(conn, "bob@example.com", "Bob")
    account = create_account(conn, customer)
    assert create_account(conn, customer, currency="EUR") == account
    transaction(conn, account, 5, currency="EUR")
    assert balance(conn, account) == 5


@pytest.mark.parametrize("ttype", ["credit", "debit"])
def test_an_account_with_a_transaction_even_a_failed_one_keeps_its_currency(
    conn: psycopg.Connection, account: int, ttype: str
) -> None:
    try:
        transaction(conn, account, 5, ttype=ttype)
    except InsufficientFunds:
        assert ttype == "debit"
    [(customer,)] = rows(conn, "select customer_id from accounts.accounts")
    with pytest.raises(ForeignCurrency):
        create_account(conn, customer, currency="EUR")
    assert rows(conn, "select currency from accounts.accounts") == [("USD",)]


def test_credits_and_debits_change_the_balance_to_the_cent(conn: psycopg.Connection, account: int) -> None:
    transaction(conn, account, 0.1)
    transaction(conn, account, Decimal("0.200"))
    transaction(conn, account, 100)
    transaction(conn, account, 100.3, ttype="debit")
    assert balance(conn, account) == 0
    assert statuses(conn) == {"posted": 4}


def test_a_debit_without_cover_is_kept_as_failed_with_its_reason(
    conn: psycopg.Connection, account: int
) -> None:
    transaction(conn, account, 10)
    with pytest.raises(InsufficientFunds) as refused:
        transaction(conn, account, Decimal("10.01"), ttype="debit", metadata={"note": "rent"})
    assert rows(
        conn,
        "select amount, type, metadata from transactions where transaction_id = %s and status = 'failed'",
        refused.value.transaction_id,
    ) == [(Decimal("10.01"), "debit", {"note": "rent", "failure_reason": "Insufficient funds"})]
    assert balance(conn, account) == 10
    assert_books_are_true(conn)


def test_the_error_for_funds_survives_a_process_boundary() -> None:
    copy = pickle.loads(pickle.dumps(InsufficientFunds(7)))
    assert isinstance(copy, InsufficientFunds)
    assert (copy.transaction_id, str(copy)) == (7, str(InsufficientFunds(7)))


def test_without_autocommit_each_call_is_committed_and_a_failed_one_too(
    conn: psycopg.Connection, source_url: str, account: int
) -> None:
    with psycopg.connect(source_url, row_factory=dict_row) as client:
        transaction(client, account, 1)
        with pytest.raises(InsufficientFunds):
            transaction(client, account, 2, ttype="debit")
        assert statuses(conn) == {"posted": 1, "failed": 1}


def test_a_caller_that_goes_on_after_a_failed_transaction_keeps_it(
    conn: psycopg.Connection, account: int
) -> None:
    with conn.transaction():
        with pytest.raises(InsufficientFunds):
            transaction(conn, account, 2, ttype="debit")
        transaction(conn, account, 1)
    assert statuses(conn) == {"posted": 1, "failed": 1}
    assert_books_are_true(conn)


def test_a_refused_request_leaves_the_callers_transaction_usable(
    conn: psycopg.Connection, account: int
) -> None:
    with conn.transaction():
        for wrong in (
            {"account_id": 999, "amount": 1},
            {"account_id": account, "amount": 1, "currency": "EUR"},
        ):
            with pytest.raises(LedgerError):
                transaction(conn, **wrong)
        transaction(conn, account, 1)
    assert statuses(conn) == {"posted": 1}


def test_a_caller_that_rolls_back_leaves_nothing(conn: psycopg.Connection, account: int) -> None:
    with conn.transaction(force_rollback=True):
        transaction(conn, account, 1)
        with pytest.raises(InsufficientFunds):
            transaction(conn, account, 2, ttype="debit")
    assert statuses(conn) == {}
    assert balance(conn, account) == 0


@pytest.mark.parametrize(
    "amount",
    [0, -1, 0.001, Decimal("1.005"), float("nan"), float("inf"), 10**12, Decimal("sNaN"), True, "ten"],
)
def test_an_amount_that_is_not_positive_whole_cents_is_refused(
    conn: psycopg.Connection, account: int, amount: Any
) -> None:
    refuse(conn, InvalidAmount, lambda: transaction(conn, account, amount))


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"ttype": "transfer"}, UnknownTransactionType),
        ({"currency": "EUR"}, ForeignCurrency),
        ({"currency": "usd"}, UnknownCurrency),
        ({"currency": "DOLLAR"}, UnknownCurrency),
        ({"account_id": 999}, UnknownAccount),
        ({"account_id": 2**40}, UnknownAccount),
        ({"account_id": -1}, UnknownAccount),
        ({"metadata": {"at": object()}}, UnstorableMetadata),
        ({"metadata": {"ratio": float("nan")}}, UnstorableMetadata),
        ({"metadata": {"note": "\0"}}, UnstorableMetadata),
        ({"metadata": {"note": "\ud800"}}, UnstorableMetadata),
        ({"metadata": ["note"]}, UnstorableMetadata),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_by_name(
    conn: psycopg.Connection, account: int, wrong: dict[str, Any], error: type[LedgerError]
) -> None:
    refuse(conn, error, lambda: transaction(conn, **{"account_id": account, "amount": 1} | wrong))


def test_a_balance_that_no_column_could_hold_is_refused(conn: psycopg.Connection, account: int) -> None:
    transaction(conn, account, Decimal("999999999999.99"))
    with pytest.raises(InvalidAmount):
        transaction(conn, account, Decimal("0.01"))
    assert statuses(conn) == {"posted": 1}
    assert_books_are_true(conn)


@pytest.mark.parametrize(
    ("customer_id", "currency", "error"),
    [(999, "USD", UnknownCustomer), (2**40, "USD", UnknownCustomer), (1, "dollars", UnknownCurrency)],
)
def test_an_account_of_nobody_or_in_no_currency_is_refused(
    conn: psycopg.Connection, customer_id: int, currency: str, error: type[LedgerError]
) -> None:
    create_customer(conn, "bob@example.com", "Bob")
    refuse(conn, error, lambda: create_account(conn, customer_id, currency=currency))
    assert rows(conn, "select * from accounts.accounts") == []


def test_what_the_server_refuses_is_a_typed_error_too(conn: psycopg.Connection, source_url: str) -> None:
    with pytest.raises(DatabaseFailure):
        create_customer(conn, "bob@example.com", None)  # type: ignore[arg-type]
    account = create_account(conn, create_customer(conn, "bob@example.com", "Bob"))
    conn.execute("set lock_timeout = '50ms'")
    with psycopg.connect(source_url) as other:
        other.execute("select from accounts.accounts for update")
        with pytest.raises(LockNotAvailable):
            transaction(conn, account, 1)
    assert statuses(conn) == {}


def refuse(conn: psycopg.Connection, error: type[LedgerError], call: Callable[[], int]) -> None:
    """The call raises this error, which names a place and a remedy, and no transaction is kept."""
    with pytest.raises(error) as refused:
        call()
    assert refused.value.where
    assert refused.value.remedy
    assert statuses(conn) == {}
