"""What `sales-platform migrate` does: bring the platform's own tables to the newest version."""

from __future__ import annotations

from sales_platform.local.databases import using
from sales_platform.operations.opening import make_current
from sales_platform.settings import Settings


def migrate(settings: Settings) -> list[str]:
    """Apply what is pending to the warehouse, embedded or external. Returns the numbers that were applied."""
    with using(settings, "warehouse") as databases:
        return make_current(settings, databases, migrating=True)
