"""What `sales-platform backup` does: make, list, verify, restore and rehearse. How a backup is made stands below."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import psycopg
from psycopg.conninfo import conninfo_to_dict

from sales_platform.backup.listing import Backup, find_backup, folders, list_backups
from sales_platform.backup.manifest import Format
from sales_platform.backup.naming import id_of
from sales_platform.backup.opening import open_store
from sales_platform.backup.progress import Report
from sales_platform.backup.rehearsing import rehearse, scratch_database
from sales_platform.backup.restoring import Restored, restore
from sales_platform.backup.scope import WAREHOUSE
from sales_platform.backup.several import back_up
from sales_platform.backup.store import Store
from sales_platform.backup.summaries import Summary, summary_of
from sales_platform.backup.verifying import verify
from sales_platform.errors import BackupDamaged, ConfigurationError, SalesPlatformError, WrongUse
from sales_platform.local.databases import external_url, using
from sales_platform.operations.local_server import without_driver
from sales_platform.operations.opening import make_current
from sales_platform.operations.source_databases import make_tables_if_embedded, source_names
from sales_platform.operations.surveying import today_of
from sales_platform.settings import Settings

LATEST = "latest"


@dataclass(frozen=True)
class Which:
    """One backup: by its id, or the `latest` of a source, not younger than `at`."""

    id: str = LATEST
    source: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Created:
    """backups: those that are complete. error: why others are not, to be raised once these were told."""

    backups: list[Summary]
    error: SalesPlatformError | None


@dataclass(frozen=True)
class BackupList:
    """place: which store. warnings: what else was found there: remains, foreign files, damaged manifests."""

    place: str
    backups: list[Summary]
    warnings: list[str]


@dataclass(frozen=True)
class Proof:
    """What looking at one backup, or restoring it, showed. rows: 0 where none was read into a table.

    read: whether the data were read back. problem: why it is no good.
    """

    id: str
    source: str
    tables: int
    rows: int
    size: int
    seconds: float
    read: bool
    problem: str | None
    warnings: list[str]


@dataclass(frozen=True)
class RestoredBackup:
    """What was restored from which backup; warnings: what was odd about finding it."""

    backup: Summary
    restored: Restored
    warnings: list[str]


def known_sources() -> tuple[str, ...]:
    """What a backup can be made of: every source database of a contract, and the warehouse."""
    return (*sorted(source_names()), WAREHOUSE)


def create(
    settings: Settings,
    source: str | None = None,
    *,
    tables: Sequence[str] | None = None,
    format: Format = "csv",
    report: Report | None = None,
) -> Created:
    """Back up one database, or all of them, into the store of the settings; what one cannot, holds up no other.

    tables: only these of one source. Raises WrongUse for a source that is none.
    """
    if source is not None and source not in known_sources():
        raise WrongUse(
            f"there is no source {source!a}.", remedy=f"Write one of: {', '.join(known_sources())}."
        )
    if tables and source is None:
        raise WrongUse("tables belong to a source.", where="--tables", remedy="Name it with --source.")
    store = open_store(settings)
    with ExitStack() as stack:
        urls: Mapping[str, Callable[[], str]] = {
            name: partial(stack.enter_context, _opened(settings, name))
            for name in ([source] if source else known_sources())
        }
        made = back_up(
            store, urls, tables=tables or None, format=format, day=today_of(settings), report=report
        )
    return Created([summary_of(backup) for backup in made.backups], made.error)


def list_all(settings: Settings, source: str | None = None) -> BackupList:
    """The complete backups of a source, or of all, oldest first. No database is asked."""
    store = open_store(settings)
    found = list_backups(store, source)
    told = {warning for backup in found.backups for warning in backup.warnings}
    others = [warning for warning in found.warnings if warning not in told]
    return BackupList(store.place, [summary_of(backup) for backup in found.backups], others)


def verify_some(
    settings: Settings,
    id: str | None = None,
    source: str | None = None,
    *,
    quick: bool = False,
    report: Report | None = None,
) -> list[Proof]:
    """Look at one backup, or at every complete one; quick: at names and lengths alone.

    Raises WrongUse where there is none.
    """
    store = open_store(settings)
    if id is not None:
        backups, damaged = [_found(store, Which(id, source))], []
    else:
        listing = list_backups(store, source)
        backups = listing.backups
        damaged = [_unreadable(prefix, error) for prefix, error in listing.damaged.items()]
    if not backups and not damaged:
        raise _none(store.place)
    return [*damaged, *(_verified(store, backup, quick, report) for backup in backups)]


def restore_into(
    settings: Settings,
    which: Which,
    into: str | None,
    *,
    tables: Sequence[str] | None = None,
    replace: bool = False,
    roles: Mapping[str, str] | None = None,
    report: Report | None = None,
) -> RestoredBackup:
    """Restore all of a backup, or some tables, into the database at a URL, else at RESTORE_URL.

    roles: name in the backup → name on the target's server. Raises what a restore raises.
    """
    url = into or (settings.restore_url.get_secret_value() if settings.restore_url else None)
    if not url:
        raise WrongUse(
            "no database is named to restore into.",
            where="--into",
            remedy="Write its URL, or set RESTORE_URL: what stands on a command line is seen in the process list.",
        )
    store = open_store(settings)
    backup = _found(store, which)
    done = restore(
        store,
        backup,
        _readable(url, "--into" if into else "RESTORE_URL"),
        tables=tables or None,
        replace=replace,
        roles=roles,
        report=report,
    )
    return RestoredBackup(summary_of(backup), done, backup.warnings)


def rehearse_some(
    settings: Settings, id: str | None = None, source: str | None = None, *, report: Report | None = None
) -> list[Proof]:
    """Restore one backup, or the newest of each source, into a scratch database beside the warehouse (K-28)."""
    store = open_store(settings)
    if id is not None:
        backups = [_found(store, Which(id, source))]
    else:
        newest = {backup.source: backup for backup in list_backups(store, source).backups}
        backups = list(newest.values())
    if not backups:
        raise _none(store.place)
    with using(settings, WAREHOUSE) as databases:
        url = databases.url(WAREHOUSE)
        return [_rehearsed(store, backup, url, report) for backup in backups]


@contextmanager
def _opened(settings: Settings, name: str) -> Iterator[str]:
    """A database's URL, up in the block; an embedded one is as new as the program."""
    with using(settings, name) as databases:
        url = _readable(
            databases.url(name), "WAREHOUSE_URL" if name == WAREHOUSE else f"{name.upper()}_OLTP_URL"
        )
        make_tables_if_embedded(settings, name, url)
        if name == WAREHOUSE and external_url(settings, name) is None:
            make_current(settings, databases, migrating=False)
        yield url


def _readable(url: str, where: str) -> str:
    """The URL without SQLAlchemy's driver. Raises ConfigurationError, which does not repeat it: it has a password."""
    plain = without_driver(url)
    try:
        conninfo_to_dict(plain)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            "this is not a URL that PostgreSQL takes.",
            where=where,
            remedy="Write postgresql://user:password@host:port/database.",
        ) from None
    return plain


def _found(store: Store, which: Which) -> Backup:
    """Raises WrongUse where it is not clear which one is meant."""
    if which.at is not None and which.id != LATEST:
        raise WrongUse("an id names one backup, and needs no time.", where="--at", remedy="Write `latest`.")
    if which.id == LATEST and which.source is None:
        sources = sorted({prefix.partition("/")[0] for prefix in folders(store)})
        if len(sources) > 1:
            raise WrongUse(
                f"the latest backup of which source? There are {', '.join(sources)}.",
                remedy="Name it with --source.",
            )
    return find_backup(store, which.source, which.id, which.at)


def _verified(store: Store, backup: Backup, quick: bool, report: Report | None) -> Proof:
    begin = time.monotonic()
    problem, warnings = None, backup.warnings
    try:
        warnings = verify(store, backup, deep=not quick, report=report).warnings
    except BackupDamaged as error:
        problem = str(error)
    return _proof(backup, begin, 0, problem, warnings, read=not quick)


def _rehearsed(store: Store, backup: Backup, url: str, report: Report | None) -> Proof:
    begin = time.monotonic()
    problem, rows = None, 0
    try:
        rows = rehearse(store, backup, scratch_database(url), report=report).rows
    except SalesPlatformError as error:
        problem = str(error)
    return _proof(backup, begin, rows, problem, backup.warnings, read=True)


def _proof(
    backup: Backup, begin: float, rows: int, problem: str | None, warnings: list[str], *, read: bool
) -> Proof:
    manifest = backup.manifest
    seconds = time.monotonic() - begin
    return Proof(
        *(backup.id, backup.source, len(manifest.tables), rows, manifest.length, seconds),
        read=read,
        problem=problem,
        warnings=warnings,
    )


def _unreadable(prefix: str, error: BackupDamaged) -> Proof:
    source = prefix.partition("/")[0]
    return Proof(id_of(prefix), source, 0, 0, 0, 0.0, read=True, problem=str(error), warnings=[])


def _none(place: str) -> WrongUse:
    return WrongUse(
        "there is no complete backup.", where=place, remedy="Make one with `sales-platform backup create`."
    )


def as_time(text: str) -> datetime:
    """`2026-11-21T03:00`, in UTC where it names no offset. Raises WrongUse."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUse(
            "this is no time.",
            where="--at",
            remedy="Write it like 2026-11-21T03:00 or 2026-11-21T03:00+01:00.",
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_roles(pairs: Sequence[str]) -> dict[str, str]:
    """`old=new`, each → a map. Raises WrongUse."""
    roles = dict(pair.partition("=")[::2] for pair in pairs)
    if any(not old or not new for old, new in roles.items()):
        raise WrongUse("a role is replaced by another one.", where="--role", remedy="Write --role old=new.")
    return roles
