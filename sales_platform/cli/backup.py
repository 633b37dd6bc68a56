"""`sales-platform backup`: options and output; what is made, verified and restored stands in operations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sales_platform.settings import load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from sales_platform.backup.summaries import Summary
    from sales_platform.operations.backing_up import Proof

# Bytes from which on a tenth of a megabyte says enough.
SHOWN_ROUNDED = 100_000

backup = typer.Typer(
    no_args_is_help=True,
    help="Backups of the sources and the warehouse: make, list, verify, restore, rehearse.",
)


class Format(StrEnum):
    """How the rows of a backup are written."""

    CSV = "csv"
    PARQUET = "parquet"


Source = Annotated[
    str | None,
    typer.Option("--source", help="accounts, invoicing or warehouse; all when left out.", show_default=False),
]
Tables = Annotated[
    list[str] | None,
    typer.Option(
        "--tables",
        metavar="NAMES",
        help="Only these: customers,accounts or raw.retail_sales.",
        show_default=False,
    ),
]
Id = Annotated[
    str | None, typer.Argument(metavar="[ID]", help="As `list` shows it, or latest.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@backup.command("create")
def create(
    source: Source = None,
    tables: Tables = None,
    format: Annotated[Format, typer.Option("--format", help="csv or parquet.")] = Format.CSV,
) -> None:
    """Copy every source and the warehouse, each in one snapshot, into the store that BACKUP_URL names.

    Of the warehouse raw, ops and quality are kept: the rest is rebuilt from them. Nothing is overwritten. Exits with
    4 when some of the databases could not be backed up.
    """
    from sales_platform.cli.backup_progress import bytes_on
    from sales_platform.cli.tables import console
    from sales_platform.operations.backing_up import create as make

    output = console()
    with bytes_on(output) as report:
        made = make(load_settings(), source, tables=_names(tables), format=format.value, report=report)
    if made.backups:
        print_backups(output, made.backups)
    for summary in made.backups:
        if summary.same_as:
            output.print(f"{summary.source}: nothing has changed since {summary.same_as}.", soft_wrap=True)
    if made.error:
        raise made.error


@backup.command("list")
def list_(source: Source = None, as_json: AsJson = False) -> None:
    """Show every complete backup: what is in it, when it was verified, and whether it can be restored."""
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.backing_up import list_all

    found = list_all(load_settings(), source)
    if as_json:
        print_json(found)
        return
    output = console()
    if found.backups:
        print_backups(output, found.backups)
    else:
        output.print(
            "No backup yet: make one with [bold]sales-platform backup create[/bold].", soft_wrap=True
        )
    _print_warnings(output, [*found.warnings, *(line for one in found.backups for line in one.warnings)])
    output.print(f"[dim]in {found.place}[/dim]", soft_wrap=True)


@backup.command("verify")
def verify(
    id: Id = None,
    source: Source = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Names and lengths alone; the data are not read.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read back every blob of a backup, or of all of them, and compare it with what its manifest says.

    Exits with 1 when one is damaged.
    """
    from sales_platform.cli.backup_progress import bytes_on
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.backing_up import verify_some

    output = console()
    if as_json:
        found = verify_some(load_settings(), id, source, quick=quick)
        print_json(found)
    else:
        with bytes_on(output) as report:
            found = verify_some(load_settings(), id, source, quick=quick, report=report)
        print_proofs(output, found, done="read back")
        if quick:
            output.print("Names and lengths are right or wrong as told; the data were [bold]not read[/bold].")
    raise typer.Exit(int(any(proof.problem for proof in found)))


@backup.command("restore")
def restore(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it, or latest.")],
    into: Annotated[
        str | None,
        typer.Option(
            "--into",
            metavar="URL",
            help="The database to restore into. With a password set RESTORE_URL instead: a command line stands in the"
            " process list.",
            show_default=False,
        ),
    ] = None,
    tables: Tables = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of what stands in the target.")
    ] = False,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role",
            metavar="OLD=NEW",
            help="A role of the target for one of the backup.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="TIME",
            help="With latest: the newest that was made by then, in UTC.",
            show_default=False,
        ),
    ] = None,
    source: Source = None,
) -> None:
    """Make the tables of a backup again, in one transaction: all of it or nothing.

    Every byte is compared with the manifest before the target is touched, and the rows again before the commit. A
    target that holds rows is refused without --replace (exit 3).
    """
    from sales_platform.cli.backup_progress import bytes_on
    from sales_platform.cli.tables import GOOD, console
    from sales_platform.operations.backing_up import Which, as_roles, as_time, restore_into

    output = console()
    with bytes_on(output) as report:
        found = restore_into(
            load_settings(),
            Which(id, source, as_time(at) if at else None),
            into,
            tables=_names(tables),
            replace=replace,
            roles=as_roles(role or []),
            report=report,
        )
    _print_warnings(output, found.warnings)
    done, summary = found.restored, found.backup
    output.print(
        f"{GOOD} {summary.source} {summary.id}: {len(done.tables):,} tables, {done.rows:,} rows,"
        f" {megabytes(done.length)} MB restored, every table equal to the backup",
        soft_wrap=True,
    )
    for note in done.notes:
        output.print(note, soft_wrap=True, markup=False)


@backup.command("rehearse")
def rehearse(id: Id = None, source: Source = None, as_json: AsJson = False) -> None:
    """Restore a backup, or the newest of each source, into a database of its own; compare it, drop it, note it.

    It is made on the warehouse's server, whose role must be allowed to create databases. Exits with 1 when one
    cannot be restored.
    """
    from sales_platform.cli.backup_progress import bytes_on
    from sales_platform.cli.tables import console, print_json
    from sales_platform.operations.backing_up import rehearse_some

    output = console()
    if as_json:
        found = rehearse_some(load_settings(), id, source)
        print_json(found)
    else:
        with bytes_on(output) as report:
            found = rehearse_some(load_settings(), id, source, report=report)
        print_proofs(output, found, done="restored")
    raise typer.Exit(int(any(proof.problem for proof in found)))


def print_backups(output: Console, backups: Sequence[Summary]) -> None:
    """One line per backup; on a narrow terminal without its time, which the id tells too."""
    from sales_platform.cli.tables import BAD, GOOD, WIDTH, number, table

    roomy = output.width >= WIDTH
    figures = ("tables", "rows", "MB")
    when = ["made UTC"] if roomy else []
    shown = table("", "id", "source", *when, *figures, "verified UTC", right=figures, whole=["id", *when])
    for found in backups:
        made = [f"{found.made_at.astimezone(UTC):%m-%d %H:%M}"] if roomy else []
        shown.add_row(
            GOOD if found.restorable else BAD,
            found.id,
            f"{found.source}{' (part)' if found.partial else ''}",
            *made,
            number(found.tables),
            number(found.rows),
            megabytes(found.size),
            _verified(found, roomy=roomy),
        )
    output.print(shown)
    if any(not found.restorable for found in backups):
        output.print(f"{BAD} cannot be restored: a blob is missing, cut or damaged.")


def print_proofs(output: Console, proofs: Sequence[Proof], *, done: str) -> None:
    """One line per backup that was looked at, then what is wrong."""
    from sales_platform.cli.tables import BAD, GOOD, number, table

    figures = ("tables", "MB", "seconds")
    shown = table("", "id", "source", *figures, "result", right=figures, whole=["id"])
    for proof in proofs:
        result = "failed" if proof.problem else done if proof.read else "not read"
        if proof.rows:
            result = f"{result}, {proof.rows:,} rows"
        counts = (number(proof.tables), megabytes(proof.size), f"{proof.seconds:.1f}")
        shown.add_row(BAD if proof.problem else GOOD, proof.id, proof.source, *counts, result)
    output.print(shown)
    for proof in proofs:
        if proof.problem:
            output.print(f"[red]{proof.source} {proof.id}[/red]", soft_wrap=True)
            output.print(f"  {proof.problem}", soft_wrap=True, markup=False)
        _print_warnings(output, proof.warnings)


def megabytes(size: int) -> str:
    """Bytes → 1,234.5; what is small is not nothing."""
    return f"{size / 1e6:,.1f}" if size >= SHOWN_ROUNDED or not size else f"{size / 1e6:.3f}"


def _verified(found: Summary, *, roomy: bool) -> str:
    if found.verified_at is None:
        return "[dim]not yet[/dim]"
    how = {"deep": "read back", "quick": "lengths"}.get(str(found.verified_as), str(found.verified_as))
    at = found.verified_at.astimezone(UTC)
    return f"{how} {at:%m-%d %H:%M}" if roomy else f"{how} {at:%m-%d}"


def _print_warnings(output: Console, warnings: Sequence[str]) -> None:
    for warning in warnings:
        output.print("[yellow]![/yellow] ", end="")
        output.print(warning, soft_wrap=True, markup=False)


def _names(tables: list[str] | None) -> list[str] | None:
    return [name.strip() for some in tables or [] for name in some.split(",") if name.strip()] or None
