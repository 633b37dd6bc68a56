"""Where backups are kept, as Dagster's assets see it: from the settings, and without Azure until it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sales_platform.errors import ConfigurationError
from sales_platform.resources import BlobStoreResource

LOADED = """
import sys, sales_platform.definitions, sales_platform.defs.backup.schedules, sales_platform.cli.backup
print([name for name in sys.modules if name.split(".")[0] in {"azure", "dagster_azure", "pyarrow", "pandas"}])
"""


@pytest.mark.slow
def test_nothing_of_azure_is_loaded_with_the_definitions_of_backups() -> None:
    told = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"


def test_a_folder_stands_in_for_the_settings_and_home_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_PLATFORM_HOME", str(tmp_path / "home"))

    assert BlobStoreResource().open().place == str(tmp_path / "home/backups")
    assert BlobStoreResource(folder=str(tmp_path / "a b")).open().place == str(tmp_path / "a b")


def test_dagster_s_own_resource_has_the_account_of_the_backups(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="not kept in Azure"):
        BlobStoreResource().azure()
    monkeypatch.setenv("BACKUP_URL", "abfs://backups/shop")
    with pytest.raises(ConfigurationError, match="AZURE_STORAGE_ACCOUNT_NAME"):
        BlobStoreResource().azure()

    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "shop")
    monkeypatch.setenv("AZURE_STORAGE_KEY", "a2V5")
    found = BlobStoreResource().azure()
    assert found.account_url == "https://shop.blob.core.windows.net"
    assert found.credential.credential_type == "key"
    with found.get_client() as client:
        assert client.account_name == "shop"

    monkeypatch.setenv("AZURE_STORAGE_BLOB_ENDPOINT", "http://127.0.0.1:10000/shop")
    monkeypatch.delenv("AZURE_STORAGE_KEY")
    assert BlobStoreResource().azure().account_url == "http://127.0.0.1:10000/shop"
    assert BlobStoreResource().azure().credential.credential_type == "default_azure_credential"
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", "sig")
    assert BlobStoreResource().azure().credential.credential_type == "sas"
