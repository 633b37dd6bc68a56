"""What every test may use: one real PostgreSQL, fresh databases, a clean environment, shared input."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage

import pytest
from psutil import virtual_memory

from sales_platform.local.locks import exclusive
from sales_platform.local.server import EmbeddedServer
from sales_platform.settings import Settings

PROJECT = Path(__file__).resolve().parents[1]
HOME_VARIABLE = "SALES_PLATFORM_TEST_HOME"
TEMPLATE = "migrated"
MEMORY = Path("/dev/shm")
ROOM = 6 << 30
# nothing that a test writes must survive the machine
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "checkpoint_flush_after": "0",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
}


def pytest_configure(config: pytest.Config) -> None:
    """One home for all workers: the first process makes it, the others inherit its name."""
    # a shell that starts the tests in the background lets them, and every command they start, ignore Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if HOME_VARIABLE not in os.environ:
        os.environ[HOME_VARIABLE] = str(_new_home())
        config.add_cleanup(_remove_home)


def _new_home() -> Path:
    """In memory where there is room: file systems on a disk grow slow when thousands of databases come and go."""
    roomy = MEMORY.is_dir() and min(disk_usage(MEMORY).free, virtual_memory().available) > ROOM
    home = Path(tempfile.mkdtemp(prefix="sales-platform-tests-", dir=MEMORY if roomy else None))
    # else the server's account could not enter, and the data would lie elsewhere
    home.chmod(0o711)
    return home


def _remove_home() -> None:
    home = Path(os.environ.pop(HOME_VARIABLE))
    _server(home).remove_if_unused()
    shutil.rmtree(home)


def _server(home: Path) -> EmbeddedServer:
    return EmbeddedServer(home, **QUICK)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the developer reaches a test: neither a variable nor a `.env` file."""
    settings = {str(field.validation_alias) for field in Settings.model_fields.values()}
    for name in list(os.environ):
        # PG_BIN chooses the server that the tests run on
        if name != "PG_BIN" and (name in settings | {"DAGSTER_HOME"} or name.startswith("PG")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedServer]:
    """The one server of all workers; the last of them stops it."""
    server = _server(Path(os.environ[HOME_VARIABLE]))
    with server.in_use():
        yield server


@pytest.fixture
def database_url(postgres_server: EmbeddedServer) -> Iterator[str]:
    """The owner's URL of an empty database."""
    yield from _fresh_database(postgres_server)


@pytest.fixture(scope="session")
def migrated_template(postgres_server: EmbeddedServer) -> str:
    """The name of a database that has every migration and no session, made by the first worker that asks."""
    from sales_platform.engine.migrations import migrate

    # beside the data, so that it vanishes with them
    done = postgres_server.data / "template_is_migrated"
    lock = Path(os.environ[HOME_VARIABLE]) / "template.lock"
    lock.touch()
    with exclusive(lock, wait=120):
        if not done.exists():
            postgres_server.drop_database(TEMPLATE)
            postgres_server.create_database(TEMPLATE)
            migrate(postgres_server.url(TEMPLATE))
            done.touch()
    return TEMPLATE


@pytest.fixture
def warehouse_url(postgres_server: EmbeddedServer, migrated_template: str) -> Iterator[str]:
    """The owner's URL of a warehouse with every migration and no row."""
    yield from _fresh_database(postgres_server, migrated_template)


def _fresh_database(server: EmbeddedServer, template: str | None = None) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    server.create_database(name, template)
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real input beside the checkout; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("SALES_PLATFORM_SHARED_DATA", PROJECT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no shared input: {folder.name} is absent; set SALES_PLATFORM_SHARED_DATA to its folder")
    return folder
