"""Which rows of a merged table can have changed: those whose key changed in an input since the table last looked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.changed_keys import changed_keys_name
from sales_platform.engine.tables import TableName, columns_of, identifiers, primary_key_of
from sales_platform.engine.versions import consumed_version, published_version
from sales_platform.engine.warehouse import Connection

DAY = "day"


@dataclass(frozen=True)
class ChangedInput:
    """The note of an input's changed keys, its columns by which rows are found, and the version taken in last."""

    note: TableName
    columns: tuple[str, ...]
    seen: int

    def is_among(self, name: str, alias: str) -> sql.Composable:
        """True for a row of `alias` that has a changed value in this column."""
        return sql.SQL("{} = any(array(select distinct {} from {} where _version > {}))").format(
            sql.Identifier(alias, name), sql.Identifier(name), self.note.sql, sql.Literal(self.seen)
        )


@dataclass(frozen=True)
class ChangedDays:
    """A mart of days as an input: which of its days were replaced after the version taken in last."""

    table: str
    seen: int
    columns: tuple[str, ...] = (DAY,)

    def is_among(self, name: str, alias: str) -> sql.Composable:
        """True for a row of `alias` of such a day."""
        return sql.SQL(
            "{} = any(array(select partition::date from ops.partition_version"
            " where table_name = {} and version > {}))"
        ).format(sql.Identifier(alias, name), sql.Literal(self.table), sql.Literal(self.seen))


class ChangedRows:
    """The changed keys of each input, as a condition on any relation that has the columns of the table."""

    def __init__(self, inputs: Sequence[ChangedInput | ChangedDays]) -> None:
        self._inputs = inputs

    @property
    def columns(self) -> set[str]:
        """What a relation must have for its rows to be told; empty when no input changed."""
        return {name for changed in self._inputs for name in changed.columns}

    def condition(self, alias: str) -> sql.Composable:
        """True for a row of `alias` that has to be looked at.

        Arrays, because a condition with them is taken into a SELECT that groups, finds rows by index, and several of
        them joined by "or" still do.
        """
        tests = [
            sql.SQL("({})").format(
                sql.SQL(" and ").join(changed.is_among(name, alias) for name in changed.columns)
            )
            for changed in self._inputs
        ]
        return sql.SQL("({})").format(sql.SQL(" or ").join(tests)) if tests else sql.SQL("false")


def find_changed_rows(
    connection: Connection,
    table: SqlTableContract,
    inputs: Sequence[str],
    columns: Sequence[str],
    logic_hash: str,
) -> ChangedRows | None:
    """None when every row has to be looked at: an input was never taken in, keeps no note of its changed keys, or
    has none by which a row of the table is found.
    """
    found: list[ChangedInput | ChangedDays] = []
    for name in inputs:
        seen = consumed_version(connection, table.name, name, logic_hash)
        if seen is None:
            return None
        if seen == published_version(connection, name):
            continue
        if DAY in table.grain and _is_of_days(connection, TableName.parse(name)):
            found.append(ChangedDays(name, seen))
            continue
        note = changed_keys_name(TableName.parse(name))
        shared = _shared(connection, note, table, columns)
        if not shared:
            return None
        found.append(ChangedInput(note, shared, seen))
    return ChangedRows(found)


def note_columns(table: SqlTableContract, columns: Sequence[str]) -> tuple[str, ...]:
    """What a table remembers of its changed rows: the grain, and every key by which another one may group them; a mart
    also their day.
    """
    keys = [name for name in columns if name.endswith(("_key", "_id")) and not name.startswith("_")]
    days = [DAY] if table.schema_name == "marts" and DAY in columns else []
    return tuple(dict.fromkeys([*table.grain, *keys, *days]))


def index_lookups(
    connection: Connection, table: SqlTableContract, inputs: Sequence[str], columns: Sequence[str]
) -> None:
    """Indexes by which the rows of a changed key are found: in the table, and in the inputs that carry the key."""
    relations = [table.name, *inputs]
    for mart in map(TableName.parse, inputs if DAY in table.grain else ()):
        if mart.schema == "marts" and not _is_of_days(connection, mart):
            _index(connection, mart, (DAY,))
    for name in inputs:
        shared = _shared(connection, changed_keys_name(TableName.parse(name)), table, columns)
        for relation in relations if shared else ():
            _index(connection, TableName.parse(relation), shared)


def _index(connection: Connection, relation: TableName, columns: tuple[str, ...]) -> None:
    if not set(columns) <= columns_of(connection, relation).keys():
        return
    if set(columns) >= primary_key_of(connection, relation):
        return
    connection.execute(
        sql.SQL("create index if not exists {} on {} ({})").format(
            sql.Identifier(f"{relation.table}_by_{'_'.join(columns)}"[:63]),
            relation.sql,
            identifiers(columns),
        )
    )


def _shared(
    connection: Connection, note: TableName, table: SqlTableContract, columns: Sequence[str]
) -> tuple[str, ...]:
    """The noted columns that find a row: those in its grain, else all of them if the table carries them."""
    noted = tuple(name for name in columns_of(connection, note) if name != "_version")
    in_grain = tuple(name for name in noted if name in table.grain)
    return in_grain or (noted if set(noted) <= set(columns) else ())


def _is_of_days(connection: Connection, name: TableName) -> bool:
    """A mart whose partition is the day that its rows bear."""
    return name.schema == "marts" and {"_partition", DAY} <= columns_of(connection, name).keys()
