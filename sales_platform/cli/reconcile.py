"""`sales-platform reconcile`: options and output; what is compared and repaired stands in operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sales_platform.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from sales_platform.operations.reconciling import TableReconciled


def reconcile(
    domain: Annotated[str, typer.Argument(help="A domain with a source database, such as invoicing.")],
    allow_deletes: Annotated[
        bool,
        typer.Option("--allow-deletes", help="However many rows the source no longer has, follow it."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Compare a source with the warehouse row by row, repair what differs, and run what follows from it.

    Finds what no stamp shows: edits that left it as it was, rows that were stamped long before they were committed,
    and deletes. Exits with 1 when a table failed, with 3 when too many rows have vanished from one.
    """
    from sales_platform.cli.progress import progress_on
    from sales_platform.cli.run import print_failures
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.reconciling import reconcile as compare

    output = console()
    if as_json:
        found = compare(load_settings(), domain, allow_deletes=allow_deletes)
        print_json(found.tables)
    else:
        found = compare(
            load_settings(),
            domain,
            allow_deletes=allow_deletes,
            progress=progress_on(output),
            on_tables=lambda tables: print_tables(output, domain, tables),
        )
        if found.run:
            print_failures(output, found.run)
    raise typer.Exit(found.exit_code)


def print_tables(output: Console, domain: str, tables: Sequence[TableReconciled]) -> None:
    """One line per table, then what could not be compared, then the sum in words."""
    from sales_platform.cli.tables import BAD, GOOD, number, table

    figures = ("rows compared", "arrived", "missing", "changed", "deleted")
    shown = table("", domain, *figures, right=figures)
    for found in tables:
        counts = (found.rows, found.arrived, found.missing, found.changed, found.deleted)
        told = ("-",) * len(figures) if found.error else tuple(number(count) for count in counts)
        shown.add_row(BAD if found.error else GOOD, found.table, *told)
    output.print(shown)
    for found in tables:
        if found.error:
            output.print(f"[red]✗ {found.table}[/red] {found.error}", soft_wrap=True)
    repaired = sum(found.missing + found.changed + found.deleted for found in tables)
    if repaired:
        rows = (
            "1 row that no stamp had shown was"
            if repaired == 1
            else f"{repaired:,} rows that no stamp had shown were"
        )
        output.print(f"{rows} repaired.")
    elif not any(found.error for found in tables):
        output.print("[green]✓[/green] the warehouse holds what the source holds")
