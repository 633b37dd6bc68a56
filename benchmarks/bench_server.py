"""A server of its own for a benchmark, with a fresh migrated warehouse where one is asked for; nothing of it stays."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sales_platform.engine.migrations import migrate
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.local.server import EmbeddedServer

SERVER = {
    "shared_buffers": "1GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}


@contextmanager
def fresh_server() -> Iterator[tuple[EmbeddedServer, Path]]:
    """A server without databases on durable settings (fsync on), and a folder for files."""
    folder = Path(tempfile.mkdtemp(prefix="sales-platform-bench-"))
    server = EmbeddedServer(folder / "home", **SERVER)
    try:
        with server.in_use():
            yield server, folder / "data"
        server.remove_if_unused()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_warehouse(server: EmbeddedServer, name: str) -> Warehouse:
    """A migrated warehouse in a database of this name."""
    server.create_database(name)
    url = server.url(name)
    migrate(url)
    return Warehouse(url)


@contextmanager
def fresh_warehouse() -> Iterator[tuple[Warehouse, Path]]:
    """A migrated warehouse on a server of its own, and a folder for its files."""
    with fresh_server() as (server, folder):
        yield new_warehouse(server, "warehouse"), folder


def run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement)


def settle(warehouse: Warehouse) -> None:
    """Let the server finish what an earlier step left behind, so that it is not counted in the next one."""
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("vacuum analyze")
