"""`sales-platform migrate`: bring the platform's own tables up to date."""

from __future__ import annotations

from sales_platform.settings import load_settings


def migrate() -> None:
    """Apply the migrations that the warehouse lacks."""
    from sales_platform.operations.migrating import migrate as apply

    applied = apply(load_settings())
    print(f"Applied {', '.join(applied)}." if applied else "Nothing to apply.")
