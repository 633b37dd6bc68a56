"""The Parquet files of the payment channels as Dagster writes them: typed, whole, the fact's rows, for any tool."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import psycopg
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from sales_platform.definitions import defs
from sales_platform.operations.materializing import RunOutcome, materialize_in
from sales_platform.sources.channels.generator import generate
from sales_platform.sources.channels.layout import transactions_file

FIRST, SECOND, LAST = (date(2026, 3, day) for day in (2, 3, 4))
ASSET = "files/channels_transactions"
Run = Callable[..., RunOutcome]
Rows = list[tuple[Any, ...]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    generate(tmp_path / "data", first=FIRST, last=LAST, seed=7)
    return tmp_path / "data"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


@pytest.fixture
def run(
    data: Path,
    warehouse_url: str,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("SALES_PLATFORM_DATA", str(data))

    def start(first: date = FIRST, last: date = LAST) -> RunOutcome:
        outcome = materialize_in(
            definitions, "channels", first.isoformat(), last.isoformat(), instance=instance
        )
        assert [step.error for step in outcome.failed_steps] == []
        assert [check for check in outcome.failed_checks if check.severity == "ERROR"] == []
        return outcome

    return start


def parquet(data: Path, day: date) -> Path:
    return data / "channels" / "processed" / f"{day:%Y/%m/%d}" / "cleaned_transactions.parquet"


def fact(url: str, day: date) -> Rows:
    query = "select * from analytics.fact_transaction where _partition = %s order by transaction_id"
    with psycopg.connect(url) as connection:
        return [row[1:] for row in connection.execute(query, [day.isoformat()]).fetchall()]


def figures(instance: dg.DagsterInstance, day: date) -> dict[str, Any]:
    found = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(ASSET.split("/")), asset_partitions=[day.isoformat()]),
        limit=1,
    ).records[0]
    assert found.asset_materialization is not None
    return {name: entry.value for name, entry in found.asset_materialization.metadata.items()}


def test_one_run_over_three_days_writes_three_typed_files_that_four_tools_read_alike(
    run: Run, data: Path, warehouse_url: str, instance: dg.DagsterInstance
) -> None:
    _blank_some_fields(transactions_file(data, LAST))
    assert run().success
    for day in (FIRST, SECOND, LAST):
        path, expected = parquet(data, day), fact(warehouse_url, day)
        assert len(expected) == 500
        assert [tuple(row.values()) for row in pq.read_table(path).to_pylist()] == expected
        assert duckdb.connect().read_parquet(str(path)).fetchall() == expected
        assert pl.read_parquet(path).rows() == expected
        assert _as_pandas_reads(path) == expected
    assert [name.name for name in data.rglob("*.parquet*")] == ["cleaned_transactions.parquet"] * 3
    told = figures(instance, SECOND)
    csv_size = transactions_file(data, SECOND).stat().st_size
    assert told["dagster/partition_row_count"] == 500
    assert (told["bytes"], told["csv_bytes"]) == (parquet(data, SECOND).stat().st_size, csv_size)
    assert told["share_of_csv"] == round(told["bytes"] / csv_size, 3) < 1


def _blank_some_fields(path: Path) -> None:
    """The first three payments: without city and time, without customer, over a channel that no list has."""
    header, *lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[0][4] = lines[0][7] = lines[1][2] = ""
    lines[2][3] = "9"
    path.write_text("".join(",".join(fields) + "\n" for fields in (header, *lines)))


def _as_pandas_reads(path: Path) -> Rows:
    frame = pd.read_parquet(path, dtype_backend="pyarrow").astype(object)
    return list(frame.where(frame.notna(), None).itertuples(index=False, name=None))


def test_money_is_decimal_days_are_dates_and_the_pages_are_zstd(run: Run, data: Path) -> None:
    run(FIRST, FIRST)
    schema = pq.read_schema(parquet(data, FIRST))
    types = {name: schema.field(name).type for name in schema.names}
    assert types["amount"] == pa.decimal128(12, 2)
    assert types["fee_amount"] == types["revenue"] == pa.decimal128(20, 8)
    assert types["transaction_date"] == pa.date32()
    assert types["channel_version_inferred"] == pa.bool_()
    assert not any(name.startswith("_") for name in types)
    group = pq.ParquetFile(parquet(data, FIRST)).metadata.row_group(0)
    assert {group.column(number).compression for number in range(group.num_columns)} == {"ZSTD"}


def test_the_same_rows_leave_the_file_untouched(run: Run, data: Path) -> None:
    run()
    before = {day: parquet(data, day).stat() for day in (FIRST, LAST)}
    run()
    for day, stat in before.items():
        now = parquet(data, day).stat()
        assert (now.st_ino, now.st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns)


def test_a_payment_that_a_later_day_takes_over_leaves_the_file_of_its_old_day(run: Run, data: Path) -> None:
    run(FIRST, SECOND)
    taken = transactions_file(data, FIRST).read_text().splitlines()[1].split(",")
    taken[1], taken[5] = "20260304", "77.00"
    with transactions_file(data, LAST).open("a") as file:
        file.write(",".join(taken) + "\n")
    run(LAST, LAST)
    old, new = (pq.read_table(parquet(data, day)).to_pylist() for day in (FIRST, LAST))
    assert (len(old), len(new)) == (499, 501)
    assert taken[0] not in {row["transaction_id"] for row in old}
    assert [row["amount"] for row in new if row["transaction_id"] == taken[0]] == [Decimal(77)]


def test_a_file_that_someone_removed_is_written_again_by_the_next_run(run: Run, data: Path) -> None:
    run()
    parquet(data, SECOND).unlink()
    run()
    assert pq.read_metadata(parquet(data, SECOND)).num_rows == 500
