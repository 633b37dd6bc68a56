"""Making tables from declarations: create, add or widen a column, refuse any other change of type. Not for the
platform's own tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from sales_platform.engine.warehouse import Connection
from sales_platform.engine.widening import widens
from sales_platform.errors import ContractError


@dataclass(frozen=True)
class TableColumn:
    """type: as format_type() prints it. default: an SQL expression."""

    name: str
    type: str
    required: bool = False
    default: sql.Composable | None = None
    description: str | None = None


@dataclass(frozen=True)
class TableName:
    schema: str
    table: str

    @classmethod
    def parse(cls, name: str) -> TableName:
        schema, _, table = name.partition(".")
        return cls(schema, table)

    @property
    def sql(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.table)

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"


def columns_of(connection: Connection, name: TableName) -> dict[str, str]:
    """Column → type of a table as it stands; empty when there is no such table."""
    return dict(
        connection.execute(
            """
            select attname, format_type(atttypid, atttypmod) from pg_attribute
            where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped order by attnum
            """,
            [f'"{name.schema}"."{name.table}"'],
        ).fetchall()
    )


def primary_key_of(connection: Connection, name: TableName) -> set[str]:
    """The columns of the primary key; empty when there is none."""
    rows = connection.execute(
        """
        select a.attname from pg_index as i
        inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
        where i.indrelid = to_regclass(%s) and i.indisprimary
        """,
        [f'"{name.schema}"."{name.table}"'],
    ).fetchall()
    return {row[0] for row in rows}


def exists(connection: Connection, name: TableName) -> bool:
    return bool(columns_of(connection, name))


def ensure_table(
    connection: Connection, name: TableName, columns: Sequence[TableColumn], description: str | None = None
) -> bool:
    """Create the table, or add the columns that it lacks, widen those whose type now holds more (S-56), and let
    those be missing that are required no longer. Returns whether it was created.

    Raises ContractError for a column whose type changed in any other way; nothing is written then (S-57).
    """
    standing = columns_of(connection, name)
    if not standing:
        _create(connection, name, columns, description)
        return True
    retyped = [c for c in columns if c.name in standing and standing[c.name] != c.type]
    for column in retyped:
        if not widens(standing[column.name], column.type):
            raise ContractError(
                f"column {column.name} is {standing[column.name]} in the warehouse and {column.type} in the contract.",
                where=str(name),
                remedy=f"Take the type back, or drop {name} in psql and run `sales-platform rebuild {name}`.",
            )
    for column in columns:
        if column.name not in standing:
            _add(connection, name, column)
    for column in retyped:
        _widen(connection, name, column)
    let_be_missing(connection, name, [column.name for column in columns if not column.required])
    return False


def let_be_missing(connection: Connection, name: TableName, columns: Sequence[str]) -> None:
    """Drop NOT NULL where it stands on these columns; a primary key keeps it."""
    rows = connection.execute(
        """
        select attname from pg_attribute as a
        where attrelid = to_regclass(%s) and attname = any(%s) and attnotnull and not exists (
            select from pg_index as i where i.indrelid = a.attrelid and i.indisprimary and a.attnum = any(i.indkey)
        )
        """,
        [f'"{name.schema}"."{name.table}"', list(columns)],
    ).fetchall()
    for (column,) in rows:
        connection.execute(
            sql.SQL("alter table {} alter {} drop not null").format(name.sql, sql.Identifier(column))
        )


def rename_column(connection: Connection, name: TableName, old: str, new: str) -> None:
    connection.execute(
        sql.SQL("alter table {} rename column {} to {}").format(
            name.sql, sql.Identifier(old), sql.Identifier(new)
        )
    )


def create_from_query(
    connection: Connection,
    name: TableName,
    columns: Sequence[TableColumn],
    query: sql.Composable,
    description: str | None = None,
) -> int:
    """Create a table with the rows of a query, which the server may then compute on several cores. Returns the rows."""
    rows = connection.execute(sql.SQL("create table {} as\n{}").format(name.sql, query)).rowcount
    required = [
        sql.SQL("alter {} set not null").format(sql.Identifier(column.name))
        for column in columns
        if column.required
    ]
    if required:
        connection.execute(sql.SQL("alter table {} {}").format(name.sql, sql.SQL(", ").join(required)))
    _describe_all(connection, name, columns, description)
    return rows


def refresh_statistics(connection: Connection, name: TableName) -> None:
    """Let the planner know a table that has grown by a tenth since it was last looked at.

    What was filled a moment ago is otherwise taken for nearly empty, and read by index on one core. The size
    alone is no sign of it: a key that is added counts the rows, but looks at no value.
    """
    row = connection.execute(
        """
        select pg_relation_size(c.oid) / 8192, c.relpages,
            exists (select from pg_stats where schemaname = %(schema)s and tablename = %(table)s)
        from pg_class as c where c.oid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text))
        """,
        {"schema": name.schema, "table": name.table},
    ).fetchone()
    if row and (abs(row[0] - row[1]) * 10 > row[0] or (row[0] and not row[2])):
        analyze_sample(connection, name.sql)


def analyze_sample(connection: Connection, what: sql.Composable) -> None:
    """Analyze a table, or some columns of one, by a tenth of the rows that are read by default."""
    connection.execute("set local default_statistics_target = 10")
    connection.execute(sql.SQL("analyze {}").format(what))
    connection.execute("set local default_statistics_target to default")


def add_primary_key(connection: Connection, name: TableName, key: Sequence[str]) -> None:
    connection.execute(sql.SQL("alter table {} add primary key ({})").format(name.sql, identifiers(key)))


def identifiers(names: Sequence[str], alias: str | None = None) -> sql.Composed:
    """`"a", "b"`, or `x."a", x."b"`."""
    return sql.SQL(", ").join(
        sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names
    )


def _create(
    connection: Connection, name: TableName, columns: Sequence[TableColumn], description: str | None
) -> None:
    body = sql.SQL(", ").join(_definition(column) for column in columns)
    connection.execute(sql.SQL("create table {} ({})").format(name.sql, body))
    _describe_all(connection, name, columns, description)


def _describe_all(
    connection: Connection, name: TableName, columns: Sequence[TableColumn], description: str | None
) -> None:
    if description:
        connection.execute(sql.SQL("comment on table {} is {}").format(name.sql, sql.Literal(description)))
    for column in columns:
        _describe(connection, name, column)


def _add(connection: Connection, name: TableName, column: TableColumn) -> None:
    # rows that stand have no value for it, unless a default gives them one
    added = column if column.default is not None else replace(column, required=False)
    connection.execute(sql.SQL("alter table {} add column {}").format(name.sql, _definition(added)))
    _describe(connection, name, column)


def _widen(connection: Connection, name: TableName, column: TableColumn) -> None:
    try:
        connection.execute(
            sql.SQL("alter table {} alter {} type {}").format(
                name.sql, sql.Identifier(column.name), sql.SQL(column.type)
            )
        )
    except psycopg.errors.FeatureNotSupported as error:
        raise ContractError(
            f"column {column.name} cannot become {column.type}, because a view of yours reads it.",
            where=str(name),
            remedy="Drop the view, load again, and create the view anew.",
        ) from error


def _definition(column: TableColumn) -> sql.Composed:
    parts: list[sql.Composable] = [sql.Identifier(column.name), sql.SQL(column.type)]
    if column.default is not None:
        parts += [sql.SQL("default"), column.default]
    if column.required:
        parts.append(sql.SQL("not null"))
    return sql.SQL(" ").join(parts)


def _describe(connection: Connection, name: TableName, column: TableColumn) -> None:
    if column.description:
        target = sql.Identifier(name.schema, name.table, column.name)
        connection.execute(
            sql.SQL("comment on column {} is {}").format(target, sql.Literal(column.description))
        )
