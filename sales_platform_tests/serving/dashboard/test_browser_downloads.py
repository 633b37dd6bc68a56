"""What a visitor takes away from a page: the CSV of a chart is the API's answer and what plain SQL makes of the facts;
its picture is a PNG.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from urllib.request import urlopen

import psycopg
import pytest
from playwright.sync_api import Page, expect

from sales_platform_tests.serving.dashboard.conftest import Sql
from sales_platform_tests.serving.dashboard.served import as_rows, rows_of, visit

pytestmark = pytest.mark.slow
DAYS = 365
PNG = b"\x89PNG\r\n\x1a\n"


class Chart(NamedTuple):
    """questions: to the API, one for each column of figures. facts: the same rows as SQL; {days} is the range, {member}
    the filter of the page. only: the currency of the chart.
    """

    file: str
    questions: Sequence[str]
    facts: str = ""
    only: str = ""


RETAIL = "from analytics.fact_sales as f join analytics.dim_store as s using (store_key)"
CHANNELS = "from analytics.fact_transaction as f join analytics.dim_city as c using (city_key)"
LEDGER = (
    "select ops.business_day(created_at), currency, sum(case type when 'credit' then amount else -amount end)"
    " from analytics.fact_account_transaction where status = 'posted' and currency = '{member}'"
    " and ops.business_day(created_at) {days} group by 1, 2"
)
OF_RETAIL = [
    Chart(
        "revenue-over-time",
        ["retail_revenue?grain=day"],
        f"select f._partition::date, sum(revenue) {RETAIL}"
        " where store_name = '{member}' and f._partition::date {days} group by 1",
    ),
    Chart("sales-over-time", ["retail_sales?grain=day"]),
    Chart("revenue-by-product", ["retail_revenue?by=product&limit=10"]),
    Chart(
        "revenue-by-category",
        ["retail_revenue?by=category&limit=10"],
        f"select category, sum(revenue) {RETAIL} join analytics.dim_product using (product_key)"
        " where store_name = '{member}' and f._partition::date {days} group by 1 order by 2 desc limit 10",
    ),
    Chart("revenue-by-store", ["retail_revenue?by=store&limit=10"]),
    Chart("revenue-by-sales-region", ["retail_revenue?by=store_region&limit=10"]),
    Chart("revenue-by-loyalty-tier-at-the-sale", ["retail_revenue?by=tier&limit=10"]),
    Chart("revenue-by-loyalty-tier-today", ["retail_revenue?by=tier_today&limit=10"]),
]
OF_INVOICING = [
    Chart(
        "invoiced-and-collected",
        ["invoiced_gross?grain=day", "collected?grain=day"],
        "select day, max(gross), max(paid) from ("
        "select invoice_date as day, sum(total_gross_worth) as gross, null as paid from analytics.fact_invoice"
        " where invoice_date {days} group by 1 union all"
        " select payment_date, null, sum(amount) from analytics.fact_payment where payment_date {days} group by 1"
        ") as either group by 1",
    ),
    Chart("invoiced-by-client", ["invoiced_gross?by=client&limit=10"]),
    Chart("invoiced-by-seller", ["invoiced_gross?by=seller&limit=10"]),
    Chart("receivables-by-age-in-days", ["receivables?grain=day&by=age"]),
    Chart("open-of-these-invoices-by-client", ["open_of_invoiced?by=client&limit=10"]),
    Chart(
        "invoices-by-state", [f"{state}_invoices?grain=day" for state in ("unpaid", "partially_paid", "paid")]
    ),
]
OF_BILLING = [
    Chart("billed-by-customer", ["billed?by=customer&limit=10"]),
    Chart(
        "billed-by-status",
        ["billed?by=billing_status&limit=10"],
        "select status, sum(total) from analytics.fact_billing_invoice where issue_date {days} group by 1",
    ),
]
OF_PAYMENTS = [
    Chart(
        "revenue-trend",
        ["payment_volume?grain=day"],
        f"select transaction_date, sum(amount) filter (where status = 'success') {CHANNELS}"
        " where state = '{member}' and transaction_date {days} group by 1",
    ),
    Chart("failure-rate-trend", ["failure_rate?grain=day"]),
    Chart("avg-processing-time-trend", ["average_processing_time?grain=day"]),
    Chart(
        "failure-rate-by-channel",
        ["failure_rate?by=channel&limit=6"],
        f"select channel_name, 100.0 * avg((status = 'failed')::int) {CHANNELS}"
        " join analytics.dim_channel using (channel_key)"
        " where state = '{member}' and transaction_date {days} group by 1",
    ),
    Chart("avg-processing-time-by-channel", ["average_processing_time?by=channel&limit=6"]),
]


def of_accounts(currencies: Iterable[str]) -> list[Chart]:
    charts = [Chart("posted-transactions", ["account_transactions?grain=day"])]
    for one in currencies:
        slug = one.lower()
        charts += [
            Chart(
                f"net-flow-{slug}",
                ["account_net_flow?grain=day&by=currency"],
                LEDGER.replace("{member}", one),
                one,
            ),
            Chart(
                f"balance-by-type-of-account-{slug}",
                ["account_balance?by=account_type,currency"],
                "select account_type, currency, sum(balance) from analytics.dim_account"
                f" where account_key > 0 and currency = '{one}' group by 1, 2",
                one,
            ),
            Chart(f"largest-balances-{slug}", ["account_balance?by=account_customer,currency"], "", one),
        ]
    return charts


def test_every_csv_of_retail_is_the_apis_answer_and_what_the_facts_say(browser: Page, facts: Sql) -> None:
    [(store,)] = facts("select min(store_name) from analytics.dim_store where store_key > 0")
    [(last,)] = facts("select max(_partition::date) from analytics.fact_sales")
    check(browser, facts, "retail", OF_RETAIL, last, {"store": store})


def test_every_csv_of_invoicing_is_the_apis_answer_and_what_the_facts_say(browser: Page, facts: Sql) -> None:
    [(last,)] = facts("select max(invoice_date) from analytics.fact_invoice")
    check(browser, facts, "invoicing", OF_INVOICING, last)


def test_every_csv_of_billing_is_the_apis_answer_and_what_the_facts_say(browser: Page, facts: Sql) -> None:
    [(last,)] = facts("select max(issue_date) from analytics.fact_billing_invoice")
    apart = {"sales-historic-trend-monthly-vs-accumulative", "pending-customers"}
    days = check(browser, facts, "billing", OF_BILLING, last, apart=apart)
    months = asked_of_api(browser, "billed?grain=month", days)
    assert [
        (row["period"], row["sales"])
        for row in download(browser, "sales-historic-trend-monthly-vs-accumulative")
    ] == [(row["period"][:7], row["value"]) for row in months]
    pending = asked_of_api(browser, "billing_pending?by=customer", days)
    owing = [row for row in pending if Decimal(row["value"])]
    assert download(browser, "pending-customers") == owing[:15]


def test_every_csv_of_payments_is_the_apis_answer_and_what_the_facts_say(browser: Page, facts: Sql) -> None:
    [(state,)] = facts("select min(state) from analytics.dim_city where city_key > 0")
    [(last,)] = facts("select max(transaction_date) from analytics.fact_transaction")
    check(browser, facts, "payments?filters=Date&filters=State", OF_PAYMENTS, last, {"state": state})


def test_every_csv_of_accounts_is_the_apis_answer_and_what_the_facts_say(browser: Page, facts: Sql) -> None:
    [(last,)] = facts("select max(ops.business_day(created_at)) from analytics.fact_account_transaction")
    currencies = facts("select distinct currency from analytics.dim_account where account_key > 0")
    check(browser, facts, "accounts", of_accounts(one for (one,) in currencies), last)


def test_the_csv_of_the_overview_is_the_apis_answer_and_what_the_facts_say(browser: Page, facts: Sql) -> None:
    visit(browser, "?range=All days")
    asked = ["revenue_by_source?by=source,measure,currency"]
    fees = (
        "select 'channels', name, 'INR', amount from (select"
        " sum(amount) filter (where status = 'success') as payment_volume, sum(revenue) as fee_revenue"
        " from analytics.fact_transaction) as f, lateral (values ('payment_volume', payment_volume),"
        " ('fee_revenue', fee_revenue)) as one (name, amount)"
    )
    for chart in (
        Chart("revenue-by-source-usd", asked, only="USD"),
        Chart("revenue-by-source-inr", asked, fees, only="INR"),
    ):
        compare(browser, facts, chart, {}, "")


def test_the_csv_of_refused_rows_is_the_apis_count_and_what_the_quarantine_holds(
    browser: Page, company_url: str, facts: Sql
) -> None:
    with psycopg.connect(company_url) as connection:
        connection.execute(
            """
            with made as (
                insert into ops.load (feed, partition, source, status, finished_at, rows_read, rows_rejected)
                values ('billing_invoices', 'x.csv', 'x.csv', 'succeeded', now(), 3, 3) returning load_id
            )
            insert into quality.rejected_record (feed, scope, partition, source_row, reason, reasons,
                raw_record, record_hash, occurrence, origin, first_load_id, last_load_id)
            select 'billing_invoices', 'x.csv', 'x.csv', n, reason, array[reason], '{}', 'h' || n, 1, 'contract',
                load_id, load_id
            from made, (values (2, 'INVALID_DATE'), (3, 'INVALID_DATE'), (4, 'MISSING_TOTAL')) as v (n, reason)
            """
        )
    visit(browser, "quality?feed=billing_invoices")
    rows = download(browser, "rows-that-stand-rejected-by-first-reason")
    with urlopen(f"{origin(browser)}/api/quality/rejected?feed=billing_invoices&format=csv") as answer:
        counted = as_rows(answer.read().decode())
    told = [(row["reason"], row["open"]) for row in rows]
    assert told == sorted(((row["reason"], row["open"]) for row in counted), key=lambda one: -int(one[1]))
    assert told == facts(
        "select reason, count(*)::text from quality.rejected_record where feed = 'billing_invoices' group by 1"
        " order by count(*) desc"
    )


@pytest.mark.parametrize("hand", ["mouse", "keyboard"])
def test_the_camera_of_a_chart_gives_its_picture(browser: Page, hand: str) -> None:
    visit(browser, "billing")
    chart = browser.get_by_test_id("stPlotlyChart").first
    camera = chart.get_by_role("button", name=re.compile("png", re.IGNORECASE))
    with browser.expect_download() as taken:
        if hand == "mouse":
            camera.click()
        else:
            camera.focus()
            browser.keyboard.press("Enter")
    assert taken.value.suggested_filename == "sales-historic-trend-monthly-vs-accumulative.png"
    picture = Path(taken.value.path()).read_bytes()
    assert picture.startswith(PNG)
    width, height = (int.from_bytes(picture[place : place + 4]) for place in (16, 20))
    shown = chart.bounding_box()
    assert shown is not None
    assert width > 1.5 * shown["width"] - 50
    assert height > 300
    assert len(picture) > 10_000


def check(
    browser: Page,
    facts: Sql,
    page: str,
    charts: Sequence[Chart],
    last: date,
    filters: dict[str, str] | None = None,
    apart: Iterable[str] = (),
) -> dict[str, Any]:
    """Every chart of a page over a year. apart: charts that the test looks at itself. Returns the range."""
    days = {"from": last - timedelta(days=DAYS), "to": last}
    view = {"range": "From … to …", "grain": "Day", **days, **(filters or {})}
    visit(browser, f"{page}{'&' if '?' in page else '?'}{urlencode(view)}")
    files = browser.locator("[class*=st-key-csv-]").evaluate_all(
        "all => all.map(one => one.className.match(/st-key-csv-([a-z0-9-]+)/)[1])"
    )
    assert {*files} == {chart.file for chart in charts} | {*apart}
    member = next(iter((filters or {}).values()), "")
    for chart in charts:
        compare(browser, facts, chart, {**days, **(filters or {})}, member)
    return days


def compare(browser: Page, facts: Sql, chart: Chart, asked: dict[str, Any], member: str) -> None:
    rows = [tuple(row.values()) for row in download(browser, chart.file)]
    assert rows, chart.file
    for number, question in enumerate(chart.questions, 1):
        answer = [
            tuple(row.values())
            for row in asked_of_api(browser, question, asked)
            if not chart.only or row["currency"] == chart.only
        ]
        column = rows if len(chart.questions) == 1 else [(row[0], row[number]) for row in rows if row[number]]
        assert like(column) == like(answer), chart.file
    if chart.facts:
        between = f"between '{asked['from']}' and '{asked['to']}'" if asked else ""
        assert like(rows) == like(facts(chart.facts.replace("{days}", between).replace("{member}", member)))


def download(browser: Page, file: str) -> list[dict[str, str]]:
    button = browser.locator(f".st-key-csv-{file}").get_by_role("button")
    expect(button).to_be_visible()
    with browser.expect_download() as taken:
        button.click()
    assert taken.value.suggested_filename == f"{file}.csv"
    return rows_of(taken.value)


def asked_of_api(browser: Page, question: str, parameters: dict[str, Any]) -> list[dict[str, str]]:
    """Balances are known as of now, so that no range can be asked for."""
    said = {} if question.startswith("account_balance?") else parameters
    with urlopen(f"{origin(browser)}/api/metrics/{question}&format=csv&{urlencode(said)}") as answer:
        return as_rows(answer.read().decode())


def origin(browser: Page) -> str:
    return str(browser.evaluate("() => location.origin"))


def like(rows: Iterable[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Comparable, wherever they come from: numbers to nine places, the rest as text."""
    return sorted((tuple(map(_cell, row)) for row in rows), key=str)


def _cell(value: Any) -> Any:
    text = "" if value is None else str(value)
    try:
        return round(Decimal(text), 9).normalize()
    except InvalidOperation:
        return text
