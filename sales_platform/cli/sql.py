"""`sales-platform sql`: the statements behind one asset, on standard output and nothing else there."""

from __future__ import annotations

from typing import Annotated

import typer


def sql(
    asset: Annotated[str, typer.Argument(help="Such as analytics/dim_customer.", metavar="ASSET")],
) -> None:
    """Print the SQL that the engine runs for an asset."""
    from sales_platform.operations.showing_sql import show_sql

    print(show_sql(asset))
