"""`sales-platform import`: arguments and output of the importers; what they do stands in operations."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sales_platform.operations.importing import (
    InvoicingImport,
    import_channels,
    import_invoicing,
    import_retail,
)
from sales_platform.operations.simulating import DEFAULT_SEED
from sales_platform.settings import Settings, load_settings

import_ = typer.Typer(no_args_is_help=True, help="Land an export of a real source system.")


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
    _say_what_comes_too_early(console, settings, done.first_day)


@import_.command("channels")
def channels(
    export: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Folder in which YYYY/MM/DD/transactions.csv lie.", show_default=False
        ),
    ],
) -> None:
    """Copy the daily payment files of an export below the data folder, as they are.

    Files of the same name are replaced.
    """
    settings = load_settings()
    done = import_channels(settings, export)
    console = Console()
    console.print(f"[bold]channels[/bold] {done.first_day} to {done.last_day}, below {settings.data}")
    console.print(f"  {done.landed.summary()}")
    _say_what_comes_too_early(console, settings, done.first_day)


def _say_what_comes_too_early(console: Console, settings: Settings, first_day: date) -> None:
    if first_day < settings.partitions_start:
        console.print(
            f"[yellow]Days before PARTITIONS_START ({settings.partitions_start}) are not loaded;[/yellow] "
            f"set it to {first_day} or earlier."
        )


@import_.command("invoicing")
def invoicing(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Invoice documents, one JSON document per line.", show_default=False
        ),
    ],
    payments: Annotated[
        bool, typer.Option("--payments", help="Pay each invoice that has no payment yet, in full or in part.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same payments.")] = DEFAULT_SEED,
) -> None:
    """Write invoice documents into the invoicing source, in the order of their dates.

    A document that is not clean is rejected with all its reasons, in the warehouse's quality.rejected_record. Documents
    that the source knows by their number stay as they are.
    """
    from sales_platform.cli.tables import console

    done = import_invoicing(load_settings(), file, payments=payments, seed=seed)
    output = console()
    _print_fates(output, done)
    if payments:
        output.print(f"payments: {done.payments:,} added")
    output.print("Next: [bold]sales-platform run invoicing[/bold]")
    if done.synced and (done.report.loaded or done.payments):
        output.print(
            "[yellow]The warehouse has read this source before;[/yellow] what is dated earlier arrives with"
        )
        output.print("      [bold]sales-platform reconcile invoicing[/bold]")


def _print_fates(output: Console, done: InvoicingImport) -> None:
    """What became of the documents of a file, the rejected ones by the reason that names them."""
    from sales_platform.cli.tables import number, table

    report = done.report
    output.print(f"[bold]invoicing[/bold] {report.partition}: {report.read:,} documents")
    shown = table("fate", "reason", "documents", right=["documents"])
    shown.add_row("loaded", "", number(report.loaded))
    shown.add_row("unchanged", "", number(report.unchanged))
    if report.duplicate:
        shown.add_row("duplicate", "", number(report.duplicate))
    shown.add_row("rejected", "", number(report.rejected))
    for reason, count in report.reasons.items():
        shown.add_row("", reason, number(count))
    output.print(shown)
