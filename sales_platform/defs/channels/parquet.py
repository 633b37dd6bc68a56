"""The asset files/channels_transactions: each day of the fact as a Parquet file below the data folder. How rows become
bytes stands beside it.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg

from sales_platform.components import metadata, partitions, policy
from sales_platform.contracts.catalog import read_catalog
from sales_platform.defs.channels.parquet_writing import parquet_bytes, parquet_columns
from sales_platform.engine import file_systems
from sales_platform.engine.files import locate
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.versions import consume_partitions, stale_inputs
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import SourceError
from sales_platform.resources import SourceFilesResource, WarehouseResource
from sales_platform.settings import DataFolder
from sales_platform.sources.placing import place

NAME = "files.channels_transactions"
FACT = "analytics.fact_transaction"
FEED = "channels_transactions"
ORDER = ("transaction_id",)


@dataclass(frozen=True)
class DayFile:
    """A day's file. size: its bytes. csv_size: those of the CSV that the day came in; None where it is gone."""

    rows: int
    size: int
    csv_size: int | None


def parquet_path(day: date) -> str:
    """Where a day's file lies below the data folder."""
    return f"channels/processed/{day:%Y/%m/%d}/cleaned_transactions.parquet"


def _column_schema() -> dg.TableSchema:
    fact = read_catalog().tables[FACT]
    return metadata.table_schema(fact, fact.columns)


with policy.beta_accepted():

    @dg.asset(
        key=NAME.split("."),
        deps=[FACT.split(".")],
        description=(
            "The rows of the fact, one Parquet file per day: `channels/processed/YYYY/MM/DD/cleaned_transactions"
            ".parquet` below the data folder. Typed, zstd, sorted by transaction_id, written whole or not at all."
        ),
        group_name="channels",
        kinds={"parquet"},
        owners=["team:sales-data"],
        metadata={"dagster/column_schema": _column_schema()},
        partitions_def=partitions.daily(),
        backfill_policy=policy.ONE_RUN,
        automation_condition=policy.each_day_when_sound([metadata.key_of(FACT)]),
        retry_policy=policy.THREE_TRIES,
        pool=policy.writer_of(NAME),
    )
    def channels_transactions(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, source_files: SourceFilesResource
    ) -> dg.MaterializeResult[None]:
        asked = partitions.asked_for(context) or []
        with policy.failures_named():
            written = write_days(warehouse.open(), source_files.root, asked)
        for day in asked:
            context.add_asset_metadata(_figures([written[day]]), partition_key=day)
        also = sorted(written.keys() - set(asked))
        noted = {"also_rewritten": dg.MetadataValue.json(also)} if also else {}
        return dg.MaterializeResult(metadata={**_figures(list(written.values())), **noted})


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=[channels_transactions])


def write_days(warehouse: Warehouse, data: DataFolder, asked: list[str]) -> dict[str, DayFile]:
    """Write the files of the asked days, and of every other day that changed since its file was written.

    Returns what each day's file holds. A file whose bytes would be the same is left untouched.
    """
    with warehouse.transaction() as connection:
        # What is noted as written must be what was read.
        lock_tables(connection, [NAME, FACT])
        columns = parquet_columns(connection, FACT)
        shape = hashlib.sha256(repr(columns).encode()).hexdigest()
        days = sorted({*asked, *stale_inputs(connection, NAME, [FACT], shape)})
        written = {day: _write(connection, data, columns, day) for day in days}
        consume_partitions(connection, NAME, [FACT], days, shape)
    return written


def _write(connection: Connection, data: DataFolder, columns: dict[str, str], day: str) -> DayFile:
    content, rows = parquet_bytes(connection, FACT, columns, day, ORDER)
    _put(data, parquet_path(date.fromisoformat(day)), content)
    return DayFile(rows, len(content), _csv_size(data, date.fromisoformat(day)))


def _put(data: DataFolder, path: str, content: bytes) -> None:
    """Whole or not at all: a rename in a folder, one upload in remote storage."""
    if isinstance(data, Path):
        place(data / path, content)
    else:
        file_systems.write(data, path, content)


def _csv_size(data: DataFolder, day: date) -> int | None:
    try:
        return locate(data, read_catalog().feeds[FEED].path, day).size()
    except SourceError:
        return None


def _figures(files: list[DayFile]) -> dict[str, dg.MetadataValue]:
    """Rows and bytes; the share of the CSV's size over the days that still have their CSV."""
    figures: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.MetadataValue.int(sum(file.rows for file in files)),
        "bytes": dg.MetadataValue.int(sum(file.size for file in files)),
    }
    paired = [(file.size, file.csv_size) for file in files if file.csv_size]
    if paired:
        csv_bytes = sum(csv for _, csv in paired)
        share = sum(size for size, _ in paired) / csv_bytes
        figures["csv_bytes"] = dg.MetadataValue.int(csv_bytes)
        figures["share_of_csv"] = dg.MetadataValue.float(round(share, 3))
    return figures
