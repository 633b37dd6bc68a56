"""The load record and the rejections of an import of whole documents, whose clean ones go into a source and not into
the warehouse. Neither reads nor judges a document.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine import loads, quarantine
from sales_platform.engine.bad_records import BadRecords
from sales_platform.engine.files import SourceFile
from sales_platform.engine.landing import Landed
from sales_platform.engine.loads import OpenLoad
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.reader import BadRecord
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Connection, Warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rejection:
    """A refused line. content: its bytes, JSON unless `unreadable`. key: what names the document, where it says."""

    line: int
    content: bytes = field(repr=False)
    key: str | None
    reasons: tuple[str, ...]
    unreadable: bool = False


@dataclass(frozen=True)
class DocumentCounts:
    """What became of the documents that were not refused."""

    loaded: int
    unchanged: int
    duplicate: int = 0


def record_import(
    warehouse: Warehouse,
    feed: FileFeedContract,
    file: SourceFile,
    content: tuple[str, int],
    rejections: Sequence[Rejection],
    write: Callable[[], DocumentCounts],
) -> LoadReport:
    """Let `write` put the clean documents of a file where they belong, then write down the load and its rejections.

    The partition is the file's name; a rejection that a later import of it no longer meets is resolved. content: hash
    and bytes of the file. What `write` has committed stays if the warehouse fails after it: the next import finds those
    documents unchanged. Two imports of one feed wait for each other.
    """
    started = time.monotonic()
    opened: OpenLoad | None = None
    content_hash, bytes_read = content
    with warehouse.connect(autocommit=True) as journal:
        try:
            with warehouse.transaction() as connection:
                lock_tables(connection, [feed.name])
                loads.bury_dead_loads(journal, feed.name)
                opened = loads.open_load(
                    journal, feed, file.partition, file.path, content_hash, "", landed=False
                )
                counts = write()
                _quarantine(connection, feed, opened, rejections)
                report = _report(opened, counts, rejections, bytes_read, time.monotonic() - started)
                loads.close_loads(connection, [report])
        except BaseException as error:
            if opened is not None:
                _record_failure(journal, opened, error)
            raise
    loads.log_load(report)
    return report


def _quarantine(
    connection: Connection, feed: FileFeedContract, load: OpenLoad, rejections: Sequence[Rejection]
) -> None:
    quarantine.start_refusals(connection)
    unreadable = BadRecords()
    for rejection in rejections:
        if rejection.unreadable:
            unreadable.append(BadRecord(rejection.line, rejection.content, rejection.reasons[0]))
    quarantine.refuse_unreadable(connection, Landed(load, 0, 0, unreadable, ()))
    with connection.cursor() as cursor:
        cursor.executemany(
            _REFUSE, [_row(load, rejection) for rejection in rejections if not rejection.unreadable]
        )
    quarantine.record_refusals(connection, feed, [load.partition], relanded=True)
    quarantine.finish_refusals(connection)


# Python's JSON allows what PostgreSQL's does not, such as an escaped NUL or NaN; such a line is kept as text.
# Materialized, because a cast of a constant would be tried before the question whether it can be.
_REFUSE = """
    with received as materialized (select %(content)s::text as content, %(key)s::text as key)
    insert into refused (load_id, partition, source_row, business_key, reasons, raw_record, origin)
    select %(load)s, %(partition)s, %(line)s, case when key is not null then jsonb_build_array(key) end, %(reasons)s,
        case when pg_input_is_valid(content, 'jsonb') then content::jsonb
            else jsonb_build_object('_line', content) end, 'contract'
    from received
"""


def _row(load: OpenLoad, rejection: Rejection) -> dict[str, object]:
    return {
        "load": load.load_id,
        "partition": load.partition,
        "line": rejection.line,
        "key": rejection.key,
        "reasons": list(rejection.reasons),
        "content": rejection.content.decode(),
    }


def _report(
    load: OpenLoad,
    counts: DocumentCounts,
    rejections: Sequence[Rejection],
    bytes_read: int,
    seconds: float,
) -> LoadReport:
    reasons = Counter(rejection.reasons[0] for rejection in rejections)
    return LoadReport(
        load.feed,
        load.partition,
        load.source,
        "succeeded",
        load.load_id,
        read=counts.loaded + counts.unchanged + counts.duplicate + len(rejections),
        loaded=counts.loaded,
        unchanged=counts.unchanged,
        duplicate=counts.duplicate,
        rejected=len(rejections),
        bytes_read=bytes_read,
        seconds=seconds,
        reasons=dict(sorted(reasons.items(), key=lambda found: (-found[1], found[0]))),
    )


def _record_failure(journal: Connection, load: OpenLoad, error: BaseException) -> None:
    try:
        loads.fail_loads(journal, [load.load_id], "failed", loads.why_failed(error))
    except psycopg.Error as lost:
        # The next import finds this load running and buries it.
        log.warning(
            "the failure of a load could not be recorded feed=%s (%s)", load.feed, type(lost).__name__
        )
