"""What tests of backups share: one Azurite for each worker, and databases by the dozen."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sales_platform.backup.file_store import FileStore
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.azurite import Azurite, running_azurite


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture(scope="module")
def new_database(postgres_server: EmbeddedServer) -> Iterator[Callable[[], str]]:
    """Makes an empty database and gives the owner's URL; all of them go with the module."""
    names: list[str] = []

    def make() -> str:
        names.append(f"backup_{uuid.uuid4().hex[:12]}")
        postgres_server.create_database(names[-1])
        return postgres_server.url(names[-1])

    yield make
    for name in names:
        postgres_server.drop_database(name)


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "backups")
