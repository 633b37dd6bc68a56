"""The past that the generator gives invoicing: figures that add up, and rows that hang on seed and day alone."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest

from sales_platform.errors import DatabaseFailure, LockNotAvailable, WrongUse
from sales_platform.sources.invoicing import sessions
from sales_platform.sources.invoicing.generator import make_history
from sales_platform.sources.invoicing.history import SMALL
from sales_platform.sources.schema import ensure_schema

END = date(2026, 3, 1)
TABLES = ("sellers", "clients", "products", "invoices", "invoice_items", "payments")


@pytest.fixture
def source_url(database_url: str) -> str:
    ensure_schema(database_url, "invoicing")
    return database_url


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows(url, f"select * from {table} order by 1") for table in TABLES}


# Every query finds rows that contradict the sentence before it.
CONTRADICTIONS = {
    "a line is quantity times price, rounded, and its VAT rounded again":
        "select 1 from invoice_items where item_net_worth <> round(item_qty * item_net_price, 2) or"
        " item_gross_worth <> item_net_worth + round(item_net_worth * item_vat_rate / 100, 2)",
    "a header is the sum of its items":
        "select 1 from invoices i left join (select invoice_id, sum(item_net_worth) net,"
        " sum(item_gross_worth) gross from invoice_items group by 1) t using (invoice_id)"
        " where (total_net_worth, total_gross_worth, total_vat) is distinct from (net, gross, gross - net)",
    "status and stamp follow the payments, which never exceed the gross":
        "select 1 from invoices i left join (select invoice_id, sum(amount) paid, max(created_at) last"
        " from payments group by 1) p using (invoice_id) where coalesce(paid, 0) > total_gross_worth"
        " or updated_at <> coalesce(last, created_at) or status <> case when paid is null then 'UNPAID'"
        " when paid < total_gross_worth then 'PARTIALLY_PAID' else 'PAID' end",
    "an invoice is written after its client, seller and products came":
        "select 1 from invoices i join clients c using (client_id) join sellers s using (seller_id)"
        " join invoice_items t using (invoice_id) join products p using (product_id)"
        " where greatest(c.created_at, s.created_at, p.created_at) >= i.created_at"
        " or t.created_at <> i.created_at or i.invoice_date <> i.created_at::date",
    "an item has the price of its day: today's where the product has not changed since":
        "select 1 from invoice_items t join products p using (product_id)"
        " where p.updated_at <= t.created_at and item_net_price <> unit_price",
    "a payment comes 1 to 30 days after the invoice or the payment before it":
        "select 1 from (select payment_date, lag(payment_date, 1, invoice_date) over (partition by invoice_id"
        " order by payment_id) since, p.created_at from payments p join invoices using (invoice_id)) x"
        " where payment_date - since not between 1 and 30 or created_at::date <> payment_date",
    "nothing happens after the last day":
        "select 1 from (select updated_at at from clients union all select updated_at from products union all"
        " select updated_at from invoices union all select created_at from payments) x where at >= '2026-03-02'",
    "no payment is made by a method that the replaced loader never drew":
        "select 1 from payments where payment_method not in ('CASH','BANK_TRANSFER','CREDIT_CARD','ONLINE')"
        " or remarks <> 'Auto-generated payment'",
}  # fmt: skip


def test_the_past_contradicts_none_of_its_rules(source_url: str) -> None:
    make_history(source_url, end=END, seed=42)
    found = {rule: len(rows(source_url, query)) for rule, query in CONTRADICTIONS.items()}
    assert found == dict.fromkeys(CONTRADICTIONS, 0)


def test_the_past_has_every_status_several_payments_new_addresses_and_new_prices(source_url: str) -> None:
    report = make_history(source_url, end=END, seed=42)
    assert report.made
    assert report.rows == {table: rows(source_url, f"select count(*) from {table}")[0][0] for table in TABLES}
    assert [report.rows[table] for table in TABLES[:4]] == [10, 120, 150, 1500]
    by_status = rows(source_url, "select status from invoices group by 1 having count(*) > 50 order by 1")
    assert by_status == [("PAID",), ("PARTIALLY_PAID",), ("UNPAID",)]
    query = "select max(n), min(invoice_date), max(invoice_date) from invoices i join lateral"
    query += " (select count(*) n from payments p where p.invoice_id = i.invoice_id) x on true"
    most, first, last = rows(source_url, query)[0]
    assert most >= 3  # type: ignore[operator]
    assert (first, last) == (END - timedelta(days=179), END)
    for table in ("clients", "products"):
        changed, unchanged = rows(
            source_url,
            f"select count(*) filter (where updated_at > created_at), count(*) filter (where updated_at ="
            f" created_at) from {table}",
        )[0]
        assert changed > 10 < unchanged  # type: ignore[operator]
    query = "select count(*) from invoice_items join products using (product_id) where item_net_price <> unit_price"
    assert rows(source_url, query)[0][0] > 100  # type: ignore[operator]


def test_the_first_payment_is_full_for_two_of_five_else_40_to_90_percent(source_url: str) -> None:
    make_history(source_url, end=END, seed=42)
    shares = rows(
        source_url,
        "select distinct on (invoice_id) amount / total_gross_worth from payments join invoices"
        " using (invoice_id) order by invoice_id, payment_id",
    )
    parts = [float(str(share)) for (share,) in shares if share != 1]
    assert 0.35 < 1 - len(parts) / len(shares) < 0.45
    assert 0.399 < min(parts) < 0.42
    assert 0.88 < max(parts) < 0.901


def test_same_seed_and_day_give_the_same_rows_another_seed_others(source_url: str) -> None:
    make_history(source_url, end=END, seed=7, size=SMALL)
    first = contents(source_url)
    with psycopg.connect(source_url, autocommit=True) as connection:
        connection.execute("truncate clients, sellers, products, invoices restart identity cascade")
    make_history(source_url, end=END, seed=7, size=SMALL)
    assert contents(source_url) == first
    with psycopg.connect(source_url, autocommit=True) as connection:
        connection.execute("truncate clients, sellers, products, invoices restart identity cascade")
    make_history(source_url, end=END, seed=8, size=SMALL)
    other = contents(source_url)
    assert [table for table in TABLES if other[table] == first[table]] == []


def test_a_database_with_an_invoice_is_left_as_it_is(source_url: str) -> None:
    make_history(source_url, end=END, seed=42, size=SMALL)
    before = contents(source_url)
    again = make_history(source_url, end=END + timedelta(days=1), seed=43)
    assert not again.made
    assert again.rows == {table: len(found) for table, found in before.items()}
    assert contents(source_url) == before


def test_rows_written_by_hand_before_and_after_keep_their_keys(source_url: str) -> None:
    add = (
        "insert into clients (client_name, client_address, client_tax_id) values ('A', 'B', '{}') returning 1"
    )
    rows(source_url, add.format("000-00-0001"))
    make_history(source_url, end=END, seed=42, size=SMALL)
    rows(source_url, add.format("000-00-0002"))
    found = rows(source_url, "select client_id from clients where client_tax_id ~ '^000-' order by 1")
    assert found == [(1,), (22,)]


def test_a_negative_seed_and_missing_tables_are_told_in_one_sentence(database_url: str) -> None:
    with pytest.raises(WrongUse, match="a seed is 0 or a positive number"):
        make_history(database_url, end=END, seed=-1)
    with pytest.raises(DatabaseFailure, match="does not exist"):
        make_history(database_url, end=END, seed=1)


def test_a_table_that_somebody_holds_is_reported_and_nothing_is_written(
    source_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LOCK_TIMEOUT", "50ms")
    with psycopg.connect(source_url) as other:
        other.execute("lock table payments in exclusive mode")
        with pytest.raises(LockNotAvailable):
            make_history(source_url, end=END, seed=1)
    assert contents(source_url) == {table: [] for table in TABLES}
