"""`sales-platform run`: options and output; what a run does stands in operations."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from sales_platform.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from sales_platform.operations.running import RunSummary

DAY = ["%Y-%m-%d"]
FIGURES = ("loads", "no-ops", "read", "loaded", "unchanged", "duplicate", "superseded", "rejected")


def run(
    selection: Annotated[str, typer.Argument(help="A domain, or a Dagster selection such as +key:marts/*.")],
    first: Annotated[
        datetime | None, typer.Option("--from", formats=DAY, help="First day.", show_default=False)
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=DAY, help="Last day, included.", show_default=False)
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Recompute analytics and marts tables where nothing changed, too.")
    ] = False,
    allow_deletes: Annotated[
        bool,
        typer.Option(
            "--allow-deletes", help="However many keys a complete snapshot no longer has, follow it."
        ),
    ] = False,
    correction: Annotated[
        bool,
        typer.Option(
            "--correction", help="A snapshot with other content than before for its time takes its place."
        ),
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show which days and files would run, and why.")
    ] = False,
) -> None:
    """Load and publish what is due: a range of days, or all that is missing, changed or failed.

    Days of a range without a file are left out and named; the command then exits with 1. What a limit refuses
    exits with 3.
    """
    if plan:
        _print_preview(selection, _day(first), _day(last), force=force)
        return
    from sales_platform.cli.progress import progress_on
    from sales_platform.cli.tables import console
    from sales_platform.operations.running import run as run_selection

    output = console()
    summary = run_selection(
        load_settings(),
        selection,
        first=_day(first),
        last=_day(last),
        force=force,
        allow_deletes=allow_deletes,
        correction=correction,
        progress=progress_on(output),
    )
    print_summary(output, summary)
    raise typer.Exit(summary.exit_code)


def _print_preview(selection: str, first: date | None, last: date | None, *, force: bool) -> None:
    from sales_platform.cli.progress import print_missing
    from sales_platform.cli.tables import console, number, table
    from sales_platform.operations.previewing import preview

    output = console()
    for domain in preview(load_settings(), selection, first=first, last=last, force=force):
        output.print(f"[bold]{domain.domain}[/bold]: {domain.standing:,} days or files stand", soft_wrap=True)
        if domain.windows:
            shown = table("from", "to", "count", "why", right=("count",), whole=("from", "to"))
            for window in domain.windows:
                shown.add_row(
                    escape(window.first), escape(window.last), number(window.partitions), window.why
                )
            output.print(shown)
        if domain.undated:
            output.print(f"  without days: {', '.join(domain.undated)}", soft_wrap=True)
        if not (domain.windows or domain.undated):
            output.print("  nothing to do")
        if domain.missing_paths:
            print_missing(output, domain.missing_paths)


def print_summary(output: Console, summary: RunSummary) -> None:
    """The fates of the rows that were read, what failed, and what was left out."""
    from sales_platform.cli.tables import number, table

    shown = table("feed", *FIGURES, right=FIGURES)
    for row in summary.fates:
        fates = (row.read, row.loaded, row.unchanged, row.duplicate, row.superseded, row.rejected)
        counts = (row.files, row.unchanged_files, *fates)
        shown.add_row(row.feed, *(number(count) for count in counts))
    output.print(shown if summary.fates else "0 rows read.")
    print_failures(output, summary)


def print_failures(output: Console, summary: RunSummary) -> None:
    """What failed, with its reason, and what was held back because of it."""
    for outcome in summary.outcomes:
        for step in outcome.failed_steps:
            output.print(f"[red]✗ {step.name}[/red]", _one_per_line(step.error), soft_wrap=True)
        for found in outcome.failed_checks:
            output.print(f"[yellow]! {found.asset} {found.name}[/yellow] {found.description}", soft_wrap=True)
        if outcome.not_run:
            output.print(f"[yellow]not run:[/yellow] {', '.join(outcome.not_run)}", soft_wrap=True)


def _one_per_line(error: str | None) -> str:
    """Faults of several tables come as one message."""
    head, sign, tables = (error or "").partition(" could not be loaded:")
    told = (
        f"{head}{sign}\n   {tables}".replace(" | ", "\n    ") if " | " in tables else f"{head}{sign}{tables}"
    )
    return escape(told)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
