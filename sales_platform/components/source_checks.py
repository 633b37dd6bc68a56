"""The checks that a source's tables equal the warehouse, by rows, sums and hashes. How both sides are read, the engine
knows.

They read every row of the source, which no load may cost: so they are checks of `ops/<domain>_reconciliation`, which
runs once a night, and not of staging, where each run would evaluate them. `sales-platform check` evaluates them when it
is asked for the tables of staging.
"""

from collections.abc import Iterator, Mapping

import dagster as dg

from sales_platform.components import inspecting, policy
from sales_platform.contracts.personal import shown
from sales_platform.contracts.source import PostgresFeedContract, TableFeed
from sales_platform.engine.oltp.differing_rows import Differing
from sales_platform.engine.oltp.equality import Equality, Figures, source_equality
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import SalesPlatformError
from sales_platform.resources import SourceDatabasesResource, WarehouseResource

EQUALS_SOURCE = "equals_source"
Found = Equality | SalesPlatformError


def source_checks(source: PostgresFeedContract) -> dg.AssetChecksDefinition:
    """`<table>_equals_source` for each table. All that are asked for see one snapshot of the source."""
    feeds = {check_name(feed): feed for feed in source.feeds}

    @dg.multi_asset_check(
        name=f"{source.domain}__{EQUALS_SOURCE}",
        specs=[_spec(feed) for feed in feeds.values()],
        can_subset=True,
        retry_policy=policy.THREE_TRIES,
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        warehouse: WarehouseResource,
        source_databases: SourceDatabasesResource,
    ) -> Iterator[dg.AssetCheckResult]:
        wanted = {key.name for key in context.selected_asset_check_keys}
        chosen = [feed for name, feed in feeds.items() if name in wanted]
        with policy.failures_named():
            found = _compared(warehouse.open(), source_databases, source, chosen)
        for feed in chosen:
            yield result(feed, found[feed.table])

    return check


def check_name(feed: TableFeed) -> str:
    return f"{feed.table}_{EQUALS_SOURCE}"


def _asset(feed: TableFeed) -> dg.AssetKey:
    return dg.AssetKey(["ops", f"{feed.domain}_reconciliation"])


def _spec(feed: TableFeed) -> dg.AssetCheckSpec:
    later = (
        "what changed since its last load counts, for want of a stamp"
        if feed.cursor is None
        else "what the next load reads anyway does not count"
    )
    return dg.AssetCheckSpec(
        check_name(feed),
        asset=_asset(feed),
        description=f"staging.{feed.name} has the source's rows, sums of numbers and hashes; {later}.",
        additional_deps=[dg.AssetKey(["staging", feed.name])],
    )


def _compared(
    warehouse: Warehouse,
    source_databases: SourceDatabasesResource,
    source: PostgresFeedContract,
    chosen: list[TableFeed],
) -> Mapping[str, Found]:
    """A source that cannot be reached is what every check says, not a failure of the run."""
    with warehouse.transaction():
        # a warehouse that does not answer is no finding about the source
        pass
    tables = [feed.table for feed in chosen]
    try:
        database = source_databases.open(source.database)
        return source_equality(warehouse, database, source, tables, samples=inspecting.SAMPLES)
    except SalesPlatformError as error:
        return dict.fromkeys(tables, error)


def result(feed: TableFeed, found: Found) -> dg.AssetCheckResult:
    """ERROR where staging contradicts the platform's own log, which no load repairs; WARN where the source changed
    without a word, as reconciliation finds and repairs it, and where nothing could be compared.
    """
    if isinstance(found, SalesPlatformError):
        return _told(feed, f"not compared: {found}", passed=False, figures={})
    differing = found.differing
    figures = _figures(found)
    if differing is None:
        return _told(feed, _alike(found), passed=True, figures=figures)
    figures["samples"] = inspecting.as_table([_masked(feed, key) for key in differing.keys])
    listings = "\n\n".join(f"-- in the {side}\n{text};" for side, text in differing.listings.items())
    figures["offenders_sql"] = dg.MetadataValue.md(f"```sql\n{listings}\n```")
    severe = bool(differing.astray)
    return _told(feed, _unlike(feed, found, differing), passed=False, figures=figures, severe=severe)


def _told(
    feed: TableFeed, text: str, *, passed: bool, figures: dict[str, dg.MetadataValue], severe: bool = False
) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        asset_key=_asset(feed),
        check_name=check_name(feed),
        passed=passed,
        severity=severity,
        description=text,
        metadata={"severity": dg.MetadataValue.text(severity.value), "threshold": 0, **figures},
    )


def _alike(found: Equality) -> str:
    coming = f"; {found.aside:,} more are read by the next load" if found.aside else ""
    return f"{found.source.rows:,} rows alike by count, sums and hash{coming}"


def _unlike(feed: TableFeed, found: Equality, differing: Differing) -> str:
    counted = (
        f"source {found.source.rows:,} rows, warehouse {found.warehouse.rows:,}: {differing.missing:,} missing,"
        f" {differing.changed:,} changed, {differing.surplus:,} that the source does not have"
    )
    if differing.astray:
        return (
            f"{counted}; on {differing.astray:,} of them the log agrees with the source and staging does not:"
            f" `sales-platform rebuild {feed.domain}`"
        )
    if feed.cursor is None:
        return (
            f"{counted}; no stamp tells what is newer than the last load: `sales-platform run {feed.domain}`"
        )
    return f"{counted}; no stamp shows it: `sales-platform reconcile {feed.domain}`"


def _figures(found: Equality) -> dict[str, dg.MetadataValue]:
    differing = found.differing
    figures: dict[str, dg.MetadataValue] = {
        "rows": dg.MetadataValue.int(found.source.rows),
        "offenders": dg.MetadataValue.int(differing.rows if differing else 0),
        "read_by_the_next_load": dg.MetadataValue.int(found.aside),
        "source": dg.MetadataValue.json(_spelled(found.source)),
        "warehouse": dg.MetadataValue.json(_spelled(found.warehouse)),
    }
    if differing:
        for name in ("missing", "changed", "surplus", "astray"):
            figures[name] = dg.MetadataValue.int(getattr(differing, name))
    if found.unread:
        figures["columns_not_read_yet"] = dg.MetadataValue.json(list(found.unread))
    return figures


def _spelled(side: Figures) -> dict[str, object]:
    """Numbers as text, because JSON knows no exact ones."""
    sums = {name: None if added is None else str(added) for name, added in side.sums.items()}
    return {"rows": side.rows, "hash": str(side.hash), "sums": sums}


def _masked(feed: TableFeed, key: Mapping[str, object]) -> inspecting.Sample:
    personal = {name for name, column in feed.columns.items() if column.pii}
    return {name: inspecting.plain(shown(value, personal=name in personal)) for name, value in key.items()}
