"""What `sales-platform doctor` tries: connections, rights, versions, port, disk, folders. Repairs nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.migrations import pending
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import SalesPlatformError
from sales_platform.local.databases import DATABASES, external_url, using
from sales_platform.local.processes import free_port
from sales_platform.settings import Settings

GIB = 1 << 30
LITTLE, TOO_LITTLE = 5 * GIB, GIB
OLDEST = {"warehouse": 16, "dagster": 12, "invoicing": 12, "accounts": 12}
CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Finding:
    """What one try showed. remedy: what to do, where the state is not ok."""

    name: str
    state: Literal["ok", "warning", "failed"]
    what: str
    remedy: str | None = None


def examine(settings: Settings) -> list[Finding]:
    """Try everything that a run needs; every try is made, whatever the others show."""
    return [
        *_folders(settings),
        *_disks(settings),
        *_databases(settings),
        _port("UI port", settings.ui_port, "SALES_PLATFORM_UI_PORT"),
        _port("dashboard port", settings.port, "SALES_PLATFORM_PORT"),
    ]


def healthy(findings: list[Finding]) -> bool:
    """Whether nothing failed; warnings do not count."""
    return all(finding.state != "failed" for finding in findings)


def plain_url(url: str) -> str:
    """A URL as psycopg takes it: without the name of a SQLAlchemy driver."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def _folders(settings: Settings) -> Iterator[Finding]:
    home = _existing(settings.home)
    if os.access(home, os.W_OK):
        yield Finding("home", "ok", str(settings.home.resolve()))
    else:
        yield Finding(
            "home",
            "failed",
            f"{home} cannot be written",
            "Set SALES_PLATFORM_HOME to a folder you may write.",
        )
    if isinstance(settings.data_root, str):
        yield _storage(settings.data_root)
        return
    data = settings.data.resolve()
    if not data.is_dir():
        yield Finding(
            "data",
            "warning",
            f"{data} is not there",
            "Put the files there, set SALES_PLATFORM_DATA, or: sales-platform simulate retail",
        )
    elif os.access(data, os.R_OK | os.X_OK):
        yield Finding("data", "ok", str(data))
    else:
        yield Finding(
            "data", "failed", f"{data} cannot be read", f"Give this account the right to read {data}."
        )


def _storage(url: str) -> Finding:
    from sales_platform.engine import file_systems

    try:
        files, root = file_systems.opened(url)
        with file_systems.named(url, "The storage cannot be listed"):
            there = bool(files.exists(root))
    except SalesPlatformError as error:
        return Finding("data", "failed", error.what, error.remedy)
    if there:
        return Finding("data", "ok", url)
    return Finding(
        "data", "warning", f"{url} is not there", "Put the files there, or set SALES_PLATFORM_DATA."
    )


def _disks(settings: Settings) -> Iterator[Finding]:
    yield _disk("home disk", settings.home)
    if isinstance(settings.data_root, Path):
        yield _disk("data disk", settings.data_root)


def _disk(name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(_existing(folder)).free
    what = f"{free / GIB:.1f} GiB free"
    if free < TOO_LITTLE:
        return Finding(name, "failed", what, f"Free some room on the disk of {folder.resolve()}.")
    if free < LITTLE:
        return Finding(name, "warning", what, "Loads stop when the disk is full; free some room.")
    return Finding(name, "ok", what)


def _existing(folder: Path) -> Path:
    """The folder itself, or the nearest one above that is there."""
    path = folder.resolve()
    while not path.exists():
        path = path.parent
    return path


def _databases(settings: Settings) -> Iterator[Finding]:
    embedded = [name for name in DATABASES if external_url(settings, name) is None]
    with ExitStack() as stack:
        try:
            # held once, so that the server is not started anew for each of them
            stack.enter_context(using(settings, *embedded))
        except SalesPlatformError as error:
            yield from (Finding(name, "failed", error.what, error.remedy) for name in embedded)
            embedded_is_up = False
        else:
            embedded_is_up = True
        for name in DATABASES:
            if embedded_is_up or name not in embedded:
                yield _database(settings, name)


def _database(settings: Settings, name: str) -> Finding:
    origin = "external" if external_url(settings, name) else "embedded"
    try:
        with using(settings, name) as databases, translated(name):
            url = plain_url(databases.url(name))
            with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
                return _judge(name, origin, url, connection)
    except SalesPlatformError as error:
        return Finding(name, "failed", f"{origin}: {error.what}", error.remedy)


def _judge(name: str, origin: str, url: str, connection: Connection) -> Finding:
    major = connection.info.server_version // 10_000
    what = f"{origin}, PostgreSQL {major}, as {connection.info.user}"
    if major < OLDEST[name]:
        return Finding(name, "failed", what, f"Use PostgreSQL {OLDEST[name]} or newer.")
    tries: dict[str, Callable[[], Finding | None]] = {
        "warehouse": lambda: _writable(name, what, connection) or _migrated(what, url, origin),
        "dagster": lambda: _writable(name, what, connection),
    }
    found = tries.get(name, lambda: _sees_transactions(name, what, connection))()
    return found or Finding(name, "ok", what)


def _writable(name: str, what: str, connection: Connection) -> Finding | None:
    row = connection.execute("select has_database_privilege(current_database(), 'create')").fetchone()
    if row and row[0]:
        return None
    database, role = connection.info.dbname, connection.info.user
    return Finding(
        name,
        "failed",
        f"{what}, without CREATE",
        f"As its owner: grant create on database {database} to {role}",
    )


def _migrated(what: str, url: str, origin: str) -> Finding | None:
    lacking = pending(url)
    if not lacking or origin == "embedded":
        return None
    return Finding(
        "warehouse", "warning", f"{what}, lacks {len(lacking)} migrations", "sales-platform migrate"
    )


def _sees_transactions(name: str, what: str, connection: Connection) -> Finding | None:
    row = connection.execute("select pg_has_role(current_user, 'pg_read_all_stats', 'usage')").fetchone()
    if row and row[0]:
        return None
    return Finding(
        name,
        "warning",
        f"{what}, without pg_read_all_stats: an overlap takes the place of open transactions",
        f"As superuser: grant pg_read_all_stats to {connection.info.user}",
    )


def _port(name: str, port: int, setting: str) -> Finding:
    free = free_port(port)
    if free == port:
        return Finding(name, "ok", f"{port} is free")
    return Finding(name, "warning", f"{port} is taken", f"`up` takes {free}; or set {setting}.")
