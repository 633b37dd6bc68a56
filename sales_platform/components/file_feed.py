"""The Component FileFeed: files land in raw and are judged into staging. Loading belongs to the engine."""

from collections.abc import Iterator
from typing import Self

import dagster as dg
from pydantic import BaseModel

from sales_platform.components import declared, feed_checks, feed_specs, metadata, partitions, policy
from sales_platform.components.attributes import attributes_of, read_attributes
from sales_platform.components.file_sensor import file_sensor
from sales_platform.components.inspecting import standing_rows
from sales_platform.components.scaffolding import FileFeedScaffolder
from sales_platform.contracts.catalog import as_switched
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile, locate
from sales_platform.engine.parents import deciding_parents
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import DataRefused, FileMissing
from sales_platform.resources import SourceFilesResource, WarehouseResource
from sales_platform.settings import DataFolder, load_settings


@dg.scaffold_with(FileFeedScaffolder)
class FileFeed(dg.Component):
    """Files below the data folder → `raw.<domain>_<table>` → `staging.<domain>_<table>`."""

    def __init__(self, contract: FileFeedContract) -> None:
        self.contract = contract

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        return attributes_of(FileFeedContract)

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        contract = read_attributes(FileFeedContract, attributes, context)
        return cls(as_switched(contract, load_settings().switches()))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        feed = self.contract
        return dg.Definitions(
            assets=[
                feed_specs.source_spec(feed, f"`{feed.path}` below the data folder.", "csv"),
                _landed_and_staged(feed),
            ],
            asset_checks=[feed_checks.staging_checks(feed)],
            sensors=[file_sensor(feed)],
        )


def _specs(feed: FileFeedContract) -> list[dg.AssetSpec]:
    parents = [metadata.key_of(parent) for parent in deciding_parents(feed)]
    return [
        feed_specs.raw_spec(feed, "As received, every line as text.", metadata.raw_schema(feed)),
        feed_specs.staging_spec(
            feed,
            "Typed, judged and deduplicated",
            metadata.staging_schema(feed),
            parents=parents,
            lineage=metadata.staging_lineage(feed),
        ),
    ]


def _landed_and_staged(feed: FileFeedContract) -> dg.AssetsDefinition:
    """One step for both tables, because one transaction writes them."""
    partitions_def = partitions.of_feed(feed)
    with policy.beta_accepted():

        @dg.multi_asset(
            name=feed.name,
            specs=_specs(feed),
            check_specs=feed_checks.load_check_specs(feed),
            group_name=feed.domain,
            partitions_def=partitions_def,
            backfill_policy=policy.ONE_RUN if partitions_def else None,
            retry_policy=policy.THREE_TRIES,
            pool=policy.writer_of(feed.name),
        )
        def load(
            context: dg.AssetExecutionContext, warehouse: WarehouseResource, source_files: SourceFilesResource
        ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
            asked = partitions.asked_for(context) if partitions_def else None
            with policy.failures_named():
                files, absent = _files(feed, source_files.root, asked)
                try:
                    reports = load_files(
                        warehouse.open(),
                        feed,
                        files,
                        run_id=context.run.run_id,
                        meant=declared.meant_by(context.run.tags),
                    )
                except DataRefused as error:
                    yield feed_checks.refusal(feed, error)
                    raise
                rows = _standing(warehouse.open(), feed, asked)
            _tell_partitions(
                context, feed, [report for report in reports if report.partition in (asked or ())], rows
            )
            _tell_absent(context, feed, absent)
            yield from _results(feed, reports, rows)
            if feed.partitions == "daily":
                yield feed_checks.files_there(feed, list(absent.values()))

    return load


def _files(
    feed: FileFeedContract, data: DataFolder, asked: list[str] | None
) -> tuple[list[SourceFile], dict[str, str]]:
    """The files of a run; and day → path of those that a range leaves out because no file is there.

    Raises FileMissing for a single partition without its file, and with every path for a range without any,
    unless the contract takes missing for empty.
    """
    found: list[SourceFile] = []
    missing: dict[str, FileMissing] = {}
    names: list[str | None] = [None] if asked is None else [*asked]
    for name in names:
        try:
            place = partitions.as_place(feed, name) if name else None
            found.append(locate(data, feed.path, place, shipped=feed.shipped))
        except FileMissing as error:
            missing[name or ""] = error
    absent = {name: str(error.where) for name, error in missing.items()}
    if missing and feed.missing == "fail" and not (found and feed.partitions == "daily"):
        first = next(iter(missing.values()))
        raise FileMissing(first.what, where=", ".join(absent.values()), remedy=first.remedy)
    return found, absent


def _standing(warehouse: Warehouse, feed: FileFeedContract, asked: list[str] | None) -> dict[str, int]:
    """Partition → rows that stand in staging; all of them under '' for a feed without partitions."""
    with warehouse.transaction() as connection:
        return standing_rows(connection, f"staging.{feed.name}", asked)


def _tell_partitions(
    context: dg.AssetExecutionContext, feed: FileFeedContract, reports: list[LoadReport], rows: dict[str, int]
) -> None:
    """Each day's figures stand at its own materialization, which would else repeat the range's totals."""
    for report in reports:
        day, told = report.partition, metadata.partition_figures(report)
        count = dg.MetadataValue.int(rows.get(day, 0))
        context.add_asset_metadata(told, asset_key=["raw", feed.name], partition_key=day)
        context.add_asset_metadata(
            {"dagster/partition_row_count": count, **told},
            asset_key=["staging", feed.name],
            partition_key=day,
        )


def _tell_absent(context: dg.AssetExecutionContext, feed: FileFeedContract, absent: dict[str, str]) -> None:
    """Dagster notes every day of a range as materialized, so a day without a file says that it has none."""
    for day, path in absent.items():
        for layer in ("raw", "staging"):
            told = {"no_file": path, "dagster/partition_row_count": dg.MetadataValue.int(0)}
            context.add_asset_metadata(told, asset_key=[layer, feed.name], partition_key=day)


def _results(
    feed: FileFeedContract, reports: list[LoadReport], rows: dict[str, int]
) -> Iterator[dg.MaterializeResult[None]]:
    figures = metadata.load_figures(reports) if "" in rows else metadata.run_figures(reports)
    counted = {"dagster/row_count": dg.MetadataValue.int(rows[""])} if "" in rows else {}
    checks = feed_checks.load_check_results(feed, reports)
    yield dg.MaterializeResult(["raw", feed.name], metadata=figures)
    yield dg.MaterializeResult(["staging", feed.name], metadata={**figures, **counted}, check_results=checks)
