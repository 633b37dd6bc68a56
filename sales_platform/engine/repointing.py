"""Facts that follow their dimension: rows whose version changed point at the one that is now theirs."""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.inferring import infer_members
from sales_platform.engine.references import Reference
from sales_platform.engine.resolving import assignments, resolution, resolution_match, version_inferred
from sales_platform.engine.tables import TableName, columns_of, identifiers
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Connection


def repoint_facts(connection: Connection, dimension: DimensionContract) -> int:
    """Let facts follow what `touched` says has changed, and mark their partitions. Returns how many rows
    moved.
    """
    rows = connection.execute(
        "select fact, role, business_columns, at_column from ops.dimension_reference"
        " where dimension = %s order by fact, role",
        [dimension.table],
    ).fetchall()
    moved = 0
    for fact, role, columns, at in rows:
        moved += _repoint(connection, Reference(TableName.parse(fact), role, dimension, tuple(columns), at))
    return moved


def _repoint(connection: Connection, reference: Reference) -> int:
    _touched_keys(connection, reference.dimension)
    concerned = sql.SQL("(select f.* from {} as f where ({}) in (select {} from touched_keys))").format(
        reference.fact.sql, identifiers(reference.business_columns, "f"), identifiers(reference.dimension.key)
    )
    infer_members(connection, reference, concerned)
    partitioned = "_partition" in columns_of(connection, reference.fact)
    moved = _move(connection, reference, partitioned)
    partitions = _concerned_partitions(connection, reference) if partitioned else set()
    if moved or partitions:
        publish_versions(connection, str(reference.fact), partitions)
    return moved


def _touched_keys(connection: Connection, dimension: DimensionContract) -> None:
    connection.execute("drop table if exists pg_temp.touched_keys")
    connection.execute(
        sql.SQL(
            "create temporary table touched_keys on commit drop as select distinct {} from touched"
        ).format(identifiers(dimension.key))
    )
    connection.execute("analyze pg_temp.touched_keys")


def _move(connection: Connection, reference: Reference, partitioned: bool) -> int:
    """Point the concerned rows at the version that is now theirs; `moved_partitions` keeps where they lie."""
    keys = sql.SQL("select {} from touched_keys").format(identifiers(reference.dimension.key))
    differ = [sql.SQL("f.{} <> r._surrogate").format(sql.Identifier(reference.key_column))]
    if reference.dimension.has_history:
        inferred = version_inferred(reference, "f", "r")
        differ.append(sql.SQL("f.{} <> {}").format(sql.Identifier(reference.inferred_column), inferred))
    connection.execute(
        "create temporary table if not exists moved_partitions (partition text) on commit drop"
    )
    connection.execute("truncate moved_partitions")
    partition = sql.SQL("f._partition") if partitioned else sql.SQL("''")
    return connection.execute(
        sql.SQL(
            """with moved as (
                update {fact} as f set {assign} from ({resolution}) as r
                where {match} and ({differ}) returning {partition}
            )
            insert into moved_partitions select * from moved"""
        ).format(
            fact=reference.fact.sql,
            assign=sql.SQL(", ").join(assignments(reference)),
            resolution=resolution(reference, keys),
            match=resolution_match(reference, "f", "r"),
            differ=sql.SQL(" or ").join(differ),
            partition=partition,
        )
    ).rowcount


def _concerned_partitions(connection: Connection, reference: Reference) -> set[str]:
    """Partitions whose figures may change: rows moved, or a member they name has other attributes."""
    rows = connection.execute(
        sql.SQL(
            """select distinct partition from moved_partitions
            union
            select distinct f._partition from {fact} as f
            where ({columns}) in (select {key} from touched_keys) and f.{role} in (select surrogate from touched)"""
        ).format(
            fact=reference.fact.sql,
            columns=identifiers(reference.business_columns, "f"),
            key=identifiers(reference.dimension.key),
            role=sql.Identifier(reference.key_column),
        )
    ).fetchall()
    return {row[0] for row in rows}
