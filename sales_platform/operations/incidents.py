"""What `sales-platform status` tells of incidents: those that are not over. Reads only."""

from __future__ import annotations

from sales_platform.engine.incidents import OpenIncident, open_incidents
from sales_platform.operations.opening import open_warehouse
from sales_platform.settings import Settings

__all__ = ["OpenIncident", "incidents"]


def incidents(settings: Settings) -> list[OpenIncident]:
    """The open incidents, the oldest first."""
    with open_warehouse(settings) as warehouse, warehouse.transaction() as connection:
        return open_incidents(connection)
