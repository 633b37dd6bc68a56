"""One writer per table: advisory locks that live as long as their transaction."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from sales_platform.engine.warehouse import Connection
from sales_platform.errors import LockNotAvailable


def lock_tables(connection: Connection, names: Iterable[str]) -> None:
    """Wait for the named tables, in sorted order so that no two runs wait for each other.

    Raises LockNotAvailable that names the table when the connection's lock_timeout passes.
    """
    for name in sorted(set(names)):
        try:
            connection.execute(
                "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sales_platform:{name}"]
            )
        except psycopg.errors.LockNotAvailable as error:
            raise LockNotAvailable(
                "another run has been writing this table for longer than the lock time-out.",
                where=name,
                remedy="Wait for that run to end, or raise LOCK_TIMEOUT_SECONDS, and run again.",
            ) from error
