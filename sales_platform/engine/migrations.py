"""Applying the numbered files of `sql/migrations/` with Alembic. Not for tables that come from contracts.

The files run through the driver's own connection: SQLAlchemy would take `%` and `:x` in them for parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import RevisionMap
from psycopg import sql
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from sales_platform.errors import ConfigurationError

MIGRATIONS = Path(__file__).parents[2] / "sql" / "migrations"
OLDEST_SERVER = 160000


class _SqlScript(Script):
    """One numbered SQL file in the place of Alembic's Python module."""

    def __init__(self, path: Path, before: str | None) -> None:
        self.sql = path.read_text(encoding="utf-8")
        number, _, title = path.stem.partition("_")
        self.path_name = path
        self.module = type(
            "SqlMigration", (), {"upgrade": lambda **_: None, "__doc__": title.replace("_", " ")}
        )  # type: ignore[assignment]
        super(Script, self).__init__(number, before)


class _SqlScripts(ScriptDirectory):
    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.scripts: list[_SqlScript] = []
        for path in sorted(folder.glob("[0-9]*.sql")):
            self.scripts.append(_SqlScript(path, self.scripts[-1].revision if self.scripts else None))
        self.revision_map = RevisionMap(lambda: self.scripts)


def migrate(url: str, *, time_zone: str = "UTC", folder: Path = MIGRATIONS) -> list[str]:
    """Bring a warehouse to the newest version, in one transaction. Returns the numbers that were applied.

    Raises ConfigurationError for a server older than PostgreSQL 16.
    """
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        _refuse_old_server(connection)
        connection.execute(text("select pg_advisory_xact_lock(hashtext('sales_platform.migrations'))"))
        connection.execute(text("create schema if not exists ops"))
        applied = _upgrade(connection, _SqlScripts(folder))
        _set_time_zone(connection, time_zone)
    return applied


def pending(url: str, *, folder: Path = MIGRATIONS) -> list[str]:
    """Numbers of the files that `migrate` would apply. Writes nothing."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table_schema": "ops"})
        current = context.get_current_revision()
    numbers = [script.revision for script in _SqlScripts(folder).scripts]
    return [number for number in numbers if current is None or number > current]


def _upgrade(connection: Connection, scripts: _SqlScripts) -> list[str]:
    applied: list[str] = []

    def steps(revision: Any, _context: MigrationContext) -> list[Any]:
        found = scripts._upgrade_revs("head", revision)
        for step in found:
            script = next(s for s in scripts.scripts if s.revision == step.revision.revision)
            step.migration_fn = _execution(connection, script, applied)
        return found

    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, version_table_schema="ops")
        environment.run_migrations()
    return applied


def _execution(connection: Connection, script: _SqlScript, applied: list[str]) -> Callable[..., None]:
    def run(**_: Any) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.execute(script.sql)
        applied.append(script.revision)

    return run


def _refuse_old_server(connection: Connection) -> None:
    version = int(connection.execute(text("select current_setting('server_version_num')")).scalar_one())
    if version < OLDEST_SERVER:
        raise ConfigurationError(
            f"the warehouse needs PostgreSQL 16 or newer, this server is {version // 10000}.",
            where="WAREHOUSE_URL",
            remedy="Point WAREHOUSE_URL at a newer server, or unset it to use the embedded one.",
        )


def _set_time_zone(connection: Connection, time_zone: str) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    statement = sql.SQL(
        "create or replace function ops.business_zone() returns text language sql immutable parallel safe return {}"
    )
    driver.execute(statement.format(sql.Literal(time_zone)))
