"""Looks at files, loads and tables of a domain and lets `planning` decide. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.files import existing_days, locate
from sales_platform.engine.loads import STANDING, LoadState, load_states
from sales_platform.engine.publish import stale_partitions
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import FileMissing, SourceError, SourceNotReady
from sales_platform.operations.planning import DayLoad, Plan, plan_days
from sales_platform.operations.selecting import Selected
from sales_platform.operations.undated import survey_undated
from sales_platform.settings import DataFolder, Settings


@dataclass(frozen=True)
class Survey:
    """The plan of a domain's days, its assets without days that are due, and the paths of files that it misses."""

    plan: Plan
    undated: tuple[str, ...]
    missing_paths: tuple[str, ...]


def survey(
    settings: Settings,
    warehouse: Warehouse,
    selected: Selected,
    days: tuple[date, date] | None,
    *,
    force: bool,
) -> Survey:
    """What a domain owes, in a range or up to yesterday."""
    catalog = read_catalog()
    feeds, tables = selected.daily_feeds(catalog), selected.daily_tables(catalog)
    with warehouse.transaction() as connection:
        undated = survey_undated(settings, connection, selected.undated, force=force)
        stale = stale_days(connection, tables)
        if not feeds:
            found = _plan(settings, {}, published_days(connection, tables), stale, days, force=force)
            plan = Plan(found.todo, standing=found.standing, fileless=found.fileless)
            return Survey(plan, undated.assets, undated.missing_paths)
        plans = {
            feed.name: _plan(
                settings,
                hashes(settings.data_root, feed, _bounds(settings, days)),
                day_loads(load_states(connection, feed, settings.zone)),
                stale,
                days,
                force=force,
            )
            for feed in feeds
        }
    paths = [path_of(settings.data_root, feed, day) for feed in feeds for day in plans[feed.name].missing]
    return Survey(merged(list(plans.values())), undated.assets, (*undated.missing_paths, *paths))


def merged(plans: list[Plan]) -> Plan:
    """One plan for feeds that land together: a day that one of them lacks waits, unless only tables do."""
    todo = {day: why for plan in reversed(plans) for day, why in plan.todo.items()}
    missing = sorted({day for plan in plans for day in plan.missing})
    fileless = frozenset(day for plan in plans for day in plan.fileless)
    runnable = {day: why for day, why in sorted(todo.items()) if day not in missing or day in fileless}
    return Plan(runnable, tuple(missing), min(plan.standing for plan in plans), fileless)


def stale_days(connection: Connection, tables: Collection[SqlTableContract]) -> set[date]:
    """Days of which some table holds something older than its input."""
    return {date.fromisoformat(day) for table in tables for day in stale_partitions(connection, table)}


def published_days(connection: Connection, tables: Collection[SqlTableContract]) -> dict[date, DayLoad]:
    """Days that stand in some table, for a selection without a feed."""
    found = connection.execute(
        "select distinct partition from ops.partition_version where table_name = any(%s) and partition <> ''",
        [[table.table for table in tables]],
    ).fetchall()
    return {date.fromisoformat(day): DayLoad(succeeded=True) for (day,) in found}


def hashes(data: DataFolder, feed: FileFeedContract, bounds: tuple[date, date]) -> dict[date, str]:
    """Day → content hash of its file. One that cannot be read counts as changed; its load says why."""
    found = {}
    for day in existing_days(data, feed.path):
        if bounds[0] <= day <= bounds[1]:
            try:
                found[day] = locate(data, feed.path, day).content_hash()
            except (SourceError, SourceNotReady):
                found[day] = ""
    return found


def day_loads(states: Mapping[str, LoadState]) -> dict[date, DayLoad]:
    """The newest load of each day, as `planning` takes it."""
    return {
        date.fromisoformat(partition): DayLoad(
            succeeded=state.status in STANDING,
            partial=state.partial,
            judged_by_current_contract=state.judged_by_current_contract,
            content_hash=state.content_hash,
        )
        for partition, state in states.items()
    }


def path_of(data: DataFolder, feed: FileFeedContract, day: date) -> str:
    """Where the file of a day is looked for, below the data folder."""
    try:
        return locate(data, feed.path, day).path
    except FileMissing as missing:
        return missing.where or feed.path


def today_of(settings: Settings) -> date:
    """The business day that has not ended."""
    return datetime.now(settings.zone).date()


def _bounds(settings: Settings, days: tuple[date, date] | None) -> tuple[date, date]:
    return days or (settings.partitions_start, today_of(settings) - timedelta(days=1))


def _plan(
    settings: Settings,
    files: Mapping[date, str],
    loads: Mapping[date, DayLoad],
    stale: Collection[date],
    days: tuple[date, date] | None,
    *,
    force: bool,
) -> Plan:
    return plan_days(
        files=files,
        loads=loads,
        stale=stale,
        days=days,
        start=settings.partitions_start,
        today=today_of(settings),
        force=force,
    )
