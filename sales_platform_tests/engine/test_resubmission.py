"""Corrected rows take the place of rejected ones, at the place and time of the line that they correct."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import existing_files, locate
from sales_platform.engine.rebuild import verify
from sales_platform.engine.replaying import replay
from sales_platform.engine.resubmission import Correction, resubmit
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import DataRefused, WrongUse

CONTRACT: dict[str, Any] = {
    "domain": "shop",
    "table": "orders",
    "description": "Orders, a file each time somebody drops one",
    "path": "shop/*.csv",
    "partitions": "per_file",
    "key": ["order_id"],
    "columns": {
        "order_id": {"type": "bigint"},
        "buyer": {"type": "text"},
        "amount": {"type": "numeric(8,2)", "required": True},
    },
}
ORDERS = FileFeedContract.model_validate(CONTRACT)
HEADER = "order_id,buyer,amount"
FIRST = ("1,Ann,10.00", "2,Bob,ten", "3,Cas,30.00")


class Road:
    """One feed from dropped files to staging."""

    def __init__(self, url: str, folder: Path, feed: FileFeedContract = ORDERS) -> None:
        self.warehouse, self.folder, self.feed = Warehouse(url), folder, feed

    def drop(self, name: str, *lines: str) -> None:
        path = self.folder / "shop" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([HEADER, *lines, ""]))

    def load(self) -> list[str]:
        names = existing_files(self.folder, self.feed.path)
        files = [locate(self.folder, self.feed.path, name) for name in names]
        return [report.status for report in load_files(self.warehouse, self.feed, files)]

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.transaction() as connection:
            return connection.execute(query).fetchall()

    def rows(self) -> list[tuple[Any, ...]]:
        return self.ask("select order_id, buyer, amount::text from staging.shop_orders order by 1")

    def open(self) -> dict[int, int]:
        """Line → number of the record that stands rejected there."""
        return dict(
            self.ask("select source_row, rejected_id from quality.rejected_record where resolved_at is null")
        )

    def resolutions(self) -> list[tuple[Any, ...]]:
        return self.ask(
            "select source_row, regexp_replace(resolution, '[0-9]+', 'N') from quality.rejected_record order by 1"
        )

    def correct(self, line: int, **values: str) -> Any:
        return resubmit(self.warehouse, self.feed, [Correction(self.open()[line], values)], "corrected.csv")

    def differences(self) -> list[Any]:
        catalog = Catalog()
        catalog.add(self.feed)
        return verify(self.warehouse, catalog)


@pytest.fixture
def road(warehouse_url: str, tmp_path: Path) -> Road:
    made = Road(warehouse_url, tmp_path)
    made.drop("a1.csv", *FIRST)
    made.load()
    return made


def test_a_corrected_row_supersedes_the_rejected_one_whose_history_stays(road: Road) -> None:
    done = road.correct(3, amount="20.00")

    assert (done.accepted, done.refused) == (1, {})
    assert road.rows() == [(1, "Ann", "10.00"), (2, "Bob", "20.00"), (3, "Cas", "30.00")]
    assert road.open() == {}
    assert road.resolutions() == [(3, "resubmitted as load N")]
    assert road.ask("select raw_record ->> 'amount' from quality.rejected_record") == [("ten",)]
    assert road.ask("select source, rows_read, rows_loaded from ops.load where resubmission") == [
        ("corrected.csv", 1, 1)
    ]
    assert road.differences() == []


def test_the_unchanged_file_loads_as_nothing_and_the_corrected_row_stays(road: Road) -> None:
    road.correct(3, amount="20.00")
    before = road.rows()

    assert road.load() == ["unchanged"]

    assert road.rows() == before
    assert road.differences() == []


def test_new_content_of_the_file_takes_the_corrections_of_the_old_one_with_it(road: Road) -> None:
    road.correct(3, amount="20.00")

    road.drop("a1.csv", *FIRST, "4,Dan,40.00")
    road.load()

    assert [row[0] for row in road.rows()] == [1, 3, 4]
    assert list(road.open()) == [3]
    assert road.ask("select count(*) from raw.shop_orders") == [(4,)]
    assert road.differences() == []

    road.correct(3, amount="20.00")
    assert [row[0] for row in road.rows()] == [1, 2, 3, 4]
    assert road.differences() == []


def test_a_changed_contract_judges_corrected_rows_too(road: Road) -> None:
    road.correct(3, amount="20.00")
    strict = {**CONTRACT, "rules": [{"reason": "TOO_MUCH", "check": "amount < 15"}]}
    road.feed = FileFeedContract.model_validate(strict)

    road.load()

    assert road.rows() == [(1, "Ann", "10.00")]
    assert sorted(road.open()) == [3, 4]
    assert road.ask(
        "select raw_record ->> 'amount' from quality.rejected_record where source_row = 3 and resolved_at is null"
    ) == [("20.00",)]
    assert road.differences() == []


def test_q_10_replay_after_a_changed_contract_needs_no_file(road: Road) -> None:
    strict = {**CONTRACT, "rules": [{"reason": "TOO_MUCH", "check": "amount < 15"}]}
    road.feed = FileFeedContract.model_validate(strict)
    road.load()
    assert sorted(road.open()) == [3, 4]
    (road.folder / "shop" / "a1.csv").unlink()
    road.feed = ORDERS

    done = replay(road.warehouse, road.feed, "TOO_MUCH")

    assert (done.judged, done.refused) == (1, 0)
    assert road.rows() == [(1, "Ann", "10.00"), (3, "Cas", "30.00")]
    assert list(road.open()) == [3]
    assert (replay(road.warehouse, road.feed, "TOO_MUCH").judged, road.differences()) == (0, [])


def test_q_11_q_13_a_corrected_row_that_a_later_file_replaced_changes_nothing_that_counts(road: Road) -> None:
    road.drop("a2.csv", "2,Bea,22.00")
    road.load()

    road.correct(3, amount="20.00")

    assert road.rows()[1] == (2, "Bea", "22.00")
    assert road.open() == {}
    assert road.differences() == []

    road.drop("a2.csv", "9,Eve,90.00")
    road.load()
    assert road.rows()[1] == (2, "Bob", "20.00")
    assert road.differences() == []


def test_q_11_a_corrected_row_keeps_its_place_among_the_lines_of_its_key(road: Road) -> None:
    road.drop("a3.csv", "7,Fay,seven", "7,Fay,77.00")
    road.load()

    road.correct(2, amount="7.00")

    assert road.rows()[-1] == (7, "Fay", "77.00")
    assert road.differences() == []


def test_q_12_resubmitting_twice_counts_once(road: Road) -> None:
    correction = Correction(road.open()[3], {"amount": "20.00"})
    resubmit(road.warehouse, road.feed, [correction], "corrected.csv")
    before = road.ask("select count(*) from raw.shop_orders")

    again = resubmit(road.warehouse, road.feed, [correction], "corrected.csv")

    assert (again.accepted, again.resolved_before) == (0, 1)
    assert road.ask("select count(*) from raw.shop_orders") == before
    assert road.ask("select count(*) from ops.load where resubmission") == [(1,)]
    assert road.differences() == []


def test_q_12_resubmitting_while_another_does_counts_once(road: Road) -> None:
    correction = Correction(road.open()[3], {"amount": "20.00"})
    together = threading.Barrier(2)
    accepted: list[int] = []

    def work() -> None:
        together.wait()
        done = resubmit(road.warehouse, road.feed, [correction], "corrected.csv")
        accepted.append(done.accepted)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(accepted) == [0, 1]
    assert road.differences() == []


def test_q_14_a_correction_that_is_still_bad_stays_and_the_attempt_is_counted(road: Road) -> None:
    done = road.correct(3, amount="twenty")

    assert (done.accepted, done.refused) == (0, {"INVALID_AMOUNT": 1})
    assert list(road.open()) == [3]
    assert road.ask("select attempts, raw_record ->> 'amount' from quality.rejected_record") == [(1, "ten")]
    assert road.ask("select rows_read, rows_rejected from ops.load where resubmission") == [(1, 1)]
    assert replay(road.warehouse, road.feed).refused == 1
    assert road.ask("select attempts from quality.rejected_record") == [(2,)]
    assert road.differences() == []


def test_a_row_left_as_it_was_is_no_correction(road: Road) -> None:
    done = road.correct(3, order_id="2", buyer="Bob", amount="ten")

    assert (done.untouched, done.accepted) == (1, 0)
    assert road.ask("select attempts from quality.rejected_record") == [(0,)]


def test_a_line_that_was_no_record_is_corrected_in_its_place(road: Road) -> None:
    road.drop("a4.csv", "5,Gus,50.00,too many", "6,Hal,60.00")
    road.load()

    road.correct(2, order_id="5", buyer="Gus", amount="50.00")

    assert road.rows()[-2:] == [(5, "Gus", "50.00"), (6, "Hal", "60.00")]
    assert list(road.open()) == [3]
    assert replay(road.warehouse, road.feed).refused == 1
    assert road.differences() == []


def test_of_identical_lines_one_is_corrected_and_the_other_stays_rejected(road: Road) -> None:
    road.drop("a5.csv", "8,Ida,eight", "8,Ida,eight")
    road.load()
    ids = road.ask(
        "select rejected_id from quality.rejected_record where partition = 'a5.csv' order by source_row"
    )

    resubmit(road.warehouse, road.feed, [Correction(ids[0][0], {"amount": "8.00"})], "corrected.csv")

    found = road.ask(
        "select source_row, resolution is not null from quality.rejected_record where partition = 'a5.csv' order by 1"
    )
    assert found == [(2, True), (3, False)]
    assert road.rows()[-1] == (8, "Ida", "8.00")
    assert road.differences() == []


def test_of_two_lines_that_contradict_each_other_one_gets_another_key_and_both_enter(road: Road) -> None:
    road.feed = FileFeedContract.model_validate({**CONTRACT, "on_duplicate": "reject"})
    road.drop("a6.csv", "6,Jon,6.00", "6,Kim,7.00")
    road.load()
    assert [row[0] for row in road.rows()] == [1, 3]
    rejected = dict(
        road.ask("select source_row, rejected_id from quality.rejected_record where reason = 'DUPLICATE_KEY'")
    )

    resubmit(road.warehouse, road.feed, [Correction(rejected[3], {"order_id": "7"})], "corrected.csv")

    assert road.rows()[-2:] == [(6, "Jon", "6.00"), (7, "Kim", "7.00")]
    assert road.ask("select count(*) from quality.rejected_record where resolved_at is null") == [(1,)]
    assert road.differences() == []


def test_a_corrected_row_takes_part_in_the_contest_with_rows_of_other_files(road: Road) -> None:
    road.feed = FileFeedContract.model_validate({**CONTRACT, "on_duplicate": "reject"})
    road.drop("a7.csv", "2,Bea,22.00")
    road.load()

    road.correct(3, amount="20.00")

    found = "select raw_record ->> 'amount', reason from quality.rejected_record where resolved_at is null"
    assert road.ask(found) == [("22.00", "DUPLICATE_KEY")]
    assert road.rows()[1] == (2, "Bob", "20.00")
    assert road.differences() == []


def test_beyond_the_limit_nothing_of_a_resubmission_is_published(road: Road) -> None:
    strict = {**CONTRACT, "reject_limit": "10%", "rules": [{"reason": "TOO_MUCH", "check": "amount < 15"}]}
    road.feed = FileFeedContract.model_validate(strict)
    before = road.rows()

    with pytest.raises(DataRefused, match="TOO_MUCH"):
        road.correct(3, amount="2.00")

    assert road.rows() == before
    assert list(road.open()) == [3]
    assert road.ask("select status from ops.load where resubmission") == [("failed",)]
    assert road.ask("select count(*) from raw.shop_orders") == [(3,)]


def test_the_limit_counts_corrected_rows_with_those_of_their_file(road: Road) -> None:
    road.correct(3, amount="20.00")
    before = road.rows()
    strict = {**CONTRACT, "reject_limit": "50%", "rules": [{"reason": "TOO_MUCH", "check": "amount < 15"}]}
    road.feed = FileFeedContract.model_validate(strict)

    with pytest.raises(DataRefused, match="2 of 3 rows"):
        road.load()

    assert road.rows() == before


def test_records_and_columns_that_there_are_not_are_named(road: Road) -> None:
    with pytest.raises(WrongUse, match="number 99"):
        resubmit(road.warehouse, road.feed, [Correction(99, {})], "corrected.csv")
    with pytest.raises(WrongUse, match="no column note"):
        road.correct(3, note="please")


def test_q_11_a_sale_of_a_day_is_corrected_in_its_day(warehouse_url: str, tmp_path: Path) -> None:
    feed = read_catalog().feeds["retail_sales"]
    feed = feed.model_copy(update={"reject_limit": feed.reject_limit * 10})
    road = Road(warehouse_url, tmp_path, feed)
    day = date(2025, 1, 2)
    file = tmp_path / day.strftime("retail/sales/%Y/%m/%d/sales.csv")
    file.parent.mkdir(parents=True)
    good = [f"{n},1,1,1,2025-01-02T10:00:{n:02d},1,2.50" for n in range(1, 4)]
    names = list(feed.columns)
    file.write_text("\n".join([",".join(names), *good, "4,1,1,1,2025-01-02T11:00:00,none,2.50", ""]))
    load_files(road.warehouse, feed, [locate(tmp_path, feed.path, day)])
    (line,) = road.open()

    done = road.correct(line, **{names[5]: "2"})

    assert done.accepted == 1
    assert road.ask("select count(*), count(distinct _partition) from staging.retail_sales") == [(4, 1)]
    assert road.differences() == []


CUSTOMERS = "customer_id,full_name,email,loyalty_tier,created_at"


def test_q_11_a_customer_rejected_in_every_landing_is_corrected_since_the_first(
    warehouse_url: str, tmp_path: Path
) -> None:
    feed = read_catalog().feeds["retail_customers"]
    feed = feed.model_copy(update={"reject_limit": feed.reject_limit * 20})
    road = Road(warehouse_url, tmp_path, feed)
    path = tmp_path / feed.path
    path.parent.mkdir(parents=True, exist_ok=True)
    ann, bad = "1,Ann,ann@example.com,Gold,2024-01-01", "2,Bob,bob@example.com,Lead,2024-01-01"
    for lines in ([ann, bad], ["3,Cas,cas@example.com,Gold,2024-01-01", ann, bad]):
        path.write_text("\n".join([CUSTOMERS, *lines, ""]))
        load_files(road.warehouse, feed, [locate(tmp_path, feed.path, None)])

    done = road.correct(4, loyalty_tier="Silver")

    assert (done.accepted, road.open()) == (1, {})
    first = "(select min(snapshot_at) from ops.snapshot)"
    assert road.ask(
        f"select loyalty_tier, _snapshot_at = {first} from staging.retail_customers where customer_id = 2"
    ) == [("Silver", True)]
    assert road.ask("select count(*) from ops.load where resubmission and status = 'succeeded'") == [(2,)]
    assert road.differences() == []


def test_a_list_that_brings_a_corrected_line_again_has_it_rejected_again_and_the_corrected_row_stays(
    warehouse_url: str, tmp_path: Path
) -> None:
    feed = read_catalog().feeds["retail_customers"]
    feed = feed.model_copy(update={"reject_limit": feed.reject_limit * 20})
    road = Road(warehouse_url, tmp_path, feed)
    path = tmp_path / feed.path
    path.parent.mkdir(parents=True, exist_ok=True)
    bad = "2,Bob,bob@example.com,Lead,2024-01-01"
    tiers = "select customer_id, loyalty_tier from staging.retail_customers order by 1, _snapshot_at"
    path.write_text(f"{CUSTOMERS}\n{bad}\n")
    load_files(road.warehouse, feed, [locate(tmp_path, feed.path, None)])
    before = road.open()[2]
    road.correct(2, loyalty_tier="Silver")

    path.write_text(f"{CUSTOMERS}\n1,Ann,ann@example.com,Gold,2024-01-01\n{bad}\n")
    load_files(road.warehouse, feed, [locate(tmp_path, feed.path, None)])

    assert road.ask(tiers) == [(1, "Gold"), (2, "Silver")]
    assert road.open() == {3: before}
    assert road.differences() == []
    resubmit(road.warehouse, feed, [Correction(before, {"loyalty_tier": "Silver"})], "corrected.csv")
    assert (road.open(), road.ask(tiers)) == ({}, [(1, "Gold"), (2, "Silver")])
    assert road.differences() == []


def test_q_13_an_update_that_was_rejected_enters_the_past_and_the_newest_one_still_counts(
    warehouse_url: str, tmp_path: Path
) -> None:
    feed = read_catalog().feeds["retail_customer_updates"]
    feed = feed.model_copy(update={"reject_limit": feed.reject_limit * 20})
    road = Road(warehouse_url, tmp_path, feed)
    path = tmp_path / feed.path
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(feed.columns)
    fields = {"customer_id": "1", "full_name": "Ann", "email": "ann@example.com"}

    def update(month: int, tier: str) -> str:
        given = fields | {"loyalty_tier": tier, "updated_at": f"2024-0{month}-01 00:00:00"}
        return ",".join(given.get(name, "") for name in names)

    path.write_text("\n".join([",".join(names), update(2, "Lead"), update(3, "Gold"), ""]))
    load_files(road.warehouse, feed, [locate(tmp_path, feed.path, None)])

    done = road.correct(2, loyalty_tier="Silver")

    assert done.accepted == 1
    assert road.ask(
        "select extract(month from updated_at)::int, loyalty_tier from staging.retail_customer_updates order by 1"
    ) == [(2, "Silver"), (3, "Gold")]
    assert road.differences() == []
