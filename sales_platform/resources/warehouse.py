"""The warehouse as a Dagster resource: whence its URL. How a connection behaves belongs to the engine."""

from __future__ import annotations

from typing import Any

import dagster as dg

from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import ConfigurationError
from sales_platform.settings import load_settings


class WarehouseResource(dg.ConfigurableResource[Any]):
    """The PostgreSQL database that holds every layer.

    Without `url` the setting WAREHOUSE_URL is read when a run first needs it, never earlier: definitions
    load without a server, and no password enters the job snapshots that Dagster stores.
    """

    url: str = ""

    def open(self) -> Warehouse:
        """Raises ConfigurationError when no URL is known."""
        settings = load_settings()
        url = self.url or (settings.warehouse_url.get_secret_value() if settings.warehouse_url else "")
        if not url:
            raise ConfigurationError(
                "the warehouse's URL is not set.",
                where="WAREHOUSE_URL",
                remedy='Run `export WAREHOUSE_URL="$(sales-platform url warehouse)"` or `sales-platform up`.',
            )
        return Warehouse(url, lock_timeout_seconds=settings.lock_timeout_seconds)
