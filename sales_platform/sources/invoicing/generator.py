"""Puts a drawn past into an invoicing database that has none yet. What is drawn stands in `history`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg import sql

from sales_platform.errors import WrongUse
from sales_platform.sources.invoicing.history import COLUMNS, Size, Tables, draw_history
from sales_platform.sources.invoicing.sessions import DOMAIN, session


@dataclass(frozen=True)
class HistoryReport:
    """Rows per table: those that were written, or those that stood there before when `made` is false."""

    made: bool
    rows: Mapping[str, int]

    def summary(self) -> str:
        """One line for a person."""
        return ", ".join(f"{count:,} {table.replace('_', ' ')}" for table, count in self.rows.items())


def make_history(url: str, *, end: date, seed: int, size: Size | None = None) -> HistoryReport:
    """Fill an invoicing database with a past up to the end of `end` (UTC), all of it or nothing.

    A database that has an invoice is left as it is. The same seed, end and size give the same rows.
    Raises WrongUse for a negative seed, LockNotAvailable when others write at the same time for too long,
    and what `driver_errors.translate` makes of the server's answers.
    """
    if seed < 0:
        raise WrongUse("a seed is 0 or a positive number.", where="--seed")
    with session(url) as connection, connection.transaction():
        _lock(connection)
        if connection.execute("select 1 from invoicing.invoices limit 1").fetchone():
            return HistoryReport(made=False, rows=_counts(connection))
        keys = {table: _highest_key(connection, table) for table in COLUMNS}
        tables = draw_history(seed=seed, end=end, size=size or Size(), keys=keys)
        for table, rows in tables.items():
            _copy(connection, table, rows)
        _move_sequences(connection, tables)
    with session(url) as connection:
        # the first to read should not plan for empty tables
        connection.execute(sql.SQL("analyze {}").format(_all_tables()))
    return HistoryReport(made=True, rows={table: len(rows) for table, rows in tables.items()})


def yesterday() -> date:
    """The last day that is over in UTC, in which the source's stamps are."""
    return datetime.now(UTC).date() - timedelta(days=1)


def _lock(connection: psycopg.Connection) -> None:
    """Keep writers out until the end: two histories at once, or a key that is taken meanwhile."""
    connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(_all_tables()))


def _all_tables() -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(DOMAIN, table) for table in COLUMNS)


def _counts(connection: psycopg.Connection) -> dict[str, int]:
    return {table: _number(connection, "select count(*) from {table}", table) for table in COLUMNS}


def _highest_key(connection: psycopg.Connection, table: str) -> int:
    """The highest key that was ever given: a key of a row that was rolled back is not used again."""
    return max(
        _number(connection, "select coalesce(max({key}), 0) from {table}", table),
        _number(connection, "select case when is_called then last_value else 0 end from {sequence}", table),
    )


def _number(connection: psycopg.Connection, query: str, table: str) -> int:
    key = COLUMNS[table][0]
    row = connection.execute(
        sql.SQL(query).format(
            table=sql.Identifier(DOMAIN, table),
            key=sql.Identifier(key),
            sequence=sql.Identifier(DOMAIN, f"{table}_{key}_seq"),
        )
    ).fetchone()
    return int(row[0]) if row else 0


def _copy(connection: psycopg.Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(DOMAIN, table), sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table]))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _move_sequences(connection: psycopg.Connection, tables: Tables) -> None:
    for table, rows in tables.items():
        if rows:
            sequence = f"{DOMAIN}.{table}_{COLUMNS[table][0]}_seq"
            connection.execute("select setval(%s::regclass, %s)", [sequence, rows[-1][0]])
