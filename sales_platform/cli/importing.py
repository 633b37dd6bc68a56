"""`sales-platform import`: arguments and output of the importers; what they do stands in operations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sales_platform.operations.importing import import_retail
from sales_platform.settings import load_settings

import_ = typer.Typer(no_args_is_help=True, help="Land an export of a real source system.")


@import_.callback()
def _group() -> None:
    """Keeps `retail` a command of its own while it is the only one."""


@import_.command("retail")
def retail(
    export: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Folder with customers.csv, customers_updates.csv, products.csv, stores.csv and sales.csv.",
            show_default=False,
        ),
    ],
) -> None:
    """Sort an export's sales into one file per day and place its other files beside them.

    Files of the same name are replaced. Sales without a readable date stand at the end of the first day's
    file, where the load rejects them.
    """
    settings = load_settings()
    done = import_retail(settings, export)
    console = Console()
    console.print(f"[bold]retail[/bold] {done.first_day} to {done.last_day}, below {settings.data}")
    for table in done.landed:
        console.print(f"  {table.summary()}")
    if done.undated:
        console.print(f"  without a readable date: {done.undated:,}, rejected when {done.first_day} loads")
    if done.first_day < settings.partitions_start:
        console.print(
            f"[yellow]Days before PARTITIONS_START ({settings.partitions_start}) are not loaded;[/yellow] "
            f"set it to {done.first_day} or earlier."
        )
