"""ETag and Last-Modified: who has the newest version is told so without a look at the mart."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from fastapi.testclient import TestClient

from sales_platform_tests.serving.api.conftest import Sql, client_of

ADDRESSES = (
    "/api/metrics/payments?by=channel",
    "/api/dimensions/city",
    "/api/marts/channels_daily?limit=1",
    "/api/marts/channels_daily?limit=1&format=csv",
)
JSON_ADDRESSES = ADDRESSES[:3]
PUBLISHED = """
    update ops.table_version set version = nextval('ops.version_seq'), published_at = clock_timestamp()
    where table_name = 'marts.channels_daily' returning 1"""


@pytest.fixture
def locked(company_url: str) -> Iterator[None]:
    """Nobody can read the mart."""
    with psycopg.connect(company_url) as connection:
        connection.execute("lock table marts.channels_daily in access exclusive mode")
        yield


def test_an_unchanged_answer_is_not_made_again(api: TestClient, company_url: str) -> None:
    first = [api.get(address) for address in ADDRESSES]
    with psycopg.connect(company_url) as connection:
        connection.execute("lock table marts.channels_daily in access exclusive mode")
        for address, answer in zip(ADDRESSES, first, strict=True):
            tag, moment = answer.headers["etag"], answer.headers["last-modified"]
            again = api.get(address, headers={"if-none-match": f'"other", {tag}'})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert api.get(address, headers={"if-modified-since": moment}).status_code == 304
    assert len({answer.headers["etag"] for answer in first}) == len(first)


def test_what_was_answered_before_is_answered_again_without_a_look_at_the_mart(
    api: TestClient, company_url: str
) -> None:
    first = [api.get(address) for address in JSON_ADDRESSES]
    with psycopg.connect(company_url) as connection:
        connection.execute("lock table marts.channels_daily in access exclusive mode")
        for address, answer in zip(JSON_ADDRESSES, first, strict=True):
            again = api.get(address)
            assert (again.status_code, again.json()) == (200, answer.json())
            assert dict(again.headers) == dict(answer.headers)


def test_a_figure_that_was_answered_before_follows_its_mart(api: TestClient, facts: Sql) -> None:
    address = "/api/metrics/payment_volume"
    before = api.get(address).json()["rows"][0]["value"]
    facts(
        "update marts.channels_daily set successful_payment_volume = successful_payment_volume + 1 returning 1"
    )
    facts(PUBLISHED)
    after = api.get(address).json()["rows"][0]["value"]
    facts(
        "update marts.channels_daily set successful_payment_volume = successful_payment_volume - 1 returning 1"
    )
    facts(PUBLISHED)

    rows = facts("select count(*) from marts.channels_daily")[0][0]
    assert Decimal(after) == Decimal(before) + rows
    assert api.get(address).json()["rows"][0]["value"] == before


def test_a_restored_warehouse_whose_version_comes_a_second_time_is_asked_again(
    api: TestClient, facts: Sql
) -> None:
    address = ADDRESSES[0]
    before = api.get(address).headers["etag"]
    facts("""
        update ops.table_version set published_at = published_at + interval '1 second'
        where table_name = 'marts.channels_daily' returning 1""")

    assert api.get(address, headers={"if-none-match": before}).status_code == 200


def test_a_publication_that_commits_after_one_with_a_later_number_makes_answers_anew(
    api: TestClient, facts: Sql
) -> None:
    [(number,)] = facts("select invoice_no from analytics.fact_invoice limit 1")
    [(earlier,)] = facts("select nextval('ops.version_seq')")
    facts("""
        update ops.table_version set version = nextval('ops.version_seq'), published_at = clock_timestamp()
        where table_name = 'analytics.fact_invoice' returning 1""")
    address = f"/api/reports/invoices/{number}"
    tag = api.get(address).headers["etag"]
    facts(
        "update ops.table_version set version = %s where table_name = 'analytics.dim_client' returning 1",
        earlier,
    )

    assert api.get(address, headers={"if-none-match": tag}).status_code == 200


def test_a_published_mart_makes_answers_anew(api: TestClient, facts: Sql) -> None:
    address = ADDRESSES[0]
    tag = {"if-none-match": api.get(address).headers["etag"]}
    facts(PUBLISHED)

    assert api.get(address, headers=tag).status_code == 200
    assert api.get(address, headers={"if-modified-since": "rubbish"}).status_code == 200


@pytest.mark.usefixtures("locked")
def test_a_statement_that_takes_too_long_is_503_with_when_to_ask_again(company_url: str) -> None:
    with client_of(company_url, statement_seconds=0.2) as api:
        for address in ADDRESSES:
            answer = api.get(address)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) > 0
            assert "too long" in answer.json()["detail"]
        assert api.get("/healthz").status_code == 200
