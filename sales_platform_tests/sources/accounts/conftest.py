"""An accounts source with its tables and no row, and what the ledger promises of every account."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from sales_platform.sources.schema import ensure_schema


@pytest.fixture
def source_url(database_url: str) -> str:
    ensure_schema(database_url, "accounts")
    return database_url


@pytest.fixture
def conn(source_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(source_url, autocommit=True) as connection:
        yield connection
