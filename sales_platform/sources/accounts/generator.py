"""Copies the drawn history of the accounts system into its empty tables. What is in it is drawn in `history`.

Rows depend on the seed, the last day and its zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from sales_platform.engine.driver_errors import translated
from sales_platform.errors import WrongUse
from sales_platform.sources.accounts.history import DAYS, History, Transactions, draw_history
from sales_platform.sources.accounts.ledger import FAILURE_REASON, INSUFFICIENT_FUNDS

ACCOUNT_TYPES = ("checking", "savings")
CURRENCY = "USD"


@dataclass(frozen=True)
class Filled:
    """How many rows of each kind a history has; `failed` of the transactions did not post."""

    customers: int
    accounts: int
    transactions: int
    failed: int

    def summary(self) -> str:
        """One line for a person."""
        return (
            f"{self.customers:,} customers, {self.accounts:,} accounts, {self.transactions:,} transactions, "
            f"of which {self.failed:,} failed for funds"
        )


def fill(
    url: str,
    *,
    customers: int,
    accounts_per_customer: int,
    transactions_per_account: int,
    seed: int,
    end: date,
    zone: tzinfo = UTC,
) -> Filled | None:
    """Write a history of 90 days up to the end of `end`, in one transaction; None, and nothing, if rows stand.

    Raises WrongUse for negative numbers and more accounts per customer than there are types.
    """
    _refuse_impossible(customers, accounts_per_customer, transactions_per_account, seed)
    with translated("accounts"), psycopg.connect(url, connect_timeout=10) as connection:
        if _holds_rows(connection):
            return None
        # a client that writes meanwhile waits: no row of its own may stand between these
        connection.execute(
            "lock table accounts.customers, accounts.accounts, accounts.transactions in share row exclusive mode"
        )
        if _holds_rows(connection):
            return None
        made = draw_history(customers, accounts_per_customer, transactions_per_account, seed)
        # counted back from the end, so that a change of the clock moves the beginning
        stop = datetime.combine(end + timedelta(days=1), time(), zone).astimezone(UTC)
        _write(connection, made, stop - timedelta(days=DAYS))
    return Filled(
        customers=len(made.joined),
        accounts=len(made.balances),
        transactions=len(made.transactions.posted),
        failed=int((~made.transactions.posted).sum()),
    )


def _refuse_impossible(customers: int, accounts_per_customer: int, transactions: int, seed: int) -> None:
    if min(customers, accounts_per_customer, transactions) < 0:
        raise WrongUse("there cannot be fewer than none.", remedy="Give numbers from 0.")
    if accounts_per_customer > len(ACCOUNT_TYPES):
        raise WrongUse(
            f"a customer has one account of each type, and there are {len(ACCOUNT_TYPES)} types: "
            f"{', '.join(ACCOUNT_TYPES)}.",
            where="--accounts-per-customer",
            remedy=f"Ask for {len(ACCOUNT_TYPES)} at most.",
        )
    if seed < 0:
        raise WrongUse("a seed is 0 or a positive number.", where="--seed")


def _holds_rows(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        """
        select exists (select from accounts.customers)
            or exists (select from accounts.accounts) or exists (select from accounts.transactions)
        """
    ).fetchone()
    return bool(row and row[0])


def _write(connection: psycopg.Connection, made: History, begin: datetime) -> None:
    _copy(
        connection, "customers", ("customer_id", "email", "name", "created_at"), _customer_rows(made, begin)
    )
    _copy(
        connection,
        "accounts",
        ("account_id", "customer_id", "account_type", "balance", "currency", "created_at"),
        _account_rows(made, begin),
    )
    _copy(
        connection,
        "transactions",
        ("transaction_id", "account_id", "amount", "currency", "type", "status", "created_at", "metadata"),
        _transaction_rows(made.transactions, begin),
    )


def _copy(
    connection: psycopg.Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows that bring their key, the first column, and let the table's sequence go on behind them."""
    target = sql.Identifier("accounts", table)
    statement = sql.SQL("copy {} ({}) from stdin").format(
        target, sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            sql.SQL(
                "select setval(pg_get_serial_sequence({}, {}), max({})) from {} having max({}) is not null"
            ).format(
                sql.Literal(f"accounts.{table}"),
                sql.Literal(columns[0]),
                sql.Identifier(columns[0]),
                target,
                sql.Identifier(columns[0]),
            )
        )


def _customer_rows(made: History, begin: datetime) -> Iterable[Sequence[Any]]:
    for number, (name, moment) in enumerate(zip(made.names, made.joined.tolist(), strict=True), start=1):
        yield number, f"User{number}@example.com", name, _instant(begin, moment)


def _account_rows(made: History, begin: datetime) -> Iterable[Sequence[Any]]:
    each = made.accounts
    drawn = zip(
        each.owner.tolist(), each.kind.tolist(), made.balances.tolist(), each.opened.tolist(), strict=True
    )
    for number, (owner, kind, cents, moment) in enumerate(drawn, start=1):
        yield number, owner + 1, ACCOUNT_TYPES[kind], _money(cents), CURRENCY, _instant(begin, moment)


def _transaction_rows(each: Transactions, begin: datetime) -> Iterable[Sequence[Any]]:
    columns = (each.account, each.number, each.moment, each.cents, each.credit, each.posted)
    drawn = zip(*(column.tolist() for column in columns), strict=True)
    for key, (account, number, moment, cents, credit, posted) in enumerate(drawn, start=1):
        kind, status = "credit" if credit else "debit", "posted" if posted else "failed"
        # spelt as the older system spells it
        note = f'"note": "Synthenic tx {number + 1}"'
        reason = "" if posted else f', "{FAILURE_REASON}": "{INSUFFICIENT_FUNDS}"'
        yield (
            key,
            account + 1,
            _money(cents),
            CURRENCY,
            kind,
            status,
            _instant(begin, moment),
            f"{{{note}{reason}}}",
        )


def _money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _instant(begin: datetime, moment: int) -> datetime:
    return begin + timedelta(microseconds=moment)
