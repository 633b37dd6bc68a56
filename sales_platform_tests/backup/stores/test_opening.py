"""Which store the settings mean, and that none of their secrets is ever told."""

from __future__ import annotations

import base64
import json
import socket
import traceback
from pathlib import Path

import fsspec
import pytest

from sales_platform.backup.azure_store import AzureStore
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.opening import DEFAULT_CONTAINER, open_store
from sales_platform.backup.url_store import UrlStore
from sales_platform.errors import ConfigurationError, StoreUnavailable
from sales_platform.operations.settings_listing import list_settings
from sales_platform.settings import Settings

KEY = base64.b64encode(b"a key that nobody may see").decode()
AZURE = "https://shop.blob.core.windows.net"


def opened(monkeypatch: pytest.MonkeyPatch, **variables: str) -> object:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return open_store(Settings())


def url_of(store: object) -> str:
    assert isinstance(store, AzureStore)
    return str(store._container.url)


def test_without_a_url_backups_stand_in_the_home(tmp_path: Path) -> None:
    store = open_store(Settings(home=tmp_path / "home"))
    assert (type(store), store.place) == (FileStore, str(tmp_path / "home/backups"))
    assert not (tmp_path / "home").exists()


def test_a_url_of_a_folder_is_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    store = opened(monkeypatch, BACKUP_URL=f"file://{tmp_path}/with%20space")
    assert isinstance(store, FileStore)
    assert store.place == f"{tmp_path}/with space"


@pytest.mark.parametrize(("account", "key"), [("ACCOUNT_NAME", "ACCOUNT_KEY"), ("ACCOUNT", "KEY")])
def test_an_account_has_a_long_and_a_short_name(
    monkeypatch: pytest.MonkeyPatch, account: str, key: str
) -> None:
    names = {f"AZURE_STORAGE_{account}": "shop", f"AZURE_STORAGE_{key}": KEY}
    store = opened(monkeypatch, BACKUP_URL="abfs://backups/of/shop", **names)
    assert url_of(store) == f"{AZURE}/backups"
    assert isinstance(store, AzureStore)
    assert (store.place, store.creates_exclusively) == ("abfs://backups/of/shop", True)


def test_the_container_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(
        monkeypatch, BACKUP_URL="abfs://", AZURE_STORAGE_ACCOUNT_NAME="shop", AZURE_STORAGE_ACCOUNT_KEY=KEY
    )
    assert url_of(store) == f"{AZURE}/{DEFAULT_CONTAINER}"


def test_a_connection_string_says_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={KEY};EndpointSuffix=core.windows.net"
    assert url_of(opened(monkeypatch, BACKUP_URL="abfs://backups", AZURE_STORAGE_CONNECTION_STRING=text)) == (
        f"{AZURE}/backups"
    )


@pytest.mark.parametrize(
    ("variables", "where"),
    [
        ({"BACKUP_URL": "/folder"}, "BACKUP_URL"),
        ({"BACKUP_URL": "nothing://place"}, "BACKUP_URL"),
        ({"BACKUP_URL": "abfs://backups@shop.dfs.core.windows.net"}, "BACKUP_URL"),
        ({"BACKUP_URL": "abfs://backups"}, "AZURE_STORAGE_ACCOUNT_NAME"),
        (
            {"BACKUP_URL": "abfs://backups", "AZURE_STORAGE_CONNECTION_STRING": KEY},
            "AZURE_STORAGE_CONNECTION_STRING",
        ),
        (
            {"BACKUP_URL": "abfs://backups", "AZURE_STORAGE_BLOB_ENDPOINT": "http://127.0.0.1:10000/shop"},
            "AZURE_STORAGE_BLOB_ENDPOINT",
        ),
    ],
)
def test_a_place_that_cannot_be_meant_is_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], where: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        opened(monkeypatch, **variables)
    assert caught.value.where == where
    assert KEY not in str(caught.value)


def test_k_30_a_password_within_a_url_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        # nobody listens there
        url = f"ftp://me:{KEY}@127.0.0.1:{taken.getsockname()[1]}/backups"
        with pytest.raises(StoreUnavailable) as caught:
            opened(monkeypatch, BACKUP_URL=url)
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert UrlStore(url, fsspec.filesystem("memory"), "/backups").place == url.replace(KEY, "***")


def test_k_30_no_secret_of_the_store_is_listed_or_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_STORAGE_KEY": KEY,
        "AZURE_STORAGE_SAS_TOKEN": f"?sv=2025-11-05&sig={KEY}",
        "AZURE_STORAGE_CONNECTION_STRING": f"AccountName=shop;AccountKey={KEY}",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    listed = {setting.name: setting.value for setting in list_settings()}
    assert {listed[name] for name in secrets} == {"***"}
    assert KEY not in repr(Settings())
    assert KEY not in json.dumps(Settings().model_dump(mode="json"))
