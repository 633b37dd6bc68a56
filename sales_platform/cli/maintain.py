"""`sales-platform maintain`: statistics, free room and old detail; what that is stands in operations."""

from __future__ import annotations

from typing import Annotated

import typer

from sales_platform.settings import load_settings


def maintain(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Give every table fresh statistics and room for new rows, and trim operational detail older than 400 days.

    The schedule `maintenance` does this every Sunday. What a rebuild reads is never touched.
    """
    from sales_platform.cli.tables import console, number, print_json, table
    from sales_platform.operations.maintaining import maintain as tidy_up

    done = tidy_up(load_settings())
    if as_json:
        print_json(done)
        return
    figures = ("rows", "dead rows freed", "MB", "trimmed")
    shown = table("table", *figures, right=figures)
    for item in done:
        if item.rows or item.dead_rows or item.trimmed:
            size = f"{item.bytes / 2**20:,.1f}"
            shown.add_row(item.table, number(item.rows), number(item.dead_rows), size, number(item.trimmed))
    console().print(shown)
