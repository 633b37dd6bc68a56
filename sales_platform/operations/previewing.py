"""What a run would do, without doing any of it (B-24): neither loads nor runs nor partitions are written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from sales_platform.contracts.catalog import read_catalog
from sales_platform.operations.file_planning import survey_files
from sales_platform.operations.opening import Platform, open_platform
from sales_platform.operations.planning import Why, unbroken
from sales_platform.operations.running import asked_days, refuse_empty_range, without_comparisons
from sales_platform.operations.selecting import Selected, select
from sales_platform.operations.surveying import survey
from sales_platform.settings import Settings


@dataclass(frozen=True)
class Window:
    """Partitions that follow one another and are due for one reason. first, last: days, or the names of a feed's
    files.
    """

    first: str
    last: str
    partitions: int
    why: str
    feed: str | None = None


@dataclass(frozen=True)
class DomainPreview:
    """What a run would do in one domain.

    undated: assets without partitions that are due. missing_paths: files that are looked for and not there. standing:
    partitions that need nothing.
    """

    domain: str
    windows: tuple[Window, ...]
    undated: tuple[str, ...]
    missing_paths: tuple[str, ...]
    standing: int


def preview(
    settings: Settings,
    selection: str,
    *,
    first: date | None = None,
    last: date | None = None,
    force: bool = False,
) -> list[DomainPreview]:
    """The windows that `run` would take with the same words, by domain.

    How many rows they hold, and which days a changed list will make stale, only the run itself finds out. Raises
    WrongUse as `run` does.
    """
    refuse_empty_range(settings, first, last)
    with open_platform(settings) as platform:
        return preview_on(platform, selection, first=first, last=last, force=force)


def preview_on(
    platform: Platform,
    selection: str,
    *,
    first: date | None = None,
    last: date | None = None,
    force: bool = False,
) -> list[DomainPreview]:
    """The same on a platform that is open."""
    selected = without_comparisons(select(platform.definitions, selection))
    days = asked_days(platform.settings, selected, first, last)
    return [_of_domain(platform, domain, days, force=force) for domain in selected]


def _of_domain(
    platform: Platform, domain: Selected, days: tuple[date, date] | None, *, force: bool
) -> DomainPreview:
    found = survey(platform.settings, platform.warehouse, domain, days, force=force)
    windows, standing = _windows_of_days(found.plan.todo), found.plan.standing
    with platform.warehouse.transaction() as connection:
        for feed in domain.file_feeds(read_catalog()):
            plan = survey_files(platform.settings, connection, feed)
            windows += _windows_of_files(feed.name, plan.todo)
            standing += plan.standing
    return DomainPreview(domain.domain, tuple(windows), found.undated, found.missing_paths, standing)


def _windows_of_days(todo: Mapping[date, Why]) -> list[Window]:
    windows = [
        Window(str(first), str(last), (last - first).days + 1, why.value)
        for why in dict.fromkeys(todo.values())
        for first, last in unbroken(day for day, reason in todo.items() if reason is why)
    ]
    return sorted(windows, key=lambda window: window.first)


def _windows_of_files(feed: str, todo: Mapping[str, Why]) -> list[Window]:
    windows = []
    for why, names in groupby(todo, key=todo.__getitem__):
        group = list(names)
        windows.append(Window(group[0], group[-1], len(group), why.value, feed))
    return windows
