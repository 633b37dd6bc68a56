"""The session that serves figures: it may only read, not everything, and not for long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection, Warehouse

READER = "sales_platform_reader"


def as_reader(connection: Connection, timeout_seconds: float) -> None:
    """Make a session one of the reader role, for as long as it lives; for the `configure` of a pool too.

    Ends the transaction. A statement that takes longer is cancelled. The user of the session must be a member of the
    role, or a superuser.
    """
    with translated(f"role {READER}", connection):
        connection.execute(sql.SQL("set role {}").format(sql.Identifier(READER)))
        connection.execute(
            "select set_config('statement_timeout', %s, false)", [str(int(timeout_seconds * 1000))]
        )
        connection.execute("set default_transaction_read_only = on")
        connection.commit()


@contextmanager
def reading(warehouse: Warehouse, *, timeout_seconds: float = 30) -> Iterator[Connection]:
    """One session of the reader role. Each statement sees what is committed when it begins."""
    with translated(warehouse.where), warehouse.connect(autocommit=True) as connection:
        as_reader(connection, timeout_seconds)
        yield connection
