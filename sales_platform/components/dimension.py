"""The Component Dimension: staged events become a dimension. How history is made belongs to the engine."""

from typing import Self

import dagster as dg
from pydantic import BaseModel

from sales_platform.components import metadata, pages, policy
from sales_platform.components.attributes import attributes_of, read_attributes
from sales_platform.components.scaffolding import DimensionScaffolder
from sales_platform.components.table_checks import dimension_checks
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.history import refresh_dimension
from sales_platform.resources import WarehouseResource


@dg.scaffold_with(DimensionScaffolder)
class Dimension(dg.Component):
    """Events in staging → `analytics.<table>`, with history where the contract tracks columns."""

    def __init__(self, contract: DimensionContract) -> None:
        self.contract = contract

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        return attributes_of(DimensionContract)

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        return cls(read_attributes(DimensionContract, attributes, context))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        dimension = self.contract
        return dg.Definitions(assets=[_refreshed(dimension)], asset_checks=[dimension_checks(dimension)])


def _refreshed(dimension: DimensionContract) -> dg.AssetsDefinition:
    @dg.asset(
        key=["analytics", dimension.table],
        deps=[metadata.key_of(name) for name in _inputs(dimension)],
        description=dimension.description,
        group_name=dimension.domain,
        kinds={"postgres"},
        owners=[dimension.owner],
        metadata={
            "dagster/table_name": dimension.name,
            "dagster/column_schema": metadata.dimension_schema(dimension, _types(dimension)),
            "dagster/column_lineage": metadata.lineage(_origins(dimension)),
            **pages.linked(dimension.domain, dimension.name),
        },
        automation_condition=policy.WHEN_SOUND,
        retry_policy=policy.THREE_TRIES,
        pool=policy.writer_of(dimension.name),
    )
    def refresh(warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        with policy.failures_named():
            report = refresh_dimension(warehouse.open(), dimension)
        return dg.MaterializeResult(metadata=metadata.dimension_figures(report))

    return refresh


def _inputs(dimension: DimensionContract) -> list[str]:
    owners = {f"analytics.{role.dimension}" for role in dimension.dimensions.values()}
    return [*(events.source for events in dimension.events), *sorted(owners)]


def _types(dimension: DimensionContract) -> dict[str, str]:
    """Column → type as the first feed that has it declares it; feeds of other folders may be unknown."""
    feeds = read_catalog().feeds
    types: dict[str, str] = {}
    for column in (*dimension.key, *dimension.attributes):
        source = dimension.source_column(column)
        for events in dimension.events:
            feed = feeds.get(events.table)
            if feed is not None and source in feed.columns:
                types.setdefault(column, feed.columns[source].kind.sql)
    return types


def _origins(dimension: DimensionContract) -> dict[str, list[tuple[str, str]]]:
    """Column → the staged columns that it may come from."""
    feeds = read_catalog().feeds
    origins: dict[str, list[tuple[str, str]]] = {}
    for column in (*dimension.key, *dimension.attributes):
        source = dimension.source_column(column)
        origins[column] = [
            (events.source, source)
            for events in dimension.events
            if (feed := feeds.get(events.table)) is None or source in feed.columns
        ]
    if dimension.has_history:
        starts = [(e.source, name) for e in dimension.events for name in (e.valid_from, e.later) if name]
        origins |= {"effective_start_date": starts, "effective_end_date": starts, "is_current": starts}
    return origins
