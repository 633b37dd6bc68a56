"""The record of which columns a dimension tracked, and for events after which time: `ops.tracked_set`.

A contract that tracks other columns than before speaks for what happens from now on; closed versions stay (S-59).
How the record decides where a version begins is `turning`'s business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from psycopg.rows import class_row

from sales_platform.contracts.dimension import DimensionContract, Events
from sales_platform.engine.tables import TableName, columns_of
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import ContractError


@dataclass(frozen=True)
class TrackedSet:
    """What was tracked and what kept its first value, for events after `since`; None for the first set.
    newest_load_id: of the loads that the dimension took in under it.
    """

    since: datetime | None
    tracked: frozenset[str]
    kept_first: frozenset[str]
    newest_load_id: int | None = None

    @classmethod
    def of(cls, dimension: DimensionContract) -> TrackedSet:
        return cls(None, frozenset(dimension.track), frozenset(dimension.keep_first))


def tracked_sets(connection: Connection, dimension: DimensionContract) -> tuple[TrackedSet, ...]:
    """Every set that was in force, oldest first; what the contract says where nothing is recorded."""
    with connection.cursor(row_factory=class_row(TrackedSet)) as cursor:
        found = cursor.execute(
            """
            select nullif(since, '-infinity') as since, tracked, kept_first, newest_load_id
            from ops.tracked_set where dimension = %s order by tracked_set.since
            """,
            [dimension.table],
        ).fetchall()
    sets = [
        TrackedSet(row.since, frozenset(row.tracked), frozenset(row.kept_first), row.newest_load_id)
        for row in found
    ]
    return tuple(sets) or (TrackedSet.of(dimension),)


def note_tracked_set(connection: Connection, dimension: DimensionContract) -> None:
    """Record the contract's set if it is another one than the newest: for events after the newest taken in so far.

    Raises ContractError where a column that opened versions before is in no source any more.
    """
    sets = tracked_sets(connection, dimension)
    if sets[-1].tracked != set(dimension.track) or sets[-1].kept_first != set(dimension.keep_first):
        since = _newest_event(connection, dimension)
        _record(connection, dimension, since if since is not None else sets[-1].since)
        sets = tracked_sets(connection, dimension)
    elif sets[-1].since is None:
        _record(connection, dimension, None)
    _refuse_lost_columns(connection, dimension, sets)


def note_taken_in(connection: Connection, dimension: DimensionContract) -> None:
    """Record the newest load of the sources, which are locked, so that a later set begins after what it brought."""
    connection.execute(
        """
        with newest as (
            select max(load_id) as load_id from ops.load where feed = any(%(feeds)s) and status = 'succeeded'
        )
        update ops.tracked_set as t set newest_load_id = n.load_id from newest as n
        where t.dimension = %(dimension)s and t.newest_load_id is distinct from n.load_id
            and t.since = (select max(since) from ops.tracked_set where dimension = %(dimension)s)
        """,
        {"dimension": dimension.table, "feeds": [events.table for events in dimension.events]},
    )


def _record(connection: Connection, dimension: DimensionContract, since: datetime | None) -> None:
    """Write the set down; one of the same time was never used for any event."""
    connection.execute(
        """
        insert into ops.tracked_set (dimension, since, tracked, kept_first)
        values (%s, coalesce(%s, timestamptz '-infinity'), %s, %s)
        on conflict (dimension, since) do update set tracked = excluded.tracked, kept_first = excluded.kept_first
        where (tracked_set.tracked, tracked_set.kept_first) is distinct from (excluded.tracked, excluded.kept_first)
        """,
        [dimension.table, since, sorted(dimension.track), sorted(dimension.keep_first)],
    )


def _newest_event(connection: Connection, dimension: DimensionContract) -> datetime | None:
    """The time of the newest event that the dimension has taken in, but never beyond now: what is stamped in the far
    future must not put off the new set.
    """
    row = connection.execute(
        "select max(newest_load_id) from ops.tracked_set where dimension = %s", [dimension.table]
    ).fetchone()
    bound = row[0] if row else None
    if bound is None:
        return None
    newest = sql.SQL(" union all ").join(_times(events, bound) for events in dimension.events)
    row = connection.execute(
        sql.SQL(
            "select case when max(at) is not null then greatest(least(max(at), clock_timestamp()),"
            " (select max(nullif(since, '-infinity')) from ops.tracked_set where dimension = {})) end from ({}) as e"
        ).format(sql.Literal(dimension.table), newest)
    ).fetchone()
    return row[0] if row else None


def _times(events: Events, bound: int) -> sql.Composed:
    """The newest time of a source's rows; of one that keeps versions, no row is later than its snapshot."""
    at: sql.Composable = sql.Identifier(events.later or events.valid_from or "_load_id")
    return sql.SQL("select max({}) as at from {} where _load_id <= {}").format(
        at, TableName.parse(events.source).sql, sql.Literal(bound)
    )


def _refuse_lost_columns(
    connection: Connection, dimension: DimensionContract, sets: tuple[TrackedSet, ...]
) -> None:
    known = {
        name for events in dimension.events for name in columns_of(connection, TableName.parse(events.source))
    }
    tracked = frozenset[str]().union(*(one.tracked for one in sets))
    lost = sorted(name for name in tracked if dimension.source_column(name) not in known)
    if lost:
        raise ContractError(
            f"{lost[0]} was tracked and opened versions that are closed now, but no source has it any more.",
            where=dimension.name,
            remedy=f"Keep it in the feed (`dropped: true` where the files lack it); if it was renamed there, write"
            f" `rename: {{{lost[0]}: <new name>}}`. To make all history anew without it: delete the rows of"
            f" {dimension.table} from ops.tracked_set and run `sales-platform rebuild {dimension.name}`.",
        )
