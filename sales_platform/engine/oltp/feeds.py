"""The engine's door for OLTP sources: load tables, compare them whole. How one table is read lies elsewhere.

All tables of a load are read in one snapshot, so that no row arrives without its parent. One that fails keeps its
mark; the others commit (I-33).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sales_platform.contracts.source import PostgresFeedContract, TableFeed
from sales_platform.engine import loads
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.oltp.first_load import load_in_chunks, needs_chunks
from sales_platform.engine.oltp.open_transactions import Listing, list_open_transactions
from sales_platform.engine.oltp.source import Snapshot, SourceDatabase, exported_snapshot
from sales_platform.engine.oltp.table_load import Look, Overtaken, TableLoad, load_table
from sales_platform.engine.oltp.watermarks import warehouse_clock
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import SalesPlatformError, WrongUse

__all__ = ["SourceLoad", "TableLoad", "load_source"]


@dataclass
class SourceLoad:
    """tables: what came of each table that was loaded. faults: table → why it was not."""

    tables: list[TableLoad] = field(default_factory=list)
    faults: dict[str, SalesPlatformError] = field(default_factory=dict)

    def raise_faults(self) -> None:
        """One error for all tables that failed: the first one's kind, every one's message."""
        if self.faults:
            first = next(iter(self.faults.values()))
            # what stopped every table alike, a server that is down for example, is said once
            messages = dict.fromkeys(map(str, self.faults.values()))
            if len(messages) == 1:
                raise first
            told = " | ".join(messages)
            raise type(first)(f"{len(self.faults)} tables could not be loaded: {told}") from first


def load_source(
    warehouse: Warehouse,
    database: SourceDatabase,
    source: PostgresFeedContract,
    tables: Sequence[str] | None = None,
    *,
    run_id: str = "",
    comparing: bool = False,
    allow_deletes: bool = False,
) -> SourceLoad:
    """Bring the warehouse to what one snapshot of the source shows, for all its tables or some.

    comparing: also find what no stamp shows, by comparing every table whole. Faults of single tables stand in the
    result; raises what concerns the source as a whole (ServerUnavailable, ConfigurationError).
    """
    chosen = _chosen(source, tables)
    done = SourceLoad()
    with database.connect():
        # a source that does not answer is one fault, not one of every table
        pass
    chunks = {feed.name: _first_load(warehouse, database, feed, run_id, done) for feed in chosen}
    left = [feed for feed in chosen if feed.name not in done.faults]
    while left:
        with _look(warehouse, database, source.domain) as (snapshot, listing, looked_at):
            look = Look(snapshot, listing, looked_at, run_id, comparing, allow_deletes)
            left = _load_tables(warehouse, left, look, done)
    for table in done.tables:
        table.reports[:0] = chunks[table.feed.name]
    return done


@contextmanager
def _look(
    warehouse: Warehouse, database: SourceDatabase, domain: str
) -> Iterator[tuple[Snapshot, Listing, datetime]]:
    """Warehouse's clock, open transactions, snapshot, in this order; one load at a time, so that a later look is a
    later snapshot.
    """
    with ExitStack() as stack:
        with warehouse.transaction() as connection:
            lock_tables(connection, [f"source {domain}"])
            looked_at = warehouse_clock(connection)
            with database.connect() as lister:
                listing = list_open_transactions(lister)
            snapshot = stack.enter_context(exported_snapshot(database))
        yield snapshot, listing, looked_at


def _load_tables(
    warehouse: Warehouse, feeds: Sequence[TableFeed], look: Look, done: SourceLoad
) -> list[TableFeed]:
    """Returns those that another load overtook meanwhile: they need a newer look."""
    overtaken = []
    with ThreadPoolExecutor(feeds[0].source.readers) as pool:
        loaded = [(feed, pool.submit(load_table, warehouse, feed, look)) for feed in feeds]
        for feed, future in loaded:
            try:
                done.tables.append(future.result())
            except Overtaken:
                overtaken.append(feed)
            except SalesPlatformError as error:
                done.faults[feed.name] = error
    return overtaken


def _chosen(source: PostgresFeedContract, tables: Sequence[str] | None) -> list[TableFeed]:
    unknown = sorted(set(tables or ()) - source.tables.keys())
    if unknown:
        raise WrongUse(f"{source.domain} has no table {unknown[0]}; it has {', '.join(source.tables)}.")
    return [feed for feed in source.feeds if tables is None or feed.table in tables]


def _first_load(
    warehouse: Warehouse, database: SourceDatabase, feed: TableFeed, run_id: str, done: SourceLoad
) -> list[LoadReport]:
    reports: list[LoadReport] = []
    try:
        if needs_chunks(warehouse, database, feed):
            for report in load_in_chunks(warehouse, database, feed, run_id):
                loads.log_load(report)
                reports.append(report)
    except SalesPlatformError as error:
        done.faults[feed.name] = error
    return reports
