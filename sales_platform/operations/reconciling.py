"""What `sales-platform reconcile` does: compare a source with the warehouse whole, repair, and bring what follows up
to date. How tables are compared, the engine knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.source import PostgresFeedContract, TableFeed
from sales_platform.engine.oltp.feeds import SourceLoad, load_source
from sales_platform.errors import DataRefused, SalesPlatformError, WrongUse
from sales_platform.operations.opening import Platform, open_platform
from sales_platform.operations.progress import Progress, Silent
from sales_platform.operations.running import RunSummary, run_on
from sales_platform.operations.selecting import as_selection, select
from sales_platform.settings import Settings


@dataclass(frozen=True)
class TableReconciled:
    """One table of a source. rows: compared. arrived: that their stamps showed since the last load. missing, changed,
    deleted: that no stamp showed, repaired now. error: why nothing of the table was repaired.
    """

    table: str
    rows: int = 0
    arrived: int = 0
    missing: int = 0
    changed: int = 0
    deleted: int = 0
    refused: bool = False
    error: str | None = None


@dataclass(frozen=True)
class Reconciliation:
    """run: what came of the tables that follow from the source's; None where there are none."""

    domain: str
    tables: tuple[TableReconciled, ...]
    run: RunSummary | None

    @property
    def exit_code(self) -> int:
        """0 repaired, 1 a table failed, 3 the guard against mass deletes refused one (S-33)."""
        if any(table.refused for table in self.tables):
            return DataRefused.exit_code
        return int(any(table.error for table in self.tables)) or (self.run.exit_code if self.run else 0)


def reconcile(
    settings: Settings,
    domain: str,
    *,
    allow_deletes: bool = False,
    progress: Progress | None = None,
    on_tables: Callable[[tuple[TableReconciled, ...]], None] = lambda _tables: None,
) -> Reconciliation:
    """Compare every table of a domain's source with what stands, repair it, then run what is stale of the domain.

    allow_deletes: however many rows the source no longer has. on_tables hears of the comparison before the run.
    Raises WrongUse for a domain without a source, ServerUnavailable and ConfigurationError for a source that cannot
    be read at all.
    """
    source_of(read_catalog(), domain)
    with open_platform(settings) as platform:
        return reconcile_on(
            platform, domain, allow_deletes=allow_deletes, progress=progress or Silent(), on_tables=on_tables
        )


def reconcile_on(
    platform: Platform,
    domain: str,
    *,
    allow_deletes: bool,
    progress: Progress,
    on_tables: Callable[[tuple[TableReconciled, ...]], None] = lambda _tables: None,
) -> Reconciliation:
    """The same on a platform that is open."""
    from sales_platform.resources import SourceDatabasesResource

    source = source_of(read_catalog(), domain)
    database = SourceDatabasesResource().open(source.database)
    done = load_source(platform.warehouse, database, source, comparing=True, allow_deletes=allow_deletes)
    tables = tuple(_reconciled(feed, done) for feed in source.feeds)
    on_tables(tables)
    return Reconciliation(domain, tables, _run_what_follows(platform, domain, progress))


def source_of(catalog: Catalog, domain: str) -> PostgresFeedContract:
    """Raises WrongUse that names the domains that have one."""
    if domain not in catalog.sources:
        raise WrongUse(
            f"{domain!r} has no source database to compare with.",
            remedy=f"Domains that have one: {', '.join(catalog.sources) or 'none'}.",
        )
    return catalog.sources[domain]


def _reconciled(feed: TableFeed, done: SourceLoad) -> TableReconciled:
    fault = done.faults.get(feed.name)
    if fault is not None:
        return TableReconciled(feed.table, refused=isinstance(fault, DataRefused), error=_told(fault, feed))
    load = next(found for found in done.tables if found.feed.name == feed.name)
    logged = sum(report.loaded + report.rejected for report in load.reports)
    if load.compared is None:
        # a first load has nothing to compare with: all of it arrived
        return TableReconciled(feed.table, rows=sum(report.read for report in load.reports), arrived=logged)
    found = load.compared
    return TableReconciled(
        feed.table,
        found.rows,
        logged - found.differences,
        found.missing,
        found.changed,
        found.deleted,
    )


def _told(fault: SalesPlatformError, feed: TableFeed) -> str:
    """The message without the name that stands before it anyway."""
    return str(fault).removeprefix(f"{feed.name}: ")


def _run_what_follows(platform: Platform, domain: str, progress: Progress) -> RunSummary | None:
    names = [
        name
        for selected in select(platform.definitions, domain)
        for name in (*selected.undated, *selected.daily)
        if not name.startswith(("raw/", "staging/"))
    ]
    return run_on(platform, as_selection(names), progress=progress) if names else None
