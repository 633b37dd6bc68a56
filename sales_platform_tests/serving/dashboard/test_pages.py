"""What the pages show of a small company, against plain SQL on its facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from sales_platform_tests.serving.dashboard.pages import charts, kpis, page, said, titles

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def facts(company_url: str) -> Iterator[Sql]:
    with psycopg.connect(company_url, autocommit=True) as connection:
        yield lambda query, *parameters: connection.execute(query.encode(), parameters).fetchall()


def money(value: Decimal | None, sign: str = "$") -> str:
    return f"{sign}{value or 0:,.2f}"


def test_the_overview_shows_every_domain_over_its_newest_days(company_url: str, facts: Sql) -> None:
    app = page(company_url, "", range="All days").run()
    assert not app.exception
    shown = kpis(app)
    [(revenue, sales)] = facts("select sum(revenue), count(*) from analytics.fact_sales")
    assert (shown["Retail revenue"], shown["Sales"]) == (money(revenue), f"{sales:,}")
    [(gross,)] = facts("select sum(total_gross_worth) from analytics.fact_invoice")
    [(paid,)] = facts("select sum(amount) from analytics.fact_payment")
    [(billed,)] = facts("select sum(total) from analytics.fact_billing_invoice")
    [(volume, fee)] = facts(
        "select sum(amount) filter (where status = 'success'), sum(revenue) from analytics.fact_transaction"
    )
    assert shown["Invoiced, gross"] == money(gross)
    assert shown["Collected"] == money(paid)
    assert shown["Billed"] == money(billed)
    assert shown["Payment volume"] == money(volume, "₹")
    assert shown["Fee revenue"] == money(round(fee, 2), "₹")
    for currency, flow in facts(
        "select currency, sum(case type when 'credit' then amount else -amount end)"
        " from analytics.fact_account_transaction where status = 'posted' group by 1"
    ):
        sign = {"USD": "$", "EUR": "€", "GBP": "£"}.get(currency, f"{currency} ")
        assert shown[f"Net flow ({currency})"].replace("-", "") == money(abs(flow), sign)
    # currencies stand side by side
    assert [title for title in titles(app) if title.startswith("Revenue by source")] == [
        "Revenue by source (USD)",
        "Revenue by source (INR)",
    ]


def test_retail_is_narrowed_by_what_its_address_says(company_url: str, facts: Sql) -> None:
    [(store, region)] = facts(
        "select store_name, region from analytics.dim_store where store_key > 0 order by 1 limit 1"
    )
    app = page(company_url, "retail", range="All days", store=store).run()
    assert not app.exception
    [(revenue, pieces)] = facts(
        "select sum(revenue), sum(quantity) from analytics.fact_sales join analytics.dim_store using (store_key)"
        " where store_name = %s",
        store,
    )
    assert (kpis(app)["Retail revenue"], kpis(app)["Pieces sold"]) == (money(revenue), f"{pieces:,}")
    offered = {one.key: one.options for one in app.multiselect}
    assert offered["store_region"] == [region]  # what the store lets through
    assert len(offered["store"]) > 1
    tiers = charts(app)["Revenue by loyalty tier today, $ (USD)"]["data"][0]
    expected = facts(
        "select coalesce(c.loyalty_tier, 'Unknown'), sum(revenue) from analytics.fact_sales f"
        " join analytics.dim_store using (store_key) left join analytics.dim_customer c"
        " on c.customer_id = f.customer_id and c.is_current where store_name = %s group by 1",
        store,
    )
    assert dict(zip(tiers["y"], tiers["customdata"], strict=True)) == {
        tier: money(amount) for tier, amount in expected
    }


def test_receivables_are_the_open_amounts_of_the_last_day(company_url: str, facts: Sql) -> None:
    app = page(company_url, "invoicing", range="All days").run()
    assert not app.exception
    [(open_amount,)] = facts(
        "select sum(total_gross_worth) - (select sum(amount) from analytics.fact_payment)"
        " from analytics.fact_invoice"
    )
    assert kpis(app)["Receivables"] == money(open_amount)


def test_billing_adds_months_up_and_names_fifteen_debtors_at_most(company_url: str, facts: Sql) -> None:
    app = page(company_url, "billing").run()
    assert not app.exception
    months = facts(
        "select to_char(issue_date, 'YYYY-MM'), sum(total) from analytics.fact_billing_invoice group by 1 order by 1"
    )
    drawn = charts(app)
    bars, line = drawn["Sales Historic Trend (Monthly vs Accumulative), $ (USD)"]["data"]
    assert (bars["x"], bars["customdata"]) == ([month for month, _ in months], [money(v) for _, v in months])
    assert line["customdata"][-1] == money(sum((amount for _, amount in months), Decimal()))
    owing = facts(
        "select customer_name, sum(total) from analytics.fact_billing_invoice"
        " join analytics.dim_billing_customer using (customer_key) join analytics.dim_billing_status using (status_key)"
        " where status_name = 'PENDING' group by 1 order by 2 desc limit 15"
    )
    pending = drawn["Pending Customers, $ (USD)"]["data"][0]
    assert pending["customdata"] == [money(amount) for _, amount in owing]


def test_payments_speak_as_their_older_users_know(company_url: str, facts: Sql) -> None:
    [(last,)] = facts("select max(transaction_date) from analytics.fact_transaction")
    app = page(company_url, "payments").run()
    assert not app.exception
    assert app.header[0].value == f"Daily KPIs, {last:%d-%b-%Y}"
    [(volume, rate, seconds)] = facts(
        "select sum(amount) filter (where status = 'success'),"
        " 100.0 * count(*) filter (where status = 'failed') / count(*), avg(processing_time)"
        " from analytics.fact_transaction where transaction_date = %s",
        last,
    )
    shown = kpis(app)
    assert (shown["Total revenue"], shown["Failure rate"], shown["Avg processing time"]) == (
        money(volume, "₹"),
        f"{rate:.2f}%",
        f"{seconds:.2f} sec",
    )
    assert titles(app)[-2:] == ["Failure Rate by Channel", "Avg Processing Time by Channel"]
    names = [trace["name"] for trace in charts(app)["Revenue Trend, ₹ (INR)"]["data"]]
    assert names == ["Revenue", "7 Day Avg"]


def test_a_payment_filter_on_all_breaks_the_trend_down_to_four_and_their_total(
    company_url: str, facts: Sql
) -> None:
    [(first, last)] = facts(
        "select min(transaction_date), max(transaction_date) from analytics.fact_transaction"
    )
    app = page(
        company_url, "payments", filters=["Date", "City", "State"], from_=str(first), to=str(last)
    ).run()
    assert not app.exception
    assert app.header[0].value == f"KPIs from {first:%d-%b-%Y} to {last:%d-%b-%Y}"
    ranked = facts(
        "select city_name from analytics.fact_transaction join analytics.dim_city using (city_key)"
        " group by 1 order by sum(amount) filter (where status = 'success') desc limit 4"
    )
    lines = charts(app)[f"Revenue Trend - Top {len(ranked)} Cities, ₹ (INR)"]["data"]
    assert [line["name"] for line in lines] == [*(city for (city,) in ranked), "Total"]

    [(city, state)] = facts(
        "select city_name, state from analytics.dim_city where city_key > 0 order by 1 limit 1"
    )
    app.selectbox(key="state").set_value(state).run()
    cities = facts("select city_name from analytics.dim_city where state = %s order by 1", state)
    assert app.selectbox(key="city").options == ["All", *(name for (name,) in cities)]
    app.selectbox(key="city").set_value(city).run()
    assert not app.exception
    assert app.header[0].value.endswith(f" - {city}, {state}")
    [(volume,)] = facts(
        "select sum(amount) from analytics.fact_transaction join analytics.dim_city using (city_key)"
        " where status = 'success' and city_name = %s",
        city,
    )
    assert kpis(app)["Total revenue"] == money(volume, "₹")


def test_accounts_keep_currencies_apart(company_url: str, facts: Sql) -> None:
    app = page(company_url, "accounts", range="All days").run()
    assert not app.exception
    balances = facts(
        "select currency, sum(balance) from analytics.dim_account where account_key > 0 group by 1"
    )
    for currency, balance in balances:
        assert kpis(app)[f"Balance ({currency})"].endswith(f"{balance:,.2f}")
        [top] = facts(
            "select max(balance) from analytics.dim_account where currency = %s and account_key > 0", currency
        )
        assert f"Largest balances ({currency})" in titles(app)
        assert top
    assert len([title for title in titles(app) if title.startswith("Net flow")]) == len(balances)


def test_quality_tells_what_is_rejected_and_leads_to_the_run(company_url: str, facts: Sql) -> None:
    with psycopg.connect(company_url, autocommit=True) as connection:
        connection.execute(
            """
            with made as (
                insert into ops.load (feed, partition, source, status, finished_at, rows_read, rows_rejected, run_id)
                values ('billing_invoices', 'x.csv', 'x.csv', 'succeeded', now(), 2, 2, 'run-7') returning load_id
            )
            insert into quality.rejected_record (feed, scope, partition, source_row, reason, reasons,
                raw_record, record_hash, occurrence, origin, first_load_id, last_load_id)
            select 'billing_invoices', 'x.csv', 'x.csv', n, 'INVALID_DATE', array['INVALID_DATE'],
                '{"invoice_id": "I-1", "customer_name": "Ann"}', 'h' || n, 1, 'contract', load_id, load_id
            from made, generate_series(2, 3) as n
            """
        )
    app = page(company_url, "quality", feed="billing_invoices").run()
    assert not app.exception
    [(standing,)] = facts("select count(*) from quality.rejected_record where resolved_at is null")
    assert kpis(app)["Stand rejected"] == str(standing)
    samples, loads = (frame.value for frame in app.dataframe)
    assert set(samples["customer_name"]) == {"***"}
    assert loads["run"].iloc[0] == "http://dagster/runs/run-7"


@pytest.mark.parametrize("value", ["50%'s <b> '; drop table x; -- 🙂 %s {} $x$ `a`", "x" * 10_000])
def test_a_filter_of_an_address_may_hold_any_text(company_url: str, value: str) -> None:
    for app in (
        page(company_url, "payments", filters="City", city=value).run(),
        page(company_url, "retail", store=value).run(),
    ):
        assert not app.exception
        assert "Nothing in this range" in said(app) or kpis(app)


def test_a_range_that_makes_no_sense_or_holds_nothing_is_told(company_url: str, facts: Sql) -> None:
    [(last,)] = facts("select max(transaction_date) from analytics.fact_transaction")
    later = {"from_": str(last + timedelta(days=3)), "to": str(last + timedelta(days=4))}
    empty = page(company_url, "payments", filters="Date", **later).run()
    assert (kpis(empty)["Total revenue"], "Nothing in this range" in said(empty)) == ("–", True)
    turned = page(company_url, "retail", range="From … to …", from_=later["to"], to=later["from_"]).run()
    assert "after the one in To" in said(turned)
    assert not empty.exception
    assert not turned.exception
