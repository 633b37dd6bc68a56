"""From staged events to the chain of versions that a dimension should hold: the temporary table `wanted`.

Order by time, collapse consecutive equal states, make half-open intervals. Depends on the set of events
alone, never on how or when they arrived. Equality is PostgreSQL's, NULL equal to NULL.
"""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract, Events
from sales_platform.engine.staging import ABSENT, joined
from sales_platform.engine.tables import (
    TableName,
    columns_of,
    identifiers,
    primary_key_of,
    refresh_statistics,
)
from sales_platform.engine.tracked_sets import TrackedSet
from sales_platform.engine.turning import (
    Turning,
    flag_names,
    flags,
    is_untold,
    newest_value,
    read_turning,
    turned,
)
from sales_platform.engine.warehouse import Connection


def build_chain(
    connection: Connection, dimension: DimensionContract, types: dict[str, str], *, everything: bool
) -> None:
    """Fill `wanted` for the keys of the temporary table `affected`, or for every key."""
    connection.execute("drop table if exists pg_temp.wanted")
    connection.execute(
        sql.SQL(
            "create temporary table wanted on commit drop as\nselect c.*, null::bigint as surrogate from ({}) as c"
        ).format(chain_select(connection, dimension, types, everything=everything))
    )
    connection.execute(
        sql.SQL("analyze pg_temp.wanted ({}, effective_start_date)").format(identifiers(dimension.key))
    )


def chain_select(
    connection: Connection, dimension: DimensionContract, types: dict[str, str], *, everything: bool = True
) -> sql.Composed:
    """The chain over the staging tables as they stand."""
    for events in dimension.events:
        refresh_statistics(connection, TableName.parse(events.source))
    standing = {e.source: columns_of(connection, TableName("staging", e.table)) for e in dimension.events}
    finer = any(_is_finer(connection, dimension, events) for events in dimension.events)
    turning = read_turning(connection, dimension)
    return chain_query(dimension, types, standing, everything=everything, finer=finer, turning=turning)


def _is_finer(connection: Connection, dimension: DimensionContract, events: Events) -> bool:
    """Whether the source may hold several rows of one key and time, because its own key says more."""
    grain = {
        *(dimension.source_column(name) for name in dimension.key),
        events.later or events.valid_from or "",
    }
    key = primary_key_of(connection, TableName.parse(events.source))
    return not key or not key <= grain


def chain_query(
    dimension: DimensionContract,
    types: dict[str, str],
    standing: dict[str, dict[str, str]],
    *,
    everything: bool,
    finer: bool = False,
    turning: Turning | None = None,
) -> sql.Composed:
    """The SELECT behind `wanted`: key, attributes, effective_start_date, effective_end_date.

    types: column → type of the dimension. standing: source → columns of its staging table. finer: whether
    a source may hold several rows of one key and time. turning: what was tracked when; by default what the
    contract says, always.
    """
    key, shown = identifiers(dimension.key), dimension.attributes
    turning = turning or Turning((TrackedSet.of(dimension),), frozenset())
    dimension = turning.widened(dimension)
    types = _types(dimension, types, standing)
    partial = [
        name
        for name in dimension.attributes
        if any(dimension.source_column(name) not in standing[events.source] for events in dimension.events)
    ]
    # what one of several sources does not say is carried over from the others, whether or not its file could say it
    untold, turning = turning, turning.without(partial)
    return sql.SQL(
        """with events as (
{events}
),
chosen as (
{chosen}
),
filled as (
{filled}
),
{turned},
versions as (
{versions}
),
intervals as (
    select v.*, lead(_at) over (partition by {key} order by _at) as _until from versions as v where _turns
)
select {key}, {attributes}, _at as effective_start_date, _until as effective_end_date
from intervals where not _deleted"""
    ).format(
        events=sql.SQL("\n    union all\n").join(
            _events(
                dimension,
                number,
                events,
                types,
                standing[events.source],
                untold,
                everything=everything,
                finer=finer,
            )
            for number, events in enumerate(dimension.events)
        ),
        key=key,
        chosen=_chosen(dimension, finer=finer),
        filled=_filled(dimension, partial, turning),
        turned=turned(dimension, turning),
        versions=_versions(dimension, partial, turning),
        attributes=identifiers(shown),
    )


def _types(
    dimension: DimensionContract, types: dict[str, str], standing: dict[str, dict[str, str]]
) -> dict[str, str]:
    """With those of columns that the dimension tracked once and no longer shows."""
    found = dict(types)
    for name in dimension.attributes:
        source = dimension.source_column(name)
        for columns in standing.values():
            if source in columns:
                found.setdefault(name, columns[source])
    return found


def _chosen(dimension: DimensionContract, *, finer: bool) -> sql.Composable:
    """One event per key and time: a delete counts before a state (S-24), a later source before an earlier
    one, within a finer source the later line by partition, as in staging (S-22).
    """
    if len(dimension.events) == 1 and not dimension.events[0].later and not finer:
        return sql.SQL("    -- staging holds one row per key and time\n    select * from events")
    return sql.SQL(
        """    select * from (
        select e.*, row_number() over (partition by {key}, _at order by _deleted desc, _source desc{line}) as _rank
        from events as e
    ) as e where _rank = 1"""
    ).format(
        key=identifiers(dimension.key),
        line=sql.SQL(", _seen desc, ops.natural_order(_file) desc, _line desc" if finer else ""),
    )


def _versions(dimension: DimensionContract, partial: list[str], turning: Turning) -> sql.Composable:
    """Each event with the values of its run of equal states; where everything is tracked, a run has one
    value.
    """
    if not (dimension.overwrite or dimension.keep_first or turning.at_times):
        return sql.SQL("    select * from turned")
    return sql.SQL(
        """    select {key}, _deleted, _turns, _at{values}
    from (
        select t.*, count(*) filter (where _turns) over (partition by {key} order by _at) as _run from turned as t
    ) as t
    window run as (partition by {key}, _run order by _at rows between unbounded preceding and unbounded following)"""
    ).format(key=identifiers(dimension.key), values=_values(dimension, partial, turning))


def _events(
    dimension: DimensionContract,
    number: int,
    events: Events,
    types: dict[str, str],
    standing: dict[str, str],
    turning: Turning,
    *,
    everything: bool,
    finer: bool,
) -> sql.Composed:
    keys = sql.SQL(", ").join(
        sql.SQL("s.{} as {}").format(sql.Identifier(dimension.source_column(name)), sql.Identifier(name))
        for name in dimension.key
    )
    attributes = [_attribute(dimension, name, types, standing, turning) for name in dimension.attributes]
    source_key = tuple(dimension.source_column(name) for name in dimension.key)
    return sql.SQL(
        "    select {keys}, {at} as _at, {deleted} as _deleted, {number} as _source, {attributes}{untold}{line}\n"
        "    from {source} as s{some}"
    ).format(
        keys=keys,
        at=_event_time(events, source_key, absences={"_snapshot_at", "_deleted"} <= standing.keys()),
        deleted=sql.SQL("s._deleted") if "_deleted" in standing else sql.SQL("false"),
        number=sql.Literal(number),
        attributes=sql.SQL(", ").join(attributes),
        untold=flags(dimension, turning, standing),
        line=sql.SQL(", {} as _seen, s._partition as _file, s._source_row as _line" if finer else "").format(
            # of two snapshots the later one is the newer truth, whichever landed first
            sql.SQL("s._snapshot_at" if "_snapshot_at" in standing else "null::timestamptz")
        ),
        source=TableName.parse(events.source).sql,
        some=sql.SQL("")
        if everything
        else sql.SQL("\n    where ({}) in (select {} from affected)").format(
            identifiers(source_key, "s"), identifiers(dimension.key)
        ),
    )


def _event_time(events: Events, source_key: tuple[str, ...], *, absences: bool) -> sql.Composable:
    """When an event begins. absences: the source is made of snapshots, some rows of which may say that a key was
    absent.
    """
    words = {
        "first": sql.Identifier("s", events.valid_from or "_load_id"),
        "later": sql.Identifier("s", events.later or events.valid_from or "_load_id"),
        "seen": sql.SQL("(partition by {} order by s._snapshot_at)").format(identifiers(source_key, "s")),
        "absent": sql.Literal(ABSENT),
    }
    if absences and (events.valid_from, events.later or "_snapshot_at") != ("_snapshot_at", "_snapshot_at"):
        return sql.SQL(_AMONG_ABSENCES).format(**words)
    if not events.later:
        return words["first"]
    # A state that was seen cannot begin later than that, or the next landing would come before it (S-38).
    return sql.SQL(
        "case when row_number() over {seen} = 1 then least({first}, s._snapshot_at) else {later} end"
    ).format(**words)


# An absence lasts from its snapshot until the key is seen again: whatever a line says of itself, it was not there then
# (S-29).
_AMONG_ABSENCES = """case
        when s._source_row = {absent} then s._snapshot_at
        when row_number() over {seen} = 1 then least({first}, s._snapshot_at)
        when lag(s._source_row) over {seen} = {absent} and {later} <= lag(s._snapshot_at) over {seen}
            then s._snapshot_at
        else least({later}, s._snapshot_at) end"""


def _attribute(
    dimension: DimensionContract,
    name: str,
    types: dict[str, str],
    standing: dict[str, str],
    turning: Turning,
) -> sql.Composed:
    """The attribute and whether this source has it at all: what a source lacks is carried over, not NULL."""
    source = dimension.source_column(name)
    present = source in standing
    value = sql.Identifier("s", source) if present else sql.SQL("null::{}").format(sql.SQL(types[name]))
    has: sql.Composable = sql.Literal(present)
    if present and name in turning.untold:
        has = sql.SQL("not {}").format(is_untold(dimension, turning, name, standing))
    return sql.SQL("{} as {}, {} as {}").format(
        value, sql.Identifier(name), has, _carried("has", dimension, name)
    )


def _carried(what: str, dimension: DimensionContract, name: str) -> sql.Identifier:
    # Numbered, because a name of 63 bytes takes no prefix (S-46).
    return sql.Identifier(f"_{what}_{dimension.attributes.index(name)}")


def _filled(dimension: DimensionContract, partial: list[str], turning: Turning) -> sql.Composable:
    """Carry over, by time, what an event's source does not say."""
    if not partial:
        return sql.SQL("    select * from chosen")
    kept = [name for name in (*dimension.key, *dimension.attributes) if name not in partial]
    groups = sql.SQL(", ").join(
        sql.SQL("count(*) filter (where {} and not _deleted) over w as {}").format(
            _carried("has", dimension, name), _carried("group", dimension, name)
        )
        for name in partial
    )
    carried = sql.SQL(", ").join(
        sql.SQL("first_value({a}) over (partition by {key}, {g} order by _at) as {a}").format(
            a=sql.Identifier(name), key=identifiers(dimension.key), g=_carried("group", dimension, name)
        )
        for name in partial
    )
    return sql.SQL(
        """    select {kept}, _at, _deleted, {carried}
    from (select c.*, {groups} from chosen as c window w as (partition by {key} order by _at)) as c"""
    ).format(
        kept=sql.SQL(", ").join([identifiers(kept), *flag_names(dimension, turning)]),
        carried=carried,
        groups=groups,
        key=identifiers(dimension.key),
    )


def _values(dimension: DimensionContract, partial: list[str], turning: Turning) -> sql.Composed:
    parts = []
    for name in dimension.attributes:
        column = sql.Identifier(name)
        if name in dimension.overwrite or turning.takes_last(name):
            newest = newest_value(dimension, turning, name)
            parts.append(sql.SQL(", last_value({n}) over run as {c}").format(n=newest, c=column))
        elif name in partial and name in dimension.keep_first:
            # The first event of a run may come from a source that knows nothing of this column.
            parts.append(
                sql.SQL(
                    ", first_value({c}) over (partition by {key}, _run order by {c} is null, _at) as {c}"
                ).format(c=column, key=identifiers(dimension.key))
            )
        else:
            parts.append(sql.SQL(", first_value({c}) over run as {c}").format(c=column))
    return sql.Composed(parts)


def match_keys(dimension: DimensionContract, left: str, right: str) -> sql.Composed:
    return joined(dimension.key, left, right)
