"""Settings over a fresh, migrated warehouse and an empty data folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from sales_platform.definitions import defs
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.databases import Databases
from sales_platform.operations.opening import Platform
from sales_platform.settings import Settings


@pytest.fixture
def settings(warehouse_url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", data=tmp_path / "data", warehouse_url=SecretStr(warehouse_url))


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
