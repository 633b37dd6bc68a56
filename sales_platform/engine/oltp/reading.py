"""Queries on a source table and where their rows go: all of it, a window, a range of keys. Decides nothing."""

from __future__ import annotations

from datetime import date, datetime

from psycopg import sql

from sales_platform.contracts.source import LOG_COLUMNS, TableFeed
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.oltp.log import Sighting, first_event_at, log_name, make_arrived
from sales_platform.engine.oltp.piping import pipe
from sales_platform.engine.oltp.shape import Shape
from sales_platform.engine.oltp.source import SourceSession
from sales_platform.engine.tables import identifiers
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import SourceError


def read_into_log(
    reader: SourceSession,
    connection: Connection,
    feed: TableFeed,
    shape: Shape,
    sighting: Sighting,
    some: sql.Composable | None = None,
) -> int:
    """Rows of the source straight into raw, whose keys it is known not to hold. some: condition on alias `t`."""
    query = sql.SQL("select {}, {}::bigint, {}::timestamptz, {}, false from {} as t where {}").format(
        sql.SQL(", ").join(column.reading for column in shape.columns),
        sql.Literal(sighting.load_id),
        sql.Literal(sighting.seen_at),
        first_event_at(feed, shape, sighting.seen_at),
        sql.Identifier(*feed.source_table),
        some or sql.SQL("true"),
    )
    return pipe(reader, query, connection, log_name(feed).sql, identifiers((*shape.names, *LOG_COLUMNS)))


def read_arrived(
    reader: SourceSession, connection: Connection, feed: TableFeed, shape: Shape, some: sql.Composable
) -> None:
    """The source rows that fulfil a condition on alias `t`, into the temporary table `arrived`."""
    make_arrived(connection, shape)
    query = sql.SQL("select {} from {} as t where {}").format(
        sql.SQL(", ").join(column.reading for column in shape.columns),
        sql.Identifier(*feed.source_table),
        some,
    )
    pipe(reader, query, connection, sql.Identifier("pg_temp", "arrived"), identifiers(shape.names))


def since(feed: TableFeed, shape: Shape, start: datetime | None) -> sql.Composable:
    """Rows stamped at `start` or later; None: all. A row without a stamp is read every time (I-11)."""
    if feed.cursor is None or start is None:
        return sql.SQL("true")
    kind, stamp = shape[feed.cursor].source_type, sql.Identifier("t", feed.cursor)
    bound: sql.Composable = sql.Literal(start)
    if kind == "date":
        bound = sql.SQL("({} at time zone {})::date").format(bound, sql.Literal(feed.source.zone))
    elif kind.endswith("without time zone"):
        bound = sql.SQL("({} at time zone {})").format(bound, sql.Literal(feed.source.zone))
    return sql.SQL("({stamp} >= {bound} or {stamp} is null)").format(stamp=stamp, bound=bound)


def newest_stamp(connection: Connection, feed: TableFeed, relation: sql.Composable) -> datetime | None:
    """The newest stamp in a relation that is a time of the calendar; None without a cursor or such a stamp."""
    if feed.cursor is None:
        return None
    row = connection.execute(
        sql.SQL("select max({c}::timestamptz) from {r} where {c} between {low} and {high}").format(
            c=sql.Identifier(feed.cursor),
            r=relation,
            low=sql.Literal(date.min),
            high=sql.Literal(date.max),
        )
    ).fetchone()
    return row[0] if row else None


def refuse_null_keys(reader: SourceSession, feed: TableFeed, shape: Shape) -> None:
    """A row without its key cannot be followed. Raises SourceError; a key declared NOT NULL needs no look."""
    for name in (name for name in feed.key if not shape[name].always_there):
        query = sql.SQL("select exists (select from {} where {} is null)").format(
            sql.Identifier(*feed.source_table), sql.Identifier(name)
        )
        with translated(reader.where):
            row = reader.execute(query).fetchone()
        if row and row[0]:
            raise SourceError(
                f"rows of the source have no {name}, which is in the key (I-24).",
                where=feed.name,
                remedy="Name a key that every row has.",
            )
