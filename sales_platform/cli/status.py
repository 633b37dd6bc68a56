"""`sales-platform status`: where each feed stands, as a table or JSON."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from sales_platform.settings import load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from sales_platform.operations.failing_checks import FailingCheck
    from sales_platform.operations.source_status import SourceStatus
    from sales_platform.operations.status import FeedAge, FeedStatus, OpenIncident

NAMED = 2
SHOWN = 10
# Columns of a terminal from which on the figures of millions of rows may stand apart.
ROOMY = 110


def status(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show each feed's last load, its age, the fates of its rows, what is missing or failing, and what to do next.

    The age is that of the newest whole day, or of the last look. Of a live source also how far it was read, and which
    of its open transactions are still waited for.
    """
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.status import platform_status

    found = platform_status(load_settings())
    if as_json:
        print_json(found)
        return
    output = console()
    output.print(_feeds(found.feeds, roomy=output.width >= ROOMY))
    if any(feed.source for feed in found.feeds):
        output.print(_sources(found.feeds))
    troubles = [_trouble(incident) for incident in found.incidents]
    remarks = [line for feed in found.feeds for line in _remarks(feed)]
    for line in [*troubles, *_failing(found.failing), *remarks, *_notes(found.feeds)]:
        output.print(line, soft_wrap=True)
    act = (
        f"[bold]do this next:[/bold] {escape(found.next)}" if found.next else "[green]nothing is due.[/green]"
    )
    output.print(act, soft_wrap=True)


def _feeds(found: list[FeedStatus], *, roomy: bool) -> Table:
    from sales_platform.cli.tables import number, table

    figures = ("read", "loaded", "unch.", "dupl.", "supers.", "rej.", "open")
    names = ("feed", "last load UTC", "age")
    shown = table(*names, *figures, right=figures, whole=names)
    if not roomy:
        shown.padding = (0, 0)
    for feed in found:
        rows = feed.fates
        fates = (rows.read, rows.loaded, rows.unchanged, rows.duplicate, rows.superseded, rows.rejected)
        counts = (*fates, feed.open_rejections)
        shown.add_row(feed.feed, _last(feed), _age(feed.age), *(number(count) for count in counts))
    return shown


def _sources(found: list[FeedStatus]) -> Table:
    """How far each table of a source was read."""
    from sales_platform.cli.tables import table

    shown = table(
        "source table", "read up to UTC", "last look", "waits for", whole=("source table", "last look")
    )
    for feed in found:
        if feed.source is None:
            continue
        position = feed.source.position
        read = f"{position.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if position else "[dim]all compared[/dim]"
        shown.add_row(feed.feed, read, _ago(feed.source.lag_seconds), _waits(feed.source))
    return shown


def _age(age: FeedAge | None) -> str:
    from sales_platform.cli.tables import BAD, FAIR, GOOD

    if age is None or age.seconds is None:
        return "" if age is None else "[dim]?[/dim]"
    if age.verdict == "unknown":
        return f"{FAIR} ?"
    if age.verdict == "in the future":
        return f"{BAD} -{_spell(-age.seconds)}"
    mark = {"fresh": GOOD, "old": FAIR}.get(age.verdict, BAD)
    return f"{mark} {_spell(age.seconds)}"


def _ago(seconds: float | None) -> str:
    return "" if seconds is None else f"{_spell(seconds)} ago"


def _spell(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _waits(source: SourceStatus) -> str:
    if source.unfinished:
        return "the rest of its first load"
    if not source.waiting_for:
        return "[dim]nothing[/dim]"
    since = f", since {source.oldest.astimezone(UTC):%H:%M:%S}" if source.oldest else ""
    return f"{source.waiting_for} open transaction{'s' if source.waiting_for > 1 else ''}{since}"


def _trouble(incident: OpenIncident) -> str:
    since = f"since {incident.opened_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    often = f", seen {incident.times} times" if incident.times > 1 else ""
    said = escape(f"{incident.subject}, {since}{often}. {incident.message} {incident.link or ''}")
    return f"[red]{incident.title}[/red]: {said}"


def _failing(checks: list[FailingCheck]) -> list[str]:
    """Each failing check in a line, errors first."""
    lines = []
    for check in checks[:SHOWN]:
        colour = "red" if check.is_error else "yellow"
        lines.append(f"[{colour}]{check.table}[/{colour}] {check.name}: {escape(check.description)}")
    if len(checks) > SHOWN:
        lines.append(f"and {len(checks) - SHOWN} more failing checks: sales-platform check")
    return lines


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
        what = f"{feed.feed} {load.partition}".strip()
        remarks.append(f"[red]{what}[/red]: {escape(load.message)}")
    if feed.due:
        due = ", ".join(f"{count} {why}" for why, count in feed.due.items())
        remarks.append(f"[yellow]{feed.feed}[/yellow] due: {due}")
    if feed.missing:
        named = ", ".join(feed.missing[:NAMED])
        more = f" and {len(feed.missing) - NAMED} more" if len(feed.missing) > NAMED else ""
        remarks.append(f"[yellow]{feed.feed}[/yellow] no file: {named}{more}")
    if feed.strays:
        named = ", ".join(escape(path) for path in feed.strays[:NAMED])
        more = f" and {len(feed.strays) - NAMED} more" if len(feed.strays) > NAMED else ""
        remarks.append(f"[yellow]{feed.feed}[/yellow] read by no feed: {named}{more}")
    return remarks


def _notes(found: list[FeedStatus]) -> list[str]:
    """What the last loads of source tables had to say; tables of one load often say the same."""
    said: dict[str, list[str]] = {}
    for feed in found:
        load = feed.last_load
        if feed.source and load and load.status == "succeeded" and load.message:
            said.setdefault(load.message, []).append(feed.feed)
    return [
        f"[cyan]{feeds[0]}{f' and {len(feeds) - 1} more' if len(feeds) > 1 else ''}[/cyan] {escape(message)}"
        for message, feeds in said.items()
    ]
