"""The rows in which source and warehouse differ, of the ranges of keys that do: how many, which, and whose fault."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from sales_platform.engine.oltp.log import log_name
from sales_platform.engine.oltp.reading import read_arrived
from sales_platform.engine.oltp.settled import Settled
from sales_platform.engine.oltp.source import SourceSession
from sales_platform.engine.oltp.staged import staging_name
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import identifiers
from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class Differing:
    """missing, changed, surplus: rows that the warehouse lacks, has otherwise, has alone. astray: those of them on
    which the log agrees with the source, so that staging itself is wrong and no comparison repairs it. keys: of a few,
    with what is wrong. listings: by side, the SQL that lists all rows of these ranges by key and hash, sorted alike.
    """

    missing: int
    changed: int
    surplus: int
    astray: int
    keys: tuple[dict[str, object], ...]
    listings: dict[str, str]

    @property
    def rows(self) -> int:
        return self.missing + self.changed + self.surplus


def differing_rows(
    reader: SourceSession, connection: Connection, settled: Settled, buckets: list[int], samples: int
) -> Differing:
    """Compare row by row within these ranges. samples: of how many rows the keys are told."""
    theirs = settled.bucket.among(buckets, settled.read_key)
    some = sql.SQL("{} and {}").format(theirs, settled.is_settled)
    read_arrived(reader, connection, settled.feed, settled.shape, some)
    ours = settled.bucket.among(buckets, _columns(settled, "s"))
    connection.execute(
        sql.SQL("create temporary table standing as select * from ({}) as s where {}").format(
            settled.in_warehouse, ours
        )
    )
    connection.execute(_difference(settled))
    row = connection.execute(
        """
        select count(*) filter (where found = 'missing'), count(*) filter (where found = 'changed'),
            count(*) filter (where found = 'surplus'), count(*) filter (where astray)
        from difference
        """
    ).fetchone()
    missing, changed, surplus, astray = row or (0, 0, 0, 0)
    keys = _keys(connection, settled, samples)
    return Differing(missing, changed, surplus, astray, keys, _listings(settled, buckets))


def _difference(settled: Settled) -> sql.Composed:
    """`difference`: key, what is wrong, and whether the latest sighting in the log is what the source has."""
    feed, names = settled.feed, settled.shape.names
    return sql.SQL(
        """create temporary table difference as
select d.*, case when d.found = 'surplus' then coalesce(l._deleted, true)
    else not coalesce(l._deleted, true) and l._row = d._row end as astray
from (
    select {key}, case when s.{first} is null then 'missing' when a.{first} is null then 'surplus' else 'changed'
        end as found, row({theirs})::text as _row
    from arrived as a full join standing as s on {match}
    where a.{first} is null or s.{first} is null or row({theirs})::text <> row({ours})::text
) as d left join lateral (
    select r._deleted, row({logged})::text as _row from {log} as r where {sighting} order by r._load_id desc limit 1
) as l on true"""
    ).format(
        key=sql.SQL(", ").join(
            sql.SQL("coalesce(a.{c}, s.{c}) as {c}").format(c=sql.Identifier(name)) for name in feed.key
        ),
        first=sql.Identifier(feed.key[0]),
        theirs=identifiers(names, "a"),
        ours=identifiers(names, "s"),
        logged=identifiers(names, "r"),
        match=joined(feed.key, "a", "s"),
        log=log_name(feed).sql,
        sighting=joined(feed.key, "r", "d"),
    )


def _keys(connection: Connection, settled: Settled, samples: int) -> tuple[dict[str, object], ...]:
    names = (*settled.feed.key, "found")
    rows = connection.execute(
        sql.SQL("select {} from difference order by astray desc, {} limit {}").format(
            identifiers(names), identifiers(settled.feed.key), sql.Literal(samples)
        )
    ).fetchall()
    return tuple(dict(zip(names, row, strict=True)) for row in rows)


def _listings(settled: Settled, buckets: list[int]) -> dict[str, str]:
    feed, shape = settled.feed, settled.shape
    shown = sql.SQL("select {}, md5(row({})::text) from {} as t where {} order by {}")
    key = identifiers(feed.key, "t")
    read = sql.SQL(", ").join(column.reading for column in shape.columns)
    theirs = settled.bucket.among(buckets, settled.read_key)
    ours = settled.bucket.among(buckets, _columns(settled, "t"))
    source, standing = sql.Identifier(*feed.source_table), staging_name(feed).sql
    return {
        "source": shown.format(key, read, source, theirs, key).as_string(),
        "warehouse": shown.format(key, identifiers(shape.names, "t"), standing, ours, key).as_string(),
    }


def _columns(settled: Settled, alias: str) -> list[sql.Composable]:
    return [sql.Identifier(alias, name) for name in settled.feed.key]
