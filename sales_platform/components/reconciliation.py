"""The asset that compares a source with the warehouse and repairs what no stamp shows. The engine compares."""

import dagster as dg

from sales_platform.components import metadata, policy
from sales_platform.contracts.source import PostgresFeedContract
from sales_platform.engine.oltp.feeds import SourceLoad, load_source
from sales_platform.resources import SourceDatabasesResource, WarehouseResource

GROUP = "reconciliation"


def reconciliation(source: PostgresFeedContract) -> dg.AssetsDefinition:
    """`ops/<domain>_reconciliation`: what it repairs in a table is told as a materialization of that table too."""

    @dg.asset(
        key=["ops", f"{source.domain}_reconciliation"],
        deps=[["source", feed.name] for feed in source.feeds],
        description=(
            f"Counts and hashes per range of keys, {source.domain}'s source against the warehouse; edits without a"
            " stamp and deletes that are found become events at the time of observation."
        ),
        group_name=GROUP,
        kinds={"postgres"},
        owners=[source.owner],
        retry_policy=policy.THREE_TRIES,
        pool=policy.writer_of(source.domain),
    )
    def reconcile(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        source_databases: SourceDatabasesResource,
    ) -> dg.MaterializeResult[None]:
        with policy.failures_named():
            done = load_source(
                warehouse.open(),
                source_databases.open(source.database),
                source,
                run_id=context.run.run_id,
                comparing=True,
            )
        for table in done.tables:
            if any(report.loaded or report.rejected for report in table.reports):
                context.log_event(
                    dg.AssetMaterialization(
                        ["staging", table.feed.name], metadata=metadata.load_figures(table.reports)
                    )
                )
        with policy.failures_named():
            done.raise_faults()
        return dg.MaterializeResult(metadata=_figures(done))

    return reconcile


def _figures(done: SourceLoad) -> dict[str, dg.MetadataValue]:
    found = {table.feed.name: table.compared for table in done.tables if table.compared}
    tables = {
        name: {"rows": c.rows, "missing": c.missing, "changed": c.changed, "deleted": c.deleted}
        for name, c in found.items()
    }
    return {
        "rows_compared": dg.MetadataValue.int(sum(c.rows for c in found.values())),
        "differences": dg.MetadataValue.int(sum(c.differences for c in found.values())),
        "by_table": dg.MetadataValue.json(tables),
    }
