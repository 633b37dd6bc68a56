"""What no question should be: each is answered with which parameter is wrong and what is allowed, never with a 500."""

from __future__ import annotations

import base64

import pytest
from fastapi.testclient import TestClient

from sales_platform_tests.serving.api.conftest import Sql

WRONG = {
    "/api/metrics/paymnt_volume": (404, "metric", "payment_volume"),
    "/api/metrics/payments?by=planet": (400, "by", "channel"),
    "/api/metrics/payments?planet=mars": (400, "planet", "channel"),
    "/api/metrics/payments?chanel=UPI": (400, "chanel", "channel"),
    "/api/metrics/payments?grain=hour": (400, "grain", "week"),
    "/api/metrics/payments?compare=never": (400, "compare", "year_ago"),
    "/api/metrics/payments?compare=previous": (400, "from", None),
    "/api/metrics/payments?from=2026-02-02&to=2026-02-01": (400, "from", None),
    "/api/metrics/payments?from=0001-01-01&to=9999-12-31": (400, "from", None),
    "/api/metrics/payments?from=0001-01-02&to=0001-02-02&compare=year_ago": (400, "from", None),
    "/api/metrics/payments?from=1735689600": (400, "from", None),
    "/api/metrics/payments?from=2026-02-30": (400, "from", None),
    "/api/metrics/payments?from=": (400, "from", None),
    "/api/metrics/payments?limit=0": (400, "limit", None),
    "/api/metrics/payments?limit=10001": (400, "limit", None),
    "/api/metrics/payments?format=xml": (400, "format", "csv"),
    "/api/metrics/payments?channel=a%00b": (400, "channel", None),
    "/api/metrics/account_balance?grain=day": (400, "grain", None),
    "/api/dimensions/planet": (404, "name", "channel"),
    "/api/dimensions/city?client=1": (400, "client", None),
    "/api/dimensions/city?search=%00": (400, "search", None),
    "/api/marts/fact_sales": (404, "name", "channels_daily"),
    "/api/marts/raw.retail_sales": (404, "name", None),
    "/api/marts/channels_daily?limit=10001": (400, "limit", None),
    "/api/marts/channels_daily?cursor=abc": (400, "cursor", None),
    "/api/marts/channels_daily?cursor=%F0%9F%99%82": (400, "cursor", None),
    "/api/marts/accounts_account_activity?from=2026-01-01": (400, "from", None),
    "/api/quality/rejected?feed=nothing": (400, "feed", "billing_invoices"),
    "/api/quality/rejected?samples=3": (400, "feed", None),
    "/api/reports/net_flow?from=2026-02-02&to=2026-02-01": (400, "from", None),
    "/api/reports/invoices/%00": (400, "invoice_no", None),
}
TEXTS = [
    "50%'s",
    '"',
    "%",
    "%s",
    "_",
    "'; drop table x; --",
    "🙂",
    "<script>alert(1)</script>",
    "x" * 10_000,
    "{}",
    "\\",
]


@pytest.mark.parametrize("address", WRONG)
def test_a_wrong_question_names_its_parameter(api: TestClient, address: str) -> None:
    status, parameter, allowed = WRONG[address]
    answer = api.get(address)
    said = answer.json()

    assert (answer.status_code, said["status"], said["parameter"]) == (status, status, parameter)
    assert answer.headers["content-type"] == "application/problem+json"
    assert allowed is None or allowed in said["allowed"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_filter_or_search_is_any_text(api: TestClient, text: str) -> None:
    for address, name in (
        ("/api/metrics/payments", "channel"),
        ("/api/marts/channels_daily", "channel"),
        ("/api/dimensions/channel", "search"),
        ("/api/dimensions/city", "channel"),
    ):
        answer = api.get(address, params={name: text})
        assert answer.status_code == 200
        assert text not in answer.text or len(text) < 3
    assert api.get(f"/api/reports/invoices/{text[:50].replace('/', '')}").status_code == 404


def test_a_range_beyond_the_data_is_empty_and_no_error(api: TestClient) -> None:
    assert api.get("/api/metrics/payments?from=2050-01-01&to=2050-12-31&grain=day").json()["rows"] == []
    assert api.get("/api/marts/channels_daily?from=2050-01-01").json()["rows"] == []
    assert api.get("/api/marts/channels_daily?from=2050-01-01&format=csv").text.count("\r\n") == 1


def test_a_cursor_serves_its_own_question_only(api: TestClient) -> None:
    page = "/api/marts/channels_daily?limit=1"
    cursor = api.get(page).json()["next"]
    raw = base64.urlsafe_b64decode(cursor + "==")
    forged = base64.urlsafe_b64encode(raw.replace(b"2026-", b"1999-")).decode()

    assert api.get(f"{page}&cursor={cursor}").status_code == 200
    for tampered in (
        f"{page}&cursor={forged}",
        f"{page}&cursor={cursor}&channel=UPI",
        f"{page}&cursor={cursor[:-4]}",
    ):
        assert api.get(tampered).json()["parameter"] == "cursor"
    assert api.get(f"/api/reports/net_flow?cursor={cursor}").status_code == 400


def test_what_is_not_there_and_what_would_write_is_refused(api: TestClient) -> None:
    assert api.get("/api/nothing/here").status_code == 404
    assert api.get("/api/%2e%2e/secrets").status_code == 404
    assert api.get("/api/metrics/").headers["location"] == "/api/metrics"
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = api.request(method, "/api/metrics")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert api.head("/api/metrics").status_code == 200
    assert api.head("/api/metrics").content == b""
    assert api.get(f"/api/metrics?x={'y' * 60_000}").status_code == 414


def test_an_answer_with_too_many_rows_is_refused_unless_it_was_limited(api: TestClient, facts: Sql) -> None:
    facts("""
        insert into marts.channels_daily (_partition, day, channel_key, channel_name, city_key, segment, transactions)
        select '1990-01-01', '1990-01-01'::date, n, 'c' || n, 1, 's', 1 from generate_series(1, 10001) as n
        returning 1""")
    address = "/api/metrics/payments?to=2010-01-01&by=channel"
    answer = api.get(address)

    assert (answer.status_code, answer.json()["parameter"]) == (400, "by")
    assert len(api.get(f"{address}&limit=10").json()["rows"]) == 10
