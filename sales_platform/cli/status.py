"""`sales-platform status`: where each feed stands, as a table or JSON."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer

from sales_platform.settings import load_settings

if TYPE_CHECKING:
    from sales_platform.operations.status import FeedStatus

NAMED = 2


def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show each feed's last load, the fates of its rows, what is missing, and what to do next."""
    from sales_platform.cli.tables import console, number, print_json, table
    from sales_platform.operations.status import status as feed_status

    found = feed_status(load_settings())
    if as_json:
        print_json(found)
        return
    figures = ("read", "loaded", "unch.", "dupl.", "supers.", "rejected", "open")
    shown = table("feed", "last load UTC", *figures, right=figures, whole=("feed", "last load UTC"))
    for feed in found:
        rows = feed.fates
        fates = (rows.read, rows.loaded, rows.unchanged, rows.duplicate, rows.superseded, rows.rejected)
        counts = (*fates, feed.open_rejections)
        shown.add_row(feed.feed, _last(feed), *(number(count) for count in counts))
    output = console()
    output.print(shown)
    for feed in found:
        for line in _remarks(feed):
            output.print(line, soft_wrap=True)
    acts = list(dict.fromkeys(feed.next for feed in found if feed.next))
    output.print(
        "[bold]do this next:[/bold] " + acts[0] if acts else "[green]nothing is due.[/green]", soft_wrap=True
    )


def _last(feed: FeedStatus) -> str:
    from sales_platform.cli.tables import BAD, GOOD

    load = feed.last_load
    if load is None:
        return "[dim]never[/dim]"
    mark = GOOD if load.status in {"succeeded", "unchanged"} else BAD
    return f"{mark} {load.at.astimezone(UTC):%m-%d %H:%M}"


def _remarks(feed: FeedStatus) -> list[str]:
    remarks = []
    load = feed.last_load
    if load and load.status in {"failed", "refused"} and load.message:
        remarks.append(f"[red]{feed.feed}[/red] {load.partition}: {load.message}")
    if feed.due:
        due = ", ".join(f"{count} {why}" for why, count in feed.due.items())
        remarks.append(f"[yellow]{feed.feed}[/yellow] due: {due}")
    if feed.missing:
        named = ", ".join(feed.missing[:NAMED])
        more = f" and {len(feed.missing) - NAMED} more" if len(feed.missing) > NAMED else ""
        remarks.append(f"[yellow]{feed.feed}[/yellow] no file: {named}{more}")
    return remarks
