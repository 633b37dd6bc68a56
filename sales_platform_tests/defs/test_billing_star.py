"""The nine rules of billing, a test line each, and what happens to an invoice that is told twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sales_platform.errors import DataRefused
from sales_platform.sources.billing.generator import generate
from sales_platform_tests.defs.billing_road import BillingRoad, line

FACTS = "select invoice_id, status, total from analytics.fact_billing_invoice order by 1"
REJECTED = "select reason, raw_record ->> 'invoice_id' from quality.rejected_invoices order by 2, 1"

BROKEN = [
    ("UNKNOWN_INVOICE_ID", {"invoice_id": ""}),
    ("UNKNOWN_INVOICE_ID", {"invoice_id": "NULL"}),
    ("UNKNOWN_INVOICE_ID", {"invoice_id": "  "}),
    ("INVALID_DATE", {"issue_date": "2023-13-22"}),
    ("INVALID_DATE", {"issue_date": "2023-22-12"}),
    ("INVALID_DATE", {"issue_date": "31/02/2023"}),
    ("INVALID_DATE", {"issue_date": ""}),
    ("UNKNOWN_CUSTOMER", {"customer_id": "C-999"}),
    ("UNKNOWN_CUSTOMER", {"customer_id": "c-100"}),
    ("UNKNOWN_CUSTOMER", {"customer_id": ""}),
    ("UNKNOWN_ITEM", {"item_description": "Cloud"}),
    ("UNKNOWN_ITEM", {"item_description": "cloud storage"}),
    ("UNKNOWN_ITEM", {"item_description": "NULL"}),
    ("UNKNOWN_STATUS", {"status": "LOST"}),
    ("UNKNOWN_STATUS", {"status": ""}),
    ("INVALID_QUANTITY", {"qty": "0", "total": "0"}),
    ("INVALID_QUANTITY", {"qty": "-3", "total": "-60"}),
    ("INVALID_QUANTITY", {"qty": "2.5", "total": "50"}),
    ("INVALID_QUANTITY", {"qty": "three"}),
    ("INVALID_QUANTITY", {"qty": ""}),
    ("INVALID_UNIT_PRICE", {"unit_price": "-20", "total": "-60"}),
    ("INVALID_UNIT_PRICE", {"unit_price": "EUR 20"}),
    ("INVALID_UNIT_PRICE", {"unit_price": "$"}),
    ("INVALID_TOTAL", {"total": "NULL"}),
    ("INVALID_TOTAL", {"total": "-60"}),
    ("TOTAL_MISMATCH", {"total": "59.00"}),
    ("TOTAL_MISMATCH", {"total": "60.01"}),
]
NINE = {
    "UNKNOWN_INVOICE_ID": {"invoice_id": ""},
    "INVALID_DATE": {"issue_date": "soon"},
    "UNKNOWN_CUSTOMER": {"customer_id": "C-999"},
    "UNKNOWN_ITEM": {"item_description": "Cloud"},
    "UNKNOWN_STATUS": {"status": "LOST"},
    "INVALID_QUANTITY": {"qty": "0"},
    "INVALID_UNIT_PRICE": {"unit_price": "-1"},
    "INVALID_TOTAL": {"total": "-1"},
    "TOTAL_MISMATCH": {"total": "59"},
}


@pytest.fixture
def road(warehouse_url: str, tmp_path: Path) -> Iterator[BillingRoad]:
    """Billing before its first file. After every test the warehouse is what raw says, and the mart adds up."""
    road = BillingRoad(warehouse_url, tmp_path / "data")
    yield road
    assert road.verify() == []
    assert road.ask("select count(*), sum(total), sum(qty) from analytics.fact_billing_invoice") == road.ask(
        "select coalesce(sum(invoices), 0), sum(sales_amount), sum(qty) from marts.billing_sales_daily"
    )


def good(count: int, first: int = 1) -> list[str]:
    return [line(number) for number in range(first, first + count)]


def test_a_line_that_breaks_a_rule_is_rejected_for_that_rule(road: BillingRoad) -> None:
    lines = [line(**{"invoice_id": f"X-{n:02}", **fields}) for n, (_, fields) in enumerate(BROKEN)]
    road.put("input.csv", good(200) + lines)

    (report,) = road.run()

    found = road.ask(
        "select raw_record ->> 'invoice_id', reason from quality.rejected_record order by source_row"
    )
    assert found == [
        (fields.get("invoice_id", f"X-{n:02}") or None, reason) for n, (reason, fields) in enumerate(BROKEN)
    ]
    assert (report.loaded, report.rejected) == (200, len(BROKEN))


def test_the_first_rule_that_fails_names_the_line_and_all_others_are_kept(road: BillingRoad) -> None:
    reasons = list(NINE)
    # each line breaks one rule less than the one before
    lines = [
        line(**{k: v for reason in reversed(reasons[n:]) for k, v in NINE[reason].items()})
        for n in range(len(reasons))
    ]
    road.put("input.csv", good(100) + lines)

    road.run()

    found = road.ask("select reason, reasons from quality.rejected_record order by source_row")
    assert found == [(reasons[n], reasons[n:]) for n in range(len(reasons))]


def test_every_way_of_writing_a_good_line_is_read(road: BillingRoad) -> None:
    dates = ("2023-05-06", "2023/05/06", "06-05-2023", "06/05/2023", "2023-5-6", "6/5/2023", " 2023-05-06 ")
    written = [line(n, issue_date=text) for n, text in enumerate(dates)]
    written += [line(10, issue_date="05-13-2023"), line(11, issue_date="05/13/2023")]
    written += [
        line(20, unit_price="$ 20.00", total="usd 60", qty=" 3 "),
        line(21, unit_price="USD20", total="$60.0", qty="3.0"),
        line(22, customer_id=" C-100 ", item_description="Cloud Storage  ", status=" paid "),
        line(23, customer_name=""),
        line(24, unit_price="0", total="0.00"),
    ]
    road.put("input.csv", written)

    (report,) = road.run()

    assert (report.loaded, report.reasons) == (len(written), {})
    days = road.ask(
        "select issue_date::text, count(*) from analytics.fact_billing_invoice group by 1 order by 1"
    )
    assert days == [("2023-05-06", len(dates) + 5), ("2023-05-13", 2)]
    states = road.ask(
        "select distinct c.customer_name, i.item_description, s.status_name, f.qty"
        " from analytics.fact_billing_invoice as f"
        " inner join analytics.dim_billing_customer as c using (customer_key)"
        " inner join analytics.dim_billing_item as i using (item_key)"
        " inner join analytics.dim_billing_status as s using (status_key)"
    )
    assert states == [("Acme Corp", "Cloud Storage", "PAID", 3)]


def test_a_changed_invoice_in_a_later_file_is_taken_whichever_file_loads_first(road: BillingRoad) -> None:
    # by digits as numbers 10 comes after 9, as letters it would come before
    road.put("invoices_9.csv", [line(1, status="PENDING"), line(2)])
    road.put("invoices_10.csv", [line(1, status="PAID", qty="4", total="80.00")])
    road.load_lists()

    for order in (("invoices_10.csv", "invoices_9.csv"), ("invoices_9.csv", "invoices_10.csv")):
        for name in order:
            road.run(name)
        assert [(i, s, int(t)) for i, s, t in road.ask(FACTS)] == [
            ("INV-00001", "PAID", 80),
            ("INV-00002", "PAID", 60),
        ]
        # the other order: what loaded last goes away first
        road.put("invoices_9.csv", [line(2)])
        road.put("invoices_10.csv", [line(3)])
        road.run(*order)
        road.put("invoices_9.csv", [line(1, status="PENDING"), line(2)])
        road.put("invoices_10.csv", [line(1, status="PAID", qty="4", total="80.00")])
    road.run()


def test_of_two_lines_of_one_file_the_later_one_counts(road: BillingRoad) -> None:
    road.put("input.csv", [line(1, status="PENDING"), line(2), line(1, status="PAID"), line(2)])

    (report,) = road.run()

    assert [row[:2] for row in road.ask(FACTS)] == [("INV-00001", "PAID"), ("INV-00002", "PAID")]
    assert (report.loaded, report.duplicate, report.superseded) == (2, 1, 1)


def test_a_rerun_adds_nothing(road: BillingRoad) -> None:
    road.put("input.csv", [*good(20), line(21, total="1")])
    road.run()
    everything = (
        "select (select count(*) from raw.billing_invoices), (select count(*) from quality.rejected_record),"
        " (select count(*) from analytics.fact_billing_invoice),"
        " (select sum(version) from ops.table_version where table_name like '%billing%')"
    )
    before = road.ask(everything)

    (report,) = road.run()

    assert (report.status, road.ask(everything)) == ("unchanged", before)


def test_q_15_a_customer_who_is_added_to_the_list_heals_its_lines_at_the_next_load(road: BillingRoad) -> None:
    road.put("input.csv", [*good(20), line(21, customer_id="C-111", customer_name="NEW LTD")])
    road.run()
    assert road.ask(REJECTED) == [("UNKNOWN_CUSTOMER", "INV-00021")]

    road.put(
        "reference/customers.csv", ["C-100,Acme Corporation", "C-111,New Ltd"], "customer_id,customer_name"
    )
    road.run()

    assert road.ask(REJECTED) == []
    assert road.ask("select resolution from quality.rejected_record") == [("accepted when judged again",)]
    named = (
        "select c.customer_name, count(*) from analytics.fact_billing_invoice as f"
        " inner join analytics.dim_billing_customer as c using (customer_key) group by 1 order by 1"
    )
    # the list's new name reaches the mart too
    assert road.ask(named) == [("Acme Corporation", 20), ("New Ltd", 1)]
    assert road.ask("select distinct customer_name from marts.billing_sales_daily order by 1") == [
        ("Acme Corporation",),
        ("New Ltd",),
    ]


def test_items_and_statuses_can_be_added_too(road: BillingRoad) -> None:
    road.put("input.csv", [*good(20), line(21, item_description="Training"), line(22, status="Disputed")])
    road.run()
    assert road.ask(REJECTED) == [("UNKNOWN_ITEM", "INV-00021"), ("UNKNOWN_STATUS", "INV-00022")]

    road.put("reference/items.csv", ["Training"], "item_description")
    road.put("reference/statuses.csv", ["disputed"], "status_name")
    road.run()

    assert road.ask(REJECTED) == []
    assert road.ask("select count(*) from analytics.fact_billing_invoice where item_key > 0") == [(22,)]


def test_q_09_beyond_a_fifth_of_rejected_lines_nothing_is_published_and_the_old_stands(
    road: BillingRoad,
) -> None:
    road.put("input.csv", good(10))
    road.run()
    road.put("input.csv", good(7, first=11) + [line(n, total="NULL") for n in range(18, 21)])

    with pytest.raises(DataRefused, match="INVALID_TOTAL"):
        road.run()

    assert road.ask("select count(*), max(invoice_id) from analytics.fact_billing_invoice") == [
        (10, "INV-00010")
    ]


def test_generated_ids_stay_the_same_and_are_held_to_all_other_rules(
    warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_MISSING_INVOICE_ID", "true")
    allowing = BillingRoad(warehouse_url, tmp_path / "data")
    nameless = [
        line("", qty="1", total="20"),
        line("NULL", qty="2", total="40"),
        line("", qty="1", total="20"),
    ]
    broken = [line("", issue_date="2023-13-22"), line("", total="59")]
    allowing.put("a.csv", [*good(20), *nameless, *broken])
    (report,) = allowing.run()
    generated = "select invoice_id, qty from analytics.fact_billing_invoice where invoice_id like 'GEN-%'"

    # two lines that are the same in every field are one invoice
    assert sorted(qty for _, qty in allowing.ask(generated)) == [1, 2]
    assert (report.duplicate, report.reasons) == (1, {"INVALID_DATE": 1, "TOTAL_MISMATCH": 1})
    first = sorted(allowing.ask(generated))

    # the line moves, its neighbours change, the file is loaded anew: its id stays
    allowing.put("a.csv", [*broken, *nameless, *good(20, first=100)])
    allowing.run()
    assert sorted(allowing.ask(generated)) == first
    # in another file it is another invoice
    allowing.put("b.csv", nameless)
    allowing.run()
    assert len(allowing.ask(generated)) == 4
    assert allowing.verify() == []


def test_a_reader_may_look_at_rejected_invoices(warehouse_url: str) -> None:
    with psycopg.connect(warehouse_url) as connection:
        allowed = connection.execute(
            "select has_table_privilege('sales_platform_reader', 'quality.rejected_invoices', 'select'),"
            " has_table_privilege('sales_platform_reader', 'quality.rejected_invoices', 'delete')"
        )
        assert allowed.fetchone() == (True, False)


def test_simulated_dirt_is_rejected_for_its_faults_and_nothing_else(road: BillingRoad) -> None:
    generate(road.data, files=2, rows=1_000, seed=11, dirt=True)

    reports = road.run()

    assert [report.partition for report in reports] == ["invoices_1.csv", "invoices_2.csv"]
    for report in reports:
        assert set(report.reasons) == {
            "UNKNOWN_INVOICE_ID",
            "INVALID_DATE",
            "INVALID_TOTAL",
            "TOTAL_MISMATCH",
        }
        assert report.reasons["UNKNOWN_INVOICE_ID"] == 5
        assert report.loaded + report.duplicate + report.rejected == 1_000
        assert report.duplicate == 9


def test_simulated_clean_files_are_loaded_whole(road: BillingRoad) -> None:
    generate(road.data, files=2, rows=500, seed=11)
    assert [(report.loaded, report.rejected) for report in road.run()] == [(500, 0), (500, 0)]
