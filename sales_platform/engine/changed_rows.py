"""Which rows of a merged table can have changed: those whose key changed in an input since the table last looked."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from sales_platform.engine.tables import TableName, columns_of, identifiers
from sales_platform.engine.versions import consumed_version, published_version
from sales_platform.engine.warehouse import Connection


class ChangedRows:
    """The changed keys of each input, as a condition on any relation that has the columns of the table."""

    def __init__(self, parts: Sequence[tuple[TableName, tuple[str, ...], int]]) -> None:
        self._parts = parts

    def condition(self, alias: str) -> sql.Composable:
        """True for a row of `alias` that has to be looked at."""
        tests = [
            sql.SQL("({}) in (select {} from {} where _version > {})").format(
                identifiers(key, alias), identifiers(key), changed.sql, sql.Literal(seen)
            )
            for changed, key, seen in self._parts
        ]
        return sql.SQL("({})").format(sql.SQL(" or ").join(tests)) if tests else sql.SQL("false")


def find_changed_rows(
    connection: Connection, table: str, inputs: Sequence[str], columns: Sequence[str], logic_hash: str
) -> ChangedRows | None:
    """None when every row has to be looked at: an input was never taken in, keeps no note of its changed keys, or
    has a key that is not among the table's columns.
    """
    parts = []
    for name in inputs:
        seen = consumed_version(connection, table, name, logic_hash)
        if seen is None:
            return None
        if seen == published_version(connection, name):
            continue
        changed = TableName("ops", f"{TableName.parse(name).table}_changed_key")
        key = tuple(column for column in columns_of(connection, changed) if column != "_version")
        if not key or not set(key) <= set(columns):
            return None
        parts.append((changed, key, seen))
    return ChangedRows(parts)
