"""A source table against what stands of it: counts and hashes per range of keys, then rows where these differ.

Finds what no window shows: edits under an unchanged stamp, rows stamped long before their commit, deletes.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from sales_platform.contracts.source import TableFeed
from sales_platform.engine.delete_guard import too_many_vanish
from sales_platform.engine.oltp.log import Sighting, log_arrived, log_deletes, log_name
from sales_platform.engine.oltp.piping import pipe
from sales_platform.engine.oltp.ranges import Buckets, hash_of, note_held_back, standing_rows
from sales_platform.engine.oltp.reading import read_arrived
from sales_platform.engine.oltp.shape import Shape
from sales_platform.engine.oltp.source import SourceSession
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import identifiers
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import DataRefused


@dataclass(frozen=True)
class Compared:
    """rows: of the source. buckets: how many ranges differed. missing: rows the warehouse did not have; changed: it
    had otherwise; deleted: the source no longer has.
    """

    rows: int
    buckets: int
    missing: int
    changed: int
    deleted: int

    @property
    def differences(self) -> int:
        return self.missing + self.changed + self.deleted


def compare(
    reader: SourceSession,
    connection: Connection,
    feed: TableFeed,
    shape: Shape,
    sighting: Sighting,
    *,
    allow_deletes: bool,
) -> Compared:
    """Log every difference as an event, keys to `changed_now`. Raises DataRefused before any write when more rows
    would be deleted than the contract allows (S-33), unless allow_deletes.
    """
    bucket = Buckets(feed, shape)
    note_held_back(connection, feed, shape)
    rows, buckets = _differing_buckets(reader, connection, feed, shape, bucket)
    if not buckets:
        return Compared(rows, 0, 0, 0, 0)
    _read_rows(reader, connection, feed, shape, bucket, buckets)
    _find_vanished(connection, feed, bucket, buckets)
    _refuse_many_deletes(connection, feed, rows, allow_deletes=allow_deletes)
    missing = _count_missing(connection, feed)
    logged = log_arrived(connection, feed, shape, sighting, silent=True).logged
    deleted = log_deletes(connection, feed, sighting)
    return Compared(rows, len(buckets), missing, logged - missing, deleted)


def _differing_buckets(
    reader: SourceSession, connection: Connection, feed: TableFeed, shape: Shape, bucket: Buckets
) -> tuple[int, list[int]]:
    connection.execute("drop table if exists pg_temp.source_bucket")
    connection.execute(
        "create temporary table source_bucket (bucket bigint, rows bigint, hash numeric) on commit drop"
    )
    read_key = [shape[name].reading for name in feed.key]
    theirs = sql.SQL("select {}, count(*), sum({}) from {} as t group by 1").format(
        bucket.of(read_key), hash_of([c.reading for c in shape.columns]), sql.Identifier(*feed.source_table)
    )
    target = sql.Identifier("pg_temp", "source_bucket")
    pipe(reader, theirs, connection, target, identifiers(("bucket", "rows", "hash")))
    ours = sql.SQL("select {} as bucket, count(*) as rows, sum({}) as hash from ({}) as s group by 1").format(
        bucket.of_columns("s"),
        hash_of([sql.Identifier("s", name) for name in shape.names]),
        standing_rows(feed, shape.names),
    )
    differing = connection.execute(
        sql.SQL(
            """select coalesce(a.bucket, b.bucket) from source_bucket as a full join ({}) as b on a.bucket = b.bucket
            where (a.rows, a.hash) is distinct from (b.rows, b.hash)"""
        ).format(ours)
    ).fetchall()
    total = connection.execute("select coalesce(sum(rows), 0)::bigint from source_bucket").fetchone()
    return int(total[0]) if total else 0, sorted(row[0] for row in differing)


def _read_rows(
    reader: SourceSession,
    connection: Connection,
    feed: TableFeed,
    shape: Shape,
    bucket: Buckets,
    buckets: list[int],
) -> None:
    some = bucket.among(buckets, [shape[name].reading for name in feed.key])
    read_arrived(reader, connection, feed, shape, some)


def _find_vanished(connection: Connection, feed: TableFeed, bucket: Buckets, buckets: list[int]) -> None:
    """`vanished`: keys that stand and that the source no longer has."""
    connection.execute("drop table if exists pg_temp.vanished")
    connection.execute(
        sql.SQL(
            """create temporary table vanished on commit drop as select {key} from ({current}) as s
            where {some} and not exists (select from arrived as a where {match})"""
        ).format(
            key=identifiers(feed.key, "s"),
            current=standing_rows(feed, feed.key),
            some=bucket.among(buckets, [sql.Identifier("s", name) for name in feed.key]),
            match=joined(feed.key, "a", "s"),
        )
    )


def _refuse_many_deletes(connection: Connection, feed: TableFeed, rows: int, *, allow_deletes: bool) -> None:
    found = connection.execute(
        sql.SQL("select (select count(*) from vanished), (select count(*) from ({}) as s)").format(
            standing_rows(feed, feed.key)
        )
    ).fetchone()
    vanished, standing = found or (0, 0)
    if allow_deletes or not too_many_vanish(vanished, standing, rows, feed.spoken.max_delete):
        return
    raise DataRefused(
        f"the source no longer has {vanished} of {standing} rows, more than the {feed.spoken.max_delete:.0%} that the"
        " contract allows to vanish at once (S-33).",
        where=feed.name,
        remedy=f"If they were meant to go: `sales-platform reconcile {feed.domain} --allow-deletes`.",
    )


def _count_missing(connection: Connection, feed: TableFeed) -> int:
    row = connection.execute(
        sql.SQL("select count(*) from arrived as a where not exists (select from {} as r where {})").format(
            log_name(feed).sql, joined(feed.key, "r", "a")
        )
    ).fetchone()
    return int(row[0]) if row else 0
