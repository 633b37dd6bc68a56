"""The sensor of a file feed: a run for files that are new, late or changed, once they stand still. How files are found,
the engine knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg

from sales_platform.components import launching, metadata, partitions, policy
from sales_platform.components.file_decisions import Decision, decide, spare, stretches, taken
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.files import SourceFile, existing_days, existing_files, locate
from sales_platform.engine.loads import STANDING, load_states, newest_landing
from sales_platform.engine.strays import strays
from sales_platform.errors import FileMissing, SalesPlatformError, SourceError, SourceNotReady
from sales_platform.resources import SourceFilesResource, WarehouseResource
from sales_platform.settings import DataFolder, load_settings

EVERY_SECONDS = 30
# Late days that lie apart are a run each up to this many; more are one run, which passes over the days between.
MOST_RUNS = 3
NAMED = 3


@dataclass(frozen=True)
class Seen:
    """One look at a feed's folders. looks: partition → size and time of change of its file, in the feed's order.
    unreadable: what is wrong with the files that cannot be looked at. early: days with a file that have not ended.
    strays: files beside them that no feed reads.
    """

    looks: dict[str, str]
    unreadable: tuple[str, ...] = ()
    early: tuple[str, ...] = ()
    strays: tuple[str, ...] = ()


def file_sensor(feed: FileFeedContract) -> dg.SensorDefinition:
    """`<feed>_files`: looks at sizes and times; reads only files of which the warehouse holds a load, to compare."""

    @dg.sensor(
        name=f"{feed.name}_files",
        target=dg.AssetSelection.groups(feed.domain),
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=policy.sensor_status(),
        description=f"Watches {feed.path}, and loads files that are new, late or changed once they stand still.",
    )
    def look(
        context: dg.SensorEvaluationContext, warehouse: WarehouseResource, source_files: SourceFilesResource
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            data = source_files.root
            seen = see(data, feed, datetime.now(UTC).astimezone(load_settings().zone).date())
            known, before = _remembered(context.cursor) or (_loaded(warehouse, feed, data, seen.looks), {})
            decision = decide(known, before, seen.looks)
            if decision.due:
                decision = _spared(context.instance, warehouse, feed, data, decision)
            cursor = json.dumps({"known": decision.known, "before": seen.looks})
            told = _remarks(decision, seen)
            if not decision.due:
                return dg.SensorResult(
                    skip_reason="; ".join(told) or "no file is new or changed", cursor=cursor
                )
            newest = _newest_day(warehouse, feed) if feed.partitions == "none" else None
        except SalesPlatformError as error:
            return dg.SkipReason(str(error))
        for remark in told:
            context.log.warning(remark)
        return _asked(context.instance, feed, decision, cursor, newest)

    return look


def see(data: DataFolder, feed: FileFeedContract, today: date) -> Seen:
    """Look at every file of the feed without reading it. One that cannot be looked at holds up no other.

    today: of the business time zone; a day is loaded when it has ended.
    """
    places, early = _places(data, feed, today)
    found, unreadable = {}, []
    for name in places:
        try:
            found[name] = _file(data, feed, name).look()
        except FileMissing:
            continue
        except (SourceError, SourceNotReady) as error:
            unreadable.append(str(error))
    return Seen(found, tuple(unreadable), tuple(early), strays(data, feed))


def _file(data: DataFolder, feed: FileFeedContract, name: str) -> SourceFile:
    return locate(data, feed.path, partitions.as_place(feed, name) if name else None)


def _places(data: DataFolder, feed: FileFeedContract, today: date) -> tuple[list[str], list[str]]:
    """Days that are partitions and have ended, files, or the one file of a feed without partitions; and the days that
    have not ended, today among them.
    """
    if feed.partitions == "per_file":
        return existing_files(data, feed.path), []
    if feed.partitions == "none":
        return [""], []
    first = load_settings().partitions_start
    days = existing_days(data, feed.path)
    ended = [day.isoformat() for day in days if first <= day < today]
    return ended, [day.isoformat() for day in days if day >= today]


def _remembered(cursor: str | None) -> tuple[dict[str, str], dict[str, str]] | None:
    if not cursor:
        return None
    kept = json.loads(cursor)
    return kept["known"], kept["before"]


def _loaded(
    warehouse: WarehouseResource, feed: FileFeedContract, data: DataFolder, now: Mapping[str, str]
) -> dict[str, str]:
    """The files of which the warehouse holds this very content, with their looks. One that was put back after a worse
    one was refused is not among them: only a run tells that all is well again.
    """
    with warehouse.open().transaction() as connection:
        states = load_states(connection, feed)
    if feed.partitions == "none":
        landed = newest_landing(states.values())
        newest = max(states.values(), key=lambda state: state.load_id, default=None)
        standing = {"": landed.content_hash} if landed and newest and newest.status in STANDING else {}
    else:
        standing = {
            name: state.content_hash
            for name, state in states.items()
            if state.landed_load_id is not None and state.status in STANDING
        }
    return {
        name: look
        for name, look in now.items()
        if name in standing and _content(_file(data, feed, name)) == standing[name]
    }


def _content(file: SourceFile) -> str | None:
    try:
        return file.content_hash()
    except (SourceError, SourceNotReady):
        return ""


def _spared(
    instance: dg.DagsterInstance,
    warehouse: WarehouseResource,
    feed: FileFeedContract,
    data: DataFolder,
    decision: Decision,
) -> Decision:
    runs = launching.under_way(instance, feed.domain)
    _, order = _registration(instance, feed, decision.due, runs)
    busy = taken(decision.due, order, runs, undated=feed.partitions == "none")
    loaded = _loaded(warehouse, feed, data, {name: decision.known[name] for name in decision.due})
    return spare(decision, loaded=loaded, busy=busy)


def _asked(
    instance: dg.DagsterInstance,
    feed: FileFeedContract,
    decision: Decision,
    cursor: str,
    newest: str | None,
) -> dg.SensorResult:
    key = hashlib.sha256(json.dumps([decision.known[name] for name in decision.due]).encode()).hexdigest()[
        :16
    ]
    if feed.partitions == "none":
        return dg.SensorResult(run_requests=[_undated_request(feed, key, newest)], cursor=cursor)
    new, order = _registration(instance, feed, decision.due)
    requests = [
        dg.RunRequest(run_key=f"{first}-{last}-{key}", tags=launching.domain_tags(feed.domain, first, last))
        for first, last in _runs(feed, decision.due, order)
    ]
    added = [dg.DynamicPartitionsDefinition(name=feed.name).build_add_request(new)] if new else None
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=added, cursor=cursor)


def _runs(feed: FileFeedContract, due: Sequence[str], order: Sequence[str]) -> list[tuple[str, str]]:
    """A range of files may hold one that is gone, which would fail; a range of days leaves out those without file."""
    found = stretches(due, order)
    return [(min(due), max(due))] if feed.partitions == "daily" and len(found) > MOST_RUNS else found


def _undated_request(feed: FileFeedContract, key: str, newest: str | None) -> dg.RunRequest:
    """The whole domain for its newest day, so that facts and marts follow on every day that the list changes. Before
    there is a day: the lists of the domain and the dimensions that read them.
    """
    run_key, tags = f"{feed.name}-{key}", launching.domain_tags(feed.domain, newest)
    if newest:
        return dg.RunRequest(run_key=run_key, tags=tags)
    return dg.RunRequest(run_key=run_key, tags=tags, asset_selection=_undated_assets(feed.domain))


def _newest_day(warehouse: WarehouseResource, feed: FileFeedContract) -> str | None:
    """The last day of the domain that the warehouse holds."""
    daily = [f for f in read_catalog().feeds.values() if f.domain == feed.domain and f.partitions == "daily"]
    with warehouse.open().transaction() as connection:
        states = [state for other in daily for state in load_states(connection, other).values()]
    return max((state.partition for state in states if state.landed_load_id is not None), default=None)


def _registration(
    instance: dg.DagsterInstance,
    feed: FileFeedContract,
    due: Sequence[str],
    runs: Sequence[tuple[str, str] | None] = (),
) -> tuple[list[str], list[str]]:
    """The files that Dagster does not know yet, and the order in which a range goes. runs: ranges to be found in it."""
    if feed.partitions == "none":
        return [], []
    if feed.partitions == "daily":
        return [], _days_between([*due, *(day for ends in runs if ends for day in ends)])
    registered = instance.get_dynamic_partitions(feed.name)
    new = [name for name in due if name not in registered]
    return new, [*registered, *new]


def _days_between(days: Sequence[str]) -> list[str]:
    first, last = partitions.as_day(min(days)), partitions.as_day(max(days))
    return [first.fromordinal(n).isoformat() for n in range(first.toordinal(), last.toordinal() + 1)]


def _undated_assets(domain: str) -> list[dg.AssetKey]:
    """The tables of the lists of a domain, and the dimensions that read them."""
    catalog = read_catalog()
    lists = [f.name for f in catalog.feeds.values() if f.domain == domain and f.partitions == "none"]
    staging = {f"staging.{name}" for name in lists}
    readers = [d.name for d in catalog.dimensions.values() if staging & {e.source for e in d.events}]
    return [
        metadata.key_of(name) for name in (*(f"raw.{name}" for name in lists), *sorted(staging), *readers)
    ]


def _remarks(decision: Decision, seen: Seen) -> list[str]:
    """What stands in the way of files, or lies in the wrong place."""
    told = {
        "still being written": decision.waiting,
        "a run takes it already": decision.busy,
        "no longer there": decision.gone,
        "cannot be read": seen.unreadable,
        "waits for the end of its day": seen.early,
        "read by no feed": seen.strays,
    }
    return [
        f"{what}: {', '.join(names[:NAMED])}{' …' if len(names) > NAMED else ''}"
        for what, names in told.items()
        if any(names)
    ]
