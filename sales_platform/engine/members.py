"""Refreshing a dimension without history: one row per key, as the newest staged row shows it."""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.changes import Changes, count_touched
from sales_platform.engine.dimension_table import dimension_name
from sales_platform.engine.keys import assign_recorded_keys, has_records, issue_keys
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import TableName, columns_of, identifiers
from sales_platform.engine.versions import has_consumer
from sales_platform.engine.warehouse import Connection


def reconcile(
    connection: Connection, dimension: DimensionContract, counts: Changes, *, everything: bool
) -> None:
    """Write what differs. A member that its source no longer has goes; facts that name it make it an inferred
    one.
    """
    words = _words(connection, dimension, everything=everything)
    connection.execute("drop table if exists pg_temp.wanted")
    connection.execute(sql.SQL(_WANTED).format(**words))
    if has_records(connection, dimension):
        assign_recorded_keys(connection, dimension, "wanted", "timestamptz '-infinity'")
    issue_keys(connection, dimension, "wanted", "timestamptz '-infinity'")
    counts.deleted += connection.execute(sql.SQL(_DELETE).format(**words)).rowcount
    connection.execute(sql.SQL(_RETIRE).format(**words))
    counts.overwritten += connection.execute(sql.SQL(_OVERWRITE).format(**words)).rowcount
    # nobody points at a new member yet, but a mart may list it
    new = sql.SQL(_INSERT_TOUCHING if has_consumer(connection, dimension.name) else _INSERT)
    counts.inserted += connection.execute(new.format(**words)).rowcount
    counts.touched = count_touched(connection)


def _words(
    connection: Connection, dimension: DimensionContract, *, everything: bool
) -> dict[str, sql.Composable]:
    columns = (*dimension.key, *dimension.attributes)
    source_key = tuple(dimension.source_column(name) for name in dimension.key)
    affected = sql.SQL("select {} from affected").format(identifiers(dimension.key))
    return {
        "table": dimension_name(dimension).sql,
        "dimension": sql.Literal(dimension.table),
        "surrogate": sql.Identifier(dimension.surrogate_key),
        "source": _newest_rows(connection, TableName.parse(dimension.events[0].source), source_key),
        "columns": identifiers(columns),
        "d_key": identifiers(dimension.key, "d"),
        "key": identifiers(dimension.key),
        "w_columns": identifiers(columns, "w"),
        "selected": sql.SQL(", ").join(
            sql.SQL("s.{} as {}").format(sql.Identifier(dimension.source_column(name)), sql.Identifier(name))
            for name in columns
        ),
        "match": joined(dimension.key, "w", "d"),
        "assign": sql.SQL("").join(
            sql.SQL("{} = {}, ").format(sql.Identifier(name), sql.Identifier("w", name))
            for name in dimension.attributes
        ),
        "differ": sql.SQL("({}) is distinct from ({})").format(
            identifiers((*dimension.attributes, "is_inferred"), "d"),
            sql.SQL(", ").join(
                [*(sql.Identifier("w", name) for name in dimension.attributes), sql.SQL("false")]
            ),
        ),
        "some_sources": sql.SQL("true")
        if everything
        else sql.SQL("({}) in ({})").format(identifiers(source_key, "s"), affected),
        "some_members": sql.SQL("true")
        if everything
        else sql.SQL("({}) in ({})").format(identifiers(dimension.key, "d"), affected),
    }


def _newest_rows(connection: Connection, source: TableName, key: tuple[str, ...]) -> sql.Composable:
    """One row per key: of snapshots what the last one that speaks of a key says, unless that it is gone."""
    standing = columns_of(connection, source)
    if "_snapshot_at" not in standing:
        return source.sql
    return sql.SQL(
        "(select * from (select distinct on ({key}) * from {source} order by {key}, _snapshot_at desc) as n"
        " where {live})"
    ).format(
        key=identifiers(key),
        source=source.sql,
        live=sql.SQL("_deleted is not true" if "_deleted" in standing else "true"),
    )


_WANTED = """
create temporary table wanted on commit drop as
select {selected}, null::bigint as surrogate from {source} as s where {some_sources}
"""

_DELETE = """
with gone as (
    delete from {table} as d
    where d.{surrogate} <> 0 and not d.is_inferred and {some_members}
        and not exists (select from wanted as w where {match})
    returning d.{surrogate}, {d_key}
)
insert into touched select * from gone
"""

_RETIRE = """
update ops.surrogate_key as k set merged_into = 0
where k.dimension = {dimension} and k.surrogate_key in (select surrogate from touched)
    and not exists (select from wanted as w where w.surrogate = k.surrogate_key)
"""

_OVERWRITE = """
with changed as (
    update {table} as d set {assign}is_inferred = false from wanted as w
    where d.{surrogate} = w.surrogate and {differ}
    returning d.{surrogate}, {d_key}
)
insert into touched select * from changed
"""

_INSERT = """
insert into {table} ({surrogate}, {columns}, is_inferred)
select w.surrogate, {w_columns}, false from wanted as w
where not exists (select from {table} as d where d.{surrogate} = w.surrogate)
"""

_INSERT_TOUCHING = f"""
with born as (
    {_INSERT.strip()}
    returning {{surrogate}}, {{key}}
)
insert into touched select * from born
"""
