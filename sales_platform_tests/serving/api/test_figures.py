"""What the API answers on a loaded company is what plain SQL on the facts says."""

from __future__ import annotations

import io
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from sales_platform.engine.warehouse import Warehouse
from sales_platform.metrics.registry import FOLDER, read_registry
from sales_platform.serving.app import build_app
from sales_platform.serving.options import ServingOptions
from sales_platform_tests.serving.api.conftest import HERE, Sql

# metric with its parameters → the same from the facts, in the order of the answer
QUESTIONS = {
    "payment_volume?by=channel": """
        select d.channel_name, sum(f.amount) from analytics.fact_transaction as f
        join analytics.dim_channel as d using (channel_key) where f.status = 'success' group by 1 order by 2 desc""",
    "failure_rate?grain=day": """
        select transaction_date, 100.0 * count(*) filter (where status = 'failed') / count(*)
        from analytics.fact_transaction group by 1 order by 1""",
    "fee_revenue?by=region&segment=Retail&segment=Corporate": """
        select c.region, sum(f.revenue) from analytics.fact_transaction as f
        join analytics.dim_city as c using (city_key) join analytics.dim_channel_customer as k using (customer_key)
        where k.segment in ('Retail', 'Corporate') group by 1 order by 2 desc""",
    "billed?grain=quarter": """
        select date_trunc('quarter', issue_date)::date, sum(total) from analytics.fact_billing_invoice
        group by 1 order by 1""",
    "invoiced_gross?grain=year": """
        select date_trunc('year', invoice_date)::date, sum(total_gross_worth) from analytics.fact_invoice
        group by 1 order by 1""",
    "receivables": """
        select (select sum(total_gross_worth) from analytics.fact_invoice)
            - (select sum(amount) from analytics.fact_payment)""",
    "account_net_flow": """
        select currency, sum(case type when 'credit' then amount else -amount end)
        from analytics.fact_account_transaction where status = 'posted' group by 1 order by 2 desc""",
}


def frame(api: TestClient, address: str) -> pd.DataFrame:
    """As a user of pandas reads it, every cell as text."""
    answer = api.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return pd.read_csv(io.StringIO(answer.text), dtype=str, keep_default_na=False)


def text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_metric_is_what_the_facts_add_up_to_in_json_and_csv(
    api: TestClient, facts: Sql, question: str
) -> None:
    expected = facts(QUESTIONS[question])
    answer = api.get(f"/api/metrics/{question}").json()
    found = [tuple(row.values()) for row in answer["rows"]]
    csv = frame(api, f"/api/metrics/{question}{'&' if '?' in question else '?'}format=csv")

    assert len(expected) == len(found) > 0
    for wanted, row in zip(expected, found, strict=True):
        assert [text(one) for one in wanted[:-1]] == [text(one) for one in row[:-1]]
        assert Decimal(row[-1]) == pytest.approx(wanted[-1], abs=Decimal("1e-9"))
    assert csv.to_numpy().tolist() == [[text(cell) for cell in row] for row in found]
    assert answer["time_zone"] == "UTC"


def test_a_comparison_names_its_range_and_stands_beside(api: TestClient, facts: Sql) -> None:
    [(last,)] = facts("select max(transaction_date) from analytics.fact_transaction")
    day = last.isoformat()
    answer = api.get(f"/api/metrics/payments?from={day}&to={day}&compare=previous").json()
    by_day: dict[date, int] = dict(
        facts("select transaction_date, count(*) from analytics.fact_transaction group by 1")
    )
    before = date.fromisoformat(answer["compared_from"])

    assert (last - before).days == 1
    assert answer["rows"] == [{"value": by_day[last], "compared": by_day[before]}]


def test_values_of_a_dimension_follow_search_and_other_filters(api: TestClient, facts: Sql) -> None:
    cities = facts("select distinct city_name from marts.channels_daily where region = 'North' order by 1")
    answer = api.get("/api/dimensions/city?region=North").json()

    assert [value["value"] for value in answer["values"]] == [city for (city,) in cities]
    assert api.get("/api/dimensions/city?search=%25").json()["values"] == []


def test_pages_of_a_mart_are_all_its_rows_once_and_csv_is_the_same_at_once(
    api: TestClient, facts: Sql
) -> None:
    address, pages = "/api/marts/channels_daily?channel=UPI&limit=7", []
    cursor = ""
    while True:
        answer = api.get(address + cursor).json()
        pages.append(answer["rows"])
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    rows = [row for page in pages for row in page]
    columns = ", ".join(answer["columns"])
    expected = facts(
        f"select {columns} from marts.channels_daily where channel_name = 'UPI'"
        " order by day, channel_key, city_key, segment"
    )

    assert len(pages) == -(-len(expected) // 7) > 2
    assert [list(row.values()) for row in rows] == [
        [one if isinstance(one, int) else text(one) for one in row] for row in expected
    ]
    whole = frame(api, "/api/marts/channels_daily?channel=UPI&format=csv")
    assert whole.to_numpy().tolist() == [[text(one) for one in row] for row in expected]


def test_the_reports_on_accounts_are_those_of_the_ledger(api: TestClient, facts: Sql) -> None:
    balances = facts("""
        select c.name, a.account_id, a.currency, a.balance::text from analytics.dim_account as a
        join analytics.dim_account_customer as c using (customer_key) where a.account_key <> 0 order by a.account_id""")
    rows = api.get("/api/reports/account_balances").json()["rows"]
    assert [(row["name"], row["account_id"], row["currency"], row["balance"]) for row in rows] == balances

    activity = facts("""
        select account_id, coalesce(sum(amount) filter (where type = 'credit'), 0),
            coalesce(sum(amount) filter (where type = 'debit'), 0), count(*)
        from analytics.fact_account_transaction where status = 'posted' group by 1 order by 1""")
    rows = [
        row for row in api.get("/api/reports/account_activity").json()["rows"] if row["transaction_count"]
    ]
    assert [
        (
            row["account_id"],
            Decimal(row["total_credits"]),
            Decimal(row["total_debits"]),
            row["transaction_count"],
        )
        for row in rows
    ] == activity

    flow = facts("""
        select created_at::date, sum(case type when 'credit' then amount else -amount end)
        from analytics.fact_account_transaction where status = 'posted' group by 1 order by 1""")
    rows = api.get(f"/api/reports/net_flow?from={flow[1][0]}").json()["rows"]
    assert [(date.fromisoformat(row["day"]), Decimal(row["net_flow"])) for row in rows] == flow[1:]


def test_the_reports_are_listed_with_addresses_that_answer(api: TestClient, facts: Sql) -> None:
    answer = api.get("/api/reports/", follow_redirects=True)
    addresses = [report["address"] for report in answer.json()["reports"]]
    assert len(addresses) == 4
    for address in addresses:
        invoice_no = facts("select invoice_no from analytics.fact_invoice limit 1")[0][0]
        assert api.get(address.format(invoice_no=invoice_no)).status_code == 200


def test_an_invoice_comes_whole(api: TestClient, facts: Sql) -> None:
    [(number, key, gross)] = facts("""
        select i.invoice_no, i.invoice_id, i.total_gross_worth::text from analytics.fact_invoice as i
        join analytics.fact_payment as p using (invoice_id) order by i.invoice_id limit 1""")
    whole = api.get(f"/api/reports/invoices/{number}").json()

    assert whole["invoice"]["total_gross_worth"] == gross
    metric = api.get("/api/metrics/invoiced_gross").json()["metric"]
    assert whole["invoice"]["currency"] == metric["currency"] == "USD"
    [(items,)] = facts("select count(*) from analytics.fact_invoice_item where invoice_id = %s", key)
    [(paid,)] = facts("select sum(amount) from analytics.fact_payment where invoice_id = %s", key)
    assert len(whole["items"]) == items > 0
    assert sum(Decimal(payment["amount"]) for payment in whole["payments"]) == paid
    [(client, seller)] = facts(
        "select c.client_name, s.seller_name from analytics.fact_invoice"
        " join analytics.dim_client as c using (client_key) join analytics.dim_seller as s using (seller_key)"
        " where invoice_id = %s",
        key,
    )
    assert (whole["client"]["client_name"], whole["seller"]["seller_name"]) == (client, seller)
    assert api.get("/api/reports/invoices/none").status_code == 404


def test_status_tells_of_every_feed_and_mart(api: TestClient, facts: Sql) -> None:
    status = api.get("/api/status").json()
    loads = facts("select distinct feed from ops.load where status = 'succeeded'")

    assert {(one["feed"],) for one in status["feeds"] if one["last_load"] == "succeeded"} == set(loads)
    assert all(mart["changed_at"] for mart in status["marts"])
    assert api.get("/readyz").json() == {"status": "ready", "missing": []}


def test_what_was_refused_is_counted_and_shown_without_personal_data(api: TestClient, facts: Sql) -> None:
    facts("""
        insert into quality.rejected_record (feed, scope, partition, source_row, reason, reasons, raw_record,
            record_hash, occurrence, origin, first_load_id, last_load_id)
        values ('retail_customers', 'p', 'customers.csv', 7, 'MISSING_EMAIL', array ['MISSING_EMAIL'],
            '{"customer_id": "=1+1", "full_name": "Alice"}', 'h', 1, 'contract', 1, 1) returning 1""")
    answer = api.get("/api/quality/rejected?feed=retail_customers&samples=5").json()

    assert [(one["reason"], one["open"]) for one in answer["by_reason"]] == [("MISSING_EMAIL", 1)]
    assert answer["samples"][0]["record"] == {"customer_id": "=1+1", "full_name": "***"}
    assert "MISSING_EMAIL" in frame(api, "/api/quality/rejected?format=csv")["reason"].tolist()


def test_a_spreadsheet_runs_nothing_of_a_csv(api: TestClient, facts: Sql) -> None:
    facts("""
        insert into marts.revenue_daily select day + 400, '=HYPERLINK("x")', '@sum', currency, -amount
        from marts.revenue_daily limit 1 returning 1""")
    rows = frame(api, "/api/marts/revenue_daily?source=%3DHYPERLINK(%22x%22)&format=csv")

    assert rows[["domain", "measure"]].to_numpy().tolist() == [['\'=HYPERLINK("x")', "'@sum"]]
    assert Decimal(rows["amount"][0]) < 0


def test_a_metric_of_five_lines_is_asked_like_any_other(company_url: str, facts: Sql, tmp_path: Path) -> None:
    folder = shutil.copytree(
        FOLDER, tmp_path / "metrics", ignore=shutil.ignore_patterns("*.py", "__pycache__")
    )
    with (folder / "channels.yaml").open("a", encoding="utf-8") as file:
        file.write("""  payments_tried:
    title: Payments tried
    unit: count
    mart: channels_daily
    formula: sum(transactions)
    description: All of them.
""")
    [(payments,)] = facts("select count(*) from analytics.fact_transaction")
    app = build_app(ServingOptions(Warehouse(company_url)), registry=read_registry(folder))
    with TestClient(app, base_url=HERE) as api:
        assert "payments_tried" in {one["name"] for one in api.get("/api/metrics").json()["metrics"]}
        assert api.get("/api/metrics/payments_tried").json()["rows"] == [{"value": payments}]
