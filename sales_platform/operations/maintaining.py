"""What `sales-platform maintain` does: the upkeep of the warehouse, now instead of on Sunday."""

from __future__ import annotations

from datetime import UTC, datetime

from sales_platform.engine import maintaining
from sales_platform.engine.maintaining import Maintained
from sales_platform.operations.opening import open_warehouse
from sales_platform.settings import Settings


def maintain(settings: Settings) -> list[Maintained]:
    """Every table of the warehouse after its upkeep."""
    with open_warehouse(settings) as warehouse:
        return maintaining.maintain(warehouse, datetime.now(UTC).astimezone(settings.zone).date())
