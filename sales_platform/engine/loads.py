"""The record of loads in `ops.load`: opened before anything is read, closed with the fate of every row."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import TableFeed
from sales_platform.engine.business_days import business_zone, day_ends
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import SalesPlatformError

log = logging.getLogger(__name__)

# States of a load after which the rows of its partition stand.
STANDING = ("succeeded", "unchanged")


@dataclass(frozen=True)
class LoadState:
    """Where a partition of a feed stands: its newest load that tried to publish, and the content that is
    published.

    status: of the newest load. content_hash, contract_hash, landed_load_id: of the newest one that published.
    resubmitted_load_ids: the loads whose rows in raw take the place of lines that landed, oldest first.
    partial: the partition is a day that had not ended when that load began (B-14).
    """

    partition: str
    load_id: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    content_hash: str | None
    contract_hash: str | None
    landed_load_id: int | None
    partial: bool
    judged_by_current_contract: bool
    resubmitted_load_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Row:
    partition: str
    load_id: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    content_hash: str | None
    contract_hash: str | None
    landed_load_id: int | None
    resubmitted_load_ids: list[int]
    published_at: datetime | None


_STATES = """
    with newest as (
        select distinct on (partition) partition, load_id, status, started_at, finished_at
        from ops.load where feed = %(feed)s order by partition, load_id desc
    ),
    published as (
        select distinct on (partition) partition, content_hash, contract_hash, started_at as published_at
        from ops.load where feed = %(feed)s and status = 'succeeded' order by partition, load_id desc
    ),
    looked as (
        select partition, max(started_at) as looked_at
        from ops.load where feed = %(feed)s and status in ('succeeded', 'unchanged') group by partition
    ),
    landed as (
        select partition, max(load_id) as landed_load_id
        from ops.load where feed = %(feed)s and status = 'succeeded' and landed and not resubmission
        group by partition
    ),
    resubmitted as (
        select partition, array_agg(r.load_id order by r.load_id) as load_ids
        from ops.load as r inner join landed as l using (partition)
        where r.feed = %(feed)s and r.status = 'succeeded' and r.resubmission and r.load_id > l.landed_load_id
        group by partition
    )
    select n.*, p.content_hash, p.contract_hash, l.landed_load_id,
        coalesce(r.load_ids, '{}') as resubmitted_load_ids, k.looked_at as published_at
    from newest as n
    left join published as p using (partition)
    left join looked as k using (partition)
    left join landed as l using (partition)
    left join resubmitted as r using (partition)
    order by partition
"""


def load_states(
    connection: Connection, feed: FileFeedContract, zone: ZoneInfo | None = None
) -> dict[str, LoadState]:
    """Partition → state. For a feed without partitions every landing is a partition; the last one is the
    newest.
    """
    zone = zone or business_zone(connection)
    with connection.cursor(row_factory=class_row(_Row)) as cursor:
        rows = cursor.execute(_STATES, {"feed": feed.name}).fetchall()
    return {row.partition: _state(row, feed, zone) for row in rows}


def newest_landing(states: Iterable[LoadState]) -> LoadState | None:
    """The state whose rows landed last; None if raw holds no row of any."""
    landed = [state for state in states if state.landed_load_id is not None]
    return max(landed, key=lambda state: state.landed_load_id or 0, default=None)


def corrections_of(states: Iterable[LoadState]) -> dict[int, int]:
    """Load of corrected rows → the load whose lines they take the place of."""
    return {
        load_id: state.landed_load_id
        for state in states
        for load_id in state.resubmitted_load_ids
        if state.landed_load_id is not None
    }


def _state(row: _Row, feed: FileFeedContract, zone: ZoneInfo) -> LoadState:
    return LoadState(
        row.partition,
        row.load_id,
        row.status,
        row.started_at,
        row.finished_at,
        row.content_hash,
        row.contract_hash,
        row.landed_load_id,
        partial=feed.partitions == "daily" and _before_end_of_day(row.partition, row.published_at, zone),
        judged_by_current_contract=row.contract_hash == feed.judgement_hash,
        resubmitted_load_ids=tuple(row.resubmitted_load_ids),
    )


def _before_end_of_day(partition: str, moment: datetime | None, zone: ZoneInfo) -> bool:
    return moment is not None and moment < day_ends(date.fromisoformat(partition), zone)


@dataclass(frozen=True)
class OpenLoad:
    load_id: int
    feed: str
    partition: str
    source: str
    content_hash: str | None
    landed: bool
    started_at: datetime


def bury_dead_loads(journal: Connection, feed: str) -> None:
    """Mark loads that a dead process left running; the caller holds the feed's lock, so none of them lives."""
    journal.execute(
        """
        update ops.load set status = 'failed', finished_at = clock_timestamp(),
            message = 'the process ended before the load did'
        where feed = %s and status = 'running'
        """,
        [feed],
    )


@dataclass(frozen=True)
class Arriving:
    """A file that is about to be read. columns: of its header, None where that tells none."""

    partition: str
    source: str
    content_hash: str
    columns: tuple[str, ...] | None


def open_loads(
    journal: Connection, feed: FileFeedContract, arriving: Sequence[Arriving], run_id: str
) -> list[OpenLoad]:
    """Record that the loads of some files begin, in their order and in one go."""
    judgement = feed.judgement_hash
    with journal.cursor() as cursor:
        cursor.executemany(
            """
            insert into ops.load (feed, partition, source, content_hash, contract_hash, run_id, landed, columns)
            values (%s, %s, %s, %s, %s, nullif(%s, ''), true, %s) returning load_id, started_at
            """,
            [
                (feed.name, one.partition, one.source, one.content_hash, judgement, run_id, columns)
                for one in arriving
                for columns in [list(one.columns) if one.columns is not None else None]
            ],
            returning=True,
        )
        rows = [row for _ in cursor.results() for row in cursor.fetchall()] if arriving else []
    return [
        OpenLoad(load_id, feed.name, one.partition, one.source, one.content_hash, True, started_at)
        for one, (load_id, started_at) in zip(arriving, rows, strict=True)
    ]


def open_load(
    journal: Connection,
    feed: FileFeedContract | TableFeed,
    partition: str,
    source: str,
    content_hash: str | None,
    run_id: str,
    *,
    landed: bool = True,
    resubmission: bool = False,
) -> OpenLoad:
    """Record that a load begins; committed at once through the journal connection, so that a crash leaves a
    trace. resubmission: its rows are corrections of rows that landed.
    """
    row = journal.execute(
        """
        insert into ops.load (feed, partition, source, content_hash, contract_hash, run_id, landed, resubmission)
        values (%s, %s, %s, %s, %s, nullif(%s, ''), %s, %s) returning load_id, started_at
        """,
        [feed.name, partition, source, content_hash, feed.judgement_hash, run_id, landed, resubmission],
    ).fetchone()
    assert row is not None
    return OpenLoad(row[0], feed.name, partition, source, content_hash, landed, row[1])


def open_table_load(
    journal: Connection, feed: TableFeed, source: str, run_id: str, columns: Sequence[str] | None
) -> OpenLoad:
    """The same for a table of a source, whose columns are known by then unless it could not be looked at."""
    row = journal.execute(
        """
        insert into ops.load (feed, partition, source, contract_hash, run_id, landed, columns)
        values (%s, '', %s, %s, nullif(%s, ''), true, %s) returning load_id, started_at
        """,
        [feed.name, source, feed.judgement_hash, run_id, list(columns) if columns is not None else None],
    ).fetchone()
    assert row is not None
    return OpenLoad(row[0], feed.name, "", source, None, True, row[1])


def record_unchanged(
    journal: Connection, feed: FileFeedContract, partition: str, source: str, run_id: str
) -> LoadReport:
    """Record a look at a file whose content already stands."""
    opened = open_load(journal, feed, partition, source, None, run_id, landed=False)
    journal.execute(
        """
        update ops.load set status = 'unchanged', finished_at = clock_timestamp(), message = 'same content as published'
        where load_id = %s
        """,
        [opened.load_id],
    )
    report = LoadReport(feed.name, partition, source, "unchanged", opened.load_id)
    log_load(report)
    return report


def close_loads(connection: Connection, reports: Sequence[LoadReport]) -> None:
    """Write the fates of each load, in the transaction that publishes its rows."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            update ops.load set status = 'succeeded', finished_at = clock_timestamp(), rows_read = %s, rows_loaded = %s,
                rows_unchanged = %s, rows_duplicate = %s, rows_superseded = %s, rows_rejected = %s, bytes_read = %s,
                message = nullif(%s, '')
            where load_id = %s
            """,
            [
                (
                    r.read,
                    r.loaded,
                    r.unchanged,
                    r.duplicate,
                    r.superseded,
                    r.rejected,
                    r.bytes_read,
                    "; ".join(r.notes),
                    r.load_id,
                )
                for r in reports
            ],
        )


def why_failed(error: BaseException) -> str:
    """What the record of a load says of the error that ended it; text of an unknown one may hold row values."""
    return str(error) if isinstance(error, SalesPlatformError) else f"ended early ({type(error).__name__})"


def fail_loads(journal: Connection, load_ids: Iterable[int], status: str, message: str) -> None:
    """Record why loads published nothing. status: `failed` or `refused`.

    A warehouse that is gone takes no note of it, and what made the load fail matters more; the next load of the feed
    finds the record and buries it.
    """
    with suppress(psycopg.OperationalError):
        journal.execute(
            """
            update ops.load set status = %s, finished_at = clock_timestamp(), message = %s, landed = false
            where load_id = any(%s) and status = 'running'
            """,
            [status, message, list(load_ids)],
        )


def judged_by(connection: Connection, feed: str) -> str | None:
    """The contract by which the newest load of a feed that published judged its rows."""
    row = connection.execute(
        "select contract_hash from ops.load where feed = %s and status = 'succeeded' order by load_id desc limit 1",
        [feed],
    ).fetchone()
    return row[0] if row else None


def newest_load_time(connection: Connection, feed: str, *, published: bool = False) -> datetime:
    """When the newest load of a feed began: what is dated beyond it is in the future (S-38).

    published: only loads that changed what stands count. A rebuild asks so, because a load that failed or is still
    running has released nothing.
    """
    row = connection.execute(
        "select max(started_at) from ops.load where feed = %s and status = any(%s)",
        [feed, ["succeeded"] if published else ["succeeded", "unchanged", "running"]],
    ).fetchone()
    moment = row[0] if row else None
    return moment if moment is not None else datetime.min.replace(tzinfo=UTC)


def log_load(report: LoadReport) -> None:
    log.info(
        "load feed=%s partition=%s status=%s read=%d loaded=%d unchanged=%d duplicate=%d superseded=%d rejected=%d"
        " seconds=%.2f",
        report.feed,
        report.partition,
        report.status,
        report.read,
        report.loaded,
        report.unchanged,
        report.duplicate,
        report.superseded,
        report.rejected,
        report.seconds,
    )
