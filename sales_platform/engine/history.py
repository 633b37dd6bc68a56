"""Refreshing a dimension: the chain that its events make, reconciled with the versions that stand.

Versions are matched by state and overlap, so one whose start or end moves keeps its surrogate key. The changes are applied
as delete, shrink, grow, insert: each step touches ranges that are disjoint, so neither the exclusion constraint nor the
index on current rows can fire, at any statement.
"""

from __future__ import annotations

import time

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine import members
from sales_platform.engine.affected import find_affected, forget_seen_changes, logic_hash
from sales_platform.engine.chain import build_chain
from sales_platform.engine.changes import Changes, count_touched, open_touched
from sales_platform.engine.dimension_table import (
    column_types,
    constrain,
    constraints_stand,
    dimension_name,
    ensure_dimension_table,
)
from sales_platform.engine.keys import assign_recorded_keys, has_records, issue_keys
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.references import referencing_facts, repoint_facts
from sales_platform.engine.reports import DimensionReport
from sales_platform.engine.staging import joined, same
from sales_platform.engine.tables import identifiers
from sales_platform.engine.versions import consume_tables, publish_versions
from sales_platform.engine.warehouse import Connection, Warehouse


def refresh_dimension(
    warehouse: Warehouse, dimension: DimensionContract, *, everything: bool = False
) -> DimensionReport:
    """Bring `analytics.<dimension>` to what its events say, in one transaction; re-point the facts that refer to it.

    Only the keys whose staged rows changed are looked at, unless `everything` is asked for or the contract changed.
    Raises ContractError when a source or column is missing.
    """
    with warehouse.transaction() as connection:
        return refresh_within(connection, dimension, everything=everything)


def refresh_within(
    connection: Connection, dimension: DimensionContract, *, everything: bool
) -> DimensionReport:
    """The same, inside a transaction of the caller."""
    started = time.monotonic()
    lock_tables(connection, [dimension.name, *referencing_facts(connection, dimension)])
    types = column_types(connection, dimension)
    ensure_dimension_table(connection, dimension, types)
    affected = None if everything else find_affected(connection, dimension)
    counts = Changes()
    open_touched(connection, dimension)
    if affected != 0:
        if dimension.has_history:
            build_chain(connection, dimension, types, everything=affected is None)
            _reconcile(connection, dimension, counts, everything=affected is None)
        else:
            members.reconcile(connection, dimension, counts, everything=affected is None)
    repointed = repoint_facts(connection, dimension) if counts.any else 0
    if not constraints_stand(connection, dimension):
        constrain(connection, dimension)
    if counts.any:
        publish_versions(connection, dimension.name)
    consume_tables(
        connection, dimension.name, [events.source for events in dimension.events], logic_hash(dimension)
    )
    forget_seen_changes(connection, dimension)
    rows = connection.execute(
        sql.SQL("select count(*) from {}").format(dimension_name(dimension).sql)
    ).fetchone()
    return DimensionReport(
        dimension.table,
        affected,
        counts.inserted,
        counts.deleted,
        counts.moved,
        counts.overwritten,
        repointed,
        int(rows[0]) if rows else 0,
        time.monotonic() - started,
    )


def _reconcile(
    connection: Connection, dimension: DimensionContract, counts: Changes, *, everything: bool
) -> None:
    empty = _is_empty(connection, dimension)
    connection.execute("alter table pg_temp.wanted add column surrogate bigint")
    if not empty:
        _pair(connection, dimension, everything=everything)
    if has_records(connection, dimension) and (empty or everything):
        assign_recorded_keys(connection, dimension, "wanted", "w.effective_start_date")
    if empty:
        issue_keys(connection, dimension, "wanted", "w.effective_start_date")
        counts.inserted += _insert(connection, dimension, sql.SQL("true"))
        return
    _apply(connection, dimension, counts)


def _is_empty(connection: Connection, dimension: DimensionContract) -> bool:
    row = connection.execute(
        sql.SQL("select not exists (select from {} where {} <> 0)").format(
            dimension_name(dimension).sql, sql.Identifier(dimension.surrogate_key)
        )
    ).fetchone()
    return bool(row and row[0])


def _pair(connection: Connection, dimension: DimensionContract, *, everything: bool) -> None:
    """`standing`: the versions of the affected keys. `paired`: which of them each wanted version continues."""
    some = (
        sql.SQL("")
        if everything
        else sql.SQL("and ({}) in (select * from affected)").format(identifiers(dimension.key))
    )
    words = {
        "surrogate": sql.Identifier(dimension.surrogate_key),
        "table": dimension_name(dimension).sql,
        "key": identifiers(dimension.key),
        "w_key": identifiers(dimension.key, "w"),
        "o_key": identifiers(dimension.key, "o"),
        "match": joined(dimension.key, "w", "o"),
        "same": same(dimension.track, "w", "o"),
        "some": some,
    }
    for statement in (_STANDING, "analyze pg_temp.standing", _PAIRED, "analyze pg_temp.paired", _CONTINUE):
        connection.execute(sql.SQL(statement).format(**words))


_STANDING = """
create temporary table standing on commit drop as
select d.*, d.{surrogate} as surrogate from {table} as d where d.{surrogate} <> 0 {some}
"""

_PAIRED = """
create temporary table paired on commit drop as
with w as (
    select w.*, min(effective_start_date) over (partition by {key}) = effective_start_date as is_first from wanted as w
),
overlapping as (
    select {w_key}, w.effective_start_date as starts, o.surrogate,
        min(o.effective_start_date) over (partition by {w_key}, w.effective_start_date) as first_old,
        min(w.effective_start_date) over (partition by o.surrogate) as first_new,
        o.effective_start_date as old_start
    from w inner join standing as o on {match}
        and case when o.is_inferred then w.is_first else {same} end
        and o.effective_start_date < coalesce(w.effective_end_date, 'infinity')
        and w.effective_start_date < coalesce(o.effective_end_date, 'infinity')
)
select {key}, starts, surrogate from overlapping where old_start = first_old and starts = first_new
"""

_CONTINUE = """
update wanted as w set surrogate = o.surrogate
from paired as o where {match} and o.starts = w.effective_start_date
"""


def _apply(connection: Connection, dimension: DimensionContract, counts: Changes) -> None:
    """Delete, shrink, grow, insert; then the records of keys, and the keys that changed."""
    attributes = dimension.attributes
    words = {
        "table": dimension_name(dimension).sql,
        "surrogate": sql.Identifier(dimension.surrogate_key),
        "dimension": sql.Literal(dimension.table),
        "match": joined(dimension.key, "w", "o"),
        "d_key": identifiers(dimension.key, "d"),
        "w_key": identifiers(dimension.key, "w"),
        "differ": sql.SQL("({}) is distinct from ({})").format(
            identifiers((*attributes, "is_inferred"), "d"),
            sql.SQL("{}, false").format(identifiers(attributes, "w")),
        ),
        "assign": sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("w", name)) for name in attributes
        ),
    }
    issue_keys(connection, dimension, "wanted", "w.effective_start_date")
    counts.deleted += connection.execute(sql.SQL(_DELETE).format(**words)).rowcount
    connection.execute(sql.SQL(_MERGE_RECORDS).format(**words))
    connection.execute(sql.SQL(_SHRINK).format(**words))
    connection.execute(sql.SQL(_GROW).format(**words))
    counts.moved += connection.execute(sql.SQL(_MOVE_RECORDS).format(**words)).rowcount
    counts.overwritten += connection.execute(sql.SQL(_OVERWRITE).format(**words)).rowcount
    new = sql.SQL("not exists (select from standing as o where o.surrogate = w.surrogate)")
    counts.inserted += _insert(connection, dimension, new)
    connection.execute(sql.SQL(_MOVED_ENDS).format(**words))
    counts.touched = count_touched(connection)


_DELETE = """
with gone as (
    delete from {table} as d using standing as o
    where d.{surrogate} = o.surrogate and not exists (select from wanted as w where w.surrogate = o.surrogate)
    returning d.{surrogate}, {d_key}
)
insert into touched select * from gone
"""

# A key that vanished is recorded as merged into the version that covers its start, else into the unknown member (S-71).
_MERGE_RECORDS = """
update ops.surrogate_key as k set merged_into = coalesce(
    (
        select w.surrogate from wanted as w
        where {match} and w.effective_start_date <= o.effective_start_date
            and o.effective_start_date < coalesce(w.effective_end_date, 'infinity')
    ), 0
)
from standing as o
where k.dimension = {dimension} and k.surrogate_key = o.surrogate
    and not exists (select from wanted as w where w.surrogate = o.surrogate)
"""

_SHRINK = """
update {table} as d set
    effective_start_date = greatest(o.effective_start_date, w.effective_start_date),
    effective_end_date = least(o.effective_end_date, w.effective_end_date),
    is_current = least(o.effective_end_date, w.effective_end_date) is null
from wanted as w inner join standing as o on o.surrogate = w.surrogate
where d.{surrogate} = o.surrogate and (
    o.effective_start_date < w.effective_start_date
    or w.effective_end_date < coalesce(o.effective_end_date, 'infinity')
)
"""

_GROW = """
update {table} as d set
    effective_start_date = w.effective_start_date,
    effective_end_date = w.effective_end_date,
    is_current = w.effective_end_date is null
from wanted as w inner join standing as o on o.surrogate = w.surrogate
where d.{surrogate} = w.surrogate and (
    d.effective_start_date <> w.effective_start_date
    or d.effective_end_date is distinct from w.effective_end_date
)
"""

_MOVE_RECORDS = """
update ops.surrogate_key as k set effective_start_date = w.effective_start_date
from wanted as w inner join standing as o on o.surrogate = w.surrogate
where k.dimension = {dimension} and k.surrogate_key = w.surrogate
    and k.effective_start_date <> w.effective_start_date
"""

_OVERWRITE = """
with changed as (
    update {table} as d set {assign}, is_inferred = false
    from wanted as w inner join standing as o on o.surrogate = w.surrogate
    where d.{surrogate} = w.surrogate and {differ}
    returning d.{surrogate}, {d_key}
)
insert into touched select * from changed
"""

_MOVED_ENDS = """
insert into touched
select w.surrogate, {w_key} from wanted as w left join standing as o on o.surrogate = w.surrogate
where o.surrogate is null or o.effective_start_date <> w.effective_start_date
    or o.effective_end_date is distinct from w.effective_end_date
"""


def _insert(connection: Connection, dimension: DimensionContract, which: sql.Composable) -> int:
    columns = (*dimension.key, *dimension.attributes, "effective_start_date", "effective_end_date")
    return connection.execute(
        sql.SQL(
            """insert into {table} ({surrogate}, {columns}, is_current, is_inferred)
            select w.surrogate, {w_columns}, w.effective_end_date is null, false from wanted as w where {which}"""
        ).format(
            table=dimension_name(dimension).sql,
            surrogate=sql.Identifier(dimension.surrogate_key),
            columns=identifiers(columns),
            w_columns=identifiers(columns, "w"),
            which=which,
        )
    ).rowcount
