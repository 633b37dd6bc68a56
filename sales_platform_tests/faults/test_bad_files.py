"""Files that cannot be loaded as a whole: one clear error, what stood still stands, and the next run heals."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pytest

from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import (
    DataRefused,
    FileEmpty,
    FileMissing,
    HeaderMismatch,
    LockNotAvailable,
    SalesPlatformError,
    SourceError,
    SourceNotReady,
)
from sales_platform_tests.faults.road import (
    CUSTOMERS_HEADER,
    DAY,
    NEXT_DAY,
    SALES_HEADER,
    Road,
    customers,
    good_sales,
    sale,
    text,
)

PATH = "retail/sales/2026/01/30/sales.csv"
BAD_FILES = {
    "empty": (b"", FileEmpty, PATH, "header"),
    "only_blank_lines": (b"\n\n", FileEmpty, PATH, "header"),
    "header_only": (SALES_HEADER + b"\n", FileEmpty, PATH, "empty: allow"),
    "a_column_lacks": (
        text([], b"sale_id,customer_id,product_id,store_id,sale_timestamp,quantity")
        + b"1,1,1,1,2026-01-30,1\n",
        HeaderMismatch,
        f"{PATH}, line 1",
        "revenue",
    ),
    "no_header": (
        text(good_sales()[1:], b"9,8,7,6,2026-01-30T10,5,4"),
        HeaderMismatch,
        PATH,
        "lacks sale_id",
    ),
    "no_header_and_equal_values": (
        text(good_sales(), b"7,7,1,1,2026-01-30T10,1,1"),
        HeaderMismatch,
        f"{PATH}, line 1",
        "repeats a name in columns 1, 2, 3, 4, 6, 7",
    ),
    "a_column_stands_twice": (
        text([], SALES_HEADER + b",revenue") + b"1,1,1,1,2026-01-30T10:00:00,1,1,1\n",
        HeaderMismatch,
        f"{PATH}, line 1",
        "columns 7, 8",
    ),
    "utf_16": (text(good_sales()).decode().encode("utf-16"), SourceError, PATH, "UTF-8"),
}


@pytest.mark.parametrize(
    ("content", "kind", "where", "named"), [pytest.param(*case, id=name) for name, case in BAD_FILES.items()]
)
def test_a_file_that_cannot_be_read_is_named_what_stood_stands_and_the_next_file_heals(
    road: Road, content: bytes, kind: type[SalesPlatformError], where: str, named: str
) -> None:
    road.prepare(DAY)
    before = road.standing()
    road.put_sales(content)
    with pytest.raises(kind) as caught:
        road.load()
    assert type(caught.value) is kind
    assert caught.value.where is not None
    assert caught.value.where.startswith(where)
    assert named in str(caught.value)
    assert caught.value.remedy
    assert "2026-01-30T10" not in str(caught.value)  # no value of a row
    road.publish()
    assert road.standing() == before
    assert road.newest_load() == ("failed", str(caught.value))

    road.put_sales(text([*good_sales(), sale(99)]))
    (report,) = road.load()
    assert (report.status, report.loaded, report.unchanged) == ("succeeded", 1, 40)
    road.publish()
    assert road.sale_ids() == [*range(1, 41), 99]
    road.assert_sound()


def test_a_missing_file_is_named_with_the_path_that_was_looked_for(road: Road) -> None:
    with pytest.raises(FileMissing) as caught:
        road.file("sales", DAY)
    assert caught.value.where == PATH
    assert str(road.data / PATH) in str(caught.value)
    assert "SALES_PLATFORM_DATA" in str(caught.value)


def test_a_file_that_vanishes_before_its_load_fails_alone(road: Road) -> None:
    road.prepare()
    path = road.put_sales(text(good_sales()))
    road.put_sales(text(good_sales(NEXT_DAY, first=501)), NEXT_DAY)
    files = [road.file("sales", DAY), road.file("sales", NEXT_DAY)]
    path.unlink()
    with pytest.raises(FileMissing, match=PATH):
        load_files(road.warehouse, road.catalog.feeds["retail_sales"], files)
    road.publish()
    assert road.sale_ids() == list(range(501, 541))
    road.put_sales(text(good_sales()))
    assert [report.status for report in road.load(days=[DAY, NEXT_DAY])] == ["unchanged", "succeeded"]


def test_b_12_several_bad_files_are_all_named_and_the_good_ones_are_published(road: Road) -> None:
    road.prepare()
    days = [date(2026, 1, n) for n in (27, 28, 29)]
    road.put_sales(b"", days[0])
    road.put_sales(text(good_sales(days[1])), days[1])
    road.put_sales(SALES_HEADER + b"\n", days[2])
    with pytest.raises(FileEmpty, match="2 files") as caught:
        road.load(days=days)
    assert "2026/01/27/sales.csv" in str(caught.value)
    assert "2026/01/29/sales.csv" in str(caught.value)
    road.publish()
    assert road.rows("select distinct _partition from analytics.fact_sales") == [("2026-01-28",)]
    assert road.rows("select partition, status from ops.load where feed = 'retail_sales' order by 1") == [
        ("2026-01-27", "failed"),
        ("2026-01-28", "succeeded"),
        ("2026-01-29", "failed"),
    ]


def test_q_09_too_many_rejected_rows_refuse_the_day_and_the_other_days_are_published(road: Road) -> None:
    road.prepare(DAY)
    before = road.standing()
    bad = [sale(99, quantity="x"), sale(98, quantity="x"), b"ragged"]
    road.put_sales(text([*good_sales(), *bad]))
    road.put_sales(text(good_sales(NEXT_DAY, first=501)), NEXT_DAY)
    with pytest.raises(DataRefused) as caught:
        road.load(days=[DAY, NEXT_DAY])
    assert caught.value.exit_code == 3
    assert caught.value.where == PATH
    for said in ("3 of 43 rows", "more than the 5 %", "INVALID_QUANTITY 2 (lines 42, 43)", "unreadable 1"):
        assert said in str(caught.value)
    assert "ragged" not in str(caught.value)
    assert caught.value.rejected == {str(DAY): 3}
    assert caught.value.samples == [
        {
            "partition": str(DAY),
            "line": line,
            "reasons": "INVALID_QUANTITY",
            "sale_id": number,
            "quantity": "x",
        }
        for line, number in ((42, "99"), (43, "98"))
    ]
    assert road.rows(
        "select partition, status, rows_loaded from ops.load where feed = 'retail_sales' order by load_id desc limit 2"
    ) == [("2026-01-31", "succeeded", 40), ("2026-01-30", "refused", 0)]
    assert road.rejected() == []
    road.publish()
    after = road.standing()
    assert [row for row in after["analytics.fact_sales"] if "2026-01-30" in row[0]] == before[
        "analytics.fact_sales"
    ]
    assert road.sale_ids() == [*range(1, 41), *range(501, 541)]
    road.assert_sound()

    road.put_sales(text([*good_sales(), sale(99), sale(98, quantity="x"), b"ragged"]))
    assert road.load()[0].rejected == 2  # 2 of 43 are within 5 %
    road.publish()
    assert road.sale_ids() == [*range(1, 41), 99, *range(501, 541)]
    road.assert_sound()


def test_a_first_file_that_is_refused_leaves_nothing_behind(road: Road) -> None:
    road.put("customers.csv", text([*customers(3), b"x,No Number,a@b.c,Gold,2025-01-01"], CUSTOMERS_HEADER))
    with pytest.raises(DataRefused, match=r"INVALID_CUSTOMER_ID 1 \(line 5\)") as caught:
        road.load("customers")
    (sample,) = caught.value.samples
    assert [*sample][1:] == ["line", "reasons", "customer_id"]  # neither name nor e-mail
    assert road.one("select count(*) from raw.retail_customers") == 0
    assert road.one("select count(*) from ops.snapshot") == 0
    road.put("customers.csv", text(customers(3), CUSTOMERS_HEADER))
    assert road.load("customers")[0].loaded == 3


def test_q_18_another_contract_judges_the_same_file_again_and_resolves_what_it_heals(road: Road) -> None:
    road.prepare()
    strict = road.catalog.feeds["retail_sales"]
    road.put_sales(text([*good_sales(), sale(98, quantity="0"), sale(99, quantity="x")]))
    road.load()
    assert road.rejected() == [(42, ["INVALID_QUANTITY"]), (43, ["INVALID_QUANTITY"])]
    columns = dict(strict.columns)
    columns["quantity"] = columns["quantity"].model_copy(update={"check": "quantity >= 0"})
    lenient = strict.model_copy(update={"columns": columns})
    reports = load_files(road.warehouse, lenient, [road.file("sales", DAY)])
    assert [(r.status, r.loaded, r.unchanged, r.rejected) for r in reports] == [
        ("unchanged", 0, 0, 0),
        ("succeeded", 1, 40, 1),
    ]
    assert road.rejected() == [(43, ["INVALID_QUANTITY"])]
    assert road.rows(
        "select source_row, resolution from quality.rejected_record where resolved_at is not null"
    ) == [(42, "accepted when judged again")]
    assert road.one("select count(*) from staging.retail_sales") == 41
    load_files(road.warehouse, strict, [road.file("sales", DAY)])
    assert road.rejected() == [(42, ["INVALID_QUANTITY"]), (43, ["INVALID_QUANTITY"])]
    assert road.one("select count(*) from staging.retail_sales") == 40


def test_q_18_a_contract_that_would_refuse_too_much_of_what_stands_is_refused(road: Road) -> None:
    road.prepare(DAY)
    before = road.standing()
    feed = road.catalog.feeds["retail_sales"]
    columns = dict(feed.columns)
    columns["quantity"] = columns["quantity"].model_copy(update={"check": "quantity > 3"})
    with pytest.raises(DataRefused, match=r"raw.retail_sales, partition 2026-01-30: 30 of 40 rows"):
        load_files(road.warehouse, feed.model_copy(update={"columns": columns}), [road.file("sales", DAY)])
    assert road.standing() == before
    assert road.newest_load()[0] == "refused"
    road.assert_sound()


def test_q_18_a_list_and_its_contract_that_change_together_leave_no_row_judged_by_the_old_contract(
    road: Road,
) -> None:
    road.put_lists()
    feed = road.catalog.feeds["retail_customers"]
    columns = dict(feed.columns)
    columns["loyalty_tier"] = columns["loyalty_tier"].model_copy(update={"case": "upper", "accepted": ()})
    changed = feed.model_copy(update={"columns": columns})
    load_files(road.warehouse, feed, [road.file("customers")])
    road.put("customers.csv", text([*customers(3), *customers(1, first=4)], CUSTOMERS_HEADER))
    load_files(road.warehouse, changed, [road.file("customers")])
    tiers = road.rows("select customer_id, loyalty_tier from staging.retail_customers order by 1")
    assert tiers == [(1, "GOLD"), (2, "SILVER"), (3, "SILVER"), (4, "SILVER")]


def test_q_18_a_list_contract_that_would_refuse_too_much_changes_nothing(road: Road) -> None:
    road.put_lists()
    road.load_lists()
    before = road.standing()
    feed = road.catalog.feeds["retail_customers"]
    columns = dict(feed.columns)
    columns["loyalty_tier"] = columns["loyalty_tier"].model_copy(update={"accepted": ("Bronze",)})
    changed = feed.model_copy(update={"columns": columns})
    with pytest.raises(DataRefused, match="UNKNOWN_LOYALTY_TIER 3"):
        load_files(road.warehouse, changed, [road.file("customers")])
    assert road.standing() == before
    road.put("customers.csv", text(customers(5), CUSTOMERS_HEADER))
    with pytest.raises(DataRefused, match="UNKNOWN_LOYALTY_TIER 5"):
        load_files(road.warehouse, changed, [road.file("customers")])
    assert road.standing() == before


def test_a_file_that_changes_between_two_runs_replaces_its_day_whole(road: Road) -> None:
    road.prepare(DAY, NEXT_DAY)
    road.put_sales(text([sale(1, revenue="500"), sale(77)]))
    (report,) = road.load()
    assert (report.read, report.loaded, report.unchanged) == (2, 2, 0)
    road.publish()
    assert road.sale_ids() == [1, 77, *range(1001, 1041)]
    assert road.one("select sum(revenue) from marts.retail_sales_daily where day = '2026-01-30'") == 577.25
    road.assert_sound()


class ChangingFile(SourceFile):
    """Receives one more line just before it is opened for COPY, after its hash and its header were read."""

    def open(self) -> BinaryIO:
        opened = _OPENED.setdefault(self.location, 0) + 1
        _OPENED[self.location] = opened
        if opened == 3:
            with Path(self.location).open("ab") as stream:
                stream.write(sale(99) + b"\n")
        return super().open()


_OPENED: dict[str, int] = {}


def test_a_file_that_changes_while_it_is_read_waits_and_nothing_of_it_is_published(road: Road) -> None:
    road.prepare(DAY)
    before = road.standing()
    road.put_sales(text(good_sales(count=20)))
    file = road.file("sales", DAY)
    with pytest.raises(SourceNotReady, match=PATH):
        load_files(
            road.warehouse,
            road.catalog.feeds["retail_sales"],
            [ChangingFile(file.path, file.location, file.partition)],
        )
    assert road.standing() == before
    (report,) = road.load()
    assert (report.read, report.loaded, report.unchanged) == (21, 1, 20)
    road.publish()
    assert road.sale_ids() == [*range(1, 21), 99]
    road.assert_sound()


def test_b_20_a_run_that_waits_too_long_for_another_one_says_which_table_is_taken(road: Road) -> None:
    road.prepare(DAY)
    before = road.standing()
    road.put_sales(text(good_sales(count=7)))
    hasty = Warehouse(road.warehouse.url, lock_timeout_seconds=1)
    with road.warehouse.transaction() as other:
        lock_tables(other, ["staging.retail_sales"])
        with pytest.raises(LockNotAvailable) as caught:
            load_files(hasty, road.catalog.feeds["retail_sales"], [road.file("sales", DAY)])
    assert caught.value.where == "staging.retail_sales"
    assert "LOCK_TIMEOUT_SECONDS" in str(caught.value)
    assert road.standing() == before
    assert road.load()[0].unchanged == 7


def test_b_20_two_runs_on_one_day_at_once_load_it_once(road: Road) -> None:
    road.prepare()
    road.put_sales(text(good_sales()))
    both_there = threading.Barrier(2)
    statuses: list[str] = []

    def load() -> None:
        both_there.wait()
        statuses.extend(report.status for report in road.load())

    runs = [threading.Thread(target=load) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(statuses) == ["succeeded", "unchanged"]
    road.publish()
    assert road.sale_ids() == list(range(1, 41))
    road.assert_sound()
