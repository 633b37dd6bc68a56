"""`sales-platform simulate`: options and output of the generators; what they do stands in operations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from sales_platform.cli.simulate_accounts import accounts
from sales_platform.cli.simulate_billing import billing
from sales_platform.cli.simulate_channels import channels
from sales_platform.cli.simulate_invoicing import invoicing
from sales_platform.operations.simulating import DEFAULT_DAYS, DEFAULT_SEED, simulate_retail
from sales_platform.settings import load_settings

simulate = typer.Typer(
    no_args_is_help=True, help="Fill a simulated source system: its files, or its database."
)
simulate.command("invoicing")(invoicing)
simulate.command("accounts")(accounts)
simulate.command("billing")(billing)
simulate.command("channels")(channels)


@simulate.command("retail")
def retail(
    days: Annotated[int, typer.Option(min=1, help="How many days of sales.")] = DEFAULT_DAYS,
    end: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last day; yesterday when left out.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = DEFAULT_SEED,
    dirt: Annotated[
        bool, typer.Option("--dirt", help="With the faults of real exports: see the retail documentation.")
    ] = False,
) -> None:
    """Customers, their updates, products, stores and daily sales, below the data folder.

    Files of the same name are replaced. A day's sales depend on the seed and the day only.
    """
    settings = load_settings()
    done = simulate_retail(settings, days=days, end=end.date() if end else None, seed=seed, dirt=dirt)
    console = Console()
    console.print(f"[bold]retail[/bold] {done.first} to {done.last}, seed {seed}, below {settings.data}")
    for table in done.written:
        console.print(f"  {table.summary()}")
