"""Members that a fact names before their dimension knows them: made, pointed at, and taken back when nobody names them.

An inferred member keeps its key when its own first version fills it in.
"""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.dimension_table import dimension_name
from sales_platform.engine.keys import assign_recorded_keys, issue_keys
from sales_platform.engine.references import Reference
from sales_platform.engine.resolving import assignments, resolution, resolution_match
from sales_platform.engine.tables import TableName, identifiers
from sales_platform.engine.warehouse import Connection


def infer_members(connection: Connection, reference: Reference, relation: sql.Composable) -> int:
    """Add a member for every key in `relation` that the dimension does not know. Returns how many."""
    dimension = reference.dimension
    named = sql.SQL(", ").join(
        sql.SQL("i.{} as {}").format(sql.Identifier(column), sql.Identifier(key))
        for column, key in zip(reference.business_columns, dimension.key, strict=True)
    )
    known = sql.SQL(" and ").join(
        sql.SQL("i.{} = d.{}").format(sql.Identifier(column), sql.Identifier(key))
        for column, key in zip(reference.business_columns, dimension.key, strict=True)
    )
    present = sql.SQL(" and ").join(
        sql.SQL("i.{} is not null").format(sql.Identifier(column)) for column in reference.business_columns
    )
    connection.execute("drop table if exists pg_temp.strangers")
    found = connection.execute(
        sql.SQL(
            """create temporary table strangers on commit drop as
            select distinct {named}, null::bigint as surrogate from {relation} as i
            where {present} and not exists (select from {table} as d where {known})"""
        ).format(
            named=named, relation=relation, present=present, table=dimension_name(dimension).sql, known=known
        )
    ).rowcount
    if not found:
        return 0
    assign_recorded_keys(connection, dimension, "strangers", "timestamptz '-infinity'")
    issue_keys(connection, dimension, "strangers", "timestamptz '-infinity'")
    _insert_inferred(connection, dimension)
    return found


def _insert_inferred(connection: Connection, dimension: DimensionContract) -> None:
    validity = (
        (sql.SQL(", effective_start_date, is_current"), sql.SQL(", '-infinity', true"))
        if dimension.has_history
        else (sql.SQL(""), sql.SQL(""))
    )
    connection.execute(
        sql.SQL(
            "insert into {table} ({surrogate}, {key}{more}, is_inferred)"
            " select surrogate, {key}{values}, true from strangers"
        ).format(
            table=dimension_name(dimension).sql,
            surrogate=sql.Identifier(dimension.surrogate_key),
            key=identifiers(dimension.key),
            more=validity[0],
            values=validity[1],
        )
    )


def drop_unnamed_members(
    connection: Connection, references: list[Reference], relation: sql.Composable
) -> None:
    """Take back inferred members that only the rows in `relation` named, which have left their fact."""
    for reference in references:
        dimension = reference.dimension
        connection.execute(
            sql.SQL("delete from {table} as d where d.is_inferred and {named} and not ({still})").format(
                table=dimension_name(dimension).sql,
                named=sql.SQL("exists (select from {} as i where {})").format(
                    relation, _names(reference.business_columns, dimension, "i")
                ),
                still=_named_by_any_fact(connection, dimension),
            )
        )


def _named_by_any_fact(connection: Connection, dimension: DimensionContract) -> sql.Composable:
    rows = connection.execute(
        "select fact, business_columns from ops.dimension_reference where dimension = %s", [dimension.table]
    ).fetchall()
    parts = [
        sql.SQL("exists (select from {} as f where {})").format(
            TableName.parse(fact).sql, _names(tuple(columns), dimension, "f")
        )
        for fact, columns in rows
    ]
    return sql.SQL(" or ").join(parts) if parts else sql.SQL("false")


def _names(columns: tuple[str, ...], dimension: DimensionContract, alias: str) -> sql.Composed:
    return sql.SQL(" and ").join(
        sql.SQL("{} = d.{}").format(sql.Identifier(alias, column), sql.Identifier(key))
        for column, key in zip(columns, dimension.key, strict=True)
    )


def point_at_inferred_members(
    connection: Connection, references: list[Reference], where: sql.Composable
) -> int:
    """Give members to rows of a fact that name a key its dimension does not know. Returns how many members.

    where: which rows were just written; those among them that point at the unknown member and name a key.
    """
    return sum(
        _point_at_members(connection, reference, sql.SQL("{} and {}").format(where, _strange(reference)))
        for reference in _with_strangers(connection, references, where)
    )


def _strange(reference: Reference) -> sql.Composed:
    named = sql.SQL(" and ").join(
        sql.SQL("{} is not null").format(sql.Identifier(name)) for name in reference.business_columns
    )
    return sql.SQL("{} = 0 and {}").format(sql.Identifier(reference.key_column), named)


def _with_strangers(
    connection: Connection, references: list[Reference], where: sql.Composable
) -> list[Reference]:
    """The references with any such row, found in one look at what was written."""
    if not references:
        return []
    found = connection.execute(
        sql.SQL("select {} from {} where {}").format(
            sql.SQL(", ").join(
                sql.SQL("bool_or({})").format(_strange(reference)) for reference in references
            ),
            references[0].fact.sql,
            where,
        )
    ).fetchone()
    return [reference for reference, strange in zip(references, found or (), strict=True) if strange]


def _point_at_members(connection: Connection, reference: Reference, strange: sql.Composable) -> int:
    keys = sql.SQL("select {} from {} where {}").format(
        identifiers(reference.business_columns), reference.fact.sql, strange
    )
    inferred = infer_members(connection, reference, sql.SQL("({})").format(keys))
    connection.execute(
        sql.SQL(
            "update {fact} as f set {assign} from ({resolution}) as r where {match} and f.{key} = 0"
        ).format(
            fact=reference.fact.sql,
            assign=sql.SQL(", ").join(assignments(reference)),
            resolution=resolution(reference, keys),
            match=resolution_match(reference, "f", "r"),
            key=sql.Identifier(reference.key_column),
        )
    )
    return inferred
