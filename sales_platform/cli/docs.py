"""`sales-platform docs`: which pages of tables changed; what stands on them is made in operations."""

from __future__ import annotations

from typing import Annotated

import typer


def docs(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 when a page is stale.")
    ] = False,
) -> None:
    """Write a page per table and a star diagram per domain below docs/tables, and docs/metrics.md."""
    from sales_platform.cli.tables import console
    from sales_platform.operations.documenting import document

    changes = document(writing=not check)
    output = console()
    for change in changes:
        output.print(f"{change.act:<8} {change.path}", soft_wrap=True)
    if not changes:
        output.print("every page is up to date.")
    elif check:
        output.print(f"{len(changes)} pages are stale. Run `sales-platform docs` and commit docs.")
        raise typer.Exit(1)
