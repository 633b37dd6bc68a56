"""The raw table of a source's table: an append-only log of every row version and delete that was seen.

One key has at most one row per load, so the load's number is the order of sightings. What equals the latest sighting
of its key is not logged again; so reading a row twice is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from sales_platform.contracts.source import LOG_COLUMNS, TableFeed
from sales_platform.engine.oltp.shape import CarriedColumn, Shape, refuse_drift
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import (
    TableColumn,
    TableName,
    add_primary_key,
    columns_of,
    ensure_table,
    identifiers,
    primary_key_of,
)
from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class Sighting:
    """What logged rows bear: the load and the moment at which the source looked so."""

    load_id: int
    seen_at: datetime


@dataclass(frozen=True)
class Logged:
    """What came of a look at the temporary table `arrived`. rows: all of it; logged: new, changed or deleted."""

    rows: int
    logged: int


def log_name(feed: TableFeed) -> TableName:
    return TableName("raw", feed.name)


def logged_columns(connection: Connection, feed: TableFeed) -> dict[str, str]:
    """Column → type of the log, without the platform's own; empty when there is no log yet."""
    return {
        name: kind for name, kind in columns_of(connection, log_name(feed)).items() if name not in LOG_COLUMNS
    }


def ensure_log(connection: Connection, feed: TableFeed, shape: Shape) -> tuple[str, ...]:
    """Create or widen the log. Returns the columns that are new in a log that stood; raises SourceDrift."""
    standing = logged_columns(connection, feed)
    new = refuse_drift(feed, standing, shape) if standing else ()
    described = feed.spoken.columns
    columns = [
        TableColumn(c.name, c.type, description=d.description if (d := described.get(c.name)) else None)
        for c in shape.columns
    ]
    platform = [
        TableColumn("_load_id", "bigint", True),
        TableColumn("_extracted_at", "timestamp with time zone", True),
        TableColumn("_event_at", "timestamp with time zone", True),
        TableColumn("_deleted", "boolean", True),
    ]
    ensure_table(connection, log_name(feed), [*columns, *platform], feed.description)
    return new


def finish_log(connection: Connection, feed: TableFeed) -> None:
    """The key of a log, after its first rows are in: building it then is cheaper."""
    if not primary_key_of(connection, log_name(feed)):
        add_primary_key(connection, log_name(feed), (*feed.key, "_load_id"))


def log_is_empty(connection: Connection, feed: TableFeed) -> bool:
    row = connection.execute(
        sql.SQL("select not exists (select from {})").format(log_name(feed).sql)
    ).fetchone()
    return bool(row and row[0])


def make_arrived(connection: Connection, shape: Shape) -> None:
    """An empty temporary table `arrived` with the columns of the source table."""
    connection.execute("drop table if exists pg_temp.arrived")
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(c.name), sql.SQL(c.type)) for c in shape.columns
    )
    connection.execute(sql.SQL("create temporary table arrived ({}) on commit drop").format(columns))


def log_arrived(
    connection: Connection, feed: TableFeed, shape: Shape, sighting: Sighting, *, silent: bool
) -> Logged:
    """Log the rows of `arrived` that differ from the latest sighting of their key; keys go to `changed_now`.

    silent: the rows were found by comparing, so that a change under an unchanged stamp is an event of the moment at
    which it was observed (I-36); else the later sighting of a stamp is the newer truth of it (S-22).
    """
    connection.execute(sql.SQL("analyze pg_temp.arrived ({})").format(identifiers(feed.key)))
    rows = connection.execute("select count(*) from arrived").fetchone()
    columns = (*shape.names, *LOG_COLUMNS)
    logged = connection.execute(
        sql.SQL(
            """with differing as (
    select a.*, l._event_at as _last_at, l._deleted as _was_deleted
    from arrived as a left join lateral (
        select r.* from {log} as r where {match} order by r._load_id desc limit 1
    ) as l on true
    where l._load_id is null or l._deleted or ({theirs}) is distinct from ({ours})
),
logged as (
    insert into {log} ({columns})
    select {names}, {load_id}, {seen_at}, {event_at}, false from differing as a
    returning {key}
)
insert into changed_now select {key} from logged"""
        ).format(
            log=log_name(feed).sql,
            match=joined(feed.key, "r", "a"),
            theirs=_compared(shape.columns, "a"),
            ours=_compared(shape.columns, "l"),
            columns=identifiers(columns),
            names=identifiers(shape.names, "a"),
            load_id=sql.Literal(sighting.load_id),
            seen_at=sql.Literal(sighting.seen_at),
            event_at=_event_at(feed, sighting, silent=silent),
            key=identifiers(feed.key),
        )
    ).rowcount
    return Logged(int(rows[0]) if rows else 0, logged)


def log_deletes(connection: Connection, feed: TableFeed, sighting: Sighting) -> int:
    """Log that the keys of the temporary table `vanished` are gone, at the moment that showed it."""
    return connection.execute(
        sql.SQL(
            """with logged as (
    insert into {log} ({key}, _load_id, _extracted_at, _event_at, _deleted)
    select {v_key}, {load_id}, {seen_at}, greatest({seen_at}, l._event_at), true
    from vanished as v cross join lateral (
        select r._event_at from {log} as r where {match} order by r._load_id desc limit 1
    ) as l
    returning {key}
)
insert into changed_now select {key} from logged"""
        ).format(
            log=log_name(feed).sql,
            key=identifiers(feed.key),
            v_key=identifiers(feed.key, "v"),
            match=joined(feed.key, "r", "v"),
            load_id=sql.Literal(sighting.load_id),
            seen_at=sql.SQL("{}::timestamptz").format(sql.Literal(sighting.seen_at)),
        )
    ).rowcount


def make_changed_now(connection: Connection, feed: TableFeed) -> None:
    """An empty temporary table `changed_now` for the keys that this transaction logs."""
    connection.execute("drop table if exists pg_temp.changed_now")
    connection.execute(
        sql.SQL("create temporary table changed_now on commit drop as select {} from {} limit 0").format(
            identifiers(feed.key), log_name(feed).sql
        )
    )


def first_event_at(feed: TableFeed, shape: Shape, seen_at: datetime) -> sql.Composable:
    """The time of a key's first event, as the source computes it: its stamp, else when it was seen."""
    seen = sql.SQL("{}::timestamptz").format(sql.Literal(seen_at))
    if feed.cursor is None:
        return seen
    stamp = shape[feed.cursor]
    return _finite(_as_instant(stamp, stamp.reading), seen)


def _event_at(feed: TableFeed, sighting: Sighting, *, silent: bool) -> sql.Composable:
    """The event's time. A key's events never go back: a stamp before its last event is one that a clock or a person
    set back, and the row is true since it was seen so.
    """
    seen = sql.SQL("{}::timestamptz").format(sql.Literal(sighting.seen_at))
    if feed.cursor is None:
        return sql.SQL("greatest({}, a._last_at)").format(seen)
    cursor = sql.Identifier("a", feed.cursor)
    stamp = _finite(cursor, seen)
    again = sql.SQL("false" if silent else "{} = a._last_at and not a._was_deleted").format(stamp)
    return sql.SQL(
        "case when a._last_at is null or {stamp} > a._last_at or ({again}) then {stamp}"
        " else greatest({seen}, a._last_at) end"
    ).format(stamp=stamp, again=again, seen=seen)


def _finite(stamp: sql.Composable, seen: sql.Composable) -> sql.Composed:
    """No stamp, or one that is infinite, tells no time: then it is when the row was seen."""
    return sql.SQL("case when isfinite({stamp}) then {stamp} else {seen} end").format(stamp=stamp, seen=seen)


def _as_instant(column: CarriedColumn, value: sql.Composable) -> sql.Composable:
    return sql.SQL("{}::timestamptz").format(value) if column.type == "date" else value


def _compared(columns: Sequence[CarriedColumn], alias: str) -> sql.Composable:
    return sql.SQL(", ").join(column.compared(alias) for column in columns)
