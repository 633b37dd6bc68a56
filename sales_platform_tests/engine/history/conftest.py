"""A fresh history for every scenario, by both roads: one file that lands again and again, and files that all stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from sales_platform_tests.engine.history.contracts import events_feed
from sales_platform_tests.engine.history.scenario import History


@pytest.fixture(params=["none", "per_file"], ids=["landings", "files"])
def history(request: pytest.FixtureRequest, warehouse_url: str, tmp_path: Path) -> History:
    return History(warehouse_url, tmp_path, events_feed(request.param))
