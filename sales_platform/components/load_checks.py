"""The checks that a feed's record of loads answers: volume, freshness, lateness, copies, columns. What they find is
decided by the engine; no table of data is read.

None blocks: each row was judged already, and later tables lose nothing by what is late, unusual or new.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import dagster as dg
from psycopg import sql

from sales_platform.components.feed_specs import AnyFeed
from sales_platform.components.inspecting import SAMPLES, Sample, as_sql, as_table, located
from sales_platform.contracts.bounds import Freshness, Volume, spelled
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import TableFeed
from sales_platform.engine.business_days import business_zone
from sales_platform.engine.column_drift import drifts
from sales_platform.engine.freshness import Age, judge_freshness, last_seen
from sales_platform.engine.incidents import duration
from sales_platform.engine.load_series import arrivals, loaded_series
from sales_platform.engine.load_verdicts import (
    ENOUGH,
    TRAILING,
    Level,
    Usual,
    copied,
    is_there,
    lateness,
    newest_due_day,
    volumes,
)
from sales_platform.engine.oltp.watermarks import warehouse_clock
from sales_platform.engine.warehouse import Connection

VOLUME = "volume"
FRESHNESS = "freshness"
YESTERDAY_THERE = "yesterday_there"
LATE_FILES = "late_files"
DUPLICATE_RATE = "duplicate_rate"
SCHEMA_DRIFT = "schema_drift"

# The clock breaks these, not a load; every hour they are judged by themselves.
BROKEN_BY_TIME = frozenset({FRESHNESS, YESTERDAY_THERE, LATE_FILES})


@dataclass(frozen=True)
class Found:
    """What one check found. partitions: the bad ones, each with its figure. samples: what is known of the first."""

    level: Level
    told: str
    figures: Mapping[str, Any]
    partitions: Mapping[str, int | float | str]
    samples: Sequence[Sample] = ()


@dataclass(frozen=True)
class LoadChecks:
    """A Judge over the loads of one feed. clock: what time it is, by the warehouse."""

    feed: AnyFeed
    clock: Callable[[Connection], datetime] = warehouse_clock

    @property
    def specs(self) -> Sequence[dg.AssetCheckSpec]:
        asset = dg.AssetKey(["staging", self.feed.name])
        return [
            dg.AssetCheckSpec(name, asset=asset, description=text) for name, text in _asked(self.feed).items()
        ]

    def results(
        self, connection: Connection, wanted: Collection[str], days: list[str] | None
    ) -> Iterator[dg.AssetCheckResult]:
        now = self.clock(connection)
        for name in _asked(self.feed):
            if name in wanted:
                found = _JUDGES[name](connection, self.feed, now, days)
                # whoever loads days of long ago did nothing wrong
                bystander = days is not None and name in BROKEN_BY_TIME
                yield self._result(name, found, grave=found.level is Level.ERROR and not bystander)

    def _result(self, name: str, found: Found, *, grave: bool) -> dg.AssetCheckResult:
        severity = dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN
        figures = {**found.figures, "severity": severity.value, "offenders_sql": self._offenders(found)}
        if found.partitions:
            figures["by_partition"] = dg.MetadataValue.json(dict(found.partitions))
        if found.samples:
            figures["samples"] = as_table(found.samples[:SAMPLES])
        return dg.AssetCheckResult(
            asset_key=dg.AssetKey(["staging", self.feed.name]),
            check_name=name,
            passed=found.level is Level.SOUND,
            severity=severity,
            description=found.told,
            metadata=figures,
        )

    def _offenders(self, found: Found) -> dg.MetadataValue:
        """The loads that are meant; where no partition is, the newest ones."""
        query = sql.SQL("select * from ops.load where feed = {}").format(sql.Literal(self.feed.name))
        if found.partitions and isinstance(self.feed, FileFeedContract):
            query += sql.SQL(" and partition = any({})").format(sql.Literal(list(found.partitions)))
        return as_sql(query + sql.SQL(" order by load_id desc limit {}").format(sql.Literal(TRAILING)))


def _asked(feed: AnyFeed) -> dict[str, str]:
    """Check → what it asks, of those that this feed has."""
    asked = {}
    if feed.volume_bounds.bounds_anything:
        unit = (
            "rows that changed on the last day that ended"
            if isinstance(feed, TableFeed)
            else "rows of a load"
        )
        asked[VOLUME] = (
            f"As many {unit} as is usual on its weekday: the median of up to {TRAILING} before it;"
            f" {_volume_words(feed.volume_bounds)}. Silent until there are {ENOUGH}."
        )
    asked[FRESHNESS] = f"{_what_is_fresh(feed)} {_freshness_words(feed.freshness_bounds)}."
    asked[SCHEMA_DRIFT] = "The source has the columns of the contract, no more and no less."
    if isinstance(feed, FileFeedContract):
        asked[DUPLICATE_RATE] = f"At most {feed.duplicate_limit:.2%} of a file's rows are copies of others."
        if feed.partitions == "daily":
            asked[YESTERDAY_THERE] = "The day that ended is loaded whole, three hours later at the latest."
            late = spelled(feed.late_after)
            asked[LATE_FILES] = f"The files of the last {TRAILING} days came within {late} after their day."
    return asked


def _volume_words(bounds: Volume) -> str:
    words = [(bounds.warn, "warns"), (bounds.error, "fails")]
    return ", ".join(f"{what} at {bound:.0%} off" for bound, what in words if bound is not None)


def _what_is_fresh(feed: AnyFeed) -> str:
    if isinstance(feed, TableFeed):
        return "How long ago the table was last looked at:"
    if feed.partitions == "daily":
        return "How long ago the newest day that is loaded ended:"
    return "How long ago a file was last looked at:"


def _freshness_words(bounds: Freshness) -> str:
    words = [(bounds.warn, "warns"), (bounds.error, "fails")]
    told = [f"{what} beyond {spelled(bound)}" for bound, what in words if bound is not None]
    return ", ".join(told) or "no age is too old"


def _volume(connection: Connection, feed: AnyFeed, now: datetime, days: list[str] | None) -> Found:
    found = volumes(loaded_series(connection, feed, now), days, feed.volume_bounds)
    bad = [usual for usual in found if usual.level is not Level.SOUND]
    figures = {
        "loads": len(found),
        "samples": min((usual.samples for usual in found), default=0),
        "deviation": round(max((usual.deviation for usual in found), default=0.0), 4),
        "threshold": _volume_words(feed.volume_bounds),
    }
    return Found(
        max((usual.level for usual in found), default=Level.SOUND),
        _told_of_volume(found, bad),
        figures,
        {usual.loaded.partition: usual.loaded.rows for usual in bad},
        [_as_sample(usual) for usual in bad],
    )


def _told_of_volume(found: Sequence[Usual], bad: Sequence[Usual]) -> str:
    if not found:
        return "nothing to judge: no load that is whole"
    if len(found) == 1:
        return _one_volume(found[0])
    few = sum(usual.median is None for usual in found)
    judged = f"{len(bad):,} of {len(found):,} loads are not of the usual size"
    return f"{judged}{located([usual.loaded.partition for usual in bad])}" + (
        f"; {few:,} have too few before them" if few else ""
    )


def _one_volume(usual: Usual) -> str:
    rows = f"{usual.loaded.rows:,} rows in {usual.loaded.partition}"
    if usual.median is None:
        return f"{rows}; too few loads of its weekday to compare with: {usual.samples} of {ENOUGH}"
    off = f", {usual.deviation:.0%} off" if usual.deviation else ""
    return f"{rows}, usual are {usual.median:,.0f} (median of {usual.samples}){off}"


def _as_sample(usual: Usual) -> Sample:
    return {
        "partition": usual.loaded.partition,
        "rows": usual.loaded.rows,
        "median": usual.median,
        "samples": usual.samples,
        "deviation": round(usual.deviation, 4),
    }


_LEVELS = {Age.FRESH: Level.SOUND, Age.TOO_OLD: Level.ERROR, Age.FUTURE: Level.ERROR}


def _freshness(connection: Connection, feed: AnyFeed, now: datetime, days: list[str] | None) -> Found:
    """Whatever the run's days are: age is a thing of now."""
    seen = last_seen(connection, feed, now)
    fresh = judge_freshness(seen, feed.freshness_bounds, now)
    figures: dict[str, Any] = {
        "verdict": fresh.verdict.value,
        "threshold": _freshness_words(feed.freshness_bounds),
    }
    if fresh.age is not None:
        figures["age_hours"] = round(fresh.age / timedelta(hours=1), 2)
    if seen.at is not None:
        figures["newest"] = seen.at.isoformat()
    told = {
        Age.UNKNOWN: "unknown: it was never loaded"
        if seen.at is None
        else "unknown: no load ever read a row",
        Age.FUTURE: "what was last seen lies in the future",
    }
    aged = duration(fresh.age.total_seconds()) if fresh.age is not None else ""
    return Found(
        _LEVELS.get(fresh.verdict, Level.WARN),
        told.get(fresh.verdict, f"{fresh.verdict.value}: {aged} ago; {figures['threshold']}"),
        figures,
        {},
    )


def _yesterday_there(connection: Connection, feed: AnyFeed, now: datetime, days: list[str] | None) -> Found:
    """I-34: Dagster's own freshness looks at the asset, which a backfill of an old day makes look fresh."""
    assert isinstance(feed, FileFeedContract)
    day = newest_due_day(now, business_zone(connection))
    there = is_there(arrivals(connection, feed, day), day)
    told = {True: f"{day} is there", False: f"{day} is not there", None: "unknown: no day was ever loaded"}
    bad: dict[str, str] = {} if there else {day.isoformat(): "missing"}
    return Found(Level.SOUND if there else Level.WARN, told[there], {"day": day.isoformat()}, bad)


def _late_files(connection: Connection, feed: AnyFeed, now: datetime, days: list[str] | None) -> Found:
    assert isinstance(feed, FileFeedContract)
    zone = business_zone(connection)
    found = lateness(arrivals(connection, feed, newest_due_day(now, zone)), feed.late_after, now, zone)
    bad: dict[str, str] = {
        day.isoformat(): duration(found.came[day].total_seconds()) if day in found.came else "has not come"
        for day in found.late_days
    }
    figures = {
        "days": found.days,
        "late": len(found.came),
        "absent": len(found.absent),
        "threshold": spelled(feed.late_after),
    }
    told = f"{len(found.came)} of {found.days} days came late, {len(found.absent)} have not come{located([*bad])}"
    samples: list[Sample] = [{"partition": day, "after its end": late} for day, late in bad.items()]
    return Found(Level.WARN if bad else Level.SOUND, told, figures, bad, samples)


def _duplicate_rate(connection: Connection, feed: AnyFeed, now: datetime, days: list[str] | None) -> Found:
    assert isinstance(feed, FileFeedContract)
    series = loaded_series(connection, feed, now)
    bad = {name: round(share, 6) for name, share in copied(series, days, feed.duplicate_limit).items()}
    some = series[-1:] if days is None else [loaded for loaded in series if loaded.partition in days]
    read, copies = sum(loaded.rows for loaded in some), sum(loaded.copies for loaded in some)
    told = f"{copies:,} of {read:,} rows are copies; {feed.duplicate_limit:.2%} of a file allowed{located([*bad])}"
    figures = {"rows": read, "offenders": copies, "threshold": float(feed.duplicate_limit)}
    samples: list[Sample] = [{"partition": name, "share": share} for name, share in bad.items()]
    return Found(Level.WARN if bad else Level.SOUND, told, figures, bad, samples)


def _schema_drift(connection: Connection, feed: AnyFeed, now: datetime, days: list[str] | None) -> Found:
    looked_at, found = drifts(connection, feed, days)
    bad = {name: drift.sentence for name, drift in found.items() if name}
    sentences = list(dict.fromkeys(drift.sentence for drift in found.values()))
    told = (
        f"{'; '.join(sentences)}{located([*bad])}" if sentences else "the columns are those of the contract"
    )
    samples: list[Sample] = [
        {
            "partition": name,
            "unknown": ", ".join(drift.unknown),
            "lacking": ", ".join(drift.lacking),
            "returned": ", ".join(drift.returned),
        }
        for name, drift in found.items()
    ]
    figures = {"headers": looked_at, "offenders": len(found), "threshold": 0}
    return Found(Level.WARN if found else Level.SOUND, told, figures, bad, samples)


_JUDGES: dict[str, Callable[[Connection, AnyFeed, datetime, list[str] | None], Found]] = {
    VOLUME: _volume,
    FRESHNESS: _freshness,
    YESTERDAY_THERE: _yesterday_there,
    LATE_FILES: _late_files,
    DUPLICATE_RATE: _duplicate_rate,
    SCHEMA_DRIFT: _schema_drift,
}
