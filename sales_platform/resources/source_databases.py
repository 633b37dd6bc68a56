"""The OLTP databases that are read, as a Dagster resource: whence their URLs. The engine knows how to read them."""

from __future__ import annotations

from typing import Any

import dagster as dg
from pydantic import Field

from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.errors import ConfigurationError
from sales_platform.settings import load_settings


class SourceDatabasesResource(dg.ConfigurableResource[Any]):
    """Databases by the name that a contract uses; without an entry in `urls` the setting <NAME>_OLTP_URL.

    Read when a run first needs it, so that definitions load without a server and no password enters a snapshot.
    """

    urls: dict[str, str] = Field(default_factory=dict)

    def open(self, name: str) -> SourceDatabase:
        """Raises ConfigurationError when no URL is known."""
        url = self.urls.get(name) or load_settings().source_url(name)
        if not url:
            variable = f"{name.upper()}_OLTP_URL"
            raise ConfigurationError(
                f"the URL of the source {name} is not set.",
                where=variable,
                remedy=f'Run `export {variable}="$(sales-platform url {name})"` or `sales-platform up`.',
            )
        return SourceDatabase(name, url)
