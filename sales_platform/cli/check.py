"""`sales-platform check`: the verdict of each asset check, as a table or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sales_platform.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from sales_platform.operations.checking import CheckFigures


def check(
    selection: Annotated[str, typer.Argument(help="A domain or a Dagster selection.")] = "*",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Evaluate the checks of what stands. Exits with 1 when one of error severity fails."""
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.checking import check as evaluate

    found = evaluate(load_settings(), selection)
    if as_json:
        print_json(found)
    else:
        print_checks(console(), found)
    raise typer.Exit(int(any(verdict.failed for verdict in found)))


def print_checks(output: Console, found: list[CheckFigures]) -> None:
    """One line per check, the failed ones first."""
    from sales_platform.cli.tables import BAD, FAIR, GOOD, table

    shown = table("", "asset", "check", "found")
    for verdict in found:
        mark = GOOD if verdict.passed else BAD if verdict.failed else FAIR
        shown.add_row(mark, verdict.asset, verdict.name, verdict.description)
    output.print(shown if found else "No check applies: nothing is loaded yet.")
    failed = sum(verdict.failed for verdict in found)
    warned = sum(not verdict.passed and not verdict.failed for verdict in found)
    output.print(f"{len(found)} checks: {failed} failed, {warned} warnings")
