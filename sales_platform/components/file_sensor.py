"""The sensor of a file feed: a run for files that are new, late or changed, once they stand still. How files are found,
the engine knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from sales_platform.components import metadata, partitions
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.files import SourceFile, existing_days, existing_files, locate
from sales_platform.engine.loads import load_states, newest_landing
from sales_platform.engine.strays import strays
from sales_platform.errors import FileMissing, SalesPlatformError, SourceError, SourceNotReady
from sales_platform.resources import SourceFilesResource, WarehouseResource
from sales_platform.settings import DataFolder, load_settings

EVERY_SECONDS = 30
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
NAMED = 3


@dataclass(frozen=True)
class Decision:
    """due: partitions whose file is new or changed and stands still. waiting: those still being written. gone: those
    whose file was known and is no longer there. known: partition → the state for which a run was asked.
    """

    due: tuple[str, ...]
    waiting: tuple[str, ...]
    gone: tuple[str, ...]
    known: dict[str, str]


def decide(known: Mapping[str, str], before: Mapping[str, str], now: Mapping[str, str]) -> Decision:
    """known: as the last decision left it. before, now: partition → size and time of its file at the last look and at
    this one. A file is due when both saw it alike and no run was asked for that state.
    """
    fresh = [name for name, look in now.items() if known.get(name) != look]
    due = tuple(name for name in fresh if before.get(name) == now[name])
    return Decision(
        due,
        waiting=tuple(name for name in fresh if name not in due),
        gone=tuple(name for name in known if name not in now),
        known={name: look for name, look in known.items() if name in now} | {name: now[name] for name in due},
    )


def stretches(due: Sequence[str], order: Sequence[str]) -> list[tuple[str, str]]:
    """Join partitions that follow one another in `order`: each stretch is one run."""
    place = {name: number for number, name in enumerate(order)}
    joined: list[tuple[str, str]] = []
    for name in sorted(due, key=place.__getitem__):
        if joined and place[name] == place[joined[-1][1]] + 1:
            joined[-1] = (joined[-1][0], name)
        else:
            joined.append((name, name))
    return joined


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
    """`<feed>_files`: looks at sizes and times; the first look reads the files too, and leaves alone what is loaded."""

    @dg.sensor(
        name=f"{feed.name}_files",
        target=dg.AssetSelection.groups(feed.domain),
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Loads files of {feed.name} that are new, late or changed, once they stand still.",
    )
    def look(
        context: dg.SensorEvaluationContext, warehouse: WarehouseResource, source_files: SourceFilesResource
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            data = source_files.root
            seen = see(data, feed)
            known, before = _remembered(context.cursor) or (_loaded(warehouse, feed, data, seen.looks), {})
        except SalesPlatformError as error:
            return dg.SkipReason(str(error))
        decision = decide(known, before, seen.looks)
        cursor = json.dumps({"known": decision.known, "before": seen.looks})
        told = _remarks(decision, seen)
        if not decision.due:
            return dg.SensorResult(skip_reason="; ".join(told) or "no file is new or changed", cursor=cursor)
        for remark in told:
            context.log.warning(remark)
        return _asked(context.instance, feed, decision, cursor)

    return look


def see(data: DataFolder, feed: FileFeedContract) -> Seen:
    """Look at every file of the feed without reading it. One that cannot be looked at holds up no other."""
    places, early = _places(data, feed)
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


def _places(data: DataFolder, feed: FileFeedContract) -> tuple[list[str], list[str]]:
    """Days that are partitions and have ended, files, or the one file of a feed without partitions; and the days that
    have not ended, today among them.
    """
    if feed.partitions == "per_file":
        return existing_files(data, feed.path), []
    if feed.partitions == "none":
        return [""], []
    settings = load_settings()
    today = datetime.now(UTC).astimezone(settings.zone).date()
    days = existing_days(data, feed.path)
    ended = [day.isoformat() for day in days if settings.partitions_start <= day < today]
    return ended, [day.isoformat() for day in days if day >= today]


def _remembered(cursor: str | None) -> tuple[dict[str, str], dict[str, str]] | None:
    if not cursor:
        return None
    kept = json.loads(cursor)
    return kept["known"], kept["before"]


def _loaded(
    warehouse: WarehouseResource, feed: FileFeedContract, data: DataFolder, now: Mapping[str, str]
) -> dict[str, str]:
    """At the first look: a file counts as known when the warehouse holds this very content of it."""
    with warehouse.open().transaction() as connection:
        states = load_states(connection, feed)
    if feed.partitions == "none":
        newest = newest_landing(states.values())
        standing = {"": newest.content_hash} if newest else {}
    else:
        standing = {name: s.content_hash for name, s in states.items() if s.landed_load_id is not None}
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


def _asked(
    instance: dg.DagsterInstance, feed: FileFeedContract, decision: Decision, cursor: str
) -> dg.SensorResult:
    key = hashlib.sha256(json.dumps([decision.known[name] for name in decision.due]).encode()).hexdigest()[
        :16
    ]
    if feed.partitions == "none":
        request = dg.RunRequest(run_key=f"{feed.name}-{key}", asset_selection=_undated_assets(feed))
        return dg.SensorResult(run_requests=[request], cursor=cursor)
    new, order = _registration(instance, feed, decision.due)
    requests = [
        dg.RunRequest(run_key=f"{first}-{last}-{key}", tags=dict(zip(RANGE, (first, last), strict=True)))
        for first, last in stretches(decision.due, order)
    ]
    added = [dg.DynamicPartitionsDefinition(name=feed.name).build_add_request(new)] if new else None
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=added, cursor=cursor)


def _registration(
    instance: dg.DagsterInstance, feed: FileFeedContract, due: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The files that Dagster does not know yet, and the order in which a range goes."""
    if feed.partitions == "daily":
        return [], _days_between(due)
    registered = instance.get_dynamic_partitions(feed.name)
    new = [name for name in due if name not in registered]
    return new, [*registered, *new]


def _days_between(days: Sequence[str]) -> list[str]:
    first, last = partitions.as_day(min(days)), partitions.as_day(max(days))
    return [first.fromordinal(n).isoformat() for n in range(first.toordinal(), last.toordinal() + 1)]


def _undated_assets(feed: FileFeedContract) -> list[dg.AssetKey]:
    """The feed's tables and the dimensions that read it."""
    staging = f"staging.{feed.name}"
    readers = [d.name for d in read_catalog().dimensions.values() if staging in {e.source for e in d.events}]
    return [metadata.key_of(name) for name in (f"raw.{feed.name}", staging, *readers)]


def _remarks(decision: Decision, seen: Seen) -> list[str]:
    """What stands in the way of files, or lies in the wrong place."""
    told = {
        "still being written": decision.waiting,
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
