"""`sales-platform simulate billing`: its options and output; what it does stands in operations."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from sales_platform.operations.simulating import DEFAULT_SEED
from sales_platform.operations.simulating_billing import DEFAULT_FILES, DEFAULT_ROWS, simulate_billing
from sales_platform.settings import load_settings


def billing(
    files: Annotated[int, typer.Option(min=1, help="How many files.")] = DEFAULT_FILES,
    rows: Annotated[int, typer.Option(min=1, help="How many lines in each file.")] = DEFAULT_ROWS,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same lines.")] = DEFAULT_SEED,
    dirt: Annotated[
        bool,
        typer.Option("--dirt", help="With the spellings and faults of the real file, in the same shares."),
    ] = False,
) -> None:
    """Invoice files billing/invoices_1.csv and so on, below the data folder; dates lie in 2023.

    Files of the same name are replaced. A file depends on seed, its number and its length only.
    """
    settings = load_settings()
    done = simulate_billing(settings, files=files, rows=rows, seed=seed, dirt=dirt)
    console = Console()
    console.print(f"[bold]billing[/bold] seed {seed}, below {settings.data}")
    console.print(f"  {done.summary()}")
