"""The dashboard served over a loaded warehouse, and a browser that looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Page, expect

from sales_platform_tests.acceptance.browser import opened
from sales_platform_tests.serving.dashboard.served import served

# two cores may be shared with other tests
PATIENCE = 60_000.0
Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def facts(company_url: str) -> Iterator[Sql]:
    """Plain SQL on the warehouse, past all that is tested."""
    with psycopg.connect(company_url, autocommit=True) as connection:
        connection.execute("set timezone = 'UTC'")
        yield lambda query, *parameters: connection.execute(query.encode(), parameters or None).fetchall()


@pytest.fixture(scope="module")
def address(company_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(company_url, tmp_path_factory.mktemp("served") / "log") as url:
        yield url


@pytest.fixture
def browser(address: str) -> Iterator[Page]:
    with opened(address) as page:
        yield patient(page)


def patient(page: Page) -> Page:
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    return page
