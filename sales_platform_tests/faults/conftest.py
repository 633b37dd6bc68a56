"""The retail road over a fresh, migrated warehouse and an empty data folder; a server of its own for its faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sales_platform.engine.migrations import migrate
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.faults.road import Road


@pytest.fixture
def road(warehouse_url: str, tmp_path: Path) -> Road:
    return Road(Warehouse(warehouse_url), tmp_path / "data")


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server that nobody else uses, so that a test may starve it."""
    server = EmbeddedServer(tmp_path / "home", fsync="off", shared_buffers="16MB", autovacuum="off")
    with server.in_use():
        yield server
    assert server.remove_if_unused()


@pytest.fixture
def own_road(own_server: EmbeddedServer, tmp_path: Path) -> Road:
    """The retail road on that server."""
    own_server.create_database("warehouse")
    migrate(own_server.url("warehouse"))
    return Road(Warehouse(own_server.url("warehouse")), tmp_path / "data")
