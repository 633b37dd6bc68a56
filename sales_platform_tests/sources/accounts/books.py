"""The books of an accounts source, added up in plain SQL and compared with its balances."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg

UNTRUE_BALANCES = """
    select a.account_id
    from accounts.accounts as a
    left join accounts.transactions as t on t.account_id = a.account_id
    group by a.account_id
    having a.balance < 0 or a.balance <> coalesce(
        sum(case t.type when 'credit' then t.amount when 'debit' then -t.amount end)
        filter (where t.status = 'posted'), 0
    )
"""


def rows(conn: psycopg.Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return conn.execute(query.encode(), values).fetchall()


def balance(conn: psycopg.Connection, account_id: int) -> Decimal:
    [(amount,)] = rows(conn, "select balance from accounts.accounts where account_id = %s", account_id)
    return Decimal(amount)


def statuses(conn: psycopg.Connection) -> dict[str, int]:
    return dict(rows(conn, "select status, count(*) from accounts.transactions group by status"))


def deadlocks(conn: psycopg.Connection) -> int:
    """How many the server has counted in this database, the sessions that have ended included."""
    [(count,)] = rows(conn, "select deadlocks from pg_stat_database where datname = current_database()")
    return int(count)


def assert_books_are_true(conn: psycopg.Connection) -> None:
    """Every balance is what the posted transactions add up to, none is negative, nothing is left pending."""
    assert rows(conn, UNTRUE_BALANCES) == []
    assert rows(conn, "select transaction_id from accounts.transactions where status = 'pending'") == []
