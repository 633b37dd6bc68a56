"""The first load of a large table: ranges of its key, each in a snapshot and a transaction of its own, resumed after
a crash. What changes meanwhile is read by the next window, which begins where the first range did.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from psycopg import sql

from sales_platform.contracts.source import TableFeed
from sales_platform.engine import loads
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.oltp.log import Sighting, ensure_log, finish_log, log_is_empty, log_name
from sales_platform.engine.oltp.open_transactions import list_open_transactions
from sales_platform.engine.oltp.reading import read_into_log, refuse_null_keys
from sales_platform.engine.oltp.shape import Shape, read_shape
from sales_platform.engine.oltp.source import Snapshot, SourceDatabase, SourceSession, exported_snapshot
from sales_platform.engine.oltp.staged import staging_name
from sales_platform.engine.oltp.watermarks import Watermark, read_watermark, warehouse_clock, write_watermark
from sales_platform.engine.oltp.windows import Mark, back, remembered
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.tables import exists, refresh_statistics
from sales_platform.engine.warehouse import Connection, Warehouse

Key = tuple[str, ...]


def needs_chunks(warehouse: Warehouse, database: SourceDatabase, feed: TableFeed) -> bool:
    """Whether a first load was begun in ranges, or has to be because the table is large."""
    with warehouse.transaction() as connection:
        watermark = read_watermark(connection, feed.name)
        if watermark is not None:
            return watermark.unfinished
        if exists(connection, log_name(feed)) and not log_is_empty(connection, feed):
            return False
    with database.connect() as reader:
        return read_shape(reader, feed).rows > feed.source.chunk_rows


def load_in_chunks(
    warehouse: Warehouse, database: SourceDatabase, feed: TableFeed, run_id: str
) -> Iterator[LoadReport]:
    """Copy the table into raw range by range, from where an earlier attempt came. Staging is left to the next load."""
    begin = _begin(warehouse, database, feed)
    while begin.unfinished:
        begin, report = _next_chunk(warehouse, database, feed, begin, run_id)
        yield report


def _begin(warehouse: Warehouse, database: SourceDatabase, feed: TableFeed) -> Watermark:
    """The state of an earlier attempt, or a new one: the mark stands where the first range begins."""
    with warehouse.transaction() as connection:
        standing = read_watermark(connection, feed.name)
        if standing is not None:
            return standing
        looked_at = warehouse_clock(connection)
        with database.connect() as reader:
            listing = list_open_transactions(reader)
        with exported_snapshot(database) as snapshot:
            mark = Mark(back(listing.at, feed.source.overlap), listing.at, remembered(Mark(), listing))
            return Watermark(mark, looked_at, None, snapshot.identity, unfinished=True)


def _next_chunk(
    warehouse: Warehouse, database: SourceDatabase, feed: TableFeed, state: Watermark, run_id: str
) -> tuple[Watermark, LoadReport]:
    with translated(warehouse.where), warehouse.connect(autocommit=True) as journal:
        load = loads.open_load(journal, feed, "", f"range of keys of {database.where}", None, run_id)
        try:
            with warehouse.transaction() as connection:
                lock_tables(connection, [str(staging_name(feed))])
                # another process may have come further meanwhile (I-25); a snapshot from before it would miss changes
                state = read_watermark(connection, feed.name) or state
                if not state.unfinished:
                    return state, _close(connection, feed, load, 0)
                with exported_snapshot(database) as snapshot:
                    return _copy_chunk(snapshot, connection, feed, state, load)
        except BaseException as error:
            loads.fail_loads(journal, [load.load_id], "failed", loads.why_failed(error))
            raise


def _copy_chunk(
    snapshot: Snapshot, connection: Connection, feed: TableFeed, state: Watermark, load: loads.OpenLoad
) -> tuple[Watermark, LoadReport]:
    started = time.monotonic()
    with snapshot.reading(feed.source_table) as reader:
        shape = read_shape(reader, feed)
        refuse_null_keys(reader, feed, shape)
        new_columns = ensure_log(connection, feed, shape)
        upto = _last_key(reader, feed, shape, state.chunk_after)
        some = _range(feed, shape, state.chunk_after, upto)
        rows = read_into_log(reader, connection, feed, shape, Sighting(load.load_id, snapshot.taken_at), some)
    if upto is None:
        finish_log(connection, feed)
        refresh_statistics(connection, log_name(feed))
    # without a position the next window reads everything: earlier ranges lack the new columns (I-31)
    mark = replace(state.mark, position=None) if new_columns else state.mark
    after = Watermark(mark, state.looked_at, None, state.identity, upto, unfinished=upto is not None)
    write_watermark(connection, feed.name, after)
    return after, _close(connection, feed, load, rows, time.monotonic() - started, new_columns)


def _close(
    connection: Connection,
    feed: TableFeed,
    load: loads.OpenLoad,
    rows: int,
    seconds: float = 0.0,
    new_columns: tuple[str, ...] = (),
) -> LoadReport:
    report = LoadReport(
        feed.name,
        "",
        load.source,
        "succeeded",
        load.load_id,
        read=rows,
        loaded=rows,
        seconds=seconds,
        new_columns=new_columns,
    )
    loads.close_loads(connection, [report])
    return report


def _last_key(reader: SourceSession, feed: TableFeed, shape: Shape, after: Key | None) -> Key | None:
    """The key that ends the next range, in the source's own order (I-30); None when fewer rows are left."""
    key = [sql.SQL("t.{}").format(sql.Identifier(name)) for name in feed.key]
    query = sql.SQL("select {} from {} as t where {} order by {} offset {} limit 1").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(column) for column in key),
        sql.Identifier(*feed.source_table),
        _range(feed, shape, after, None),
        sql.SQL(", ").join(key),
        sql.Literal(feed.source.chunk_rows - 1),
    )
    with translated(reader.where):
        row = reader.execute(query).fetchone()
    return tuple(row) if row else None


def _range(feed: TableFeed, shape: Shape, after: Key | None, upto: Key | None) -> sql.Composable:
    key = sql.SQL(", ").join(sql.Identifier("t", name) for name in feed.key)
    bounds = [
        sql.SQL("({}) {} ({})").format(key, sql.SQL(sign), _values(feed, shape, bound))
        for sign, bound in ((">", after), ("<=", upto))
        if bound is not None
    ]
    return sql.SQL(" and ").join(bounds) if bounds else sql.SQL("true")


def _values(feed: TableFeed, shape: Shape, key: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(shape[name].source_type))
        for name, value in zip(feed.key, key, strict=True)
    )
