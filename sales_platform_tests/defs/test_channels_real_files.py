"""The 189 real files of the payment channels through `run channels`, against figures that pandas computes from the same
files and lists.

The expected side knows nothing of the engine: amounts in cents, fees in millionths of a rupee, counts by hand.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
import pandas as pd
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from pydantic import SecretStr

from sales_platform.contracts.catalog import read_catalog
from sales_platform.definitions import defs
from sales_platform.engine.rebuild import verify
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.databases import Databases
from sales_platform.local.server import EmbeddedServer
from sales_platform.metrics.query import MetricQuery
from sales_platform.metrics.reading import reading
from sales_platform.metrics.running import run_query
from sales_platform.operations.importing import import_channels
from sales_platform.operations.opening import Platform
from sales_platform.operations.progress import Silent
from sales_platform.operations.running import RunSummary, run_on
from sales_platform.settings import Settings

Rows = list[tuple[Any, ...]]
FIRST, LAST = date(2026, 2, 12), date(2026, 8, 21)
DATABASE = "real_channels"
MILLIONTHS_A_CENT = 10_000


class Loaded(NamedTuple):
    warehouse: Warehouse
    data: Path
    summary: RunSummary


@pytest.fixture(scope="module")
def export(shared_data: Path) -> Path:
    if not (shared_data / "channels").is_dir():
        pytest.skip("no shared input: channels is absent")
    return shared_data / "channels"


@pytest.fixture(scope="module")
def loaded(
    postgres_server: EmbeddedServer,
    migrated_template: str,
    export: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Loaded]:
    """All days in one command, once for the tests of this module, which only read."""
    folder = tmp_path_factory.mktemp(DATABASE)
    name = f"{DATABASE}_{folder.name[-8:]}"
    postgres_server.create_database(name, migrated_template)
    url = postgres_server.url(name)
    settings = Settings(home=folder / "home", data_root=folder / "data", warehouse_url=SecretStr(url))
    import_channels(settings, export)
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        patch.setenv("WAREHOUSE_URL", url)
        patch.setenv("SALES_PLATFORM_DATA", str(settings.data))
        platform = Platform(settings, Databases({}), Warehouse(url), instance, defs())
        summary = run_on(
            platform, "group:calendar or group:channels", first=FIRST, last=LAST, progress=Silent()
        )
    yield Loaded(Warehouse(url), settings.data, summary)
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def payments(export: Path, shared_data: Path) -> pd.DataFrame:
    """Every payment with cents, millionths of the fee, its channel's and city's names, its customer's segment."""
    lists = shared_data / "channels_reference"
    channels = pd.read_csv(lists / "dim_channel.csv", dtype=str)
    cities = pd.read_csv(lists / "dim_city.csv", dtype=str)
    frames = []
    for path in sorted(export.rglob("transactions.csv")):
        frames.append(pd.read_csv(path, dtype=str).assign(day="-".join(path.parts[-4:-1])))
    frame = pd.concat(frames, ignore_index=True)
    frame = frame.merge(channels, on="channel_key").merge(cities, on="city_key", how="left")
    frame["cents"] = frame["amount"].map(lambda text: int(Decimal(text) * 100))
    tenths_of_percent = frame["fee_percent"].map(lambda text: int(Decimal(text) * 10))
    # a cent at a tenth of a percent is 10 millionths of a rupee
    frame["millionths"] = frame["cents"] * tenths_of_percent * (MILLIONTHS_A_CENT // 1000)
    return frame.assign(failed=frame["status"] == "failed")


def rows(loaded: Loaded, query: str) -> Rows:
    with loaded.warehouse.transaction() as connection:
        return sorted(connection.execute(query.encode()).fetchall())


def test_the_files_are_what_the_figures_rest_on(payments: pd.DataFrame) -> None:
    assert (payments["day"].nunique(), len(payments)) == (189, 94_500)
    assert payments["transaction_id"].is_unique
    assert payments["city_key"].isna().sum() == 2_500


def test_one_command_loads_all_days_and_names_the_two_that_have_no_file(loaded: Loaded) -> None:
    summary = loaded.summary
    assert summary.missing_paths == (
        "channels/raw/2026/02/13/transactions.csv",
        "channels/raw/2026/02/19/transactions.csv",
    )
    assert not summary.failed
    assert summary.exit_code == 1
    warned = {check.name: check for outcome in summary.outcomes for check in outcome.failed_checks}
    # the files are of long ago, and the first of them know no city
    assert warned.keys() == {"freshness", "yesterday_there", "unknown_rate"}
    assert {check.severity for check in warned.values()} == {"WARN"}
    (fates,) = [found for found in summary.fates if found.feed == "channels_transactions"]
    assert (fates.files, fates.read, fates.loaded, fates.rejected) == (189, 94_500, 94_500, 0)


def test_amounts_fees_and_failures_add_up_by_channel_and_status(
    loaded: Loaded, payments: pd.DataFrame
) -> None:
    grouped = payments.groupby(["channel_name", "status"]).agg(
        count=("cents", "size"), cents=("cents", "sum"), millionths=("millionths", "sum")
    )
    expected = [
        (name, status, n, Decimal(cents) / 100, fee := Decimal(m) / 10**6, fee * (status == "success"))
        for (name, status), n, cents, m in grouped.itertuples(name=None)
    ]
    assert (
        rows(
            loaded,
            "select c.channel_name, f.status, count(*), sum(f.amount), sum(f.fee_amount), sum(f.revenue)"
            " from analytics.fact_transaction as f inner join analytics.dim_channel as c using (channel_key)"
            " group by 1, 2",
        )
        == expected
    )


@pytest.mark.parametrize("by", ["day", "channel_name", "city_name", "state", "region"])
def test_the_mart_adds_up_by_each_of_its_dimensions(loaded: Loaded, payments: pd.DataFrame, by: str) -> None:
    frame = payments.assign(
        **{by: payments[by].fillna("Unknown")},
        volume=payments["cents"].where(~payments["failed"], 0),
        earned=payments["millionths"].where(~payments["failed"], 0),
        hundredths=payments["processing_time"].map(lambda text: int(Decimal(text) * 100)),
    )
    sums = frame.groupby(by)[["cents", "volume", "millionths", "earned", "hundredths"]].sum()
    counts = frame.groupby(by)["failed"].agg(["size", "sum"])
    expected = [
        (
            *(value, n, n - f, f, Decimal(c) / 100, Decimal(v) / 100, Decimal(m) / 10**6, Decimal(e) / 10**6),
            *(Decimal(h) / 100, n),
        )
        for value, n, f, c, v, m, e, h in counts.join(sums).itertuples(name=None)
    ]
    assert (
        rows(
            loaded,
            f"select {by}::text, sum(transactions)::int, sum(successful_transactions)::int,"
            " sum(failed_transactions)::int, sum(attempted_amount), sum(successful_payment_volume),"
            " sum(fee_amount), sum(revenue), sum(processing_time_sum), sum(processing_time_count)::int"
            " from marts.channels_daily group by 1",
        )
        == expected
    )


def test_failures_by_city_and_segment_are_those_of_the_files_and_the_customer_rule(
    loaded: Loaded, payments: pd.DataFrame
) -> None:
    keys = sorted({int(key) for key in payments["customer_key"]})
    segments = {str(key): _segment(key) for key in keys}
    frame = payments.assign(
        segment=payments["customer_key"].map(segments), city=payments["city_name"].fillna("Unknown")
    )
    grouped = frame.groupby(["city", "segment"])["failed"].agg(["size", "sum"])
    expected = [(city, segment, n, failed) for (city, segment), n, failed in grouped.itertuples(name=None)]
    assert (
        rows(
            loaded,
            "select city_name, segment, sum(transactions)::int, sum(failed_transactions)::int"
            " from marts.channels_daily group by 1, 2",
        )
        == expected
    )


def test_metrics_of_payments_are_those_of_the_files(loaded: Loaded, payments: pd.DataFrame) -> None:
    june = payments[payments["day"].between("2026-06-01", "2026-06-30")]
    good = june[~june["failed"]]
    with reading(loaded.warehouse) as connection:

        def by(dimension: str, metric: str, **asked: Any) -> dict[str, Decimal]:
            days = (date(2026, 6, 1), date(2026, 6, 30))
            found = run_query(connection, MetricQuery(metric, *days, by=(dimension,), **asked))
            return {row[0]: row[-1] for row in found.rows}

        volume = good.groupby("channel_name")["cents"].sum()
        assert by("channel", "payment_volume") == {name: Decimal(c) / 100 for name, c in volume.items()}
        earned = good.groupby("region")["millionths"].sum()
        assert by("region", "fee_revenue") == {name: Decimal(m) / 10**6 for name, m in earned.items()}
        punes = june[june["city_name"] == "Mumbai"].groupby("state")["failed"].agg(["size", "sum"])
        rates = {state: Decimal(100 * int(f)) / int(n) for state, n, f in punes.itertuples(name=None)}
        found = by("state", "failure_rate", filters={"city": ["Mumbai"]})
        assert {state: round(rate, 12) for state, rate in found.items()} == {
            state: round(rate, 12) for state, rate in rates.items()
        }
        seconds = june["processing_time"].map(Decimal)
        [(mean,)] = run_query(
            connection, MetricQuery("average_processing_time", date(2026, 6, 1), date(2026, 6, 30))
        ).rows
        assert round(mean, 12) == round(sum(seconds) / len(seconds), 12)


def _segment(key: int) -> str:
    """SOURCES 5.4 in its own words: seed with the key, draw the number, choose the segment."""
    random.seed(key)
    random.randint(100000, 999999)
    return random.choice(["Retail", "Corporate", "SMB", "Enterprise"])


def test_the_early_files_without_a_city_point_at_the_unknown_one_and_no_other_payment_does(
    loaded: Loaded, payments: pd.DataFrame
) -> None:
    early = sorted(payments.loc[payments["city_key"].isna(), "day"].unique())
    assert early == [f"2026-02-{day}" for day in (12, 14, 15, 16, 17)]
    unknown = "select _partition, count(*) from analytics.fact_transaction where city_key = 0 group by 1"
    assert rows(loaded, unknown) == [(day, 500) for day in early]


def test_every_day_has_its_parquet_file_with_the_rows_of_its_csv(
    loaded: Loaded, payments: pd.DataFrame
) -> None:
    folder = loaded.data / "channels" / "processed"
    written = {
        "-".join(path.parts[-4:-1]): pq.read_metadata(path).num_rows for path in folder.rglob("*.parquet")
    }
    assert written == payments.groupby("day").size().to_dict()


def test_a_rebuild_from_raw_gives_the_same_tables_surrogate_keys_included(loaded: Loaded) -> None:
    assert verify(loaded.warehouse, read_catalog()) == []
