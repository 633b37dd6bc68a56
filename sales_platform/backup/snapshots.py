"""One moment of a database, seen by several sessions at once, with every table held so that none goes away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sales_platform.backup import sessions
from sales_platform.backup.manifest import Origin, SequenceState
from sales_platform.backup.scope import Relation, Scope, chosen, relations
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import LockNotAvailable

_TRIES = 5


@dataclass(frozen=True)
class Snapshot:
    """export: by which other sessions see it, as long as the one that took it stays in its transaction."""

    export: str
    origin: Origin
    relations: list[Relation]

    @property
    def tables(self) -> list[Relation]:
        """Those that hold rows."""
        return [relation for relation in self.relations if relation.kind == "r"]


def take(connection: Connection, scope: Scope, names: Sequence[str] | None, where: str) -> Snapshot:
    """Begin the transaction that holds the snapshot.

    Tables are locked before the snapshot is taken: one that is emptied or rewritten between the two would look
    empty in it. Where the tables changed meanwhile, all of it is done again. Raises LockNotAvailable.
    """
    for _ in range(_TRIES):
        seen = chosen(relations(connection, scope), names, scope)
        connection.execute("begin transaction isolation level repeatable read read only")
        try:
            _hold(connection, seen)
        except (
            psycopg.errors.UndefinedTable,
            psycopg.errors.InvalidSchemaName,
            psycopg.errors.WrongObjectType,
        ):
            connection.execute("rollback")
            continue
        if chosen(relations(connection, scope), names, scope) == seen:
            row = connection.execute("select pg_export_snapshot()").fetchone()
            assert row is not None
            return Snapshot(str(row[0]), origin_of(connection), seen)
        connection.execute("rollback")
    raise LockNotAvailable(
        f"its tables were made or dropped while the backup began, {_TRIES} times.",
        where=where,
        remedy="Run it again when nobody changes tables.",
    )


@contextmanager
def joined(url: str, snapshot: Snapshot) -> Iterator[Connection]:
    """A session of its own that sees the snapshot and holds its tables."""
    with sessions.connect(url) as connection, translated(sessions.place(url), connection):
        connection.execute("begin transaction isolation level repeatable read read only")
        connection.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(snapshot.export)))
        _hold(connection, snapshot.relations)
        yield connection


def origin_of(connection: Connection) -> Origin:
    """Which database this is, and where it stands."""
    row = connection.execute(
        """select current_database(), (select system_identifier from pg_control_system())::text,
            current_setting('server_version_num')::integer, current_setting('server_encoding'),
            pg_current_snapshot()::text, case
                when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn()
            end::text"""
    ).fetchone()
    assert row is not None
    return Origin(*row)


def sequences(connection: Connection, scope: Scope) -> list[SequenceState]:
    """Where every sequence of the scope stands now.

    A sequence knows no snapshot; read after it was taken, each is as far as the rows of the snapshot at least.
    """
    rows = connection.execute(
        """select n.nspname, c.relname, tn.nspname, t.relname
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        left join pg_depend as d on d.classid = 'pg_class'::regclass and d.objid = c.oid
            and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
        left join pg_class as t on t.oid = d.refobjid
        left join pg_namespace as tn on tn.oid = t.relnamespace
        where c.relkind = 'S' and n.nspname = any(%s) order by 1, 2""",
        [scope.schemas],
    ).fetchall()
    states = []
    for schema, name, owner_schema, owner in rows:
        state = connection.execute(
            sql.SQL("select last_value, is_called from {}").format(sql.Identifier(schema, name))
        ).fetchone()
        assert state is not None
        table = (owner_schema, owner) if owner else None
        states.append(SequenceState(schema, name, state[0], state[1], table))
    return states


def _hold(connection: Connection, held: Sequence[Relation]) -> None:
    if held:
        names = sql.SQL(", only ").join(sql.Identifier(one.schema, one.name) for one in held)
        connection.execute(sql.SQL("lock table only {} in access share mode").format(names))
