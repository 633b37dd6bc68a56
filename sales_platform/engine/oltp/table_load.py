"""One table of a source in one transaction of the warehouse: what changed is logged, staged, and marked as read."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from psycopg import sql

from sales_platform.contracts.source import TableFeed
from sales_platform.engine import loads
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.loads import OpenLoad
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.oltp import staged
from sales_platform.engine.oltp.comparing import Compared, compare
from sales_platform.engine.oltp.log import (
    Sighting,
    ensure_log,
    finish_log,
    log_arrived,
    log_is_empty,
    log_name,
    make_changed_now,
)
from sales_platform.engine.oltp.open_transactions import Listing
from sales_platform.engine.oltp.reading import (
    newest_stamp,
    read_arrived,
    read_into_log,
    refuse_null_keys,
    since,
)
from sales_platform.engine.oltp.shape import Shape, read_shape
from sales_platform.engine.oltp.source import Snapshot, SourceSession
from sales_platform.engine.oltp.watermarks import Watermark, read_watermark, warehouse_clock, write_watermark
from sales_platform.engine.oltp.windows import Mark, moved, remembered, window
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.tables import exists, refresh_statistics
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.engine.warned import warning_notes
from sales_platform.errors import DataRefused, SalesPlatformError


@dataclass(frozen=True)
class Look:
    """What all tables of one load share: the snapshot, what was open before it, the warehouse's clock then.

    comparing: every table is compared whole, whatever its cursor. allow_deletes: however many rows vanished (S-33).
    """

    snapshot: Snapshot
    listing: Listing
    looked_at: datetime
    run_id: str = ""
    comparing: bool = False
    allow_deletes: bool = False


@dataclass
class TableLoad:
    """What came of one table. compared: only where the whole table was compared."""

    feed: TableFeed
    reports: list[LoadReport] = field(default_factory=list)
    compared: Compared | None = None


class Overtaken(Exception):
    """Another load looked later and has published: by this one's snapshot its rows would vanish again."""


def load_table(warehouse: Warehouse, feed: TableFeed, look: Look) -> TableLoad:
    """Read what changed since the mark, or compare everything where the contract names no cursor.

    Data and mark commit together. Raises Overtaken when the snapshot is older than what stands; SourceDrift,
    SourceError, DataRefused and ContractError. Nothing of the table is written then.
    """
    where = f"{staged.staging_name(feed)} ({warehouse.where})"
    with translated(where), warehouse.connect(autocommit=True) as journal:
        load = _Load(journal, feed, look)
        try:
            with (
                look.snapshot.reading(feed.source_table) as reader,
                warehouse.transaction() as connection,
                translated(where),
            ):
                load.run(reader, connection)
        except BaseException as error:
            load.record_failure(error)
            raise
    for report in load.done.reports:
        loads.log_load(report)
    return load.done


class _Load:
    """The steps of one load; each opens a row of ops.load, publishes what it logged and reports its fates."""

    def __init__(self, journal: Connection, feed: TableFeed, look: Look) -> None:
        self.journal = journal
        self.feed = feed
        self.look = look
        self.done = TableLoad(feed)
        self.opened: list[OpenLoad] = []
        self.started = time.monotonic()
        self.notes: list[str] = []
        self.warned: dict[str, int] = {}
        self.new_columns: tuple[str, ...] = ()
        self.columns: tuple[str, ...] | None = None

    def run(self, reader: SourceSession, connection: Connection) -> None:
        feed = self.feed
        lock_tables(connection, [str(staged.staging_name(feed))])
        loads.bury_dead_loads(self.journal, feed.name)
        shape = read_shape(reader, feed)
        self.columns = shape.names
        refuse_null_keys(reader, feed, shape)
        self.new_columns = ensure_log(connection, feed, shape)
        before = read_watermark(connection, feed.name) or Watermark()
        # a mark of the future was written by a clock that has gone back since, and overtakes nobody
        if before.looked_at and self.look.looked_at < before.looked_at <= warehouse_clock(connection):
            raise Overtaken
        newest = None
        if log_is_empty(connection, feed):
            newest = self._read_all(reader, connection, shape)
        else:
            self._arrange_anew(connection)
            if feed.cursor is not None:
                newest = self._read_window(reader, connection, shape, before)
            if self._must_compare(before):
                self._compare(reader, connection, shape)
        self._mark(connection, before, newest)
        loads.close_loads(connection, self.done.reports)

    def _read_all(self, reader: SourceSession, connection: Connection, shape: Shape) -> datetime | None:
        """Into an empty log nothing has to be compared: the rows go straight into raw."""
        load = self._open(self.look.snapshot.database.where)
        make_changed_now(connection, self.feed)
        rows = read_into_log(reader, connection, self.feed, shape, self._sighting(load))
        finish_log(connection, self.feed)
        refresh_statistics(connection, log_name(self.feed))
        staged.restage_log(connection, self.feed)
        refused = staged.record_all_refusals(connection, self.feed, load.load_id)
        self.warned = staged.warned_of(connection, self.feed, load.load_id)
        self._report(load, rows, rows, refused)
        return newest_stamp(connection, self.feed, log_name(self.feed).sql)

    def _arrange_anew(self, connection: Connection) -> None:
        """Staging by a changed contract, with a column that is new, or after a first load in chunks."""
        judged_by = loads.judged_by(connection, self.feed.name)
        stands = exists(connection, staged.staging_name(self.feed))
        if stands and not self.new_columns and judged_by == self.feed.judgement_hash:
            return
        if self.new_columns:
            self.notes.append(f"new columns in the source: {', '.join(self.new_columns)}")
        staged.restage_log(connection, self.feed)
        staged.record_all_refusals(connection, self.feed, self._newest_load(connection))

    def _read_window(
        self, reader: SourceSession, connection: Connection, shape: Shape, before: Watermark
    ) -> datetime | None:
        listing, source = self.look.listing, self.feed.source
        load = self._open(self.look.snapshot.database.where)
        overlap = source.blind_overlap if listing.blind else source.overlap
        span = window(
            before.mark, listing, before.elapsed(self.look.looked_at), overlap, ZoneInfo(source.zone)
        )
        self.notes += _said_of(listing, source.blind_overlap.total_seconds())
        make_changed_now(connection, self.feed)
        # rows that were read before have values in a new column too, under stamps that did not move (S-54)
        start = None if self.new_columns else span.start
        read_arrived(reader, connection, self.feed, shape, since(self.feed, shape, start))
        logged = log_arrived(connection, self.feed, shape, self._sighting(load), silent=False)
        refused = self._publish(connection, load)
        self._report(load, logged.rows, logged.logged, refused)
        return newest_stamp(connection, self.feed, sql.Identifier("pg_temp", "arrived"))

    def _must_compare(self, before: Watermark) -> bool:
        """Without a cursor always; also when another server answers, of whose stamps the mark says nothing (I-26)."""
        if self.feed.cursor is None or self.look.comparing:
            return True
        found = self.look.snapshot.identity
        moved_away = before.identity is not None and found is not None and before.identity != found
        if moved_away:
            self.notes.append(
                "another server or database answers than before, so every row was compared (I-26)"
            )
        return moved_away

    def _compare(self, reader: SourceSession, connection: Connection, shape: Shape) -> None:
        load = self._open(f"comparison with {self.look.snapshot.database.where}")
        make_changed_now(connection, self.feed)
        found = compare(
            reader, connection, self.feed, shape, self._sighting(load), allow_deletes=self.look.allow_deletes
        )
        refused = self._publish(connection, load)
        self.done.compared = found
        if self.feed.cursor is not None and found.differences:
            self.notes.append(
                f"no window had shown {found.missing} missing, {found.changed} changed and {found.deleted} deleted rows"
            )
        self._report(load, found.rows + found.deleted, found.differences, refused)

    def _publish(self, connection: Connection, load: OpenLoad) -> int:
        row = connection.execute("select exists (select from changed_now)").fetchone()
        if not (row and row[0]):
            return 0
        refused = staged.publish_changed(connection, self.feed, load.load_id)
        self.warned = staged.warned_of(connection, self.feed, load.load_id)
        return refused

    def _mark(self, connection: Connection, before: Watermark, newest: datetime | None) -> None:
        listing = self.look.listing
        position = moved(before.mark, listing, newest, self.feed.source.overlap) if self.feed.cursor else None
        seen = [stamp for stamp in (before.newest, newest) if stamp is not None]
        write_watermark(
            connection,
            self.feed.name,
            Watermark(
                Mark(position, listing.at, remembered(before.mark, listing)),
                self.look.looked_at,
                max(seen, default=None),
                self.look.snapshot.identity or before.identity,
            ),
        )

    def _sighting(self, load: OpenLoad) -> Sighting:
        return Sighting(load.load_id, self.look.snapshot.taken_at)

    def _open(self, source: str) -> OpenLoad:
        load = loads.open_table_load(self.journal, self.feed, source, self.look.run_id, self.columns)
        self.opened.append(load)
        return load

    def _newest_load(self, connection: Connection) -> int:
        row = connection.execute(
            "select max(load_id) from ops.load where feed = %s", [self.feed.name]
        ).fetchone()
        return int(row[0]) if row else 0

    def _report(self, load: OpenLoad, read: int, logged: int, refused: int) -> None:
        """Refused rows are logged too; what is neither was read before."""
        self.done.reports.append(
            LoadReport(
                self.feed.name,
                "",
                load.source,
                "succeeded",
                load.load_id,
                read=read,
                loaded=logged - refused,
                unchanged=read - logged,
                rejected=refused,
                seconds=time.monotonic() - self.started,
                new_columns=self.new_columns,
                notes=(*self.notes, *warning_notes(self.warned)),
                warned=self.warned,
            )
        )
        self.notes, self.new_columns, self.warned = [], (), {}

    def record_failure(self, error: BaseException) -> None:
        if isinstance(error, SalesPlatformError) and not self.opened:
            # refused before anything was read, by drift for example: that is to be seen in ops.load too
            self._open(self.look.snapshot.database.where)
        status = "refused" if isinstance(error, DataRefused) else "failed"
        loads.fail_loads(
            self.journal, [load.load_id for load in self.opened], status, loads.why_failed(error)
        )


def _said_of(listing: Listing, blind_seconds: float) -> list[str]:
    """What a person should know of the open transactions: why they were not seen, or how old the oldest is (I-07)."""
    if listing.blind:
        return [f"read back {blind_seconds:.0f} s before the mark, because {listing.blind}"]
    dated = [(listing.at - found.since, found.pid) for found in listing.open if found.since]
    if not dated:
        return []
    age, pid = max(dated, key=lambda pair: pair[0])
    count = f"{len(dated)} transaction{'s' if len(dated) > 1 else ''} open in the source"
    return [
        f"{count}, the oldest for {age.total_seconds():.0f} s (process {pid}); its rows come when it ends"
    ]
