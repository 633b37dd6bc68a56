"""What status says of feeds in every state, on a real warehouse with real files."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import HeaderMismatch
from sales_platform.operations.simulating import simulate_retail, yesterday
from sales_platform.operations.status import FeedStatus, next_act, status
from sales_platform.settings import Settings

SALES = read_catalog().feeds["retail_sales"]
STORES = read_catalog().feeds["retail_stores"]


def of(feed: str, settings: Settings) -> FeedStatus:
    return next(found for found in status(settings) if found.feed == feed)


def load_day(warehouse: Warehouse, settings: Settings, day: date) -> None:
    load_files(warehouse, SALES, [locate(settings.data, SALES.path, day)])


def test_without_files_status_names_the_path_and_a_way_to_make_it(settings: Settings) -> None:
    found = of("retail_stores", settings)

    assert found.last_load is None
    assert found.missing == ("retail/stores.csv",)
    assert found.next is not None
    assert "simulate retail" in found.next


def test_days_that_no_run_has_seen_are_due(settings: Settings, warehouse: Warehouse) -> None:
    simulate_retail(settings, days=3)
    load_day(warehouse, settings, yesterday(settings) - timedelta(days=1))

    found = of("retail_sales", settings)

    assert found.due == {"never loaded": 2}
    assert found.next == "sales-platform run retail"
    assert found.last_load is not None
    assert found.last_load.status == "succeeded"


def test_a_gap_between_files_is_named_by_path(settings: Settings, warehouse: Warehouse) -> None:
    simulate_retail(settings, days=3)
    gap = yesterday(settings) - timedelta(days=1)
    (settings.data / f"retail/sales/{gap:%Y/%m/%d}/sales.csv").unlink()

    assert of("retail_sales", settings).missing == (f"retail/sales/{gap:%Y/%m/%d}/sales.csv",)


def test_fates_count_each_partition_by_the_load_that_stands(settings: Settings, warehouse: Warehouse) -> None:
    simulate_retail(settings, days=1)
    day = yesterday(settings)
    file = settings.data / f"retail/sales/{day:%Y/%m/%d}/sales.csv"
    load_day(warehouse, settings, day)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    load_day(warehouse, settings, day)
    load_day(warehouse, settings, day)

    fates = of("retail_sales", settings).fates

    assert fates.partitions == 1
    assert fates.read == len(lines) - 2
    assert fates.read == sum(
        (fates.loaded, fates.unchanged, fates.duplicate, fates.superseded, fates.rejected)
    )


def test_a_failed_load_is_due_with_its_message(settings: Settings, warehouse: Warehouse) -> None:
    simulate_retail(settings, days=1)
    (settings.data / "retail/stores.csv").write_text("store,nonsense\n1,2\n")
    with pytest.raises(HeaderMismatch):
        load_files(warehouse, STORES, [locate(settings.data, STORES.path, None)])

    found = of("retail_stores", settings)

    assert found.due == {"failed": 1}
    assert found.last_load is not None
    assert found.last_load.status == "failed"
    assert found.last_load.message


def test_a_list_that_changed_since_its_load_is_due(settings: Settings, warehouse: Warehouse) -> None:
    simulate_retail(settings, days=1)
    load_files(warehouse, STORES, [locate(settings.data, STORES.path, None)])
    assert of("retail_stores", settings).due == {}

    with (settings.data / "retail/stores.csv").open("a") as stores:
        stores.write("999,Late Store,North\n")

    assert of("retail_stores", settings).due == {"file changed": 1}


def test_where_nothing_is_due_there_is_nothing_to_do_next() -> None:
    assert next_act("retail", None, {}, (), 0) is None


def test_a_file_that_no_feed_reads_is_named_and_a_link_out_of_the_folder_is_due_to_say_so(
    settings: Settings, tmp_path: Path
) -> None:
    simulate_retail(settings, days=2)
    day = settings.data / f"retail/sales/{yesterday(settings):%Y/%m/%d}"
    (day / "sales.csv").rename(tmp_path / "elsewhere.csv")
    (day / "sales.csv").symlink_to(tmp_path / "elsewhere.csv")
    (day / "sales (1).csv").write_text("a second file")

    found = of("retail_sales", settings)

    assert found.strays == (f"retail/sales/{yesterday(settings):%Y/%m/%d}/sales (1).csv",)
    assert found.due == {"never loaded": 2}


def test_a_file_for_a_future_day_waits_and_leaves_no_gap_before_it(
    settings: Settings, warehouse: Warehouse
) -> None:
    simulate_retail(settings, days=1)
    load_day(warehouse, settings, yesterday(settings))
    future = yesterday(settings) + timedelta(days=30)
    place = settings.data / f"retail/sales/{future:%Y/%m/%d}"
    place.mkdir(parents=True)
    (place / "sales.csv").write_bytes(
        (settings.data / f"retail/sales/{yesterday(settings):%Y/%m/%d}/sales.csv").read_bytes()
    )

    found = of("retail_sales", settings)

    assert (found.due, found.missing, found.strays) == ({}, (), ())
