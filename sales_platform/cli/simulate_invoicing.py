"""`sales-platform simulate invoicing`: its options and output; what it does stands in operations."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from sales_platform.errors import WrongUse
from sales_platform.operations.simulating_invoicing import (
    DEFAULT_RATE,
    DEFAULT_SECONDS,
    DEFAULT_SEED,
    simulate_invoicing,
    simulate_invoicing_traffic,
)
from sales_platform.settings import load_settings


def invoicing(
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help=f"The same seed gives the same rows; {DEFAULT_SEED} for a past, none for traffic.",
            show_default=False,
        ),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Traffic of several sessions instead of a past.")
    ] = False,
    rate: Annotated[
        float | None,
        typer.Option(help=f"With --live: transactions per second, {DEFAULT_RATE:g} when left out."),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--for", help=f"With --live: for how many seconds, {DEFAULT_SECONDS:g} when left out."),
    ] = None,
) -> None:
    """Clients, sellers, products, invoices, items and payments in the invoicing source database.

    The past goes up to yesterday, and a database that has an invoice is left as it is. Traffic comes on top
    of what is there.
    """
    console = Console()
    settings = load_settings()
    if live:
        traffic = simulate_invoicing_traffic(
            settings,
            rate=DEFAULT_RATE if rate is None else rate,
            seconds=DEFAULT_SECONDS if seconds is None else seconds,
            seed=seed,
        )
        console.print(f"[bold]invoicing[/bold] {traffic.summary()}")
        for kind, count in sorted(traffic.committed.items()):
            console.print(f"  {kind:<17}{count:>9,}")
        return
    if rate is not None or seconds is not None:
        raise WrongUse("--rate and --for are about traffic.", remedy="Add --live, or leave them out.")
    past = simulate_invoicing(settings, seed=DEFAULT_SEED if seed is None else seed)
    state = "made" if past.made else "left as it is, because it has invoices already"
    console.print(f"[bold]invoicing[/bold] {state}: {past.summary()}")
