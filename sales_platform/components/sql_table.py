"""The Component SqlTable: a fact or mart that is one SELECT. How it is published belongs to the engine."""

from collections.abc import Iterator
from typing import Self

import dagster as dg
from pydantic import BaseModel

from sales_platform.components import audit_check, metadata, pages, partitions, policy
from sales_platform.components.attributes import attributes_of, read_attributes
from sales_platform.components.scaffolding import SqlTableScaffolder
from sales_platform.components.table_checks import table_checks
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.publish import publish_table
from sales_platform.engine.reports import TableReport
from sales_platform.engine.selects import column_lineage, inputs_of, output_columns
from sales_platform.engine.tables import TableName, columns_of
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import AuditFailed
from sales_platform.resources import WarehouseResource


@dg.scaffold_with(SqlTableScaffolder)
class SqlTable(dg.Component):
    """`sql/<domain>/<schema>/<table>.sql` → `<schema>.<table>`, a fact with its dimension keys."""

    def __init__(self, contract: SqlTableContract) -> None:
        self.contract = contract

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        return attributes_of(SqlTableContract)

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        return cls(read_attributes(SqlTableContract, attributes, context))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        table = self.contract
        return dg.Definitions(assets=[_published(table)], asset_checks=[table_checks(table)])


def _published(table: SqlTableContract) -> dg.AssetsDefinition:
    daily = table.load == "replace_partition"
    with policy.beta_accepted():

        @dg.asset(
            key=metadata.key_of(table.name),
            deps=[metadata.key_of(name) for name in _inputs(table)],
            description=table.description,
            group_name=table.domain,
            kinds={"postgres", "sql"},
            owners=[table.owner],
            metadata={
                "dagster/table_name": table.name,
                "dagster/column_schema": metadata.table_schema(table, _columns(table)),
                "dagster/column_lineage": metadata.lineage(_origins(table)),
                **pages.linked(table.domain, table.name, metadata.sql_file(table)),
            },
            check_specs=[audit_check.spec(table)],
            partitions_def=partitions.daily() if daily else None,
            backfill_policy=policy.ONE_RUN if daily else None,
            automation_condition=_when(table),
            retry_policy=policy.THREE_TRIES,
            pool=policy.writer_of(table.name),
        )
        def publish(
            context: dg.AssetExecutionContext, warehouse: WarehouseResource
        ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
            days = partitions.asked_for(context) if daily else None
            with policy.failures_named():
                try:
                    report = publish_table(warehouse.open(), table, partitions=days)
                except AuditFailed as error:
                    yield audit_check.failed(table, error)
                    raise
                schema = _standing_schema(warehouse.open(), table)
            if days:
                _tell_partitions(context, report, days, schema)
            columns = {} if days else {"dagster/column_schema": schema}
            yield dg.MaterializeResult(
                metadata={**metadata.table_figures(report), **columns},
                check_results=[audit_check.passed(table, report.audit)],
            )

    return publish


def _when(table: SqlTableContract) -> policy.Condition:
    catalog = read_catalog()
    by_day = {f"staging.{name}" for name, feed in catalog.feeds.items() if feed.partitions == "daily"}
    by_day |= {name for name, other in catalog.tables.items() if other.load == "replace_partition"}
    daily = [metadata.key_of(name) for name in _inputs(table) if name in by_day]
    if table.load == "replace_partition":
        return policy.each_day_when_sound(daily)
    return policy.whole_when_sound(daily) if daily else policy.WHEN_SOUND


def _inputs(table: SqlTableContract) -> list[str]:
    """What the SELECT reads, and the dimensions whose keys the engine attaches."""
    dimensions = {f"analytics.{role.dimension}" for role in table.dimensions.values()}
    return sorted({*inputs_of(table), *dimensions})


def _columns(table: SqlTableContract) -> list[str]:
    """The columns of the SELECT, then those that the engine adds, in the contract's order."""
    selected = output_columns(table)
    return [*selected, *(name for name in table.columns if name not in selected)]


def _origins(table: SqlTableContract) -> dict[str, list[tuple[str, str]]]:
    """Column lineage read from the SQL; an attached key comes from its dimension."""
    origins = {name: found for name, found in column_lineage(table).items() if found}
    for name, role in table.dimensions.items():
        key = f"{role.dimension.rsplit('_', 1)[-1]}_key"
        origins[f"{name}_key"] = [(f"analytics.{role.dimension}", key)]
        if role.at:
            start = (f"analytics.{role.dimension}", "effective_start_date")
            origins[f"{name}_version_inferred"] = [start]
    return origins


def _standing_schema(warehouse: Warehouse, table: SqlTableContract) -> dg.TableSchema:
    """The columns with the types that PostgreSQL gave them."""
    with warehouse.transaction() as connection:
        types = columns_of(connection, TableName.parse(table.name))
    return metadata.table_schema(table, types, types)


def _tell_partitions(
    context: dg.AssetExecutionContext, report: TableReport, days: list[str], schema: dg.TableSchema
) -> None:
    """Each day's rows stand at its own materialization; the columns at the last one, where Dagster looks for them."""
    for day in days:
        rows = dg.MetadataValue.int(report.rows.get(day, 0))
        context.add_asset_metadata({"dagster/partition_row_count": rows}, partition_key=day)
    context.add_asset_metadata({"dagster/column_schema": schema}, partition_key=days[-1])
