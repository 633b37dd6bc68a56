"""Settings over a fresh, migrated warehouse and an empty data folder; an accounts source with a few rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from pydantic import SecretStr

from sales_platform.definitions import defs
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.databases import Databases
from sales_platform.operations.opening import Platform
from sales_platform.settings import Settings
from sales_platform.sources.accounts.ledger import create_account, create_customer, transaction
from sales_platform.sources.schema import ensure_schema


@pytest.fixture
def settings(warehouse_url: str, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home", data_root=tmp_path / "data", warehouse_url=SecretStr(warehouse_url)
    )


@pytest.fixture
def warehouse(warehouse_url: str) -> Warehouse:
    return Warehouse(warehouse_url)


@pytest.fixture
def platform(settings: Settings, warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """The assets over that warehouse, with Dagster's own record in memory."""
    monkeypatch.setenv("WAREHOUSE_URL", warehouse_url)
    monkeypatch.setenv("SALES_PLATFORM_DATA", str(settings.data))
    with dg.DagsterInstance.ephemeral() as instance:
        yield Platform(settings, Databases({}), Warehouse(warehouse_url), instance, defs())


@pytest.fixture
def accounts(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A session in an accounts source of three customers with an account and a payment of 100 each."""
    ensure_schema(database_url, "accounts")
    monkeypatch.setenv("ACCOUNTS_OLTP_URL", database_url)
    with psycopg.connect(database_url, autocommit=True) as session:
        for name in ("Ann", "Bob", "Cas"):
            customer = create_customer(session, f"{name.lower()}@example.com", name)
            transaction(session, create_account(session, customer), 100)
        yield session
