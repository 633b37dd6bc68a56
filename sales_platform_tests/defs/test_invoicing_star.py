"""The star of invoicing, from a live source to the marts; expected figures come from the source itself or by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from sales_platform.sources.invoicing.generator import make_history
from sales_platform.sources.invoicing.history import Size
from sales_platform_tests.defs.oltp_road import OltpRoad, Rows

END = date(2026, 3, 31)
SMALL = Size(sellers=3, clients=12, products=15, invoices=80, days=150)

SELLER = """insert into invoicing.sellers (seller_name, seller_address, seller_tax_id, iban)
    values ('Acme', '1 Mill Lane', '900-1', 'GB01')"""
CLIENT = """insert into invoicing.clients (client_name, client_address, client_tax_id)
    values ('Jones', '5 High Street', '100-1')"""
PRODUCT = """insert into invoicing.products (product_name, product_description, unit_price, vat_rate)
    values ('Lamp', 'Brass', 20.00, 10.00)"""


def invoice(number: str, day: str, gross: str = "110.00", client: int = 1, net: str = "100.00") -> str:
    return f"""insert into invoicing.invoices
        (invoice_no, invoice_date, seller_id, client_id, total_net_worth, total_vat, total_gross_worth)
        values ('{number}', '{day}', 1, {client}, {net}, {gross} - {net}, {gross})"""


def item(invoice_id: int, price: str = "20.00") -> str:
    return f"""insert into invoicing.invoice_items (invoice_id, product_id, item_qty, item_net_price)
        values ({invoice_id}, 1, 5, {price})"""


def payment(invoice_id: int, day: str, amount: str) -> str:
    return f"""insert into invoicing.payments (invoice_id, payment_date, payment_method, amount)
        values ({invoice_id}, '{day}', 'CASH', {amount})"""


@pytest.fixture
def road(database_url: str, warehouse_url: str) -> Iterator[OltpRoad]:
    """A source with one seller, client and product. After every test the warehouse is what raw says."""
    road = OltpRoad("invoicing", database_url, warehouse_url)
    road.write(SELLER, CLIENT, PRODUCT)
    yield road
    assert road.verify() == []


@pytest.fixture
def history(database_url: str, warehouse_url: str) -> OltpRoad:
    """A source with a generated past, run once."""
    road = OltpRoad("invoicing", database_url, warehouse_url)
    make_history(database_url, end=END, seed=11, size=SMALL)
    road.run()
    return road


def test_a_client_inserted_in_the_source_stands_in_dim_client_after_the_next_run(road: OltpRoad) -> None:
    road.run()
    road.write(
        "INSERT INTO invoicing.clients (client_name, client_address, client_tax_id, iban)"
        " VALUES ('New Client', '12 New Street', '555-66-7777', 'DE00')",
        invoice("77001", "2026-02-03", client=2),
    )
    road.run()
    newest = road.ask(
        "select client_id, client_name, client_address, client_tax_id, iban, is_current from analytics.dim_client"
        " where client_key <> 0 order by effective_start_date desc limit 1"
    )
    assert newest == [(2, "New Client", "12 New Street", "555-66-7777", "DE00", True)]
    assert road.ask(
        "select f.invoice_no, d.client_name, f.client_version_inferred"
        " from analytics.fact_invoice as f inner join analytics.dim_client as d using (client_key)"
    ) == [("77001", "New Client", False)]


def test_every_column_of_the_facts_is_the_sources(history: OltpRoad) -> None:
    key = "to_char({}, 'YYYYMMDD')::int"
    stamps = "{0}created_at at time zone 'UTC'"
    same = [
        (
            f"select invoice_id, invoice_no, invoice_date, {key.format('invoice_date')}, client_id, seller_id,"
            f" total_net_worth, total_vat, total_gross_worth, status, {stamps.format('')},"
            " updated_at at time zone 'UTC' from invoicing.invoices",
            "select invoice_id, invoice_no, invoice_date, invoice_date_key, client_id, seller_id, total_net_worth,"
            " total_vat, total_gross_worth, status, created_at, updated_at from analytics.fact_invoice",
        ),
        (
            f"select item_id, t.invoice_id, {key.format('invoice_date')}, product_id, item_qty, item_net_price,"
            f" item_net_worth, item_vat_rate, item_gross_worth, {stamps.format('t.')}"
            " from invoicing.invoice_items as t inner join invoicing.invoices as i using (invoice_id)",
            "select item_id, invoice_id, invoice_date_key, product_id, item_qty, item_net_price, item_net_worth,"
            " item_vat_rate, item_gross_worth, created_at from analytics.fact_invoice_item",
        ),
        (
            f"select payment_id, p.invoice_id, payment_date, {key.format('payment_date')}, payment_method,"
            f" payment_reference, amount, remarks, {stamps.format('p.')}, {key.format('invoice_date')},"
            " client_id, seller_id from invoicing.payments as p inner join invoicing.invoices using (invoice_id)",
            "select payment_id, invoice_id, payment_date, payment_date_key, payment_method, payment_reference,"
            " amount, remarks, created_at, invoice_date_key, client_id, seller_id from analytics.fact_payment",
        ),
    ]
    for theirs, ours in same:
        expected = sorted(history.source(theirs), key=repr)
        assert expected
        assert sorted(history.ask(ours), key=repr) == expected


def test_the_marts_add_up_to_the_sources_figures(history: OltpRoad) -> None:
    billed = """
        select i.invoice_date, i.client_id, i.seller_id, count(*), sum(i.total_net_worth), sum(i.total_vat),
            sum(i.total_gross_worth), coalesce(sum(p.paid), 0), sum(i.total_gross_worth) - coalesce(sum(p.paid), 0),
            count(*) filter (where i.status = 'UNPAID'), count(*) filter (where i.status = 'PARTIALLY_PAID'),
            count(*) filter (where i.status = 'PAID')
        from invoicing.invoices as i
        left join (select invoice_id, sum(amount) as paid from invoicing.payments group by 1) as p using (invoice_id)
        group by 1, 2, 3 order by 1, 2, 3"""
    ours = """
        select day, client_id, seller_id, sum(invoices), sum(net_amount), sum(vat_amount), sum(gross_amount),
            sum(paid_amount), sum(open_amount), sum(unpaid_invoices), sum(partially_paid_invoices), sum(paid_invoices)
        from marts.invoicing_daily group by 1, 2, 3 order by 1, 2, 3"""
    assert history.ask(ours) == history.source(billed)
    collected = """
        select p.payment_date, i.client_id, i.seller_id, count(*), sum(p.amount)
        from invoicing.payments as p inner join invoicing.invoices as i using (invoice_id)
        group by 1, 2, 3 order by 1, 2, 3"""
    assert history.ask(
        "select day, client_id, seller_id, sum(payments), sum(collected_amount)"
        " from marts.invoicing_collected_daily group by 1, 2, 3 order by 1, 2, 3"
    ) == history.source(collected)
    keys = (
        "select count(*) from marts.invoicing_daily where to_char(day, 'YYYYMMDD')::int <> invoice_date_key"
    )
    assert history.ask(keys) == [(0,)]


def test_a_second_run_writes_no_row_anywhere(history: OltpRoad) -> None:
    tables = [name for name, table in history.catalog.tables.items() if table.domain == "invoicing"]
    tables += ["raw.invoicing_invoice_items", "raw.invoicing_payments", "analytics.dim_client"]

    def written() -> dict[str, Rows]:
        return {t: history.ask(f"select xmin::text, ctid::text from {t} order by 2") for t in tables}

    before = written()
    history.run()
    assert written() == before
    assert history.verify() == []


def test_every_changed_field_of_an_invoice_follows_with_its_lines_payments_and_marts(road: OltpRoad) -> None:
    road.write(invoice("1", "2026-01-05"), item(1), payment(1, "2026-01-09", "10.00"))
    road.run()
    road.write(
        "update invoicing.invoices set total_net_worth = 200, total_vat = 20, total_gross_worth = 220,"
        " status = 'PARTIALLY_PAID', invoice_date = '2026-02-07', invoice_no = '1b' where invoice_id = 1"
    )
    road.run()
    assert road.ask(
        "select invoice_no, invoice_date_key, total_net_worth, total_vat, total_gross_worth, status"
        " from analytics.fact_invoice"
    ) == [("1b", 20260207, Decimal(200), Decimal(20), Decimal(220), "PARTIALLY_PAID")]
    assert road.ask("select invoice_date_key from analytics.fact_invoice_item") == [(20260207,)]
    assert road.ask("select invoice_date_key, payment_date_key from analytics.fact_payment") == [
        (20260207, 20260109)
    ]
    assert road.ask(
        "select day, invoices, gross_amount, paid_amount, open_amount, unpaid_invoices, partially_paid_invoices"
        " from marts.invoicing_daily"
    ) == [(date(2026, 2, 7), 1, Decimal(220), Decimal(10), Decimal(210), 0, 1)]


def test_a_status_that_moves_from_unpaid_to_paid_moves_every_figure_with_it(road: OltpRoad) -> None:
    road.write(invoice("1", "2026-01-05"))
    figures = "select status, paid_amount, open_amount from analytics.fact_invoice, marts.invoicing_daily"
    seen = []
    for status, amount in (("PARTIALLY_PAID", "50.00"), ("PAID", "60.00")):
        road.run()
        seen += road.ask(figures)
        road.write(
            payment(1, "2026-01-20", amount),
            f"update invoicing.invoices set status = '{status}' where invoice_id = 1",
        )
    road.run()
    assert [*seen, *road.ask(figures)] == [
        ("UNPAID", Decimal(0), Decimal(110)),
        ("PARTIALLY_PAID", Decimal(50), Decimal(60)),
        ("PAID", Decimal(110), Decimal(0)),
    ]


def _written_by_day(road: OltpRoad) -> dict[str, dict[date, str]]:
    """Mart → day → the transaction that wrote its row."""
    found: dict[str, dict[date, str]] = {}
    for table in ("invoicing_daily", "invoicing_collected_daily"):
        rows = road.ask(f"select day, xmin::text from marts.{table}")
        assert len({day for day, _ in rows}) == len(rows) == 2
        found[table] = dict(rows)
    return found


def test_a_payment_writes_one_row_of_each_mart_by_day(road: OltpRoad) -> None:
    road.write(invoice("1", "2026-01-05"), invoice("2", "2026-01-06"), payment(1, "2026-01-07", "1.00"))
    road.run()
    road.write(payment(2, "2026-01-08", "2.00"))
    road.run()
    before = _written_by_day(road)
    road.write(payment(1, "2026-01-08", "3.00"))
    road.run()
    after = _written_by_day(road)
    changed = {table: [d for d in rows if rows[d] != before[table][d]] for table, rows in after.items()}
    assert changed == {
        "invoicing_daily": [date(2026, 1, 5)],
        "invoicing_collected_daily": [date(2026, 1, 8)],
    }


def test_an_invoice_that_comes_before_its_client_is_kept_and_its_client_filled_in_later(
    road: OltpRoad,
) -> None:
    road.run()
    road.write(
        "insert into invoicing.clients (client_name, client_address, client_tax_id) values ('Late', 'x', '100-2')",
        invoice("1", "2026-01-05", client=2),
    )
    road.load("invoices")
    road.publish()
    (before,) = road.ask(
        "select client_key, client_version_inferred, is_inferred, client_name"
        " from analytics.fact_invoice inner join analytics.dim_client using (client_key)"
    )
    assert before[0] > 0
    assert before[1:] == (True, True, None)
    assert road.ask("select client_name, gross_amount from marts.invoicing_daily") == [
        ("Unknown", Decimal(110))
    ]
    road.run()
    assert road.ask(
        "select client_key, client_version_inferred, is_inferred, client_name"
        " from analytics.fact_invoice inner join analytics.dim_client using (client_key)"
    ) == [(before[0], False, False, "Late")]
    assert road.ask("select client_name, gross_amount from marts.invoicing_daily") == [("Late", Decimal(110))]


def test_lines_and_payments_that_come_before_their_invoice_are_kept_and_find_it_later(road: OltpRoad) -> None:
    road.run()
    road.write(invoice("1", "2026-01-05"), item(1), payment(1, "2026-01-09", "10.00"))
    road.load("invoice_items", "payments")
    road.publish()
    assert road.ask("select invoice_id, invoice_date_key from analytics.fact_invoice_item") == [(1, None)]
    orphan = "select invoice_date_key, client_key, amount from analytics.fact_payment"
    assert road.ask(orphan) == [(None, 0, Decimal(10))]
    collected = "select client_name, collected_amount from marts.invoicing_collected_daily"
    assert road.ask(collected) == [("Unknown", Decimal(10))]
    assert road.ask("select * from marts.invoicing_daily") == []
    road.run()
    assert road.ask("select invoice_id, invoice_date_key from analytics.fact_invoice_item") == [(1, 20260105)]
    assert road.ask(collected) == [("Jones", Decimal(10))]
    assert road.ask("select paid_amount, open_amount from marts.invoicing_daily") == [
        (Decimal(10), Decimal(100))
    ]


def test_a_deleted_invoice_leaves_facts_and_marts_with_its_lines_and_payments(road: OltpRoad) -> None:
    for number in (1, 2):
        road.write(invoice(str(number), "2026-01-05"), item(number), payment(number, "2026-01-09", "10.00"))
    road.run()
    road.write("delete from invoicing.invoices where invoice_id = 2")
    road.run(comparing=True)
    for fact in ("fact_invoice", "fact_invoice_item", "fact_payment"):
        assert road.ask(f"select invoice_id from analytics.{fact}") == [(1,)]
    assert road.ask("select invoices, gross_amount, paid_amount from marts.invoicing_daily") == [
        (1, Decimal(110), Decimal(10))
    ]
    assert road.ask("select payments, collected_amount from marts.invoicing_collected_daily") == [
        (1, Decimal(10))
    ]
    last = "select open_amount, invoices from marts.invoicing_receivables_daily where age_bucket = '0-30'"
    assert road.ask(f"{last} order by day desc limit 1") == [(Decimal(100), 1)]


def test_a_deleted_client_keeps_its_past_versions_and_its_invoices_go_with_it(road: OltpRoad) -> None:
    road.write(invoice("1", "2026-01-05"))
    road.run()
    road.write("delete from invoicing.clients where client_id = 1")
    road.run(comparing=True)
    assert road.ask(
        "select client_name, is_current, effective_end_date is null from analytics.dim_client where client_key <> 0"
    ) == [("Jones", False, False)]
    assert road.ask("select * from analytics.fact_invoice") == []
    assert road.ask("select * from marts.invoicing_daily") == []


def test_a_line_keeps_the_products_price_of_the_moment_it_was_written(road: OltpRoad) -> None:
    road.write(invoice("1", "2026-01-05"), item(1, "20.00"))
    road.run()
    road.write("update invoicing.products set unit_price = 25.00 where product_id = 1", item(1, "25.00"))
    road.run()
    road.write(
        "update invoicing.products set vat_rate = 20.00, product_description = 'Steel' where product_id = 1"
    )
    road.run()
    assert road.ask(
        "select item_id, item_net_price, unit_price, product_version_inferred, is_current"
        " from analytics.fact_invoice_item inner join analytics.dim_catalog_product using (product_key) order by 1"
    ) == [(1, Decimal(20), Decimal(20), False, False), (2, Decimal(25), Decimal(25), False, False)]
    assert road.ask(
        "select unit_price, vat_rate, product_description, is_current from analytics.dim_catalog_product"
        " where product_key <> 0 order by effective_start_date"
    ) == [
        (Decimal(20), Decimal(10), "Brass", False),
        (Decimal(25), Decimal(10), "Brass", False),
        (Decimal(25), Decimal(20), "Steel", True),
    ]


def test_old_invoices_keep_the_address_of_their_time_even_when_dated_back(road: OltpRoad) -> None:
    road.write(invoice("1", "2026-01-05"), payment(1, "2026-01-06", "10.00"))
    road.run()
    road.write(
        "update invoicing.clients set client_address = '9 New Road' where client_id = 1",
        "update invoicing.sellers set iban = 'GB02' where seller_id = 1",
        invoice("2", "2025-12-01"),
    )
    road.run()
    road.write(payment(1, "2026-01-07", "20.00"))
    road.run()
    assert road.ask(
        "select invoice_no, c.client_address, s.iban, client_version_inferred, seller_version_inferred"
        " from analytics.fact_invoice as f inner join analytics.dim_client as c using (client_key)"
        " inner join analytics.dim_seller as s using (seller_key) order by 1"
    ) == [("1", "5 High Street", "GB01", False, False), ("2", "9 New Road", "GB02", False, False)]
    assert road.ask(
        "select distinct client_address from analytics.fact_payment inner join analytics.dim_client using (client_key)"
    ) == [("5 High Street",)]


def test_a_payment_bears_the_client_and_seller_versions_of_its_invoice(history: OltpRoad) -> None:
    versions = "client_key, {0}.client_version_inferred, {0}.seller_key, {0}.seller_version_inferred"
    assert history.ask(
        "select count(*) from analytics.fact_payment as p inner join analytics.fact_invoice as i using (invoice_id)"
        f" where (p.{versions.format('p')}) is distinct from (i.{versions.format('i')})"
    ) == [(0,)]
    assert (
        history.ask(
            "select client_name from analytics.dim_client where client_key = 0"
            " union all select seller_name from analytics.dim_seller where seller_key = 0"
            " union all select product_name from analytics.dim_catalog_product where product_key = 0"
        )
        == [("Unknown",)] * 3
    )


def _open(road: OltpRoad, day: str) -> dict[str, tuple[int, int]]:
    """Bucket → open amount and invoices of a day, where there are any."""
    rows = road.ask(
        "select age_bucket, open_amount::int, invoices from marts.invoicing_receivables_daily"
        f" where day = '{day}' and (open_amount, invoices) <> (0, 0)"
    )
    return {bucket: (amount, invoices) for bucket, amount, invoices in rows}


def test_receivables_grow_older_day_by_day_and_shrink_with_each_payment(road: OltpRoad) -> None:
    road.write(
        invoice("A", "2026-01-01", gross="100", net="90"),
        invoice("B", "2026-01-20", gross="50", net="45"),
        payment(1, "2026-01-15", "40"),
        payment(1, "2026-02-10", "60"),
        payment(2, "2026-01-18", "10"),  # before its invoice
        invoice("C", "2026-04-25", gross="1", net="1"),
    )
    road.run()
    expected = {
        "2026-01-01": {"0-30": (100, 1)},
        "2026-01-15": {"0-30": (60, 1)},
        "2026-01-18": {"0-30": (50, 1)},
        "2026-01-20": {"0-30": (100, 2)},
        "2026-01-31": {"0-30": (100, 2)},
        "2026-02-01": {"0-30": (40, 1), "31-60": (60, 1)},
        "2026-02-10": {"0-30": (40, 1)},
        "2026-02-19": {"0-30": (40, 1)},
        "2026-02-20": {"31-60": (40, 1)},
        "2026-03-21": {"31-60": (40, 1)},
        "2026-03-22": {"61-90": (40, 1)},
        "2026-04-20": {"61-90": (40, 1)},
        "2026-04-21": {"over 90": (40, 1)},
        "2026-04-25": {"0-30": (1, 1), "over 90": (40, 1)},
    }
    assert {day: _open(road, day) for day in expected} == expected
    assert road.ask("select min(day), max(day), count(*) from marts.invoicing_receivables_daily") == [
        (date(2026, 1, 1), date(2026, 4, 25), 115 * 4)
    ]
    road.write(payment(2, "2026-04-22", "40"))
    road.run()
    assert [_open(road, day) for day in ("2026-04-21", "2026-04-22")] == [{"over 90": (40, 1)}, {}]


def test_receivables_of_every_day_equal_the_sources(history: OltpRoad) -> None:
    expected = history.source(
        """
        with days as (
            select generate_series(min(d), max(d), interval '1 day')::date as day
            from (
                select invoice_date as d from invoicing.invoices union select payment_date from invoicing.payments
            ) as b
        ),
        owed as (
            select d.day, d.day - i.invoice_date as age, i.total_gross_worth - coalesce(
                (
                    select sum(p.amount) from invoicing.payments as p
                    where p.invoice_id = i.invoice_id and p.payment_date <= d.day
                ), 0
            ) as owed
            from days as d inner join invoicing.invoices as i on i.invoice_date <= d.day
        )
        select day, case when age <= 30 then '0-30' when age <= 60 then '31-60' when age <= 90 then '61-90'
            else 'over 90' end, sum(owed), count(*) filter (where owed > 0)
        from owed group by 1, 2 having sum(owed) <> 0 order by 1, 2
        """
    )
    assert {row[1] for row in expected} == {"0-30", "31-60", "61-90", "over 90"}
    assert (
        history.ask(
            "select day, age_bucket, open_amount, invoices from marts.invoicing_receivables_daily"
            " where open_amount <> 0 order by 1, 2"
        )
        == expected
    )


def test_open_of_a_day_is_billed_less_collected_until_then(history: OltpRoad) -> None:
    assert history.ask(
        """
        with open as (select day, sum(open_amount) as amount from marts.invoicing_receivables_daily group by 1)
        select count(*), count(*) filter (where o.amount <> (
            select coalesce(sum(d.gross_amount), 0) from marts.invoicing_daily as d where d.day <= o.day
        ) - (
            select coalesce(sum(c.collected_amount), 0) from marts.invoicing_collected_daily as c where c.day <= o.day
        )) from open as o
        """
    ) == history.source(
        "select greatest(max(i.invoice_date), (select max(payment_date) from invoicing.payments))"
        " - least(min(i.invoice_date), (select min(payment_date) from invoicing.payments)) + 1, 0"
        " from invoicing.invoices as i"
    )


def test_a_date_that_no_calendar_has_is_rejected_and_stops_no_other_row(road: OltpRoad) -> None:
    road.write(
        invoice("1", "2026-01-05"),
        invoice("2", "infinity"),
        invoice("3", "0044-03-15 BC"),
        payment(1, "2026-01-06", "1.00"),
        payment(1, "-infinity", "2.00"),
    )
    road.run()
    assert road.ask("select invoice_no from analytics.fact_invoice") == [("1",)]
    assert road.ask("select amount from analytics.fact_payment") == [(Decimal(1),)]
    assert road.ask("select feed, business_key, reason from quality.rejected_record order by 1, 2") == [
        ("invoicing_invoices", [2], "INVALID_INVOICE_DATE"),
        ("invoicing_invoices", [3], "INVALID_INVOICE_DATE"),
        ("invoicing_payments", [2], "INVALID_PAYMENT_DATE"),
    ]
