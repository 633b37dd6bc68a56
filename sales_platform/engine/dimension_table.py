"""The shape of a dimension's table and its constraints. What stands in it is `history`'s and `members`'
business.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.tables import TableColumn, TableName, columns_of, ensure_table, identifiers
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import ContractError

VALIDITY = ("effective_start_date", "effective_end_date", "is_current")
UNKNOWN = "Unknown"


def dimension_name(dimension: DimensionContract) -> TableName:
    return TableName("analytics", dimension.table)


def column_types(connection: Connection, dimension: DimensionContract) -> dict[str, str]:
    """Key and attributes with the types that their first source gives them.

    Raises ContractError for a column that no source has, and for a source that is not there yet.
    """
    types: dict[str, str] = {}
    for events in dimension.events:
        standing = columns_of(connection, TableName("staging", events.table))
        if not standing:
            raise ContractError(
                f"{events.source} does not exist yet.",
                where=dimension.name,
                remedy=f"Materialize staging/{events.table} first, or run the whole domain.",
            )
        for column in (*dimension.key, *dimension.attributes):
            source = dimension.source_column(column)
            if source in standing:
                types.setdefault(column, standing[source])
    lacking = [column for column in (*dimension.key, *dimension.attributes) if column not in types]
    if lacking:
        sources = ", ".join(events.source for events in dimension.events)
        raise ContractError(
            f"no source of this dimension has the column {lacking[0]}; its sources are {sources}.",
            where=dimension.name,
            remedy="Mend the contract and run `dg check defs`.",
        )
    return types


def ensure_dimension_table(
    connection: Connection, dimension: DimensionContract, types: dict[str, str]
) -> bool:
    """Create or widen the table. A new one has no constraints yet: they are cheaper after the first rows."""
    described = dimension.columns
    columns = [
        TableColumn(
            dimension.surrogate_key, "bigint", True, description="Surrogate key; 0 is the unknown member"
        )
    ]
    columns += [
        TableColumn(name, types[name], description=d.description if (d := described.get(name)) else None)
        for name in (*dimension.key, *dimension.attributes)
    ]
    if dimension.has_history:
        columns += [
            TableColumn("effective_start_date", "timestamp with time zone", True),
            TableColumn("effective_end_date", "timestamp with time zone"),
            TableColumn("is_current", "boolean", True),
        ]
    columns.append(TableColumn("is_inferred", "boolean", True))
    standing = columns_of(connection, dimension_name(dimension))
    created = ensure_table(connection, dimension_name(dimension), columns, dimension.description)
    if created:
        _insert_unknown_member(connection, dimension, types)
    else:
        _complete_unknown_member(connection, dimension, types, standing.keys())
    return created


def constrain(connection: Connection, dimension: DimensionContract) -> None:
    """Everything that must hold, said to the database: no overlap, one current version, start before end."""
    name, key = dimension_name(dimension), dimension.key
    connection.execute(
        sql.SQL("alter table {} add primary key ({})").format(
            name.sql, sql.Identifier(dimension.surrogate_key)
        )
    )
    if not dimension.has_history:
        connection.execute(sql.SQL("alter table {} add unique ({})").format(name.sql, identifiers(key)))
        return
    equal = sql.SQL(", ").join(sql.SQL("{} with =").format(sql.Identifier(column)) for column in key)
    connection.execute(
        sql.SQL(
            "alter table {} add check (effective_start_date < effective_end_date),"
            " add exclude using gist ({}, tstzrange(effective_start_date, effective_end_date) with &&)"
        ).format(name.sql, equal)
    )
    connection.execute(
        sql.SQL("create unique index {} on {} ({}) where is_current").format(
            sql.Identifier(f"{dimension.table}_current"), name.sql, identifiers(key)
        )
    )


def constraints_stand(connection: Connection, dimension: DimensionContract) -> bool:
    row = connection.execute(
        "select exists (select from pg_constraint where conrelid = to_regclass(%s) and contype = 'p')",
        [f'"analytics"."{dimension.table}"'],
    ).fetchone()
    return bool(row and row[0])


def business_key_json(key: Sequence[str], alias: str) -> sql.Composed:
    """The key as `ops.surrogate_key` holds it: a JSON array, whose numbers compare by value (S-44)."""
    return sql.SQL("jsonb_build_array({})").format(identifiers(tuple(key), alias))


def _insert_unknown_member(
    connection: Connection, dimension: DimensionContract, types: dict[str, str]
) -> None:
    named = [name for name in dimension.attributes if _holds(types[name], UNKNOWN)]
    columns = [dimension.surrogate_key, *named, "is_inferred"]
    values: list[object] = [0, *(UNKNOWN for _ in named), False]
    if dimension.has_history:
        columns += ["effective_start_date", "is_current"]
        values += ["-infinity", True]
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            dimension_name(dimension).sql, identifiers(columns), sql.SQL(", ").join(map(sql.Literal, values))
        )
    )


def _complete_unknown_member(
    connection: Connection, dimension: DimensionContract, types: dict[str, str], standing: Collection[str]
) -> None:
    """Columns that came later are named as unknown too."""
    for name in dimension.attributes:
        if name not in standing and _holds(types[name], UNKNOWN):
            connection.execute(
                sql.SQL("update {} set {} = {} where {} = 0").format(
                    dimension_name(dimension).sql,
                    sql.Identifier(name),
                    sql.Literal(UNKNOWN),
                    sql.Identifier(dimension.surrogate_key),
                )
            )


def _holds(kind: str, word: str) -> bool:
    """Whether a column of this type can bear the word: text, or characters of a length that suffices."""
    length = re.fullmatch(r"character varying(?:\((\d+)\))?", kind)
    return kind == "text" or (length is not None and int(length[1] or len(word)) >= len(word))
