"""The engine's door for file feeds: load files, ask what stands. How rows land, are judged and published lies
elsewhere.

A load is opened in a journal session that commits at once, so that a crash leaves a trace; everything else of
a call commits together. Files that cannot be loaded do not hold up the others: those are published, then the
error is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import psycopg

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine import loads
from sales_platform.engine.arrivals import land_arrivals
from sales_platform.engine.files import SourceFile
from sales_platform.engine.landing import ensure_raw_table
from sales_platform.engine.landing_loads import load_landings
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.loads import LoadState, load_states
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.parents import deciding_parents, note_parents
from sales_platform.engine.partition_loads import load_partitions
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.staging import staging_name
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import SalesPlatformError

__all__ = ["LoadState", "load_files", "load_states"]

log = logging.getLogger(__name__)


def load_files(
    warehouse: Warehouse, feed: FileFeedContract, files: Sequence[SourceFile], *, run_id: str = ""
) -> list[LoadReport]:
    """Load files, one per partition, in one transaction; content that already stands is not read again.

    Rows that were held only for their date, and partitions judged by an older contract, are judged again on
    the way. Raises, after the others were published, the error of a file that cannot be read (SourceError) or
    that was refused beyond the contract's reject_limit (DataRefused, Q-09).
    """
    with warehouse.connect(autocommit=True) as journal:
        call = _load(warehouse, journal, feed, files, run_id)
    for report in call.reports:
        loads.log_load(report)
    if call.faults:
        raise _combined(call.faults)
    return [*call.unchanged, *call.reports]


def _load(
    warehouse: Warehouse,
    journal: Connection,
    feed: FileFeedContract,
    files: Sequence[SourceFile],
    run_id: str,
) -> LoadCall:
    call: LoadCall | None = None
    try:
        with warehouse.transaction() as connection:
            call = LoadCall(connection, journal, feed, run_id)
            _publish(call, files)
    except BaseException as error:
        # Only now: the transaction that is rolled back held the locks of the journal's rows.
        if call is not None:
            _record_failure(call, error)
        raise
    return call


def _publish(call: LoadCall, files: Sequence[SourceFile]) -> None:
    lock_tables(call.connection, [str(staging_name(call.feed)), *deciding_parents(call.feed)])
    loads.bury_dead_loads(call.journal, call.feed.name)
    ensure_raw_table(call.connection, call.feed)
    states = load_states(call.connection, call.feed)
    arrivals = land_arrivals(call, files, states)
    if call.feed.partitions == "none":
        load_landings(call, arrivals, states)
    else:
        load_partitions(call, arrivals, states)
    note_parents(call.connection, call.feed)


def _record_failure(call: LoadCall, error: BaseException) -> None:
    message = str(error) if isinstance(error, SalesPlatformError) else f"ended early ({type(error).__name__})"
    try:
        call.fail_open_loads(message)
    except psycopg.Error as lost:
        # The server is gone; the next load of this feed finds these loads running and buries them.
        log.warning(
            "the failure of a load could not be recorded feed=%s (%s)", call.feed.name, type(lost).__name__
        )


def _combined(faults: Sequence[SalesPlatformError]) -> SalesPlatformError:
    """One error for all files that failed: the first one's kind, every one's message."""
    if len(faults) == 1:
        return faults[0]
    return type(faults[0])(
        f"{len(faults)} files could not be loaded: " + " | ".join(str(fault) for fault in faults)
    )
