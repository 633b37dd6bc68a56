"""What `sales-platform run` does: plan each domain, run its stretches in this process, say what came of it.

Each unbroken stretch of days is one Dagster run; a stretch that fails does not keep the others from running
(B-12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.files import existing_days
from sales_platform.engine.snapshots import Meant
from sales_platform.errors import DataRefused, WrongUse
from sales_platform.operations.fates import FeedFates, fates_of_runs, refused_runs
from sales_platform.operations.file_planning import register, survey_files
from sales_platform.operations.opening import Platform, open_platform
from sales_platform.operations.planning import Stretch, check_range, unbroken
from sales_platform.operations.progress import Progress, Silent
from sales_platform.operations.selecting import Selected, as_selection, select
from sales_platform.operations.surveying import stale_days, survey, today_of
from sales_platform.operations.undated import survey_undated
from sales_platform.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

    from sales_platform.operations.materializing import RunOutcome

Days = tuple[date, date]
COMPARISONS = "reconciliation"
BACKUPS = "backup"


@dataclass(frozen=True)
class RunSummary:
    """What a run command did.

    outcomes: one per Dagster run. missing_paths: files that were looked for and are not there, below the data
    folder. ranged: whether the days were asked for. standing: days that needed nothing.
    """

    outcomes: tuple[RunOutcome, ...]
    fates: tuple[FeedFates, ...]
    missing_paths: tuple[str, ...]
    standing: int
    ranged: bool
    refused: bool

    @property
    def failed(self) -> bool:
        return any(not outcome.success for outcome in self.outcomes)

    @property
    def exit_code(self) -> int:
        """0 done, 1 failed or a day of the range left out, 3 refused by a limit."""
        if self.refused:
            return DataRefused.exit_code
        return int(self.failed or (self.ranged and bool(self.missing_paths)))


def run(
    settings: Settings,
    selection: str,
    *,
    first: date | None = None,
    last: date | None = None,
    force: bool = False,
    allow_deletes: bool = False,
    correction: bool = False,
    progress: Progress | None = None,
) -> RunSummary:
    """Materialize what a selection owes, in a range of days or up to yesterday (B-10, B-11, B-14).

    Days of a range without a file are left out and named. force: recompute analytics and marts tables where
    nothing changed too, without dates for every loaded day. allow_deletes, correction: what is
    declared of the snapshots among its files (`Meant`). Raises WrongUse for a selection or range that
    makes no sense.
    """
    refuse_empty_range(settings, first, last)
    with open_platform(settings) as platform:
        return run_on(
            platform,
            selection,
            first=first,
            last=last,
            force=force,
            meant=Meant(allow_deletes, correction),
            progress=progress or Silent(),
        )


def run_on(
    platform: Platform,
    selection: str,
    *,
    first: date | None = None,
    last: date | None = None,
    force: bool = False,
    meant: Meant | None = None,
    progress: Progress,
) -> RunSummary:
    """The same on a platform that is open."""
    selected = without_comparisons(select(platform.definitions, selection))
    days = asked_days(platform.settings, selected, first, last)
    outcomes: list[RunOutcome] = []
    missing: list[str] = []
    standing = 0
    for domain in selected:
        found = survey(platform.settings, platform.warehouse, domain, days, force=force)
        progress.planned(domain.domain, found)
        missing += found.missing_paths
        standing += found.plan.standing
        runs = _DomainRuns(platform, domain, progress, meant or Meant())
        if domain.by_file:
            runs.take_files(found.undated, force=force)
            missing += runs.missing
        else:
            runs.take(found.plan.stretches, found.undated)
            runs.catch_up(days)
        outcomes += runs.outcomes
    run_ids = [outcome.run_id for outcome in outcomes]
    with platform.warehouse.transaction() as connection:
        fates = fates_of_runs(connection, run_ids)
        refused = bool(refused_runs(connection, run_ids))
    return RunSummary(tuple(outcomes), tuple(fates), tuple(missing), standing, days is not None, refused)


def without_comparisons(selected: list[Selected]) -> list[Selected]:
    """Comparing a source whole is no part of what a run owes; it is done when nothing else was asked for. Neither is a
    backup, which has a command of its own. Raises WrongUse where only that was asked for.
    """
    loads = [domain for domain in selected if domain.domain != BACKUPS]
    if not loads:
        raise WrongUse(
            "backups are no part of what a run owes.", remedy="Make one with `sales-platform backup create`."
        )
    return [domain for domain in loads if domain.domain != COMPARISONS] or loads


class _DomainRuns:
    """The Dagster runs of one domain, one after the other."""

    def __init__(self, platform: Platform, domain: Selected, progress: Progress, meant: Meant) -> None:
        self.outcomes: list[RunOutcome] = []
        self._platform = platform
        self._domain = domain
        self._progress = progress
        self._meant = meant
        self._tried: set[date] = set()
        self.missing: list[str] = []

    def take(self, stretches: Sequence[Stretch], undated: Sequence[str]) -> None:
        """Undated assets once, with the first stretch: what they change is then part of its figures."""
        domain = self._domain
        if not stretches and undated:
            self._materialize(undated, None)
        for number, stretch in enumerate(stretches):
            daily = domain.daily if stretch.load else domain.daily_analytics
            with_it = undated if number == 0 else ()
            self._materialize((*with_it, *daily), (stretch.first, stretch.last))

    def take_files(self, undated: Sequence[str], *, force: bool) -> None:
        """Lists first, because they decide about the files; then the files; then the tables that lack something."""
        platform, domain = self._platform, self._domain
        lists = [name for name in undated if name.startswith(("raw/", "staging/"))]
        if lists:
            self._materialize(lists, None)
        for feed in domain.file_feeds(read_catalog()):
            with platform.warehouse.transaction() as connection:
                plan = survey_files(platform.settings, connection, feed)
            self._progress.files_planned(plan)
            if not (plan.todo or plan.standing or plan.gone):
                # nothing can be made of a feed that never brought a file
                self.missing.append(feed.path)
                return
            mine = [name for name in domain.by_file if name.partition("/")[2] == feed.name]
            for stretch in register(platform.instance, feed.name, list(plan.todo)):
                self._materialize(mine, stretch)
        tables = [name for name in domain.undated if not name.startswith(("raw/", "staging/"))]
        with platform.warehouse.transaction() as connection:
            due = survey_undated(platform.settings, connection, tables, force=force)
        if due.assets:
            self._materialize(due.assets, None)

    def catch_up(self, days: Days | None) -> None:
        """Recompute days that a change of an undated asset made stale; none that was just tried."""
        tables = self._domain.daily_tables(read_catalog())
        while tables:
            with self._platform.warehouse.transaction() as connection:
                stale = stale_days(connection, tables)
            due = unbroken(day for day in stale - self._tried if self._is_partition(day, days))
            if not due:
                return
            self._materialize(self._domain.daily_analytics, due[0])

    def _is_partition(self, day: date, days: Days | None) -> bool:
        settings = self._platform.settings
        first, last = days or (settings.partitions_start, today_of(settings))
        return first <= day <= last

    def _materialize(self, assets: Sequence[str], span: Days | tuple[str, str] | None) -> None:
        from sales_platform.components.declared import tags_of
        from sales_platform.operations.materializing import materialize_in

        first, last = span or (None, None)
        if isinstance(first, date) and isinstance(last, date):
            self._tried |= {first + timedelta(days=n) for n in range((last - first).days + 1)}
        self._progress.run_started(_title(self._domain.domain, span), assets)
        try:
            outcome = materialize_in(
                self._platform.definitions,
                as_selection(assets),
                str(first) if first else None,
                str(last) if last else None,
                instance=self._platform.instance,
                on_event=self._tell,
                tags=tags_of(self._meant),
            )
        finally:
            self._progress.run_ended()
        self.outcomes.append(outcome)

    def _tell(self, event: dg.DagsterEvent) -> None:
        if event.step_key is None:
            return
        step = event.step_key.replace("__", "/")
        if event.event_type_value == "STEP_START":
            self._progress.step_started(step)
        elif event.is_step_success or event.is_step_failure:
            self._progress.step_ended(step, failed=event.is_step_failure)


def _title(domain: str, span: Days | tuple[str, str] | None) -> str:
    if span is None:
        return domain
    return f"{domain} {span[0]}" if span[0] == span[1] else f"{domain} {span[0]} … {span[1]}"


def refuse_empty_range(settings: Settings, first: date | None, last: date | None) -> None:
    """Raise WrongUse for a range that can hold nothing, before anything is opened (B-22)."""
    if first is None and last is None:
        return
    start, today = settings.partitions_start, today_of(settings)
    check_range(
        first or min(start, last or start), last or max(today, first or today), start=start, today=today
    )


def asked_days(
    settings: Settings, selected: Sequence[Selected], first: date | None, last: date | None
) -> Days | None:
    """Both ends of the range; where one was left out, the first day with a file, and yesterday."""
    if first is None and last is None:
        return None
    if not any(domain.daily for domain in selected):
        raise WrongUse("the selection has no daily asset.", remedy="Leave out --from and --to.")
    yesterday = today_of(settings) - timedelta(days=1)
    begin = first or min(_first_file(settings, selected), last or yesterday)
    days = (begin, last or max(yesterday, begin))
    check_range(*days, start=settings.partitions_start, today=today_of(settings))
    return days


def _first_file(settings: Settings, selected: Sequence[Selected]) -> date:
    feeds = [feed for domain in selected for feed in domain.daily_feeds(read_catalog())]
    days = [day for feed in feeds for day in existing_days(settings.data_root, feed.path)]
    return min((day for day in days if day >= settings.partitions_start), default=settings.partitions_start)
