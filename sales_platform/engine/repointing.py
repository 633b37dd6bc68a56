"""Facts that follow their dimension: rows whose version changed point at the one that is now theirs."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.changed_keys import changed_keys_name, note_changed_keys
from sales_platform.engine.inferring import infer_members
from sales_platform.engine.references import Reference
from sales_platform.engine.resolving import assignments, resolution, resolution_match, version_inferred
from sales_platform.engine.tables import TableName, columns_of, identifiers
from sales_platform.engine.versions import forget_consumers, publish_versions
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
    fact, partitioned = reference.fact, "_partition" in columns_of(connection, reference.fact)
    moved = _move(connection, reference)
    partitions = _concerned_partitions(connection, reference) if partitioned else set()
    if moved or partitions:
        publish_versions(connection, str(fact), partitions)
    if partitions:
        # a fact whose SELECT reads the dimension itself, for a price or a fee, has to compute these days again
        publish_versions(connection, reference.dimension.name, partitions)
    if moved and not partitioned:
        _note_moved(connection, reference)
    return moved


def _touched_keys(connection: Connection, dimension: DimensionContract) -> None:
    connection.execute("drop table if exists pg_temp.touched_keys")
    connection.execute(
        sql.SQL(
            "create temporary table touched_keys on commit drop as select distinct {} from touched"
        ).format(identifiers(dimension.key))
    )
    connection.execute("analyze pg_temp.touched_keys")


def _move(connection: Connection, reference: Reference) -> int:
    """Point the concerned rows at the version that is now theirs; `moving` keeps them as they were."""
    keys = sql.SQL("select {} from touched_keys").format(identifiers(reference.dimension.key))
    differ = [sql.SQL("f.{} <> r._surrogate").format(sql.Identifier(reference.key_column))]
    if reference.dimension.has_history:
        inferred = version_inferred(reference, "f", "r")
        differ.append(sql.SQL("f.{} <> {}").format(sql.Identifier(reference.inferred_column), inferred))
    words = {
        "fact": reference.fact.sql,
        "resolution": resolution(reference, keys),
        "match": resolution_match(reference, "f", "r"),
        "differ": sql.SQL(" or ").join(differ),
        "assign": sql.SQL(", ").join(assignments(reference)),
    }
    connection.execute("drop table if exists pg_temp.moving")
    found = connection.execute(sql.SQL(_FIND_MOVING).format(**words)).rowcount
    if found:
        connection.execute("analyze pg_temp.moving")
        connection.execute(sql.SQL(_MOVE).format(**words))
    return found


_FIND_MOVING = """
create temporary table moving on commit drop as
select f.ctid as _row, f as _old, r.* from {fact} as f inner join ({resolution}) as r on {match} where {differ}
"""

_MOVE = "update {fact} as f set {assign} from moving as r where f.ctid = r._row and {match}"


def _note_moved(connection: Connection, reference: Reference) -> None:
    """Remember the rows as they were and as they are, for the tables that read this one."""
    noted = tuple(
        name for name in columns_of(connection, changed_keys_name(reference.fact)) if name != "_version"
    )
    if not noted:
        forget_consumers(connection, str(reference.fact))
        return
    old = [sql.SQL("(m._old).{}").format(sql.Identifier(name)) for name in noted]
    new = [
        sql.SQL("m._surrogate") if name == reference.key_column else value
        for name, value in zip(noted, old, strict=True)
    ]
    rows = sql.SQL("(select {} from moving as m union all select {} from moving as m)").format(
        _named(old, noted), _named(new, noted)
    )
    note_changed_keys(connection, reference.fact, noted, rows)


def _named(values: Sequence[sql.Composable], names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{} as {}").format(value, sql.Identifier(name))
        for value, name in zip(values, names, strict=True)
    )


def _concerned_partitions(connection: Connection, reference: Reference) -> set[str]:
    """Partitions whose figures may change: rows moved, or a member they name has other attributes."""
    rows = connection.execute(
        sql.SQL(
            """select distinct (m._old)._partition from moving as m
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
