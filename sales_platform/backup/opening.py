"""Which store the settings mean: a folder, Azure, or what fsspec reaches. What a store does stands in its module."""

from __future__ import annotations

from urllib.parse import urlsplit

from sales_platform.backup.file_store import FileStore
from sales_platform.backup.store import Store
from sales_platform.errors import ConfigurationError
from sales_platform.settings import Settings

DEFAULT_CONTAINER = "oltp-pipeline-demo"


def open_store(settings: Settings) -> Store:
    """The store of BACKUP_URL; without it the folder `backups` of the home. Nothing is asked of it yet.

    Raises ConfigurationError for a URL or a credential that cannot be meant.
    """
    url = settings.backup_url
    if url is None:
        return FileStore(settings.home / "backups")
    scheme, separator, _ = url.partition("://")
    if not separator:
        raise ConfigurationError(
            "this is no URL.",
            where="BACKUP_URL",
            remedy="Write abfs://container/prefix or file:///folder, or leave it out for a folder of the home.",
        )
    if scheme in {"abfs", "abfss", "az"}:
        return _azure(url, settings)
    from sales_platform.backup.url_store import open_url

    return open_url(url)


def _azure(url: str, settings: Settings) -> Store:
    from sales_platform.backup.azure_account import container_client, is_development
    from sales_platform.backup.azure_store import AzureStore

    parts = urlsplit(url)
    if "@" in parts.netloc or ":" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(
            "the URL names more than a container and a prefix.",
            where="BACKUP_URL",
            remedy="Write abfs://container/prefix, and the account into AZURE_STORAGE_ACCOUNT_NAME.",
        )
    client = container_client(settings, parts.netloc or DEFAULT_CONTAINER)
    return AzureStore(client, parts.path, makes_container=is_development(client))
