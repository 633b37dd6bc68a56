"""The Component PostgresFeed: tables of a live database land in raw and stand in staging. The engine reads them."""

from collections.abc import Iterator
from typing import Self

import dagster as dg
from pydantic import BaseModel

from sales_platform.components import feed_checks, feed_specs, metadata, policy
from sales_platform.components.attributes import attributes_of, read_attributes
from sales_platform.components.reconciliation import reconciliation
from sales_platform.components.scaffolding import PostgresFeedScaffolder
from sales_platform.components.source_checks import source_checks
from sales_platform.components.source_sensor import source_sensor
from sales_platform.contracts.source import PostgresFeedContract, TableFeed
from sales_platform.engine.oltp.feeds import TableLoad, load_source
from sales_platform.engine.tables import TableName, columns_of
from sales_platform.engine.warehouse import Warehouse
from sales_platform.resources import SourceDatabasesResource, WarehouseResource


@dg.scaffold_with(PostgresFeedScaffolder)
class PostgresFeed(dg.Component):
    """Tables of a PostgreSQL database → `raw.<domain>_<table>` → `staging.<domain>_<table>`."""

    def __init__(self, contract: PostgresFeedContract) -> None:
        self.contract = contract

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        return attributes_of(PostgresFeedContract)

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        return cls(read_attributes(PostgresFeedContract, attributes, context))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        source = self.contract
        return dg.Definitions(
            assets=[
                *(_source(feed) for feed in source.feeds),
                _landed_and_staged(source),
                reconciliation(source),
            ],
            asset_checks=[
                *(feed_checks.staging_checks(feed) for feed in source.feeds),
                source_checks(source),
            ],
            sensors=[source_sensor(source)],
        )


def _source(feed: TableFeed) -> dg.AssetSpec:
    place = f"`{'.'.join(feed.source_table)}` in the database `{feed.source.database}`."
    return feed_specs.source_spec(feed, place, "postgres")


def _specs(feed: TableFeed) -> list[dg.AssetSpec]:
    schema = metadata.table_feed_schema(feed)
    grain = "one row per version" if feed.versions else "one row per key, as the source shows it"
    return [
        feed_specs.raw_spec(feed, "Every version and delete that was seen, never changed.", schema),
        feed_specs.staging_spec(feed, f"Judged, {grain}", schema),
    ]


def _landed_and_staged(source: PostgresFeedContract) -> dg.AssetsDefinition:
    """One step for all tables, because one snapshot shows them; a run may take some."""

    @dg.multi_asset(
        name=f"{source.domain}_source",
        specs=[spec for feed in source.feeds for spec in _specs(feed)],
        check_specs=[spec for feed in source.feeds for spec in feed_checks.load_check_specs(feed)],
        group_name=source.domain,
        can_subset=True,
        retry_policy=policy.THREE_TRIES,
        pool=policy.writer_of(source.domain),
    )
    def load(
        context: dg.AssetExecutionContext,
        warehouse: WarehouseResource,
        source_databases: SourceDatabasesResource,
    ) -> Iterator[dg.MaterializeResult[None]]:
        selected = context.selected_asset_keys
        tables = [feed.table for feed in source.feeds if not selected.isdisjoint(_keys(feed))]
        with policy.failures_named():
            done = load_source(
                warehouse.open(),
                source_databases.open(source.database),
                source,
                tables,
                run_id=context.run.run_id,
            )
        for table in done.tables:
            yield from (found for found in _results(warehouse.open(), table) if found.asset_key in selected)
        with policy.failures_named():
            done.raise_faults()

    return load


def _keys(feed: TableFeed) -> set[dg.AssetKey]:
    return {dg.AssetKey(["raw", feed.name]), dg.AssetKey(["staging", feed.name])}


def _results(warehouse: Warehouse, table: TableLoad) -> Iterator[dg.MaterializeResult[None]]:
    feed, figures = table.feed, metadata.load_figures(table.reports)
    with warehouse.transaction() as connection:
        for layer in ("raw", "staging"):
            types = columns_of(connection, TableName(layer, feed.name))
            yield dg.MaterializeResult(
                [layer, feed.name],
                metadata={**figures, "dagster/column_schema": metadata.table_feed_schema(feed, types)},
                check_results=feed_checks.load_check_results(feed, table.reports)
                if layer == "staging"
                else [],
            )
