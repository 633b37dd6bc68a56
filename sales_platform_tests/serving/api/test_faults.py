"""A warehouse that is down, empty, busy or asked by many at once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import psycopg
import pytest
from fastapi.testclient import TestClient

from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import SalesPlatformError
from sales_platform.local.processes import free_port
from sales_platform.local.server import EmbeddedServer
from sales_platform.serving.app import build_app
from sales_platform.serving.options import ServingOptions
from sales_platform.serving.pool import ReaderPool
from sales_platform_tests.serving.api.conftest import HERE, client_of

ADDRESS = "/api/metrics/payments?by=channel"
CUT_OFF = (
    "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
    " where datname = %s and application_name <> ''"
)


def test_marts_that_are_missing_say_what_to_materialize(warehouse_url: str) -> None:
    with client_of(warehouse_url) as api:
        for address, domain in (
            (ADDRESS, "channels"),
            ("/api/marts/retail_sales_daily?format=csv", "retail"),
        ):
            answer = api.get(address)
            assert answer.status_code == 503
            assert f"sales-platform run {domain}" in answer.json()["detail"]
        assert "sales-platform run invoicing" in api.get("/api/reports/invoices/1").json()["detail"]
        assert "channels_daily" in api.get("/readyz").json()["missing"]
        assert api.get("/api/status").status_code == 200


def test_without_a_warehouse_at_the_start_it_serves_and_says_so() -> None:
    with client_of(f"postgresql://nobody:s3cret@127.0.0.1:{free_port()}/none", wait_seconds=1) as api:
        assert api.get("/healthz").json() == {"status": "ok"}
        for address in (ADDRESS, "/readyz", "/api/status"):
            answer = api.get(address)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "does not answer" in answer.json()["detail"]
            assert "s3cret" not in answer.text
            assert "127.0.0.1" not in answer.text


def test_a_warehouse_that_goes_down_and_comes_back_is_found_again(
    company_url: str, postgres_server: EmbeddedServer
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(company_url)["dbname"]
    with (
        client_of(company_url, wait_seconds=2) as api,
        psycopg.connect(postgres_server.url("postgres"), autocommit=True) as owner,
    ):
        before = api.get(ADDRESS).json()
        owner.execute(f'alter database "{name}" allow_connections false'.encode())
        try:
            owner.execute(CUT_OFF, [name])
            answer = api.get(ADDRESS)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        finally:
            owner.execute(f'alter database "{name}" allow_connections true'.encode())
        assert api.get(ADDRESS).json() == before

        owner.execute(CUT_OFF, [name])
        assert (
            api.get(ADDRESS).json() == before
        )  # a connection that was lost meanwhile is no request's trouble


def test_two_hundred_at_once_are_all_answered_over_few_connections(company_url: str) -> None:
    app = build_app(ServingOptions(Warehouse(company_url), connections=4, wait_seconds=30))

    async def ask() -> list[Any]:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=HERE) as client:
            return await asyncio.gather(*(client.get(f"{ADDRESS}&limit={n % 5 + 1}") for n in range(200)))

    with TestClient(app, base_url=HERE):
        answers = asyncio.run(ask())
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) <= 5


def test_a_client_that_does_not_read_holds_up_nobody(company_url: str) -> None:
    """With one connection to the warehouse for all."""
    app = build_app(ServingOptions(Warehouse(company_url), connections=1, wait_seconds=2))
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/api/marts/retail_sales_daily",
        "query_string": b"format=csv",
        "headers": [(b"host", b"127.0.0.1")],
        "client": None,
        "scheme": "http",
    }

    async def ask(other: TestClient) -> int:
        reads_on, began = asyncio.Event(), asyncio.Event()

        async def receive() -> dict[str, Any]:
            await reads_on.wait()
            return {"type": "http.disconnect"}

        async def send(_message: Any) -> None:
            began.set()
            await reads_on.wait()

        async def read_slowly() -> None:
            await app(scope, receive, send)

        slow = asyncio.create_task(read_slowly())
        await began.wait()
        answer = await asyncio.to_thread(other.get, ADDRESS)
        reads_on.set()
        await slow
        return answer.status_code

    with TestClient(app, base_url=HERE) as other:
        assert asyncio.run(ask(other)) == 200


def test_the_session_neither_writes_nor_reads_raw(company_url: str) -> None:
    pool = ReaderPool(ServingOptions(Warehouse(company_url)))
    pool.open()
    try:
        for statement in (
            "select 1 from raw.retail_sales",
            "delete from marts.channels_daily",
            "create table x ()",
        ):
            with pytest.raises(SalesPlatformError), pool.connection() as connection:
                connection.execute(statement.encode())
        with pool.connection() as connection:
            assert connection.execute("select current_user").fetchone() == ("sales_platform_reader",)
    finally:
        pool.close()
