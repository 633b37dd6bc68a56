"""`sales-platform simulate channels`: its options and output; what it does stands in operations."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from sales_platform.operations.simulating import DEFAULT_SEED
from sales_platform.operations.simulating_channels import simulate_channels
from sales_platform.settings import load_settings

DAY = ["%Y-%m-%d"]


def channels(
    first: Annotated[
        datetime | None,
        typer.Option(
            "--from", formats=DAY, help="First day; 30 days in all when left out.", show_default=False
        ),
    ] = None,
    last: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=DAY, help="Last day, included; yesterday when left out.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = DEFAULT_SEED,
) -> None:
    """500 payments a day over four channels, one file per day below the data folder.

    Files of the same name are replaced. A day's payments depend on the seed and the day only.
    """
    settings = load_settings()
    done = simulate_channels(
        settings, first=first.date() if first else None, last=last.date() if last else None, seed=seed
    )
    console = Console()
    console.print(f"[bold]channels[/bold] {done.first} to {done.last}, seed {seed}, below {settings.data}")
    for table in done.written:
        console.print(f"  {table.summary()}")
