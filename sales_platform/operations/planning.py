"""Which days a run has to load or recompute, decided from plain values: no clock, no disk, no Dagster."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from sales_platform.errors import WrongUse

ONE_DAY = timedelta(days=1)


class Why(Enum):
    """The reason why a day is in a run; the first that holds counts."""

    NEVER_LOADED = "never loaded"
    FAILED = "failed"
    PARTIAL = "loaded before its day had ended"
    CONTRACT = "judged by an older contract"
    CHANGED = "file changed"
    PARENT = "reference changed"
    STALE = "input changed"
    FORCED = "forced"


@dataclass(frozen=True)
class DayLoad:
    """The newest load of a day. succeeded: its rows stand. partial: it was loaded during its own day."""

    succeeded: bool
    partial: bool = False
    judged_by_current_contract: bool = True
    content_hash: str | None = None


@dataclass(frozen=True)
class Stretch:
    """Days without a gap that are one run. load: false where no file is left, only tables are recomputed."""

    first: date
    last: date
    load: bool = True

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Plan:
    """What to do with each day.

    todo: day → reason, ascending. missing: days without a file, which are left out. standing: days that need
    nothing. fileless: days of todo whose file is gone.
    """

    todo: dict[date, Why]
    missing: tuple[date, ...] = ()
    standing: int = 0
    fileless: frozenset[date] = frozenset()

    @property
    def stretches(self) -> list[Stretch]:
        loading = unbroken(day for day in self.todo if day not in self.fileless)
        recomputing = unbroken(day for day in self.todo if day in self.fileless)
        found = [Stretch(first, last) for first, last in loading]
        found += [Stretch(first, last, load=False) for first, last in recomputing]
        return sorted(found, key=lambda stretch: stretch.first)


def plan_days(
    *,
    files: Mapping[date, str],
    loads: Mapping[date, DayLoad],
    stale: Collection[date],
    days: tuple[date, date] | None,
    start: date,
    today: date,
    force: bool = False,
) -> Plan:
    """Decide for each day of a range, or without one for every day up to yesterday (B-10, B-11, B-14).

    files: day → hash of its content. stale: days whose tables hold something older than their input. start:
    first day of the partitions. A day whose file is gone but whose rows stand is missing in a range only.
    """
    first, last = days or _whole_time(files, loads, stale, start, today)
    wanted = [first + ONE_DAY * n for n in range((last - first).days + 1)]
    todo: dict[date, Why] = {}
    for day in wanted:
        why = _reason(files.get(day), loads.get(day), stale=day in stale, ended=day < today, force=force)
        if why is not None:
            todo[day] = why
    missing = [
        day for day in wanted if day not in files and (days is not None or not _stands(loads.get(day)))
    ]
    return Plan(
        todo=todo,
        missing=tuple(missing),
        standing=sum(1 for day in wanted if day not in todo and _stands(loads.get(day))),
        fileless=frozenset(day for day in todo if day not in files),
    )


def check_range(first: date, last: date, *, start: date, today: date) -> None:
    """Refuse a range that can hold nothing (B-22). Raises WrongUse."""
    if first > last:
        raise WrongUse(
            f"--from {first} comes after --to {last}.", remedy="Swap them; both days are included."
        )
    if last < start:
        raise WrongUse(
            f"{first} to {last} lies before the first partition, {start}.",
            remedy="Ask for later days, or set PARTITIONS_START to an earlier one.",
        )
    if first < start:
        raise WrongUse(
            f"--from {first} lies before the first partition, {start}.",
            remedy=f"Begin with {start}, or set PARTITIONS_START to an earlier day.",
        )
    if last > today:
        raise WrongUse(f"--to {last} lies in the future.", remedy=f"End with {today} or before.")


def unbroken(days: Iterable[date]) -> list[tuple[date, date]]:
    """Join days into (first, last) of each stretch without a gap, ascending."""
    stretches: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if stretches and day - stretches[-1][1] == ONE_DAY:
            stretches[-1] = (stretches[-1][0], day)
        else:
            stretches.append((day, day))
    return stretches


def _whole_time(
    files: Mapping[date, str],
    loads: Mapping[date, DayLoad],
    stale: Collection[date],
    start: date,
    today: date,
) -> tuple[date, date]:
    """From the first day that anything is known of to yesterday; what stands of later days is left alone."""
    yesterday = today - ONE_DAY
    known = [day for day in (*files, *loads, *stale) if start <= day <= yesterday]
    return min(known, default=today), yesterday


def _reason(file: str | None, load: DayLoad | None, *, stale: bool, ended: bool, force: bool) -> Why | None:
    stands = _stands(load)
    if file is not None and (load is None or not stands):
        return Why.NEVER_LOADED if load is None else Why.FAILED
    if file is not None and load is not None:
        if load.partial and ended:
            return Why.PARTIAL
        if not load.judged_by_current_contract:
            return Why.CONTRACT
        if load.content_hash != file:
            return Why.CHANGED
    if stale:
        return Why.STALE
    return Why.FORCED if force and stands else None


def _stands(load: DayLoad | None) -> bool:
    return load is not None and load.succeeded
