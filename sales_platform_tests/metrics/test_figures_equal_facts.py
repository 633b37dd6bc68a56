"""Every metric of a loaded company beside plain SQL on the facts, which knows neither marts nor the registry."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.rebuild import verify
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.local.server import EmbeddedServer
from sales_platform.metrics.query import MetricQuery
from sales_platform.metrics.reading import reading
from sales_platform.metrics.registry import read_registry
from sales_platform.metrics.running import run_query
from sales_platform_tests.acceptance.loaded_company import founded, load

pytestmark = pytest.mark.slow

SALES = "from analytics.fact_sales as f where f._partition::date {days}"
BILLS = "from analytics.fact_billing_invoice as f where f.issue_date {days}"
INVOICES = "from analytics.fact_invoice as f where f.invoice_date {days}"
PAID = (
    "from analytics.fact_payment as p inner join analytics.fact_invoice as f using (invoice_id)"
    " where f.invoice_date {days}"
)
COLLECTED = "from analytics.fact_payment as f where f.payment_date {days}"
PAYMENTS = "from analytics.fact_transaction as f where f.transaction_date {days}"
LEDGER = "from analytics.fact_account_transaction as f where status = 'posted' and ops.business_day(created_at) {days}"
OPEN = (
    "from (select i.total_gross_worth - coalesce((select sum(p.amount) from analytics.fact_payment as p"
    " where p.invoice_id = i.invoice_id and p.payment_date <= {last}), 0) as due, {last} - i.invoice_date as age"
    " from analytics.fact_invoice as i where i.invoice_date <= {last}) as f where due <> 0"
)
GONE = "status in ('CANCELLED', 'REFUNDED')"
FIGURES = {
    "retail_revenue": f"sum(revenue) {SALES}",
    "retail_sales": f"count(*) {SALES}",
    "retail_pieces": f"sum(quantity) {SALES}",
    "average_sale": f"avg(revenue) {SALES}",
    "average_piece_price": f"sum(revenue) / sum(quantity) {SALES}",
    "retail_sales_inferred": f"100 * avg(customer_version_inferred::int) {SALES}",
    "billed": f"sum(total) {BILLS}",
    "billed_net_of_cancelled": f"sum(case when {GONE} then 0 else total end) {BILLS}",
    "cancelled_and_refunded": f"sum(case when {GONE} then total else 0 end) {BILLS}",
    "billing_pending": f"sum(case when status = 'PENDING' then total else 0 end) {BILLS}",
    "billed_invoices": f"count(*) {BILLS}",
    "billed_pieces": f"sum(qty) {BILLS}",
    "average_billed_invoice": f"avg(total) {BILLS}",
    "invoiced_gross": f"sum(total_gross_worth) {INVOICES}",
    "invoiced_net": f"sum(total_net_worth) {INVOICES}",
    "invoiced_vat": f"sum(total_vat) {INVOICES}",
    "invoices": f"count(*) {INVOICES}",
    "average_invoice": f"avg(total_gross_worth) {INVOICES}",
    "unpaid_invoices": f"count(*) filter (where status = 'UNPAID') {INVOICES}",
    "partially_paid_invoices": f"count(*) filter (where status = 'PARTIALLY_PAID') {INVOICES}",
    "paid_invoices": f"count(*) filter (where status = 'PAID') {INVOICES}",
    "paid_of_invoiced": f"coalesce(sum(p.amount), 0) {PAID}",
    "open_of_invoiced": f"(select sum(total_gross_worth) {INVOICES}) - (select coalesce(sum(p.amount), 0) {PAID})",
    "paid_share": f"100 * (select coalesce(sum(p.amount), 0) {PAID}) / (select sum(total_gross_worth) {INVOICES})",
    "collected": f"sum(amount) {COLLECTED}",
    "payments_received": f"count(*) {COLLECTED}",
    "receivables": f"sum(due) {OPEN}",
    "open_invoices": f"count(*) filter (where due > 0) {OPEN}",
    "receivables_over_90_share": f"100 * coalesce(sum(due) filter (where age > 90), 0) / sum(due) {OPEN}",
    "payment_volume": f"sum(amount) filter (where status = 'success') {PAYMENTS}",
    "attempted_volume": f"sum(amount) {PAYMENTS}",
    "failed_volume": f"sum(amount) filter (where status = 'failed') {PAYMENTS}",
    "fee_revenue": f"sum(amount * fee_percent / 100) filter (where status = 'success') {PAYMENTS}",
    "fee_of_attempts": f"sum(amount * fee_percent / 100) {PAYMENTS}",
    "fee_rate": "100 * sum(amount * fee_percent / 100) filter (where status = 'success')"
    f" / sum(amount) filter (where status = 'success') {PAYMENTS}",
    "payments": f"count(*) {PAYMENTS}",
    "successful_payments": f"count(*) filter (where status = 'success') {PAYMENTS}",
    "failed_payments": f"count(*) filter (where status = 'failed') {PAYMENTS}",
    "failure_rate": f"100 * avg((status = 'failed')::int) {PAYMENTS}",
    "average_processing_time": f"avg(processing_time) {PAYMENTS}",
    "average_payment": f"avg(amount) filter (where status = 'success') {PAYMENTS}",
    "payments_without_fee": f"count(*) filter (where fee_percent is null) {PAYMENTS}",
    "account_transactions": f"count(*) {LEDGER}",
    "accounts": "count(*) from analytics.dim_account where account_key <> 0 and not is_inferred",
}
BY_CURRENCY = {
    "account_net_flow": f"sum(case type when 'credit' then amount else -amount end) {LEDGER}",
    "account_credits": f"sum(case type when 'credit' then amount else 0 end) {LEDGER}",
    "account_debits": f"sum(case type when 'debit' then amount else 0 end) {LEDGER}",
    "account_balance": "sum(balance) from analytics.dim_account where account_key <> 0 and not is_inferred",
}
LAST = datetime.now(UTC).date() - timedelta(days=1)
EVER = 5000


@pytest.fixture(scope="module")
def warehouse(
    postgres_server: EmbeddedServer, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    names = {part: f"test_{part}_{uuid.uuid4().hex[:8]}" for part in ("invoicing", "accounts", "figures")}
    for part, name in names.items():
        postgres_server.create_database(name, migrated_template if part == "figures" else None)
    urls = {part: postgres_server.url(name) for part, name in names.items()}
    load(
        founded(tmp_path_factory.mktemp("company"), urls["invoicing"], urls["accounts"]),
        Warehouse(urls["figures"]),
    )
    yield Warehouse(urls["figures"])
    for name in names.values():
        postgres_server.drop_database(name)


@pytest.fixture
def reader(warehouse: Warehouse) -> Iterator[Connection]:
    with reading(warehouse) as connection:
        yield connection


def on_facts(reader: Connection, figure: str, first: date, last: date) -> list[tuple[Any, ...]]:
    filled = figure.replace("{days}", f"between '{first}' and '{last}'").replace("{last}", f"'{last}'::date")
    return reader.execute(f"select {filled}".encode()).fetchall()


def rounded(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Quotients have other digits where they are taken another way; sums are compared whole."""
    return sorted(tuple(round(v, 9) if isinstance(v, Decimal) else v for v in row) for row in rows)


def ask(reader: Connection, name: str, first: date, last: date) -> list[tuple[Any, ...]]:
    timed = read_registry().metrics[name].mart.time is not None
    return run_query(reader, MetricQuery(name, first, last) if timed else MetricQuery(name)).rows


def test_every_metric_has_its_figure_on_facts() -> None:
    assert {*FIGURES, *BY_CURRENCY, "revenue_by_source"} == read_registry().metrics.keys()


@pytest.mark.parametrize(("back", "until"), [(1, 0), (3, 1), (400, 200), (EVER, 0)])
def test_every_metric_of_a_range_is_that_of_the_facts(reader: Connection, back: int, until: int) -> None:
    first, last = LAST - timedelta(days=back), LAST - timedelta(days=until)
    for name, figure in FIGURES.items():
        expected = on_facts(reader, figure, first, last)
        # nothing is known of a range without a row, where SQL counts 0
        empty = expected in ([(0,)], [(None,)]) and ask(reader, name, first, last) in ([(None,)], [(0,)])
        assert empty or rounded(ask(reader, name, first, last)) == rounded(expected), name
    for name, figure in BY_CURRENCY.items():
        parts = f"currency, {figure} group by currency"
        assert rounded(ask(reader, name, first, last)) == rounded(on_facts(reader, parts, first, last)), name


def test_revenue_by_source_shows_the_same_amounts_as_the_metrics_it_names(reader: Connection) -> None:
    first = LAST - timedelta(days=EVER)
    found = run_query(reader, MetricQuery("revenue_by_source", first, LAST, by=("source",))).records()
    assert len(found) == 8
    for row in found:
        metric = read_registry().metrics[row["measure"]]
        assert (metric.domain, metric.currency) == (row["source"], row["currency"])
        assert [(row["value"],)] == ask(reader, metric.name, first, LAST)


def test_a_rebuild_from_raw_gives_the_same_marts(warehouse: Warehouse) -> None:
    assert verify(warehouse, read_catalog()) == []


def test_receivables_by_age_are_those_of_open_invoices_of_that_age(reader: Connection) -> None:
    as_of = LAST - timedelta(days=20)
    buckets = "case when age <= 30 then '0-30' when age <= 60 then '31-60' when age <= 90 then '61-90'"
    expected = on_facts(reader, f"{buckets} else 'over 90' end, sum(due) {OPEN} group by 1", as_of, as_of)
    found = run_query(reader, MetricQuery("receivables", to=as_of, by=("age",))).rows
    assert sorted(row for row in found if row[1]) == sorted(row for row in expected if row[1])
