"""`sales-platform rejected`: arguments and output; what is shown, corrected and judged again stands in operations."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sales_platform.settings import load_settings

if TYPE_CHECKING:
    from sales_platform.operations.rejected import ShownRow

rejected = typer.Typer(no_args_is_help=True, help="Rows that a contract refused: look, correct, judge again.")

Feed = Annotated[str, typer.Argument(help="Such as billing_invoices.", show_default=False)]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason", help="Only rows whose first reason this is, as `list` counts them.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@rejected.command("list")
def list_(
    feed: Annotated[str | None, typer.Argument(help="All feeds when left out.", show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also rows that were resolved since.")] = False,
    as_json: AsJson = False,
) -> None:
    """Count rejected rows by feed, reason and the day on which they were refused last."""
    from sales_platform.cli.tables import console, number, print_json, table
    from sales_platform.operations.rejected import list_rejected

    found = list_rejected(load_settings(), feed, resolved=everything)
    if as_json:
        print_json(found)
        return
    if not found:
        console().print("[green]✓[/green] nothing stands rejected")
        return
    figures = ("open", "resolved") if everything else ("open",)
    shown = table(
        "feed", "day", "reason", *figures, "first seen", "last seen UTC", right=figures, whole=["day"]
    )
    for item in found:
        counts = (number(item.open), number(item.resolved)) if everything else (number(item.open),)
        seen = (f"{item.first_seen:%Y-%m-%d}", f"{item.last_seen:%m-%d %H:%M}")
        shown.add_row(item.feed, item.day.isoformat(), item.reason, *counts, *seen)
    console().print(shown)


@rejected.command("show")
def show(
    feed: Feed,
    reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, help="How many rows.")] = 20,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show personal data too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show rows that stand rejected, as they were received. Personal data is masked."""
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.rejected import show_rejected

    found = show_rejected(load_settings(), feed, reason=reason, limit=limit, reveal=reveal)
    if as_json:
        print_json(found)
    elif found:
        for row in found:
            _print_row(row)
    else:
        console().print("[green]✓[/green] nothing stands rejected")


@rejected.command("export")
def export(
    feed: Feed,
    reason: Reason = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="A new file; FEED_rejected.csv when left out.", show_default=False
        ),
    ] = None,
) -> None:
    """Write rows that stand rejected into a CSV file for a spreadsheet, personal data included.

    Correct the cells and leave the columns whose names begin with _ as they are. Text that looks like a formula has
    an apostrophe before it, which `resubmit` takes away again. Have the spreadsheet read every column as text, or it
    turns 007 into 7 and a date into its own spelling.
    """
    from sales_platform.cli.tables import console
    from sales_platform.operations.rejected import export_rejected

    done = export_rejected(load_settings(), feed, reason=reason, out=out)
    console().print(f"{done.rows:,} rows in {done.path}", soft_wrap=True)
    console().print(
        f"Next: correct them, then [bold]sales-platform rejected resubmit {done.path}[/bold]", soft_wrap=True
    )


@rejected.command("resubmit")
def resubmit(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An exported file with corrected rows.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """Take corrected rows in place of the rejected ones, each with its own line, day and time.

    Rows left as they were are ignored, rows that are still bad stay rejected. Exits with 3, and changes nothing, when
    a partition is beyond its contract's limit. A corrected file from the source replaces what was resubmitted for it.
    """
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.rejected import resubmit_file

    found = resubmit_file(load_settings(), file)
    if as_json:
        print_json([found])
        return
    done, output = found.done, console()
    output.print(f"[bold]{found.feed}[/bold] {done.accepted:,} rows accepted")
    for reason, count in done.refused.items():
        output.print(f"  [red]still refused[/red] {reason}: {count:,}")
    if done.untouched:
        output.print(f"  left as they were: {done.untouched:,}")
    if done.resolved_before:
        output.print(f"  resolved before, so not taken again: {done.resolved_before:,}")
    _print_next(found.domain, done.accepted)


@rejected.command("replay")
def replay(feed: Feed, reason: Reason = None, as_json: AsJson = False) -> None:
    """Judge rejected rows again without a file, after the contract or a reference table changed.

    Exits with 3 when a partition is beyond its contract's limit.
    """
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.rejected import replay_rejected

    found = replay_rejected(load_settings(), feed, reason=reason)
    if as_json:
        print_json([found])
        return
    done = found.done
    taken = done.judged - done.refused
    console().print(
        f"[bold]{found.feed}[/bold] {taken:,} of {done.judged:,} rows accepted, {done.refused:,} still refused"
    )
    _print_next(found.domain, taken)


@rejected.command("purge")
def purge(
    before: Annotated[
        datetime,
        typer.Option(
            "--before",
            formats=["%Y-%m-%d"],
            help="Keep what was resolved on this day or later.",
            show_default=False,
        ),
    ],
    feed: Annotated[str | None, typer.Argument(help="All feeds when left out.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Delete rejected rows that were resolved before a day. Nothing else ever deletes them.

    Rows that still stand rejected stay, however old they are, because replay, resubmit and later loads need them. The
    record of loads keeps how many rows each load rejected. A file exported before can no longer correct a deleted row.
    """
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.rejected import purge_rejected

    found = purge_rejected(load_settings(), before.date(), feed)
    if as_json:
        print_json(found)
        return
    for item in found:
        kept = f", {item.kept:,} still stand rejected and stay" if item.kept else ""
        console().print(f"[bold]{item.feed}[/bold] {item.deleted:,} deleted{kept}", soft_wrap=True)
    if not any(item.deleted for item in found):
        console().print(f"[green]✓[/green] nothing was resolved before {before:%Y-%m-%d}")


def _print_row(row: ShownRow) -> None:
    from rich.markup import escape

    from sales_platform.cli.tables import console

    output = console()
    # a row of a source database lies in no file
    place = f"{escape(row.partition)}, line {row.line}: " if row.partition else ""
    attempts = f", tried again {row.attempts} times" if row.attempts else ""
    output.print(
        f"[bold]{row.rejected_id}[/bold] {place}[red]{' '.join(row.reasons)}[/red]{attempts}",
        soft_wrap=True,
    )
    for name, value in row.record.items():
        output.print(f"  {escape(name)} = {escape(repr(value))}", soft_wrap=True)


def _print_next(domain: str, accepted: int) -> None:
    from sales_platform.cli.tables import console

    if accepted:
        console().print(f"Next: [bold]sales-platform run {domain}[/bold]")
