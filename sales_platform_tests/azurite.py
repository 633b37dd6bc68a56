"""Azurite as the tests need it: a real blob service on loopback, ended by whoever began it."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from sales_platform.backup.azure_account import DEVELOPMENT_ACCOUNT, Patience, container_client
from sales_platform.backup.azure_store import AzureStore
from sales_platform.settings import Settings

ACCOUNT = "shop"
CONTAINER = "backups"
START_SECONDS = 30
# Enough to see that attempts are made, and no time lost between them.
HASTY = Patience(attempts=2, first_pause_seconds=0, growth=0, answer_seconds=20)
OPTIONS = ["--inMemoryPersistence", "--silent", "--disableTelemetry", "--skipApiVersionCheck"]
PROGRAM = Path(__file__).resolve().parents[1] / "node_modules" / ".bin" / "azurite-blob"


@dataclass(frozen=True)
class Azurite:
    """A service that runs. origin: scheme, host and port. key: of both its accounts."""

    origin: str
    key: str

    def settings(self, origin: str | None = None, **more: object) -> Settings:
        """As a user would set them; origin: of a proxy in between."""
        given = {
            "backup_url": f"abfs://{CONTAINER}",
            "azure_storage_account_name": ACCOUNT,
            "azure_storage_account_key": self.key,
            "azure_storage_blob_endpoint": f"{origin or self.origin}/{ACCOUNT}",
        }
        return Settings.model_validate(given | more)

    def container(
        self, origin: str | None = None, name: str = CONTAINER, patience: Patience = HASTY
    ) -> ContainerClient:
        return container_client(self.settings(origin), name, patience=patience)

    def store(self, prefix: str, origin: str | None = None, patience: Patience = HASTY) -> AzureStore:
        """Below a prefix, so that tests share one container."""
        return AzureStore(self.container(origin, patience=patience), prefix)


@contextmanager
def running_azurite(*options: str, scheme: str = "http") -> Iterator[Azurite]:
    """Start it with one container; skips the test where Node or the package is absent."""
    program = str(PROGRAM) if PROGRAM.exists() else shutil.which("azurite-blob")
    if program is None or shutil.which("node") is None:
        pytest.skip("no Azurite: install Node, then run `npm ci`")
    key = base64.b64encode(os.urandom(64)).decode()
    port = _free_port()
    process = subprocess.Popen(
        [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), *OPTIONS, *options],
        env={**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{key};{DEVELOPMENT_ACCOUNT}:{key}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, port)
        azurite = Azurite(f"{scheme}://127.0.0.1:{port}", key)
        if scheme == "http":
            azurite.container().create_container()
        yield azurite
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise AssertionError(f"Azurite ended with status {process.returncode}")
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"Azurite does not answer after {START_SECONDS} seconds")
