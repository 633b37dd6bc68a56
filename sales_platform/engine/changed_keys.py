"""Which keys of a table changed, by version: what an incremental refresh of the tables that read it has to look at."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from sales_platform.engine.tables import TableColumn, TableName, columns_of, ensure_table, exists, identifiers
from sales_platform.engine.versions import forget_consumers, has_consumer
from sales_platform.engine.warehouse import Connection


def changed_keys_name(table: TableName) -> TableName:
    return TableName("ops", f"{table.table}_changed_key")


def ensure_changed_keys(connection: Connection, table: TableName, key: Sequence[str]) -> None:
    """Create the note of a table that stands; one that notes other columns begins anew, and readers look at all."""
    name = changed_keys_name(table)
    standing = columns_of(connection, name)
    types = columns_of(connection, table)
    if standing == {"_version": "bigint", **{column: types[column] for column in key}}:
        return
    if standing:
        connection.execute(sql.SQL("drop table {}").format(name.sql))
        forget_consumers(connection, str(table))
    columns = [
        TableColumn("_version", "bigint", True),
        *(TableColumn(column, types[column]) for column in key),
    ]
    ensure_table(connection, name, columns, f"Keys of {table} that changed, by version")
    connection.execute(sql.SQL("create index on {} (_version)").format(name.sql))


def note_changed_keys(
    connection: Connection, table: TableName, key: Sequence[str], changed: sql.Composable
) -> None:
    """Remember the keys of a relation under the version just published, if anyone will ask."""
    ensure_changed_keys(connection, table, key)
    if not has_consumer(connection, str(table)):
        return
    connection.execute(
        sql.SQL(
            """insert into {note} (_version, {key})
            select distinct v.version, {c_key} from {changed} as c, ops.table_version as v
            where v.table_name = {table}"""
        ).format(
            note=changed_keys_name(table).sql,
            key=identifiers(tuple(key)),
            c_key=identifiers(tuple(key), "c"),
            changed=changed,
            table=sql.Literal(str(table)),
        )
    )


def forget_seen_keys(connection: Connection, table: TableName) -> None:
    """Drop notes that every consumer has taken in."""
    name = changed_keys_name(table)
    if exists(connection, name):
        connection.execute(
            sql.SQL(
                "delete from {} where _version <= ("
                "select min(version) from ops.consumed_version where input = {} and partition = '')"
            ).format(name.sql, sql.Literal(str(table)))
        )
