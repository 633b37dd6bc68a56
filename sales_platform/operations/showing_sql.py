"""What `sales-platform sql` does: show the statements that the engine runs for one asset. Needs no server."""

from __future__ import annotations

from difflib import get_close_matches

from sales_platform.contracts.catalog import read_catalog
from sales_platform.errors import WrongUse
from sales_platform.operations.selecting import known_tables


def show_sql(asset: str) -> str:
    """The SQL of `analytics/dim_customer`, also written `analytics.dim_customer` or `dim_customer`.

    Raises WrongUse for a name that is not known, with the nearest ones.
    """
    from sales_platform.engine.generated import generated_sql

    return generated_sql(read_catalog(), table_name(asset))


def table_name(asset: str) -> str:
    """The table that an asset's name stands for, as `analytics.dim_customer`."""
    wanted = asset.replace("/", ".")
    tables = known_tables()
    matching = [name for name in tables if wanted in (name, name.split(".")[1])]
    if matching:
        return matching[0]
    near = get_close_matches(wanted, [*tables, *(name.split(".")[1] for name in tables)], n=3, cutoff=0.5)
    raise WrongUse(
        "there is no table of that name from staging on.",
        where=asset,
        remedy=f"Did you mean {' or '.join(near)}?" if near else f"Write one of: {', '.join(tables)}.",
    )
