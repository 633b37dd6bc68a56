"""Single tables whose rows a backup replaces while everything around them stays (K-21)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from sales_platform.backup.manifest import SequenceState, TableCopy
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import RestoreRefused

Table = tuple[str, str]


@dataclass(frozen=True)
class _ForeignKey:
    table: Table
    name: str
    definition: str
    comment: str | None


@contextmanager
def set_aside(connection: Connection, tables: Sequence[Table], where: str) -> Iterator[None]:
    """Empty the tables, with no foreign key or trigger of theirs at work inside the block; all stand again behind it.

    Raises RestoreRefused that names every reference that the new rows break.
    """
    keys = _foreign_keys(connection, tables)
    triggers = _triggers(connection, tables)
    for key in keys:
        _alter(connection, key.table, sql.SQL("drop constraint {}").format(sql.Identifier(key.name)))
    for table, trigger, _ in triggers:
        _alter(connection, table, sql.SQL("disable trigger {}").format(sql.Identifier(trigger)))
    for table in tables:
        connection.execute(sql.SQL("truncate only {}").format(sql.Identifier(*table)))
    yield
    for table, trigger, mode in triggers:
        _alter(connection, table, sql.SQL("enable {}trigger {}").format(mode, sql.Identifier(trigger)))
    if broken := [name for key in keys if (name := _broken(connection, key))]:
        raise RestoreRefused(
            f"rows refer to rows that the backup does not have: {', '.join(broken)}. Nothing was changed.",
            where=where,
            remedy="Restore the tables on both sides together.",
        )


def require_same_columns(connection: Connection, copies: Sequence[TableCopy], where: str) -> None:
    """Raises RestoreRefused for a table that stands with other columns than the backup's."""
    for copy in copies:
        rows = connection.execute(
            """select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute as a
            where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''""",
            [_quoted(copy)],
        ).fetchall()
        if sorted(rows) != sorted((column.name, column.type) for column in copy.columns):
            raise RestoreRefused(
                f"{copy.title} has other columns than it had at the backup.",
                where=where,
                remedy="Restore into an empty database, and take the rows from there.",
            )


def standing(connection: Connection) -> set[str]:
    """Every table of the database, as `schema.table`."""
    rows = connection.execute(
        """select n.nspname || '.' || c.relname
        from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.relkind in ('r', 'p')"""
    ).fetchall()
    return {str(name) for (name,) in rows}


def set_sequence(connection: Connection, state: SequenceState) -> None:
    """Put a sequence that was just made where it stood."""
    connection.execute(
        sql.SQL("select setval({}, {}, {})").format(
            sql.Literal(sql.Identifier(state.schema, state.name).as_string(connection)),
            sql.Literal(state.last_value),
            sql.Literal(state.is_called),
        )
    )


def advance(connection: Connection, state: SequenceState) -> None:
    """Move a sequence forward to where it stood, never back: what was issued since may be in use elsewhere."""
    connection.execute(
        sql.SQL(
            """select setval({name}, {value}, {called}) from {sequence}
            where last_value < {value} or (last_value = {value} and not is_called)"""
        ).format(
            name=sql.Literal(sql.Identifier(state.schema, state.name).as_string(connection)),
            value=sql.Literal(state.last_value),
            called=sql.Literal(state.is_called),
            sequence=sql.Identifier(state.schema, state.name),
        )
    )


def _quoted(copy: TableCopy) -> str:
    return sql.Identifier(copy.schema, copy.name).as_string(None)


def _alter(connection: Connection, table: Table, what: sql.Composable) -> None:
    connection.execute(sql.SQL("alter table {} {}").format(sql.Identifier(*table), what))


def _foreign_keys(connection: Connection, tables: Sequence[Table]) -> list[_ForeignKey]:
    """Those from and to the tables; of a partition's, the one at the top, which alone can be dropped."""
    rows = connection.execute(
        """with recursive touching as (
            select k.oid, k.conparentid from pg_constraint as k
            where k.contype = 'f' and (
                k.conrelid = any(%(tables)s::regclass[]) or k.confrelid = any(%(tables)s::regclass[])
            )
            union
            select k.oid, k.conparentid from pg_constraint as k join touching as t on k.oid = t.conparentid
        )
        select n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')
        from touching as t
        join pg_constraint as k on k.oid = t.oid and k.conparentid = 0
        join pg_class as c on c.oid = k.conrelid
        join pg_namespace as n on n.oid = c.relnamespace
        order by 1, 2, 3""",
        {"tables": [sql.Identifier(*table).as_string(None) for table in tables]},
    ).fetchall()
    return [_ForeignKey((schema, table), *rest) for schema, table, *rest in rows]


def _triggers(connection: Connection, tables: Sequence[Table]) -> list[tuple[Table, str, sql.SQL]]:
    """Those of users that are at work, and the word by which each is enabled again."""
    rows = connection.execute(
        """select n.nspname, c.relname, t.tgname, t.tgenabled
        from pg_trigger as t
        join pg_class as c on c.oid = t.tgrelid
        join pg_namespace as n on n.oid = c.relnamespace
        where not t.tgisinternal and t.tgenabled <> 'D' and t.tgrelid = any(%s::regclass[]) order by 1, 2, 3""",
        [[sql.Identifier(*table).as_string(None) for table in tables]],
    ).fetchall()
    words = {"O": sql.SQL(""), "R": sql.SQL("replica "), "A": sql.SQL("always ")}
    return [((schema, table), name, words[mode]) for schema, table, name, mode in rows]


def _broken(connection: Connection, key: _ForeignKey) -> str | None:
    """Make a foreign key stand again; its name where rows break it."""
    try:
        with connection.transaction():
            # the server's own text of the constraint
            connection.execute(
                sql.Composed(
                    [
                        sql.SQL("alter table {} add constraint {} ").format(
                            sql.Identifier(*key.table), sql.Identifier(key.name)
                        ),
                        sql.SQL(key.definition),
                    ]
                )
            )
            if key.comment is not None:
                connection.execute(
                    sql.SQL("comment on constraint {} on {} is {}").format(
                        sql.Identifier(key.name), sql.Identifier(*key.table), sql.Literal(key.comment)
                    )
                )
    except psycopg.errors.ForeignKeyViolation:
        return f"{'.'.join(key.table)} by {key.name}"
    return None
