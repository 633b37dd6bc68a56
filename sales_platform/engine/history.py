"""Refreshing a dimension: the chain that its events make, reconciled with the versions that stand.

Versions are matched by state and overlap, so one whose start or end moves keeps its surrogate key. The
changes are applied as delete, shrink, grow, insert: each step touches ranges that are disjoint, so neither
the exclusion constraint nor the index on current rows can fire, at any statement.
"""

from __future__ import annotations

import time

from psycopg import sql

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine import members
from sales_platform.engine.affected import find_affected, logic_hash
from sales_platform.engine.belonging import Belonging
from sales_platform.engine.chain import build_chain, chain_select
from sales_platform.engine.changed_keys import forget_seen_keys, note_changed_keys
from sales_platform.engine.changes import Changes, count_touched, open_touched
from sales_platform.engine.dimension_table import (
    VALIDITY,
    business_key_json,
    column_types,
    constrain,
    constraints_stand,
    dimension_name,
    ensure_dimension_table,
)
from sales_platform.engine.keys import assign_recorded_keys, has_records, issue_keys
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.references import referencing_facts
from sales_platform.engine.repointing import repoint_facts
from sales_platform.engine.reports import DimensionReport
from sales_platform.engine.staging import joined, same
from sales_platform.engine.tables import TableName, identifiers
from sales_platform.engine.tracked_sets import note_taken_in, note_tracked_set
from sales_platform.engine.turning import read_turning
from sales_platform.engine.versions import consume_tables, forget_consumers, publish_versions
from sales_platform.engine.warehouse import Connection, Warehouse


def refresh_dimension(
    warehouse: Warehouse,
    dimension: DimensionContract,
    *,
    everything: bool = False,
    catalog: Catalog | None = None,
) -> DimensionReport:
    """Bring `analytics.<dimension>` to what its events say, in one transaction; re-point the facts that refer
    to it.

    Only the keys whose staged rows changed are looked at, unless `everything` is asked for or the contract
    changed. catalog: where the dimensions that it belongs to are found; the project's own unless given. Raises
    ContractError when a source or column is missing.
    """
    with warehouse.transaction() as connection:
        return refresh_within(connection, dimension, catalog or read_catalog(), everything=everything)


def refresh_within(
    connection: Connection, dimension: DimensionContract, catalog: Catalog, *, everything: bool
) -> DimensionReport:
    """The same, inside a transaction of the caller."""
    started = time.monotonic()
    # The sources are locked too: what is noted as taken in must be what was read.
    sources = [events.source for events in dimension.events]
    owners = [f"analytics.{role.dimension}" for role in dimension.dimensions.values()]
    lock_tables(connection, [dimension.name, *sources, *owners, *referencing_facts(connection, dimension)])
    types = column_types(connection, dimension)
    ensure_dimension_table(connection, dimension, types)
    if dimension.has_history:
        note_tracked_set(connection, dimension)
    affected = None if everything else find_affected(connection, dimension)
    counts = Changes()
    open_touched(connection, dimension)
    if affected != 0:
        if dimension.has_history:
            _reconcile(connection, dimension, types, counts, everything=affected is None)
        else:
            _reconcile_members(connection, dimension, catalog, counts, everything=affected is None)
    repointed = repoint_facts(connection, dimension) if counts.any else 0
    if not constraints_stand(connection, dimension):
        constrain(connection, dimension)
    if counts.any:
        publish_versions(connection, dimension.name)
        _tell_readers(connection, dimension, everything=affected is None)
    if affected != 0:
        note_taken_in(connection, dimension)
    consume_tables(
        connection, dimension.name, [events.source for events in dimension.events], logic_hash(dimension)
    )
    for source in sources:
        forget_seen_keys(connection, TableName.parse(source))
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


def _reconcile_members(
    connection: Connection,
    dimension: DimensionContract,
    catalog: Catalog,
    counts: Changes,
    *,
    everything: bool,
) -> None:
    belonging = Belonging(connection, dimension, catalog.dimensions, everything=everything)
    belonging.remember_owners()
    members.reconcile(connection, dimension, counts, everything=everything)
    counts.moved += belonging.point_at_owners()


def _tell_readers(connection: Connection, dimension: DimensionContract, *, everything: bool) -> None:
    """Tables that read this one look at the members that changed, or at all of them."""
    if everything:
        forget_consumers(connection, dimension.name)
    touched = sql.SQL("(select t.*, t.surrogate as {} from touched as t)").format(
        sql.Identifier(dimension.surrogate_key)
    )
    note = (dimension.surrogate_key, *dimension.key)
    note_changed_keys(connection, dimension_name(dimension), note, touched)


def _reconcile(
    connection: Connection,
    dimension: DimensionContract,
    types: dict[str, str],
    counts: Changes,
    *,
    everything: bool,
) -> None:
    empty = _is_empty(connection, dimension)
    recorded = has_records(connection, dimension)
    if empty and not recorded:
        counts.inserted += _first_load(connection, dimension, chain_select(connection, dimension, types))
        return
    build_chain(connection, dimension, types, everything=everything)
    _pair(connection, dimension, everything=everything)
    if recorded and (empty or everything):
        assign_recorded_keys(connection, dimension, "wanted", "w.effective_start_date", unborn=True)
    _apply(connection, dimension, counts)


def _first_load(connection: Connection, dimension: DimensionContract, chain: sql.Composable) -> int:
    """Into an empty table nothing has to be matched: rows, then the record of their keys."""
    words = {
        "table": dimension_name(dimension).sql,
        "surrogate": sql.Identifier(dimension.surrogate_key),
        "columns": identifiers((*dimension.key, *dimension.attributes, *VALIDITY[:2])),
        "chain": chain,
        "dimension": sql.Literal(dimension.table),
        "key": business_key_json(dimension.key, "d"),
    }
    inserted = connection.execute(sql.SQL(_INSERT_FIRST).format(**words)).rowcount
    connection.execute(sql.SQL(_RECORD_FIRST).format(**words))
    return inserted


_INSERT_FIRST = """
insert into {table} ({surrogate}, {columns}, is_current, is_inferred)
select nextval('ops.surrogate_key_seq'), {columns}, effective_end_date is null, false from ({chain}) as c
"""

_RECORD_FIRST = """
insert into ops.surrogate_key (dimension, business_key, effective_start_date, surrogate_key)
select {dimension}, {key}, d.effective_start_date, d.{surrogate} from {table} as d where d.{surrogate} <> 0
"""


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
        "filled": joined(dimension.key, "w", "d"),
        "same": same(dimension.track, "w", "o"),
        "some": some,
    }
    for statement in (
        # one transaction may refresh several dimensions
        "drop table if exists pg_temp.standing, pg_temp.paired, pg_temp.plan",
        _STANDING,
        "analyze pg_temp.standing ({key}, surrogate)",
        _PAIRED,
        "analyze pg_temp.paired",
        _CONTINUE,
    ):
        connection.execute(sql.SQL(statement).format(**words))
    completed = read_turning(connection, dimension).completed
    if completed:
        agree = [
            sql.SQL(
                "(o.{c} is null or o.{c} = w.{c})"
                if name in completed
                else "o.{c} is not distinct from w.{c}"
            ).format(c=sql.Identifier(name))
            for name in dimension.track
        ]
        connection.execute(sql.SQL(_COMPLETE).format(agree=sql.SQL(" and ").join(agree), **words))


_STANDING = """
create temporary table standing on commit drop as
select d.*, d.{surrogate} as surrogate from {table} as d
where d.{surrogate} <> 0 {some}
    -- a member that facts alone name stays as it is until its own first version comes
    and (not d.is_inferred or exists (select from wanted as w where {filled}))
"""

_PAIRED = """
create temporary table paired on commit drop as
with w as (
    select w.*, min(effective_start_date) over (partition by {key}) = effective_start_date as _is_first from wanted as w
),
overlapping as (
    select {w_key}, w.effective_start_date as _starts, o.surrogate,
        min(o.effective_start_date) over (partition by {w_key}, w.effective_start_date) as _first_old,
        min(w.effective_start_date) over (partition by o.surrogate) as _first_new,
        o.effective_start_date as _old_start
    from w inner join standing as o on {match}
        and case when o.is_inferred then w._is_first else {same} end
        and o.effective_start_date < coalesce(w.effective_end_date, 'infinity')
        and w.effective_start_date < coalesce(o.effective_end_date, 'infinity')
)
select {key}, _starts, surrogate from overlapping where _old_start = _first_old and _starts = _first_new
"""

# A version that only learns what no file could say before is the same version (S-54).
_COMPLETE = """
update wanted as w set surrogate = o.surrogate
from standing as o
where w.surrogate is null and {match} and o.effective_start_date = w.effective_start_date and not o.is_inferred
    and {agree} and not exists (select from wanted as x where x.surrogate = o.surrogate)
"""

_CONTINUE = """
update wanted as w set surrogate = o.surrogate
from paired as o where {match} and o._starts = w.effective_start_date
"""


def _apply(connection: Connection, dimension: DimensionContract, counts: Changes) -> None:
    """Delete, shrink, grow, insert; then attributes, the records of keys, and the keys that changed."""
    attributes = dimension.attributes
    words = {
        "table": dimension_name(dimension).sql,
        "surrogate": sql.Identifier(dimension.surrogate_key),
        "dimension": sql.Literal(dimension.table),
        "match": joined(dimension.key, "w", "o"),
        "key": identifiers(dimension.key),
        "o_key": identifiers(dimension.key, "o"),
        "w_key": identifiers(dimension.key, "w"),
        "differ": sql.SQL("({}) is distinct from ({}, false)").format(
            identifiers((*attributes, "is_inferred"), "o"), identifiers(attributes, "w")
        ),
        "assign": sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), sql.Identifier("w", name)) for name in attributes
        ),
    }

    def run(statement: str) -> int:
        return connection.execute(sql.SQL(statement).format(**words)).rowcount

    issue_keys(connection, dimension, "wanted", "w.effective_start_date")
    run(_PLAN)
    run("analyze pg_temp.plan")
    gone, shrinking, growing, starting, differing = connection.execute(_COUNT_PLAN).fetchone() or (0,) * 5
    if gone:
        counts.deleted += run(_DELETE)
        run(_MERGE_RECORDS)
    if shrinking:
        run(_SHRINK)
    if growing:
        run(_GROW)
    if starting:
        counts.moved += run(_MOVE_RECORDS)
    if differing:
        counts.overwritten += run(_OVERWRITE)
    new = sql.SQL("not exists (select from standing as o where o.surrogate = w.surrogate)")
    counts.inserted += _insert(connection, dimension, new)
    run(_TOUCH)
    counts.touched = count_touched(connection)


_PLAN = """
create temporary table plan on commit drop as
select o.surrogate, {o_key}, o.effective_start_date as _old_start, o.effective_end_date as _old_end,
    w.effective_start_date as _new_start, w.effective_end_date as _new_end,
    w.surrogate is null as _gone, w.surrogate is not null and {differ} as _differs
from standing as o left join wanted as w on w.surrogate = o.surrogate
where w.surrogate is null or o.effective_start_date <> w.effective_start_date
    or o.effective_end_date is distinct from w.effective_end_date or {differ}
"""

_COUNT_PLAN = """
select count(*) filter (where _gone),
    count(*) filter (where not _gone and (_old_start < _new_start or _new_end < coalesce(_old_end, 'infinity'))),
    count(*) filter (where not _gone and (_new_start < _old_start or _old_end < coalesce(_new_end, 'infinity'))),
    count(*) filter (where not _gone and _old_start <> _new_start),
    count(*) filter (where _differs)
from plan
"""

_DELETE = "delete from {table} as d using plan as p where d.{surrogate} = p.surrogate and p._gone"

# A key that vanished is recorded as merged into the version that covers its start, else into the unknown member (S-71).
_MERGE_RECORDS = """
update ops.surrogate_key as k set merged_into = coalesce(
    (
        select w.surrogate from wanted as w
        where {match} and w.effective_start_date <= o._old_start
            and o._old_start < coalesce(w.effective_end_date, 'infinity')
    ), 0
)
from plan as o
where o._gone and k.dimension = {dimension} and k.surrogate_key = o.surrogate
"""

_SHRINK = """
update {table} as d set
    effective_start_date = greatest(p._old_start, p._new_start),
    effective_end_date = least(p._old_end, p._new_end),
    is_current = least(p._old_end, p._new_end) is null
from plan as p
where d.{surrogate} = p.surrogate and not p._gone
    and (p._old_start < p._new_start or p._new_end < coalesce(p._old_end, 'infinity'))
"""

_GROW = """
update {table} as d set
    effective_start_date = p._new_start,
    effective_end_date = p._new_end,
    is_current = p._new_end is null
from plan as p
where d.{surrogate} = p.surrogate and not p._gone
    and (p._new_start < p._old_start or p._old_end < coalesce(p._new_end, 'infinity'))
"""

_MOVE_RECORDS = """
update ops.surrogate_key as k set effective_start_date = p._new_start
from plan as p
where not p._gone and p._old_start <> p._new_start and k.dimension = {dimension} and k.surrogate_key = p.surrogate
"""

_OVERWRITE = """
update {table} as d set {assign}, is_inferred = false
from plan as p inner join wanted as w on w.surrogate = p.surrogate
where p._differs and d.{surrogate} = p.surrogate
"""

_TOUCH = """
insert into touched
select p.surrogate, {key} from plan as p
union all
select w.surrogate, {w_key} from wanted as w
where not exists (select from standing as o where o.surrogate = w.surrogate)
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
