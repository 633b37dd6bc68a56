"""`sales-platform rebuild`: tables anew from raw, or the proof that this would change nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from sales_platform.settings import load_settings


def rebuild(
    selection: Annotated[
        str | None,
        typer.Argument(help="A domain or a Dagster selection; all tables when left out.", show_default=False),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Rebuild aside and compare; exits with 1 on a difference.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Make staging, analytics and marts tables anew from raw, each in one transaction."""
    if verify:
        _verify(selection, as_json=as_json)
        return
    _rebuild(selection, as_json=as_json)


def _rebuild(selection: str | None, *, as_json: bool) -> None:
    from sales_platform.cli.tables import GOOD, console, print_json
    from sales_platform.operations.rebuilding import Rebuilt, rebuild

    output = console()

    def tell(done: Rebuilt) -> None:
        output.print(f"{GOOD} {done.table:<40} {done.rows:>12,} rows, {done.changed:,} changed")

    done = rebuild(load_settings(), selection, (lambda _done: None) if as_json else tell)
    if as_json:
        print_json(done)
    elif not done:
        output.print("No table to rebuild: nothing is loaded yet.")


def _verify(selection: str | None, *, as_json: bool) -> None:
    from sales_platform.cli.tables import console, number, print_json, table
    from sales_platform.operations.rebuilding import verify

    differences = verify(load_settings(), selection)
    if as_json:
        print_json(differences)
    elif differences:
        figures = ("only in the live table", "only in the rebuilt one")
        shown = table("table", *figures, right=figures)
        for found in differences:
            shown.add_row(found.table, number(found.only_live), number(found.only_rebuilt))
        console().print(shown)
    else:
        console().print("[green]✓[/green] every table equals its rebuild from raw, surrogate keys included")
    raise typer.Exit(int(bool(differences)))
