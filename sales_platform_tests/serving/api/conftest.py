"""The application in this process, on a loaded warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient

from sales_platform.engine.warehouse import Warehouse
from sales_platform.serving.app import build_app
from sales_platform.serving.options import ServingOptions

HERE = "http://127.0.0.1"
Sql = Callable[..., list[tuple[Any, ...]]]


def client_of(url: str, **options: Any) -> TestClient:
    app = build_app(ServingOptions(Warehouse(url), **options))
    return TestClient(app, base_url=HERE, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture(scope="module")
def api(company_url: str) -> Iterator[TestClient]:
    with client_of(company_url) as client:
        yield client


@pytest.fixture(scope="module")
def facts(company_url: str) -> Iterator[Sql]:
    """Plain SQL on the warehouse, past all that is tested."""
    with psycopg.connect(company_url, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        yield lambda query, *parameters: connection.execute(query.encode(), parameters or None).fetchall()
