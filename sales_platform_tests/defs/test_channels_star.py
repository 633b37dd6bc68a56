"""Payments at the fee in force, from small files written by hand: fees, days, cities, lists and what is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from sales_platform.errors import DataRefused, HeaderMismatch
from sales_platform_tests.defs.channels_road import CHANNELS_HEADER, HEADER, ChannelsRoad, Rows, line

MARCH_1, MARCH_2, MARCH_3 = "2026-03-01", "2026-03-02", "2026-03-03"
DATED = f"{CHANNELS_HEADER},valid_from"
FEES = "select transaction_id, fee_percent, fee_amount, revenue from analytics.fact_transaction order by 1"


@pytest.fixture
def road(warehouse_url: str, tmp_path: Path) -> ChannelsRoad:
    return ChannelsRoad(warehouse_url, tmp_path / "data")


def days_of(road: ChannelsRoad) -> Rows:
    return road.rows("select transaction_id, _partition, amount from analytics.fact_transaction order by 1")


def reasons(road: ChannelsRoad) -> dict[str, list[str]]:
    found = road.rows(
        "select business_key ->> 0, reasons from quality.rejected_record"
        " where feed = 'channels_transactions' and resolved_at is null"
    )
    return dict(found)


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [("0.99", "fast"), ("1.00", "medium"), ("2.99", "medium"), ("3.00", "slow"), ("", "unknown")],
)
def test_the_delay_bucket_ends_below_1_and_3_seconds_and_a_missing_time_is_unknown(
    road: ChannelsRoad, seconds: str, bucket: str
) -> None:
    road.put(MARCH_1, [line(1, MARCH_1, processing_time=seconds)])
    road.run()
    assert road.rows("select processing_delay_bucket from analytics.fact_transaction") == [(bucket,)]
    expected = (Decimal(seconds), 1) if seconds else (Decimal(0), 0)
    assert road.rows("select processing_time_sum, processing_time_count from marts.channels_daily") == [
        expected
    ]


def test_the_fee_is_exact_for_every_payment_and_earned_on_successful_ones_only(road: ChannelsRoad) -> None:
    road.put_list("dim_channel", ["3,UPI,0.3333"])
    road.put(
        MARCH_1,
        [line(1, MARCH_1, amount="0.01"), line(2, MARCH_1, amount="9999999999.99", status="failed")],
    )
    road.run()
    small, large = Decimal("0.000033330"), Decimal("33329999.99996667")
    fee = Decimal("0.3333")
    assert road.rows(FEES) == [("T1", fee, small, small), ("T2", fee, large, Decimal(0))]
    assert road.rows(
        "select attempted_amount, successful_payment_volume, failed_amount, fee_amount, revenue,"
        " transactions, successful_transactions, failed_transactions from marts.channels_daily"
    ) == [
        (
            *(Decimal("10000000000.00"), Decimal("0.01"), Decimal("9999999999.99"), small + large, small),
            *(2, 1, 1),
        )
    ]


def test_a_fee_holds_from_its_valid_from_and_the_first_one_also_before_it(road: ChannelsRoad) -> None:
    road.put_list(
        "dim_channel", ["3,UPI,0.5,2026-03-02", "3,UPI,0.7,2026-03-03", "4,Net Banking,1.5,"], DATED
    )
    for day in (MARCH_1, MARCH_2, MARCH_3):
        road.put(day, [line(f"A{day}", day), line(f"B{day}", day, channel_key="4")])
    road.run()
    assert road.rows(
        "select fee_percent, channel_version_inferred from analytics.fact_transaction order by 1, transaction_id"
    ) == [
        (Decimal("0.5"), True),
        (Decimal("0.5"), False),
        (Decimal("0.7"), False),
        *[(Decimal("1.5"), False)] * 3,
    ]
    assert road.rows(
        "select count(*) from analytics.fact_transaction as f inner join analytics.dim_channel as c"
        " using (channel_key) where f.fee_percent is distinct from c.fee_percent"
    ) == [(0,)]
    assert road.verify() == []


def test_an_undated_list_with_another_fee_opens_a_version_when_it_lands_and_moves_no_past_day(
    road: ChannelsRoad,
) -> None:
    road.put(MARCH_1, [line(1, MARCH_1)])
    road.run()
    road.put_list("dim_channel", ["3,UPI,0.9", "4,Net Banking,1.5"])
    road.run()
    assert road.rows(FEES) == [("T1", Decimal("0.5"), Decimal(1), Decimal(1))]
    versions = (
        "select source_channel_key, fee_percent, effective_start_date = '1900-01-01', is_current,"
        " effective_start_date > '2026-03-01' from analytics.dim_channel where source_channel_key > 2 order by 1, 2"
    )
    assert road.rows(versions) == [
        (3, Decimal("0.5"), True, False, False),
        (3, Decimal("0.9"), False, True, True),
        (4, Decimal("1.5"), True, True, False),
    ]
    assert road.verify() == []


def test_a_list_that_adds_dated_fees_leaves_the_undated_line_at_the_beginning(road: ChannelsRoad) -> None:
    road.put(MARCH_2, [line(1, MARCH_2)])
    road.run()
    road.put_list("dim_channel", ["3,UPI,0.5,", "3,UPI,0.6,2026-03-02"], DATED)
    road.run()
    assert road.rows(FEES) == [("T1", Decimal("0.6"), Decimal("1.2"), Decimal("1.2"))]
    assert road.rows(
        "select fee_percent from analytics.dim_channel where source_channel_key = 3 order by effective_start_date"
    ) == [(Decimal("0.5"),), (Decimal("0.6"),)]


def test_a_fee_corrected_in_place_moves_the_payments_made_at_it_and_the_mart_with_them(
    road: ChannelsRoad,
) -> None:
    road.put_list("dim_channel", ["3,UPI,0.5,2026-03-01", "3,UPI,0.7,2026-03-02"], DATED)
    road.put(MARCH_1, [line(1, MARCH_1)])
    road.put(MARCH_2, [line(2, MARCH_2), line(3, MARCH_2, channel_key="9")])
    road.run()
    assert road.rows(FEES)[:2] == [
        ("T1", Decimal("0.5"), Decimal(1), Decimal(1)),
        ("T2", Decimal("0.7"), Decimal("1.4"), Decimal("1.4")),
    ]
    road.put_list("dim_channel", ["3,UPI,0.5,2026-03-01", "3,UPI,0.8,2026-03-02"], DATED)
    road.load_list("channels")
    road.publish()
    assert road.rows(FEES)[:2] == [
        ("T1", Decimal("0.5"), Decimal(1), Decimal(1)),
        ("T2", Decimal("0.8"), Decimal("1.6"), Decimal("1.6")),
    ]
    assert road.rows(
        "select day::text, revenue from marts.channels_daily where channel_name = 'UPI' order by 1"
    ) == [(MARCH_1, Decimal(1)), (MARCH_2, Decimal("1.6"))]
    assert road.verify() == []


def test_q_19_a_payment_over_an_unknown_channel_is_loaded_counted_and_gets_its_fee_from_the_next_list(
    road: ChannelsRoad,
) -> None:
    road.put(MARCH_1, [line(1, MARCH_1, channel_key="9"), line(2, MARCH_1, channel_key="9", status="failed")])
    road.run()
    assert road.rows(FEES) == [("T1", None, None, None), ("T2", None, None, Decimal(0))]
    mart = "select channel_name, transactions_without_fee, fee_amount, revenue from marts.channels_daily"
    assert road.rows(mart) == [("Unknown", 2, Decimal(0), Decimal(0))]
    road.put_list("dim_channel", ["3,UPI,0.5", "9,Wallet,2"])
    road.run()
    assert road.rows(FEES) == [
        ("T1", Decimal(2), Decimal(4), Decimal(4)),
        ("T2", Decimal(2), Decimal(4), Decimal(0)),
    ]
    assert road.rows(mart) == [("Wallet", 0, Decimal(8), Decimal(4))]
    assert road.verify() == []


def test_a_negative_fee_is_refused_and_the_fees_that_stand_stay(road: ChannelsRoad) -> None:
    road.put(MARCH_1, [line(1, MARCH_1)])
    road.run()
    road.put_list("dim_channel", ["3,UPI,-0.5"])
    with pytest.raises(DataRefused, match="INVALID_FEE_PERCENT"):
        road.load_list("channels")
    road.publish()
    assert road.rows(FEES) == [("T1", Decimal("0.5"), Decimal(1), Decimal(1))]


def test_a_file_of_the_first_days_needs_no_city_and_a_later_one_does(road: ChannelsRoad) -> None:
    without = [",".join((p := line(1, day).split(","))[:4] + p[5:]) for day in ("2026-02-17", "2026-02-18")]
    header = HEADER.replace("city_key,", "")
    road.put("2026-02-17", without[:1], header)
    road.run()
    assert road.rows("select source_city_key, city_key from analytics.fact_transaction") == [(None, 0)]
    assert road.rows("select city_name, state, region from marts.channels_daily") == [("Unknown",) * 3]
    road.put("2026-02-18", without[1:], header)
    with pytest.raises(HeaderMismatch, match="city_key"):
        road.load("2026-02-18")


def test_customers_come_from_the_shipped_list_and_from_the_folders_own_once_it_is_there(
    road: ChannelsRoad,
) -> None:
    road.put(MARCH_1, [line(1, MARCH_1), line(2, MARCH_1, customer_key="1001")])
    road.run()
    customers = (
        "select source_customer_key, customer_id, segment, is_inferred from analytics.dim_channel_customer"
        " where source_customer_key in (7, 1001) order by 1"
    )
    ((_, shipped_id, shipped_segment, _), beyond) = road.rows(customers)
    assert (shipped_id, shipped_segment) == ("CUST-439563", "Corporate")
    assert beyond == (1001, None, None, True)
    road.put_list(
        "customers",
        ["7,CUST-1,SMB,2020-02-29", "1001,CUST-2,Retail,"],
        "customer_key,customer_id,segment,signup_date",
    )
    road.run()
    assert road.rows(customers) == [(7, "CUST-1", "SMB", False), (1001, "CUST-2", "Retail", False)]
    assert road.rows("select segment, transactions from marts.channels_daily order by 1") == [
        ("Retail", 1),
        ("SMB", 1),
    ]


def test_lines_that_break_a_rule_are_rejected_with_their_reasons(road: ChannelsRoad) -> None:
    good = [line(number, MARCH_1) for number in range(1000, 1200)]
    bad = [
        line("wrong-day", MARCH_2),
        line("no-amount", MARCH_1, amount=""),
        line("zero", MARCH_1, amount="0.00"),
        line("mills", MARCH_1, amount="1.005"),
        line("pending", MARCH_1, status="pending"),
        line("negative-time", MARCH_1, processing_time="-1"),
        line("", MARCH_1),
    ]
    road.put(MARCH_1, [*good, *bad, line("Fine", MARCH_1, status=" SUCCESS ")])
    (report,) = road.run()
    assert (report.loaded, report.rejected) == (201, 7)
    found = reasons(road)
    assert found.pop(None) == ["NULL_KEY"]  # type: ignore[call-overload]
    assert found == {
        "wrong-day": ["OUTSIDE_WINDOW"],
        "no-amount": ["MISSING_AMOUNT"],
        "zero": ["INVALID_AMOUNT"],
        "mills": ["INVALID_AMOUNT"],
        "pending": ["UNKNOWN_STATUS"],
        "negative-time": ["INVALID_PROCESSING_TIME"],
    }


def test_of_one_id_with_two_amounts_in_a_file_the_later_line_counts(road: ChannelsRoad) -> None:
    road.put(MARCH_1, [line(1, MARCH_1), line(1, MARCH_1), line(1, MARCH_1, amount="300.00")])
    (report,) = road.run()
    assert days_of(road) == [("T1", MARCH_1, Decimal(300))]
    assert (report.read, report.loaded, report.superseded, report.duplicate) == (3, 1, 1, 1)


@pytest.mark.parametrize("order", [(MARCH_1, MARCH_2), (MARCH_2, MARCH_1)])
def test_b_08_an_id_in_two_days_files_is_one_payment_whichever_day_is_loaded_first(
    road: ChannelsRoad, order: tuple[str, str]
) -> None:
    road.put(MARCH_1, [line(1, MARCH_1), line(2, MARCH_1)])
    road.put(MARCH_2, [line(1, MARCH_2, amount="300.00"), line(3, MARCH_2)])
    for day in order:
        road.run(day)
    assert days_of(road) == [
        ("T1", MARCH_2, Decimal(300)),
        ("T2", MARCH_1, Decimal(200)),
        ("T3", MARCH_2, Decimal(200)),
    ]
    assert road.rows("select day::text, attempted_amount from marts.channels_daily order by 1") == [
        (MARCH_1, Decimal(200)),
        (MARCH_2, Decimal(500)),
    ]
    assert road.verify() == []


def test_b_01_b_04_a_replaced_day_loses_its_old_payments_gets_its_new_ones_and_moves_nothing_else(
    road: ChannelsRoad,
) -> None:
    road.put(MARCH_1, [line(1, MARCH_1)])
    road.put(MARCH_2, [line(2, MARCH_2), line(3, MARCH_2)])
    road.run()
    others = (
        "select f.xmin::text, m.xmin::text from analytics.fact_transaction as f, marts.channels_daily as m"
        " where f._partition = %s and m._partition = %s"
    )
    before = road.rows(others, MARCH_1, MARCH_1)
    road.put(MARCH_2, [line(3, MARCH_2, amount="5.00"), line(4, MARCH_2)])
    road.run(MARCH_2)
    assert days_of(road) == [
        ("T1", MARCH_1, Decimal(200)),
        ("T3", MARCH_2, Decimal(5)),
        ("T4", MARCH_2, Decimal(200)),
    ]
    assert road.rows(others, MARCH_1, MARCH_1) == before
    assert road.verify() == []
