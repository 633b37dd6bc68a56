"""`sales-platform check`: the verdict of each asset check, as a table, JSON or JUnit XML."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sales_platform.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from sales_platform.operations.checking import CheckFigures


class Format(StrEnum):
    """How the verdicts are written."""

    TABLE = "table"
    JUNIT = "junit"
    JSON = "json"


def check(
    selection: Annotated[str, typer.Argument(help="A domain or a Dagster selection.")] = "*",
    partition: Annotated[
        str | None,
        typer.Option(
            "--partition",
            help="Only this day (2026-03-02), these days (2026-03-02..2026-03-05) or this file, "
            "of the tables that are cut so.",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="junit: for CI; a warning is a skipped test there, so that it fails nothing."
        ),
    ] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Evaluate the checks of what stands. Exits with 1 when one of error severity fails.

    It only reads. What a load alone can answer (conservation, reject_limit, files_there) is not asked again: the
    Dagster UI has the last verdicts.
    """
    from sales_platform.operations.checking import as_partitions
    from sales_platform.operations.checking import check as evaluate

    wanted = as_partitions(partition) if partition else None
    found = evaluate(load_settings(), selection, wanted)
    _write(Format.JSON if as_json else form, found)
    raise typer.Exit(int(any(verdict.failed for verdict in found)))


def _write(form: Format, found: list[CheckFigures]) -> None:
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.junit import as_junit

    if form is Format.JSON:
        print_json(found)
    elif form is Format.JUNIT:
        print(as_junit(found))
    else:
        print_checks(console(), found)


def print_checks(output: Console, found: list[CheckFigures]) -> None:
    """One line per check, the failed ones first; then a few offenders of each that did not pass."""
    from rich.markup import escape

    from sales_platform.cli.tables import BAD, FAIR, GOOD, table

    shown = table("", "asset", "check", "found")
    for verdict in found:
        mark = GOOD if verdict.passed else BAD if verdict.failed else FAIR
        shown.add_row(mark, verdict.asset, verdict.name, escape(verdict.description))
    output.print(shown if found else "No check applies: nothing is loaded yet.")
    for verdict in found:
        if verdict.samples and not verdict.passed:
            _print_samples(output, verdict)
    failed = sum(verdict.failed for verdict in found)
    warned = sum(not verdict.passed and not verdict.failed for verdict in found)
    output.print(f"{len(found)} checks: {failed} failed, {warned} warnings")


def _print_samples(output: Console, verdict: CheckFigures) -> None:
    from rich.markup import escape

    from sales_platform.cli.tables import table

    columns = list(dict.fromkeys(name for row in verdict.samples for name in row))
    shown = table(*columns)
    for row in verdict.samples:
        shown.add_row(*(escape(str(row.get(name, ""))) for name in columns))
    output.print(f"{verdict.asset} {verdict.name}, for example:")
    output.print(shown)
