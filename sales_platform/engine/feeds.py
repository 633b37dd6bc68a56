"""The engine's door for file feeds: load files, ask what stands. How rows land, are judged and published lies
elsewhere.

A load is opened in a journal session that commits at once, so that a crash leaves a trace; everything else of
a call commits together. Files that cannot be loaded do not hold up the others: those are published, then the
error is raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

import psycopg

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine import loads
from sales_platform.engine.arrivals import Arrivals, land_arrivals
from sales_platform.engine.files import SourceFile
from sales_platform.engine.landing import ensure_raw_table
from sales_platform.engine.landing_loads import load_landings
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.loads import LoadState, corrections_of, load_states
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.parents import deciding_parents, note_parents
from sales_platform.engine.partition_loads import load_partitions
from sales_platform.engine.refused_samples import SAMPLES
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.snapshots import Meant, closing_limit
from sales_platform.engine.staging import staging_name
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import DataRefused, SalesPlatformError

__all__ = ["LoadState", "combined", "load_files", "load_states", "publish_call"]

log = logging.getLogger(__name__)

Arrive = Callable[[LoadCall, Mapping[str, LoadState]], Arrivals]


def load_files(
    warehouse: Warehouse,
    feed: FileFeedContract,
    files: Sequence[SourceFile],
    *,
    run_id: str = "",
    meant: Meant | None = None,
    catalog: Catalog | None = None,
) -> list[LoadReport]:
    """Load files, one per partition, in one transaction; content that already stands is not read again.

    Rows that were held only for their date, and partitions judged by an older contract, are judged again on
    the way. meant: what was declared of snapshots that would else be refused. catalog: where the dimensions stand that
    say how much one may close; the project's own unless given. Raises, after the others were published, the error of a
    file that cannot be read (SourceError) or that was refused: beyond the contract's reject_limit (DataRefused, Q-09),
    or as a snapshot that closes too much or contradicts another one (S-33, S-73).
    """

    def arrive(call: LoadCall, states: Mapping[str, LoadState]) -> Arrivals:
        call.meant = meant or Meant()
        return land_arrivals(call, files, states)

    call = publish_call(warehouse, feed, run_id, arrive, catalog=catalog)
    if call.faults:
        raise combined(call.faults)
    return [*call.unchanged, *call.reports]


def publish_call(
    warehouse: Warehouse,
    feed: FileFeedContract,
    run_id: str,
    arrive: Arrive,
    finish: Callable[[LoadCall], None] = lambda _call: None,
    *,
    catalog: Catalog | None = None,
) -> LoadCall:
    """Publish in one transaction what `arrive` finds; one file's fault is noted in the call, any other error ends it.

    arrive: called with the feed locked and what stands of it. finish: called before the commit.
    """

    def publish(call: LoadCall) -> None:
        if feed.is_complete:
            call.closing_limit = closing_limit(feed, catalog or read_catalog())
        _publish(call, arrive)
        finish(call)

    with warehouse.connect(autocommit=True) as journal:
        # Its traces are flushed with the rows they tell of; of rows that a fall of the server takes, none is needed.
        journal.execute("set synchronous_commit = off")
        call = _load(warehouse, journal, feed, run_id, publish)
    for report in call.reports:
        loads.log_load(report)
    return call


def _load(
    warehouse: Warehouse,
    journal: Connection,
    feed: FileFeedContract,
    run_id: str,
    publish: Callable[[LoadCall], None],
) -> LoadCall:
    call: LoadCall | None = None
    try:
        with warehouse.transaction() as connection:
            call = LoadCall(connection, journal, feed, run_id)
            publish(call)
    except BaseException as error:
        # Only now: the transaction that is rolled back held the locks of the journal's rows.
        if call is not None:
            _record_failure(call, error)
        raise
    return call


def _publish(call: LoadCall, arrive: Arrive) -> None:
    lock_tables(call.connection, [str(staging_name(call.feed)), *deciding_parents(call.feed)])
    loads.bury_dead_loads(call.journal, call.feed.name)
    ensure_raw_table(call.connection, call.feed)
    states = load_states(call.connection, call.feed)
    call.corrections = corrections_of(states.values())
    arrivals = arrive(call, states)
    if call.feed.lands_beside:
        load_landings(call, arrivals, states)
    else:
        load_partitions(call, arrivals, states)
    note_parents(call.connection, call.feed)
    if call.faults and call.resubmitted:
        # A partition that is refused keeps its rejected rows: the corrections of this call go back with it.
        raise combined(call.faults)


def _record_failure(call: LoadCall, error: BaseException) -> None:
    try:
        call.fail_open_loads(loads.why_failed(error))
    except psycopg.Error as lost:
        # The server is gone; the next load of this feed finds these loads running and buries them.
        log.warning(
            "the failure of a load could not be recorded feed=%s (%s)", call.feed.name, type(lost).__name__
        )


def combined(faults: Sequence[SalesPlatformError]) -> SalesPlatformError:
    """One error for all files that failed: the first one's kind, every one's message."""
    if len(faults) == 1:
        return faults[0]
    error = type(faults[0])(
        f"{len(faults)} files could not be loaded: " + " | ".join(str(fault) for fault in faults)
    )
    refused = [fault for fault in faults if isinstance(fault, DataRefused)]
    if isinstance(error, DataRefused):
        error.samples = [sample for fault in refused for sample in fault.samples][:SAMPLES]
        if all(isinstance(fault, DataRefused) and fault.rejected for fault in faults):
            error.rejected = {name: rows for fault in refused for name, rows in fault.rejected.items()}
    return error
