"""Sessions in a source database, and the one snapshot that all readers of a load share. Reads no table of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from sales_platform.engine.driver_errors import translated
from sales_platform.errors import ServerUnavailable

READER = "sales_platform reader"
# Text forms are compared between source and warehouse, so both sides spell values alike.
# The session that holds the snapshot is idle for as long as the slowest table is read.
_SESSION = (
    "-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex"
    " -c idle_in_transaction_session_timeout=0"
)


class SourceSession(psycopg.Connection[tuple[Any, ...]]):
    """A read-only session. where: name, host, port and database of the source; never the password."""

    where: str = ""

    @classmethod
    def of(cls, database: SourceDatabase, options: str) -> Self:
        session = cls.connect(
            database.url, autocommit=True, options=options, application_name=READER, connect_timeout=10
        )
        session.where = database.where
        return session


@dataclass(frozen=True)
class SourceDatabase:
    """A database that is read. name: as the settings call it. statement_timeout_seconds: 0 leaves the server's own."""

    name: str
    url: str
    statement_timeout_seconds: int = 0

    def connect(self) -> SourceSession:
        """A read-only session, one transaction per statement."""
        options = f"{_SESSION} -c default_transaction_read_only=on"
        if self.statement_timeout_seconds:
            options += f" -c statement_timeout={self.statement_timeout_seconds * 1000}"
        with translated(self.where):
            return SourceSession.of(self, options)

    @property
    def where(self) -> str:
        """Name, host, port and database, for messages; never the password."""
        parts = conninfo_to_dict(self.url)
        place = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
        return f"source {self.name} ({place})"


@dataclass(frozen=True)
class Snapshot:
    """What a source looked like at one moment. identity: of server, timeline and database; None where it is hidden."""

    database: SourceDatabase
    export: str
    taken_at: datetime
    identity: str | None

    @contextmanager
    def reading(self, table: tuple[str, str]) -> Iterator[SourceSession]:
        """A session of its own that sees exactly this snapshot. table: schema and name of what is read."""
        with self.database.connect() as session:
            session.where += f", table {'.'.join(table)}"
            with translated(session.where):
                session.execute("begin transaction isolation level repeatable read read only")
                self._import(session)
            yield session
            with translated(session.where):
                session.execute("rollback")

    def _import(self, session: SourceSession) -> None:
        try:
            session.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(self.export)))
        except (psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue):
            raise ServerUnavailable(
                "the session that holds the snapshot of this load was cut off.",
                where=session.where,
                remedy="Run it again.",
            ) from None


@contextmanager
def exported_snapshot(database: SourceDatabase) -> Iterator[Snapshot]:
    """A snapshot that lives as long as the block."""
    with database.connect() as session:
        with translated(session.where):
            identity = _identity(session)
            session.execute("begin transaction isolation level repeatable read read only")
            row = session.execute("select pg_export_snapshot(), clock_timestamp()").fetchone()
        assert row is not None
        yield Snapshot(database, row[0], row[1], identity)
        with translated(session.where):
            session.execute("rollback")


def _identity(connection: SourceSession) -> str | None:
    """A clone or restored copy differs in one of the three, and its stamps say nothing about our mark (I-26)."""
    try:
        row = connection.execute(
            """
            select s.system_identifier || '/' || c.timeline_id || '/' || d.oid
            from pg_control_system() as s, pg_control_checkpoint() as c, pg_database as d
            where d.datname = current_database()
            """
        ).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    return str(row[0]) if row else None
