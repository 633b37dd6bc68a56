"""Settings over a fresh, migrated warehouse and an empty data folder."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr

from sales_platform.engine.warehouse import Warehouse
from sales_platform.operations.simulating import simulate_retail
from sales_platform.settings import Settings

SEED = 7


@pytest.fixture
def settings(warehouse_url: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", data=tmp_path / "data", warehouse_url=SecretStr(warehouse_url))


@pytest.fixture
def warehouse(warehouse_url: str) -> Warehouse:
    return Warehouse(warehouse_url)


def simulate(settings: Settings, days: int, end: date | None = None) -> None:
    simulate_retail(settings, days=days, end=end, seed=SEED)
