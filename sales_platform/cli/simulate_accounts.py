"""`sales-platform simulate accounts`: its options and output; what it does stands in operations."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from sales_platform.errors import WrongUse
from sales_platform.operations.simulating import DEFAULT_SEED
from sales_platform.operations.simulating_accounts import (
    DEFAULT_ACCOUNTS_PER_CUSTOMER,
    DEFAULT_CUSTOMERS,
    DEFAULT_RATE,
    DEFAULT_SECONDS,
    DEFAULT_TRANSACTIONS_PER_ACCOUNT,
    simulate_accounts,
    simulate_accounts_traffic,
)
from sales_platform.settings import load_settings


def accounts(
    customers: Annotated[int, typer.Option(min=0, help="How many customers.")] = DEFAULT_CUSTOMERS,
    accounts_per_customer: Annotated[
        int, typer.Option(min=0, help="1 is a checking account, 2 are a checking and a savings account.")
    ] = DEFAULT_ACCOUNTS_PER_CUSTOMER,
    transactions_per_account: Annotated[
        int, typer.Option(min=0, help="How many transactions on every account.")
    ] = DEFAULT_TRANSACTIONS_PER_ACCOUNT,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help=f"The same seed gives the same rows; {DEFAULT_SEED} for history, none for traffic.",
            show_default=False,
        ),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Traffic of several clients on top of it.")] = False,
    rate: Annotated[
        float | None, typer.Option(help=f"With --live: calls per second, {DEFAULT_RATE:g} when left out.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option("--for", help=f"With --live: for how many seconds, {DEFAULT_SECONDS:g} when left out."),
    ] = None,
) -> None:
    """Customers, accounts and 90 days of transactions in the accounts source database.

    The history goes up to yesterday, and a database that holds rows is left as it is.
    """
    if not live and (rate is not None or seconds is not None):
        raise WrongUse("--rate and --for are about traffic.", remedy="Add --live, or leave them out.")
    console = Console()
    settings = load_settings()
    done = simulate_accounts(
        settings,
        customers=customers,
        accounts_per_customer=accounts_per_customer,
        transactions_per_account=transactions_per_account,
        seed=DEFAULT_SEED if seed is None else seed,
    )
    if done.filled is None:
        console.print("[bold]accounts[/bold] left as it is, because it holds rows already")
    else:
        console.print(f"[bold]accounts[/bold] up to {done.end}")
        console.print(f"  {done.filled.summary()}")
    if live:
        traffic = simulate_accounts_traffic(
            settings,
            rate=DEFAULT_RATE if rate is None else rate,
            seconds=DEFAULT_SECONDS if seconds is None else seconds,
            seed=seed,
        )
        console.print(f"[bold]accounts[/bold] {traffic.summary()}")
        for deed, count in sorted(traffic.done.items()):
            console.print(f"  {deed:<28}{count:>9,}")
