"""What the database server said, as an error of ours: the only place that looks at SQLSTATEs. No SQL.

The server's DETAIL, CONTEXT and, for errors about data, its message hold values of rows. They are left out,
and the driver's error is not chained, because a log or the Dagster UI would print it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from sales_platform.errors import (
    ConfigurationError,
    DatabaseFailure,
    LockNotAvailable,
    SalesPlatformError,
    ServerUnavailable,
    StorageFull,
    TransientError,
)

# The longest prefix decides.
_KINDS: dict[str, tuple[type[SalesPlatformError], str]] = {
    "08": (ServerUnavailable, "Check that the server is up; `sales-platform doctor` tries every connection."),
    "57P0": (ServerUnavailable, "Try again when the server is up."),
    "53300": (ServerUnavailable, "Close other connections, or raise the server's max_connections."),
    "55P03": (LockNotAvailable, "Wait for the other run to end, or raise LOCK_TIMEOUT_SECONDS."),
    "40P01": (LockNotAvailable, "Run it again; two runs waited for each other."),
    "40001": (LockNotAvailable, "Run it again; another run changed the same rows."),
    "57014": (TransientError, "Run it again, or raise the statement time-out."),
    "25P03": (TransientError, "Run it again, or raise the server's idle time-out."),
    "53200": (TransientError, "Run it again when the server has memory to spare."),
    "53100": (StorageFull, "Free disk space on the server, then run it again."),
    "58030": (StorageFull, "Check the server's disk, then run it again."),
    "28": (ConfigurationError, "Check user and password in the connection URL."),
    "3D000": (ConfigurationError, "Check the database name in the connection URL, or create the database."),
    "42501": (ConfigurationError, "Grant the right, or connect as another role."),
}
# Classes whose messages name objects and limits, never values of rows.
_SAFE_CLASSES = frozenset(
    ["08", "0A", "25", "28", "2B", "3D", "3F", "40", "42", "53", "54", "55", "57", "58", "F0"]
)
# A server at its file-size limit says XX000; these functions of its do nothing but grow a file.
_FILE_GROWERS = frozenset(["mdextend", "mdzeroextend"])
# libpq gives no SQLSTATE for a connection that did not come about.
_REFUSED_LOGIN = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|role \".*\" does not exist"
)
_NO_DATABASE = re.compile(r"database \".*\" does not exist")


def translate(error: psycopg.Error, where: str, role: str | None = None) -> SalesPlatformError:
    """The error of ours that tells a user what to do.

    where: file, table or connection. role: who was connected, named when a right is missing.
    """
    state = error.sqlstate or _connection_state(error)
    kind, remedy = _kind(error, state)
    what = _what(error, state)
    if state == "42501" and role:
        what = f"{what[:-1]} (role {role})."
    return kind(what, where=where, remedy=remedy)


@contextmanager
def translated(where: str, conn: psycopg.Connection[Any] | None = None) -> Iterator[None]:
    """Raise `translate(error, where)` for every error of the driver in the block."""
    try:
        yield
    except psycopg.Error as error:
        raise translate(error, where, _role(conn)) from None


def _role(conn: psycopg.Connection[Any] | None) -> str | None:
    return conn.info.user if conn is not None and not conn.closed else None


def _connection_state(error: psycopg.Error) -> str | None:
    """A SQLSTATE for what the driver reports without one; None for errors that are no connection's."""
    if not isinstance(error, psycopg.OperationalError):
        return None
    text = str(error)
    if _REFUSED_LOGIN.search(text):
        return "28000"
    return "3D000" if _NO_DATABASE.search(text) else "08000"


def _kind(error: psycopg.Error, state: str | None) -> tuple[type[SalesPlatformError], str | None]:
    if error.diag.source_function in _FILE_GROWERS:
        return _KINDS["53100"]
    for length in (5, 4, 2):
        if state and state[:length] in _KINDS:
            return _KINDS[state[:length]]
    return DatabaseFailure, None


def _what(error: psycopg.Error, state: str | None) -> str:
    """One sentence: the server's own words where they are safe, else the error's name and its object."""
    if (state and state[:2] in _SAFE_CLASSES) or error.diag.source_function in _FILE_GROWERS:
        said = error.diag.message_primary or _last_statement(error)
    else:
        said = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).capitalize()
    code = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
    return f"{said[:1].upper()}{said[1:].rstrip('.')}{code}{_about(error.diag)}."


def _last_statement(error: psycopg.Error) -> str:
    """Of what libpq says of each address that it tried, the last; not its question whether a server runs there."""
    lines = [line.strip() for line in str(error).strip().splitlines()]
    return next((line for line in reversed(lines) if not line.endswith("?")), type(error).__name__)


def _about(diag: psycopg.errors.Diagnostic) -> str:
    table = ".".join(name for name in (diag.schema_name, diag.table_name) if name)
    named = [("table", table), ("column", diag.column_name), ("constraint", diag.constraint_name)]
    found = ", ".join(f"{kind} {name}" for kind, name in named if name)
    return f": {found}" if found else ""
