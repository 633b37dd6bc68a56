"""The store of backups as a Dagster resource: whence its settings. What a store does belongs to the backups."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import dagster as dg

from sales_platform.backup.opening import open_store
from sales_platform.backup.store import Store
from sales_platform.errors import ConfigurationError
from sales_platform.settings import Settings, load_settings

if TYPE_CHECKING:
    from dagster_azure.blob import AzureBlobStorageResource

AZURE_SCHEMES = frozenset({"abfs", "abfss", "az"})


class BlobStoreResource(dg.ConfigurableResource[Any]):
    """The store of BACKUP_URL, else a folder of the home; `folder` names another one.

    The settings are read when a run first needs them, so that definitions load without Azure's packages and no key
    enters a snapshot.
    """

    folder: str = ""

    def open(self) -> Store:
        """Raises ConfigurationError for a URL or a credential that cannot be meant."""
        settings = load_settings()
        if self.folder:
            settings = settings.model_copy(update={"backup_url": Path(self.folder).absolute().as_uri()})
        return open_store(settings)

    def azure(self) -> AzureBlobStorageResource:
        """Dagster's own resource for the same account, for an asset that wants Azure's client itself.

        Backups do not use it: its client cannot be told how patient to be. Raises ConfigurationError where the
        store is not in Azure.
        """
        from dagster_azure.blob import AzureBlobStorageResource

        settings = load_settings()
        if urlsplit(settings.backup_url or "").scheme not in AZURE_SCHEMES:
            raise ConfigurationError(
                "the backups are not kept in Azure.",
                where="BACKUP_URL",
                remedy="Write abfs://container/prefix.",
            )
        return AzureBlobStorageResource(account_url=_account_url(settings), credential=_credential(settings))


def _account_url(settings: Settings) -> str:
    account = settings.azure_storage_account_name or settings.azure_storage_account
    if account and not settings.azure_storage_connection_string:
        return settings.azure_storage_blob_endpoint or f"https://{account}.blob.core.windows.net"
    raise ConfigurationError(
        "Dagster's resource takes an account and its credential, and no connection string.",
        where="AZURE_STORAGE_ACCOUNT_NAME",
        remedy="Set it, with AZURE_STORAGE_ACCOUNT_KEY, in place of AZURE_STORAGE_CONNECTION_STRING.",
    )


def _credential(settings: Settings) -> Any:
    from dagster_azure.blob import (
        AzureBlobStorageDefaultCredential,
        AzureBlobStorageKeyCredential,
        AzureBlobStorageSASTokenCredential,
    )

    key = settings.azure_storage_account_key or settings.azure_storage_key
    if key:
        return AzureBlobStorageKeyCredential(key=key.get_secret_value())
    if settings.azure_storage_sas_token:
        return AzureBlobStorageSASTokenCredential(token=settings.azure_storage_sas_token.get_secret_value())
    return AzureBlobStorageDefaultCredential()
