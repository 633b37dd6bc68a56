"""The tables of the accounts source: what they refuse by themselves, their indexes, and an older version of them."""

from __future__ import annotations

import psycopg
import pytest

from sales_platform.sources.accounts.sample import alice
from sales_platform.sources.schema import ensure_schema
from sales_platform_tests.sources.accounts.books import rows


@pytest.mark.parametrize(
    "statement",
    [
        "update accounts set balance = -0.01",
        "update transactions set amount = 0",
        "update transactions set type = 'transfer'",
        "update transactions set status = 'lost'",
    ],
)
def test_the_tables_refuse_what_the_ledger_never_writes(conn: psycopg.Connection, statement: str) -> None:
    alice(conn)
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(statement.encode())


def test_every_created_at_has_an_index(conn: psycopg.Connection) -> None:
    assert rows(
        conn,
        """
        select tablename from pg_indexes
        where schemaname = 'accounts' and indexdef like '%%(created_at)' order by tablename
        """,
    ) == [("accounts",), ("customers",), ("transactions",)]


def test_a_transactions_table_of_the_older_system_gets_the_column_it_lacks(
    conn: psycopg.Connection, source_url: str
) -> None:
    sample = alice(conn)
    conn.execute("alter table accounts.transactions drop column metadata")
    conn.execute("comment on schema accounts is null")
    ensure_schema(source_url, "accounts")
    assert rows(conn, "select metadata from accounts.transactions") == [({},)]
    assert alice(conn).transaction_id == sample.transaction_id + 1
