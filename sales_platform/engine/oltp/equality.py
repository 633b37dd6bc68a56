"""Whether what stands of a source's tables equals the source: rows, sums and hashes of both sides. Repairs nothing.

The warehouse's snapshot is older than the source's, so what the next load would read is left aside on both sides. Of a
table without a cursor that cannot be told apart: what changed since its last load counts as a difference there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from psycopg import sql

from sales_platform.contracts.source import PostgresFeedContract, TableFeed
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.oltp.differing_rows import Differing, differing_rows
from sales_platform.engine.oltp.log import logged_columns
from sales_platform.engine.oltp.open_transactions import Listing, list_open_transactions
from sales_platform.engine.oltp.piping import pipe
from sales_platform.engine.oltp.ranges import Buckets, hash_of, note_held_back
from sales_platform.engine.oltp.reading import since
from sales_platform.engine.oltp.settled import Settled
from sales_platform.engine.oltp.shape import Shape, read_shape, refuse_drift
from sales_platform.engine.oltp.source import SourceDatabase, SourceSession, exported_snapshot
from sales_platform.engine.oltp.staged import staging_name
from sales_platform.engine.oltp.watermarks import Watermark, read_watermark, warehouse_clock
from sales_platform.engine.oltp.windows import window
from sales_platform.engine.tables import exists, identifiers
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import Incomplete, SalesPlatformError

_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")


@dataclass(frozen=True)
class Figures:
    """One side. hash: the sum of the rows' hashes. sums: by numeric column outside the key; None without a value."""

    rows: int
    hash: Decimal
    sums: dict[str, Decimal | None]


@dataclass(frozen=True)
class Equality:
    """A table on both sides. aside: rows of the source that the next load reads anyway. differing: the rows that are
    not alike; None where there are none. unread: columns that no load has brought yet, which are not compared.
    """

    source: Figures
    warehouse: Figures
    aside: int
    differing: Differing | None
    unread: tuple[str, ...] = ()


def source_equality(
    warehouse: Warehouse,
    database: SourceDatabase,
    source: PostgresFeedContract,
    tables: Sequence[str],
    *,
    samples: int,
) -> dict[str, Equality | SalesPlatformError]:
    """Table → how both sides compare, or why they could not be compared. Both sides are read in one snapshot each.

    samples: of how many differing rows the keys are told. Raises ServerUnavailable and ConfigurationError for a source
    that cannot be read at all.
    """
    feeds = [feed for feed in source.feeds if feed.table in tables]
    found: dict[str, Equality | SalesPlatformError] = {}
    with warehouse.transaction() as connection:
        # the first statement fixes what is seen here, before the source is looked at
        connection.execute("set transaction isolation level repeatable read")
        marks = {feed.name: read_watermark(connection, feed.name) for feed in feeds}
        with database.connect() as lister:
            listing = list_open_transactions(lister)
        with exported_snapshot(database) as snapshot:
            for feed in feeds:
                try:
                    # what one table left in its temporary tables goes with the savepoint
                    with (
                        snapshot.reading(feed.source_table) as reader,
                        connection.transaction(force_rollback=True),
                        translated(feed.name),
                    ):
                        found[feed.table] = _equality(
                            reader, connection, feed, marks[feed.name], listing, samples
                        )
                except SalesPlatformError as error:
                    found[feed.table] = error
    return found


def _equality(
    reader: SourceSession,
    connection: Connection,
    feed: TableFeed,
    mark: Watermark | None,
    listing: Listing,
    samples: int,
) -> Equality:
    if mark is None or mark.unfinished or not exists(connection, staging_name(feed)):
        raise Incomplete(
            "its first load has not ended, so there is nothing to compare.",
            where=feed.name,
            remedy=f"Run `sales-platform run {feed.domain}`.",
        )
    shape = read_shape(reader, feed)
    unread = refuse_drift(feed, logged_columns(connection, feed), shape)
    shape = Shape(tuple(column for column in shape.columns if column.name not in unread), shape.rows)
    coming = _coming(connection, feed, shape, mark, listing)
    settled = Settled(feed, shape, Buckets(feed, shape), coming)
    note_held_back(connection, feed, shape)
    aside = settled.set_aside(reader, connection)
    theirs, ours = _measure(reader, connection, settled)
    buckets = _differing_ranges(connection)
    differing = differing_rows(reader, connection, settled, buckets, samples) if buckets else None
    return Equality(theirs, ours, aside, differing, unread)


def _coming(
    connection: Connection, feed: TableFeed, shape: Shape, mark: Watermark, listing: Listing
) -> sql.Composable:
    """Condition on a source row `t`: the next load reads it in any case."""
    if feed.cursor is None:
        return sql.SQL("false")
    overlap = feed.source.blind_overlap if listing.blind else feed.source.overlap
    elapsed = mark.elapsed(warehouse_clock(connection))
    span = window(mark.mark, listing, elapsed, overlap, ZoneInfo(feed.source.zone))
    return since(feed, shape, span.start)


def _measure(reader: SourceSession, connection: Connection, settled: Settled) -> tuple[Figures, Figures]:
    """Rows, hash and sums of both sides, which stay by range in `source_range` and `standing_range`."""
    key = settled.feed.key
    summed = [c.name for c in settled.shape.columns if c.type.startswith(_NUMBERS) and c.name not in key]
    sums = [f"sum_{number}" for number, _ in enumerate(summed)]
    for table in ("source_range", "standing_range"):
        numbers = [sql.SQL("{} numeric").format(sql.Identifier(name)) for name in ("hash", *sums)]
        connection.execute(
            sql.SQL("create temporary table {} (bucket bigint, rows bigint, {})").format(
                sql.Identifier(table), sql.SQL(", ").join(numbers)
            )
        )
    readings = {column.name: column.reading for column in settled.shape.columns}
    theirs = sql.SQL("select {} from {} group by 1").format(
        _aggregates(settled.bucket.of(settled.read_key), readings, summed), settled.in_source
    )
    target = sql.Identifier("pg_temp", "source_range")
    pipe(reader, theirs, connection, target, identifiers(("bucket", "rows", "hash", *sums)))
    columns = {name: sql.Identifier("s", name) for name in settled.shape.names}
    ours = sql.SQL("insert into standing_range select {} from ({}) as s group by 1").format(
        _aggregates(settled.bucket.of_columns("s"), columns, summed), settled.in_warehouse
    )
    connection.execute(ours)
    return (
        _figures(connection, "source_range", sums, summed),
        _figures(connection, "standing_range", sums, summed),
    )


def _aggregates(
    bucket: sql.Composable, values: dict[str, sql.Composable] | dict[str, sql.Identifier], summed: list[str]
) -> sql.Composed:
    row: list[sql.Composable] = list(values.values())
    figures = [bucket, sql.SQL("count(*)"), sql.SQL("sum({})").format(hash_of(row))]
    figures += [sql.SQL("sum(({})::numeric)").format(values[name]) for name in summed]
    return sql.SQL(", ").join(figures)


def _figures(connection: Connection, table: str, sums: list[str], summed: list[str]) -> Figures:
    added = [sql.SQL("sum({})").format(sql.Identifier(name)) for name in sums]
    totals = [sql.SQL("coalesce(sum(rows), 0)::bigint"), sql.SQL("coalesce(sum(hash), 0)"), *added]
    row = connection.execute(
        sql.SQL("select {} from {}").format(sql.SQL(", ").join(totals), sql.Identifier(table))
    ).fetchone()
    assert row is not None
    return Figures(row[0], row[1], dict(zip(summed, row[2:], strict=True)))


def _differing_ranges(connection: Connection) -> list[int]:
    rows = connection.execute(
        """
        select coalesce(a.bucket, b.bucket) from source_range as a full join standing_range as b
        on a.bucket = b.bucket where (a.rows, a.hash) is distinct from (b.rows, b.hash) order by 1
        """
    ).fetchall()
    return [row[0] for row in rows]
