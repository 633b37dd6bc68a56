"""`sales-platform url`: the address of a database on standard output, and nothing else there."""

from __future__ import annotations

from typing import Annotated

import typer

from sales_platform.settings import load_settings


def url(
    name: Annotated[str, typer.Argument(help="warehouse, dagster, invoicing or accounts.", metavar="NAME")],
) -> None:
    """Print the owner's URL of a database, for psql and other tools. It contains the password.

    The embedded server is started and stays up until `sales-platform down`.
    """
    from sales_platform.operations.local_server import lasting_url

    print(lasting_url(load_settings(), name))
