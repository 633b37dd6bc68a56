"""Lines that cannot become a row: set aside with their reason, the others published, healed by the next file."""

from __future__ import annotations

import logging

import pytest

from sales_platform_tests.faults.road import (
    CUSTOMERS_HEADER,
    GOOD_SALES,
    SALES_HEADER,
    Road,
    customers,
    good_sales,
    sale,
    text,
)

MANY_SALES = 400
LONG = 10 << 20

# The last one swallows whatever follows it.
UNREADABLE = [
    (sale(901, revenue="1\N{NO-BREAK SPACE}000").decode().encode("latin-1"), "INVALID_ENCODING"),
    (sale(902, revenue="1\0"), "NUL_BYTE"),
    (sale(903).rsplit(b",", 1)[0], "RAGGED_LINE"),
    (sale(904) + b",7", "RAGGED_LINE"),
    (b"   ", "RAGGED_LINE"),
    (b"\\.", "RAGGED_LINE"),
    (b"x" * LONG, "RAGGED_LINE"),
    (b'908,"1,1,1,2026-01-30T10:00:00,1,1', "UNCLOSED_QUOTE"),
]

NO_VALUE = [
    (sale(901, quantity=99_999_999_999), ["INVALID_QUANTITY"]),
    (sale(902, sale_id="9" * 20), ["INVALID_SALE_ID"]),
    (sale(903, revenue="1" * 13), ["INVALID_REVENUE"]),
    (sale(904, revenue="1.005"), ["INVALID_REVENUE"]),
    (b'905,1,1,1,2026-01-30T10:00:00,1,"1,5"', ["INVALID_REVENUE"]),
    (sale(906, sale_timestamp="2026-02-31T10:00:00"), ["INVALID_SALE_TIMESTAMP"]),
    (sale(907, sale_timestamp="today"), ["INVALID_SALE_TIMESTAMP"]),
    (sale(908, sale_timestamp="-infinity"), ["INVALID_SALE_TIMESTAMP"]),
    (sale(909, sale_timestamp=""), ["MISSING_SALE_TIMESTAMP"]),
    (sale(910, sale_timestamp="2026-01-31T00:00:00"), ["OUTSIDE_WINDOW"]),
    (sale(911, revenue="NaN"), ["INVALID_REVENUE"]),
    (sale(912, revenue="Infinity"), ["INVALID_REVENUE"]),
    (sale(913, revenue="-0.01"), ["INVALID_REVENUE"]),
    (sale(914, revenue="9" * LONG), ["INVALID_REVENUE"]),
    (sale(915, sale_id=""), ["NULL_KEY"]),
    (sale(916, quantity="x", revenue="y"), ["INVALID_QUANTITY", "INVALID_REVENUE"]),
]


def test_q_21_unreadable_lines_are_kept_with_their_bytes_all_others_are_published_and_a_good_file_heals(
    road: Road,
) -> None:
    road.prepare()
    road.put_sales(text([*good_sales(count=MANY_SALES), *(line for line, _ in UNREADABLE)]))
    (report,) = road.load()
    road.publish()
    assert (report.read, report.loaded, report.rejected) == (408, 400, 8)
    assert report.reasons == {"RAGGED_LINE": 5, "INVALID_ENCODING": 1, "NUL_BYTE": 1, "UNCLOSED_QUOTE": 1}
    assert road.rejected() == [(402 + n, [reason]) for n, (_, reason) in enumerate(UNREADABLE)]
    kept = road.rows(
        "select coalesce(decode(raw_record->>'_bytes_base64', 'base64'),"
        " convert_to(raw_record->>'_line', 'UTF8')) from quality.rejected_record order by source_row"
    )
    assert [bytes(line) for (line,) in kept] == [line for line, _ in UNREADABLE]
    road.assert_nothing_lost(408)
    check_good_rows_and_heal(road)


def test_q_22_texts_that_are_no_value_are_rejected_with_every_reason_and_a_good_file_heals(
    road: Road, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "sales_platform")
    road.prepare()
    road.put_sales(text([*good_sales(count=MANY_SALES), *(line for line, _ in NO_VALUE)]))
    (report,) = road.load()
    road.publish()
    assert (report.read, report.loaded, report.rejected) == (416, 400, 16)
    assert road.rejected() == [(402 + n, reasons) for n, (_, reasons) in enumerate(NO_VALUE)]
    as_received = road.one("select raw_record from quality.rejected_record where source_row = 407")
    assert as_received["sale_timestamp"] == "2026-02-31T10:00:00"
    assert "rejected=16" in caplog.text
    assert "2026-02-31" not in caplog.text  # no value of a row in any log line
    road.assert_nothing_lost(416)
    check_good_rows_and_heal(road)


def check_good_rows_and_heal(road: Road) -> None:
    """The good sales stand; the corrected file closes every rejection, and its new sale stands like any other."""
    assert road.sale_ids() == list(range(1, MANY_SALES + 1))
    road.put_sales(text([*good_sales(count=MANY_SALES), sale(901)]))
    (report,) = road.load()
    assert (report.loaded, report.unchanged, report.rejected) == (1, MANY_SALES, 0)
    road.publish()
    assert road.rejected() == []
    assert road.rows("select distinct resolution from quality.rejected_record") == [
        ("the file no longer holds it",)
    ]
    assert road.sale_ids() == [*range(1, MANY_SALES + 1), 901]
    road.assert_sound()


def test_q_21_the_reader_stays_in_step_behind_a_quote_that_is_never_closed(road: Road) -> None:
    road.prepare()
    lines = good_sales()
    lines[20] = b'21,1,"1,1,2026-01-30T10:00:00,1,1'
    road.put_sales(text(lines))
    road.load()
    road.publish()
    assert road.rejected() == [(22, ["UNCLOSED_QUOTE"])]
    assert road.sale_ids() == [n for n in range(1, GOOD_SALES + 1) if n != 21]
    road.assert_nothing_lost(GOOD_SALES)


def test_rerunning_a_file_leaves_its_rejections_as_they_are(road: Road) -> None:
    road.prepare()
    road.put_sales(text([*good_sales(), sale(99, quantity="x"), b"ragged"]))
    road.load()
    before = road.rows("select * from quality.rejected_record order by rejected_id")
    (report,) = road.load()
    assert report.status == "unchanged"
    assert road.rows("select * from quality.rejected_record order by rejected_id") == before


def test_a_rejected_line_that_moves_within_its_file_stays_one_rejection(road: Road) -> None:
    road.prepare()
    road.put_sales(text([*good_sales(), sale(99, quantity="x")]))
    road.load()
    road.put_sales(text([sale(99, quantity="x"), *good_sales()]))
    road.load()
    assert road.rejected() == [(2, ["INVALID_QUANTITY"])]
    assert road.one("select count(*) from quality.rejected_record") == 1


def test_a_name_in_latin_1_costs_only_its_own_line_of_the_customer_list(road: Road) -> None:
    road.put_lists()
    lines = customers(30)
    lines.append("31,Müller,m@example.com,Gold,2025-06-01T00:00:00".encode("latin-1"))
    road.put("customers.csv", text(lines, CUSTOMERS_HEADER))
    (report,) = road.load("customers")
    assert (report.loaded, report.reasons) == (30, {"INVALID_ENCODING": 1})
    assert road.rejected("customers") == [(32, ["INVALID_ENCODING"])]
    lines[-1] = "31,Müller,m@example.com,Gold,2025-06-01T00:00:00".encode()
    road.put("customers.csv", text(lines, CUSTOMERS_HEADER))
    (report,) = road.load("customers")
    assert (report.loaded, report.unchanged, report.rejected) == (1, 30, 0)
    assert road.rejected("customers") == []
    assert road.one("select full_name from staging.retail_customers where customer_id = 31") == "Müller"


def test_a_10_mb_field_that_is_good_text_is_loaded(road: Road) -> None:
    road.put_lists()
    name = b"n" * LONG
    road.put("products.csv", b"product_id,product_name,category,unit_price\n1," + name + b",Food,1\n")
    (report,) = road.load("products")
    assert (report.loaded, report.rejected) == (1, 0)
    assert road.one("select length(product_name) from staging.retail_products") == LONG


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xef\xbb\xbf" + text(good_sales()), id="byte_order_mark"),
        pytest.param(text(good_sales(), end=b"\r\n"), id="crlf"),
        pytest.param(
            b"\xef\xbb\xbf" + text(good_sales(), end=b"\r\n").rstrip(), id="both_and_no_last_line_end"
        ),
        pytest.param(text(good_sales()).replace(b",", b";"), id="semicolons"),
    ],
)
def test_a_byte_order_mark_crlf_or_semicolons_change_no_row(road: Road, content: bytes) -> None:
    road.prepare()
    road.put_sales(content)
    (report,) = road.load()
    road.publish()
    assert (report.loaded, report.rejected) == (GOOD_SALES, 0)
    assert road.one("select sum(revenue) from analytics.fact_sales") == sum(range(1, 41)) + 10
    road.assert_nothing_lost(GOOD_SALES)
    road.assert_sound()


def test_identical_copies_of_a_key_count_once(road: Road) -> None:
    road.prepare()
    road.put_sales(text([*good_sales(), sale(7), sale(7)]))
    (report,) = road.load()
    road.publish()
    assert (report.read, report.loaded, report.duplicate, report.rejected) == (42, 40, 2, 0)
    assert road.sale_ids() == list(range(1, GOOD_SALES + 1))
    road.assert_nothing_lost(42)
    road.assert_sound()


def test_of_conflicting_copies_of_a_key_the_last_line_counts(road: Road) -> None:
    road.prepare()
    road.put_sales(text([*good_sales(), sale(7, revenue="700"), sale(7, revenue="701")]))
    (report,) = road.load()
    road.publish()
    assert (report.read, report.loaded, report.superseded, report.rejected) == (42, 40, 2, 0)
    assert str(road.one("select revenue from analytics.fact_sales where sale_id = 7")) == "701.00"
    road.assert_nothing_lost(42)
    road.assert_sound()


def test_q_15_a_sale_of_an_unknown_product_gets_a_member_that_the_product_list_fills_in_later(
    road: Road,
) -> None:
    road.prepare()
    road.put_sales(text([*good_sales(), sale(99, product_id=77)]))
    (report,) = road.load()
    road.publish()
    assert (report.loaded, report.rejected) == (41, 0)
    member = "select product_key, product_name, is_inferred from analytics.dim_product where product_id = 77"
    key, name, inferred = road.one(member)
    assert (name, inferred) == (None, True)
    assert road.one("select product_key from analytics.fact_sales where sale_id = 99") == key
    assert road.one("select sum(sales) from marts.retail_sales_daily where product_name = 'Unknown'") == 1
    road.assert_sound()

    road.put(
        "products.csv",
        b"product_id,product_name,category,unit_price\n1,Tea,Food,3.5\n2,Cup,Home,8\n77,Pot,Home,9\n",
    )
    road.load("products")
    road.publish()
    assert road.one(member) == (key, "Pot", False)
    assert road.rows("select 1 from marts.retail_sales_daily where product_name = 'Unknown'") == []
    assert road.one("select sum(sales) from marts.retail_sales_daily where product_name = 'Pot'") == 1
    road.assert_sound()


def test_q_19_a_sale_before_its_customer_existed_takes_the_first_version_and_is_counted_as_such(
    road: Road,
) -> None:
    road.put_lists()
    lines = customers(3)
    lines[1] = b"2,Late Person,late@example.com,Silver,2026-01-30T10:30:00"
    road.put("customers.csv", text(lines, CUSTOMERS_HEADER))
    road.load_lists()
    late = [sale(99, customer_id=2, sale_timestamp="2026-01-30T10:29:59")]
    at_once = [sale(100, customer_id=2, sale_timestamp="2026-01-30T10:30:00")]
    road.put_sales(text([*late, *at_once, sale(101, customer_id=1)]))
    road.load()
    road.publish()
    found = road.rows(
        "select f.sale_id, c.email, f.customer_version_inferred from analytics.fact_sales as f"
        " inner join analytics.dim_customer as c using (customer_key) order by 1"
    )
    assert found == [
        (99, "late@example.com", True),
        (100, "late@example.com", False),
        (101, "p1@example.com", False),
    ]
    assert road.one("select sum(sales_version_inferred) from marts.retail_sales_daily") == 1
    road.assert_sound()


def test_the_header_may_have_its_columns_in_another_order(road: Road) -> None:
    road.prepare()
    names = SALES_HEADER.split(b",")
    lines = [b",".join(reversed(line.split(b","))) for line in good_sales()]
    road.put_sales(text(lines, b",".join(reversed(names))))
    (report,) = road.load()
    assert (report.loaded, report.rejected) == (GOOD_SALES, 0)
