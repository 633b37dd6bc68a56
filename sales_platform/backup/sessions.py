"""Sessions of backups and restores: values spelt alike on every server, and one at a time in each database."""

from __future__ import annotations

import psycopg

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import LockNotAvailable

LOCK_SECONDS = 60
# row_security off: a policy that hides rows is an error and never a backup with fewer rows.
# synchronize_seqscans off: rows come in the order in which they lie, so equal tables have equal hashes.
_SESSION = {
    "TimeZone": "UTC",
    "DateStyle": "ISO,YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmloption": "content",
    "search_path": "pg_catalog",
    "synchronize_seqscans": "off",
    "row_security": "off",
    "check_function_bodies": "off",
    "client_min_messages": "warning",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": f"{LOCK_SECONDS}s",
}


def connect(url: str) -> Connection:
    """A session outside of a transaction. Raises ServerUnavailable and ConfigurationError."""
    options = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    with translated(place(url)):
        return psycopg.connect(
            url,
            autocommit=True,
            options=options,
            client_encoding="UTF8",
            application_name="sales_platform backup",
            connect_timeout=10,
        )


def place(url: str) -> str:
    """Host, port and database, for messages; never the password."""
    return Warehouse(url).where


def take_the_only_place(connection: Connection, where: str) -> None:
    """Hold the database for this session: its lock ends with it, however it ends (K-13). Raises LockNotAvailable."""
    row = connection.execute(
        "select pg_try_advisory_lock(hashtextextended('sales_platform:backup', 0))"
    ).fetchone()
    if not row or not row[0]:
        raise LockNotAvailable(
            "another backup or restore of this database is running.",
            where=where,
            remedy="Wait until it ends, and run again; the lock of one that died is gone with it.",
        )
