"""What `sales-platform status` tells: where each feed stands, and the next act. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import sql
from psycopg.rows import class_row

from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import TableFeed
from sales_platform.engine.freshness import judge_freshness, last_seen
from sales_platform.engine.incidents import OpenIncident, open_incidents
from sales_platform.engine.loads import STANDING, load_states
from sales_platform.engine.oltp.watermarks import warehouse_clock
from sales_platform.engine.strays import strays
from sales_platform.engine.warehouse import Connection
from sales_platform.operations.failing_checks import FailingCheck, failing_checks
from sales_platform.operations.file_planning import survey_files
from sales_platform.operations.opening import open_warehouse
from sales_platform.operations.planning import Why, plan_days
from sales_platform.operations.source_status import (
    SourceStatus,
    due_of,
    imported_feeds,
    source_status,
)
from sales_platform.operations.surveying import day_loads, hashes, path_of, today_of
from sales_platform.operations.undated import list_state
from sales_platform.settings import Settings

__all__ = ["FailingCheck", "FeedStatus", "OpenIncident", "PlatformStatus", "platform_status", "status"]


@dataclass(frozen=True)
class LastLoad:
    """The newest load of a feed, whatever came of it."""

    status: str
    partition: str
    at: datetime
    message: str | None


@dataclass(frozen=True)
class Fates:
    """Rows by fate, over the load that each partition stands by."""

    partitions: int = 0
    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    duplicate: int = 0
    superseded: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class FeedAge:
    """How fresh a feed is, as its check `freshness` judges it. verdict: fresh, old, too old, unknown, in the future.
    seconds: since its newest day ended, or since the last look.
    """

    verdict: str
    seconds: float | None


@dataclass(frozen=True)
class FeedStatus:
    """Where a feed stands.

    missing: days without a file, or the path of an undated feed's file. due: reason → partitions that a run
    would take. open_rejections: rows in quarantine. next: the command to run, or None. source: how far a table of
    an OLTP source was read; None for files. strays: files in the feed's folders that no feed reads. age: None for
    imports, which nobody repeats.
    """

    feed: str
    last_load: LastLoad | None
    fates: Fates
    missing: tuple[str, ...]
    due: dict[str, int]
    open_rejections: int
    next: str | None
    source: SourceStatus | None = None
    strays: tuple[str, ...] = ()
    age: FeedAge | None = None


@dataclass(frozen=True)
class PlatformStatus:
    """incidents: those that are open, the oldest first. failing: checks whose newest evaluation failed. next: the
    command to run first, or None.
    """

    feeds: list[FeedStatus]
    incidents: list[OpenIncident]
    failing: list[FailingCheck]
    next: str | None


def platform_status(settings: Settings) -> PlatformStatus:
    """All that the command tells."""
    with open_warehouse(settings) as warehouse:
        with warehouse.transaction() as connection:
            feeds, incidents = _feeds(settings, connection), open_incidents(connection)
        failing = failing_checks(settings)
    return PlatformStatus(feeds, incidents, failing, first_act(feeds, failing))


def status(settings: Settings) -> list[FeedStatus]:
    """Every feed of every domain: of files, of source tables, and of imports that were made."""
    with open_warehouse(settings) as warehouse, warehouse.transaction() as connection:
        return _feeds(settings, connection)


def first_act(feeds: list[FeedStatus], failing: list[FailingCheck]) -> str | None:
    """What is due comes first, because it may mend a check; a check that only warns is no act."""
    due = [feed.next for feed in feeds if feed.next and feed.due]
    broken = [f"sales-platform check {check.selection}" for check in failing if check.is_error]
    others = [feed.next for feed in feeds if feed.next and not feed.due]
    return next(iter([*due, *broken, *others]), None)


def _feeds(settings: Settings, connection: Connection) -> list[FeedStatus]:
    catalog = read_catalog()
    rejections = _open_rejections(connection)
    files = [
        _feed_status(settings, connection, feed, rejections.get(feed.name, 0))
        for feed in catalog.feeds.values()
    ]
    tables = [
        _table_status(connection, feed, rejections.get(feed.name, 0)) for feed in catalog.table_feeds.values()
    ]
    imports = imported_feeds(connection, [*catalog.feeds, *catalog.table_feeds])
    return [
        *files,
        *tables,
        *(_import_status(connection, feed, rejections.get(feed, 0)) for feed in imports),
    ]


def _feed_status(
    settings: Settings, connection: Connection, feed: FileFeedContract, rejections: int
) -> FeedStatus:
    judge = {"daily": _daily, "per_file": _by_file, "none": _undated}[feed.partitions]
    due, missing = judge(settings, connection, feed)
    newest = _last_load(connection, feed.name)
    return FeedStatus(
        feed.name,
        newest,
        _fates(connection, feed.name, by_partition=feed.partitions != "none"),
        missing,
        due,
        rejections,
        next_act(feed.domain, newest, due, missing, rejections),
        strays=strays(settings.data_root, feed),
        age=_age(connection, feed),
    )


def _table_status(connection: Connection, feed: TableFeed, rejections: int) -> FeedStatus:
    newest = _last_load(connection, feed.name)
    source = source_status(connection, feed)
    due = due_of(
        connection,
        feed,
        newest.status if newest else None,
        unfinished=source is not None and source.unfinished,
    )
    fates = _fates(connection, feed.name, by_partition=False)
    act = next_act(feed.domain, newest, due, (), rejections)
    age = _age(connection, feed)
    return FeedStatus(feed.name, newest, fates, (), due, rejections, act, source, age=age)


def _age(connection: Connection, feed: FileFeedContract | TableFeed) -> FeedAge:
    now = warehouse_clock(connection)
    fresh = judge_freshness(last_seen(connection, feed, now), feed.freshness_bounds, now)
    return FeedAge(
        fresh.verdict.value, round(fresh.age.total_seconds(), 1) if fresh.age is not None else None
    )


def _import_status(connection: Connection, feed: str, rejections: int) -> FeedStatus:
    newest = _last_load(connection, feed)
    failed = newest is not None and newest.status not in (*STANDING, "running")
    act = "repeat the import that failed" if failed else next_act("", newest, {}, (), rejections)
    return FeedStatus(feed, newest, _fates(connection, feed, by_partition=True), (), {}, rejections, act)


def next_act(
    domain: str, newest: LastLoad | None, due: dict[str, int], missing: tuple[str, ...], rejections: int
) -> str | None:
    """The command that helps most; None where nothing is to be done."""
    if due:
        return f"sales-platform run {domain}"
    if newest is None and missing:
        return f"put {missing[0]} below the data folder, or: sales-platform simulate {domain}"
    if missing:
        return f"put the files there, then: sales-platform run {domain}"
    if rejections:
        return "look at quality.rejected_record"
    return None


def _daily(
    settings: Settings, connection: Connection, feed: FileFeedContract
) -> tuple[dict[str, int], tuple[str, ...]]:
    states = load_states(connection, feed, settings.zone)
    today = today_of(settings)
    plan = plan_days(
        files=hashes(settings.data_root, feed, (settings.partitions_start, today - timedelta(days=1))),
        loads=day_loads(states),
        stale=(),
        days=None,
        start=settings.partitions_start,
        today=today,
    )
    due = _counted(plan.todo)
    missing: tuple[date, ...] = plan.missing
    if not (plan.todo or states or missing):
        missing = (today - timedelta(days=1),)
    return due, tuple(path_of(settings.data_root, feed, day) for day in missing)


def _by_file(
    settings: Settings, connection: Connection, feed: FileFeedContract
) -> tuple[dict[str, int], tuple[str, ...]]:
    plan = survey_files(settings, connection, feed)
    nothing_yet = not (plan.todo or plan.standing or plan.gone)
    return _counted(plan.todo), (*plan.gone, *((feed.path,) if nothing_yet else ()))


def _counted(todo: Mapping[Any, Why]) -> dict[str, int]:
    """Reason → how many days or files."""
    return dict(Counter(why.value for why in todo.values()))


def _undated(
    settings: Settings, connection: Connection, feed: FileFeedContract
) -> tuple[dict[str, int], tuple[str, ...]]:
    state = list_state(settings, connection, feed)
    return {state.why.value: 1} if state.why else {}, (state.missing,) if state.missing else ()


def _open_rejections(connection: Connection) -> dict[str, int]:
    found = connection.execute(
        "select feed, count(*) from quality.rejected_record where resolved_at is null group by feed"
    )
    return dict(found.fetchall())


def _last_load(connection: Connection, feed: str) -> LastLoad | None:
    with connection.cursor(row_factory=class_row(LastLoad)) as cursor:
        return cursor.execute(
            """
            select status, partition, coalesce(finished_at, started_at) as at, message
            from ops.load where feed = %s order by load_id desc limit 1
            """,
            [feed],
        ).fetchone()


def _fates(connection: Connection, feed: str, *, by_partition: bool) -> Fates:
    """Over the newest success of each partition, or of the whole feed where it has none."""
    standing = "partition" if by_partition else "feed"
    with connection.cursor(row_factory=class_row(Fates)) as cursor:
        found = cursor.execute(
            sql.SQL("""
            select
                count(*) as partitions, coalesce(sum(rows_read), 0)::bigint as read,
                coalesce(sum(rows_loaded), 0)::bigint as loaded,
                coalesce(sum(rows_unchanged), 0)::bigint as unchanged,
                coalesce(sum(rows_duplicate), 0)::bigint as duplicate,
                coalesce(sum(rows_superseded), 0)::bigint as superseded,
                coalesce(sum(rows_rejected), 0)::bigint as rejected
            from (
                select distinct on ({standing}) *
                from ops.load where feed = %s and status = 'succeeded' order by {standing}, load_id desc
            ) as standing
            """).format(standing=sql.Identifier(standing)),
            [feed],
        ).fetchone()
    return found or Fates()
