"""What the record of a feed's loads says about it: volume, lateness, copies. Pure decisions over plain values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from math import sqrt
from statistics import median
from zoneinfo import ZoneInfo

from sales_platform.contracts.bounds import Volume
from sales_platform.engine.business_days import day_ends, day_of

TRAILING = 28
ENOUGH = 8
# Independent rows scatter about their usual number by its root; three times that is hardly chance.
CHANCE = 3
# The schedule loads a day two hours after its end; an hour more is time to do it.
DUE_AFTER = timedelta(hours=3)
ONE_DAY = timedelta(days=1)


class Level(IntEnum):
    SOUND = 0
    WARN = 1
    ERROR = 2


@dataclass(frozen=True)
class Loaded:
    """One load that stands, or one business day of a source's table. rows: read, or changed on that day. copies: of
    rows of the same load. day: of the partition, or when it landed. whole: False while its day goes on.
    """

    partition: str
    day: date
    rows: int
    copies: int = 0
    whole: bool = True


@dataclass(frozen=True)
class Usual:
    """A load beside what is usual. median: of the samples; None while they are too few. deviation: the share by which
    the smaller of both figures falls short of the larger.
    """

    loaded: Loaded
    samples: int
    median: float | None
    deviation: float
    level: Level


def volumes(series: Sequence[Loaded], wanted: Collection[str] | None, bounds: Volume) -> list[Usual]:
    """Each wanted load against the median of up to 28 loads of the same weekday before it.

    series: in the order of their days. wanted: partitions; None: the newest whole one. The median, because one
    holiday or one file that came twice must not move what is usual.
    """
    whole = [loaded for loaded in series if loaded.whole]
    places = [n for n, loaded in enumerate(whole) if wanted is None or loaded.partition in wanted]
    return [_usual(whole, place, bounds) for place in (places[-1:] if wanted is None else places)]


def _usual(series: Sequence[Loaded], place: int, bounds: Volume) -> Usual:
    mine = series[place]
    weekday = mine.day.weekday()
    samples = [loaded.rows for loaded in series[:place] if loaded.day.weekday() == weekday][-TRAILING:]
    if len(samples) < ENOUGH:
        return Usual(mine, len(samples), None, 0.0, Level.SOUND)
    middle = float(median(samples))
    off = deviation(mine.rows, middle)
    return Usual(mine, len(samples), middle, off, _level(off, bounds))


def deviation(rows: int, usual: float) -> float:
    """0 where both are alike, where chance explains the difference, or where usually nothing comes."""
    if usual == 0 or abs(rows - usual) <= CHANCE * sqrt(usual):
        return 0.0
    return 1 - min(rows, usual) / max(rows, usual)


def _level(off: float, bounds: Volume) -> Level:
    if bounds.error is not None and off >= float(bounds.error):
        return Level.ERROR
    return Level.WARN if bounds.warn is not None and off >= float(bounds.warn) else Level.SOUND


def copied(series: Sequence[Loaded], wanted: Collection[str] | None, limit: Decimal) -> dict[str, float]:
    """Partition → share of copies, where it is beyond the limit."""
    some = series[-1:] if wanted is None else [loaded for loaded in series if loaded.partition in wanted]
    return {
        loaded.partition: loaded.copies / loaded.rows
        for loaded in some
        if loaded.copies > limit * loaded.rows
    }


@dataclass(frozen=True)
class Arrivals:
    """When the files of days came. first: day → the first load of it that was tried. whole: days that stand and were
    loaded after their end. began: the first load of the feed ever.
    """

    first: Mapping[date, datetime]
    whole: frozenset[date]
    began: datetime | None


def newest_due_day(now: datetime, zone: ZoneInfo) -> date:
    """The newest day whose load should be done by now."""
    return day_of(now.astimezone(UTC) - DUE_AFTER, zone) - ONE_DAY


@dataclass(frozen=True)
class Lateness:
    """came: day → how long after its end its file came. absent: days whose file has not come, though it would be late
    by now. days: how many were looked at.
    """

    days: int
    came: dict[date, timedelta] = field(default_factory=dict)
    absent: tuple[date, ...] = ()

    @property
    def late_days(self) -> list[date]:
        return sorted([*self.came, *self.absent])


def lateness(arrivals: Arrivals, late_after: timedelta, now: datetime, zone: ZoneInfo) -> Lateness:
    """Of the last 28 days that are due. Days that had ended before the feed's first load ever are left out: what is
    loaded of an old time is late by nature.
    """
    newest = newest_due_day(now, zone)
    window = [newest - n * ONE_DAY for n in reversed(range(TRAILING))]
    began = arrivals.began
    days = [day for day in window if began is not None and day_ends(day, zone) > began]
    came, absent = {}, []
    for day in days:
        end, first = day_ends(day, zone), arrivals.first.get(day)
        if first is None and now - end > late_after:
            absent.append(day)
        elif first is not None and first - end > late_after:
            came[day] = first - end
    return Lateness(len(days), came, tuple(absent))


def is_there(arrivals: Arrivals, day: date) -> bool | None:
    """Whether a day stands whole; None when no day was ever loaded (I-34)."""
    return day in arrivals.whole if arrivals.began is not None else None
