"""A server of its own for a benchmark, with a fresh migrated warehouse; nothing of it stays."""

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
def fresh_warehouse() -> Iterator[tuple[Warehouse, Path]]:
    """A migrated warehouse on durable settings (fsync on), and a folder for its files."""
    folder = Path(tempfile.mkdtemp(prefix="sales-platform-bench-"))
    server = EmbeddedServer(folder / "home", **SERVER)
    try:
        with server.in_use():
            server.create_database("warehouse")
            url = server.url("warehouse")
            migrate(url)
            yield Warehouse(url), folder / "data"
        server.remove_if_unused()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement)  # type: ignore[call-overload]


def settle(warehouse: Warehouse) -> None:
    """Let the server finish what an earlier step left behind, so that it is not counted in the next one."""
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("vacuum analyze ops.surrogate_key")
