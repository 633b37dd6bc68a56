"""What a fact or mart has to stand before its publication commits: the database's own guards and the figures of its
`equals`. Writes nothing; the caller's transaction is rolled back by the error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from sales_platform.contracts.personal import shown
from sales_platform.contracts.table import Equality, SqlTableContract
from sales_platform.engine.changed_rows import ChangedRows
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.equalities import (
    PARTITION,
    Compared,
    both_sides,
    by_partition,
    differing_groups,
    in_words,
    totals,
)
from sales_platform.engine.reports import AuditReport
from sales_platform.engine.tables import TableName, columns_of, identifiers
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import AuditFailed

SAMPLES = 5
LISTED = 100
NAMED = 5
UNTOUCHED = "Nothing of it was published; the rows that stood still stand."

Rows = list[dict[str, object]]


@dataclass(frozen=True)
class Written:
    """What a publication wrote: these partitions, the rows of changed keys, or with neither the whole table."""

    partitions: tuple[str, ...] | None = None
    changed: ChangedRows | None = None

    @property
    def is_nothing(self) -> bool:
        return self.partitions == () or (self.changed is not None and not self.changed.columns)

    def rows_beside(self, connection: Connection, equality: Equality) -> sql.Composable | None:
        """Which rows `t` of both tables to compare; None where the other table's cannot be told."""
        if self.partitions is not None:
            return self._in_partitions if PARTITION in equality.by else None
        if self.changed is None:
            return sql.SQL("true")
        told = self.changed.columns <= columns_of(connection, TableName.parse(equality.table)).keys()
        return self.changed.condition("t") if told else None

    @property
    def _in_partitions(self) -> sql.Composable:
        return sql.SQL("t._partition = any({})").format(sql.Literal(list(self.partitions or ())))

    @property
    def confirms(self) -> sql.Composable:
        """The rows by which a difference is judged and shown: those of whole groups."""
        return self._in_partitions if self.partitions is not None else sql.SQL("true")


def audit_figures(
    connection: Connection, table: SqlTableContract, inputs: Collection[str], written: Written
) -> AuditReport:
    """Compare the figures of what was just written with those of the tables that it was made from.

    Costs what was written costs: an equality that would have to read more is left to the check after the commit, as is
    one with a table that the SELECT does not read. Raises AuditFailed with both sums and the partitions (Q-17).
    """
    if written.is_nothing:
        return AuditReport()
    compared: dict[str, str] = {}
    left = []
    for equality in table.equals:
        with translated(f"{table.name} equals {equality.table}", connection):
            some = written.rows_beside(connection, equality) if equality.table in inputs else None
            if some is None:
                left.append(equality.table)
            else:
                compared[equality.table] = _compared(connection, table, equality, some, written)
    return AuditReport(compared, tuple(left))


def _compared(
    connection: Connection,
    table: SqlTableContract,
    equality: Equality,
    some: sql.Composable,
    written: Written,
) -> str:
    _, figures = totals(connection, equality, both_sides(table, equality, some))
    if any(one.differing for one in figures):
        # Figures are promised for whole groups: parts of them may differ where a key means another thing over there.
        both = both_sides(table, equality, written.confirms)
        _, figures = totals(connection, equality, both)
        if any(one.differing for one in figures):
            groups = _rows(connection, table, differing_groups(equality, both), LISTED)
            raise _unequal(table, equality, figures, groups)
    return in_words(equality, figures)


def _unequal(
    table: SqlTableContract, equality: Equality, figures: Sequence[Compared], groups: Rows
) -> AuditFailed:
    partitions = by_partition(equality, groups) if PARTITION in equality.by else {}
    named = f", in {_few(list(partitions))}" if partitions else ""
    evidence: dict[str, object] = {
        "audit": equality.check_name,
        "offenders": max(one.differing for one in figures),
        "figures": [one.as_row for one in figures],
    }
    if partitions:
        evidence["partitions"] = partitions
    return AuditFailed(
        f"{in_words(equality, figures)}{named}. {UNTOUCHED}",
        where=table.name,
        remedy=f"Correct {table.sql_path}, or `equals` in the contract, and run it again.",
        evidence={**evidence, "samples": groups[:SAMPLES]},
    )


@contextmanager
def guards_told(connection: Connection, table: SqlTableContract) -> Iterator[None]:
    """Take the block back and raise AuditFailed when a row is against the table's primary key: a grain that came twice
    or that is empty. Needs `incoming`, the rows to be published.
    """
    try:
        with connection.transaction():
            yield
    except (psycopg.errors.UniqueViolation, psycopg.errors.NotNullViolation) as error:
        if (error.diag.schema_name, error.diag.table_name) != (table.schema_name, table.table_name):
            raise
        refused = _repeated(connection, table) or _empty(connection, table)
        if refused is None:
            raise
        raise refused from None


def _repeated(connection: Connection, table: SqlTableContract) -> AuditFailed | None:
    grain = ", ".join(table.grain)
    offenders = sql.SQL(
        "select {grain}, count(*) as rows from incoming group by {grain} having count(*) > 1 order by {grain}"
    ).format(grain=identifiers(table.grain))
    told = f"the SELECT gives more than one row for {{count:,}} values of its grain, {grain}."
    remedy = f"Join or group in {table.sql_path} so that each {grain} comes once"
    return _against_key(connection, table, offenders, told, remedy)


def _empty(connection: Connection, table: SqlTableContract) -> AuditFailed | None:
    grain = ", ".join(table.grain)
    missing = sql.SQL(" or ").join(sql.SQL("{} is null").format(sql.Identifier(name)) for name in table.grain)
    offenders = sql.SQL("select {} from incoming where {}").format(identifiers(table.grain), missing)
    told = f"{{count:,}} rows of the SELECT lack a value of its grain, {grain}."
    remedy = f"Leave them out in {table.sql_path}, or give them a value"
    return _against_key(connection, table, offenders, told, remedy)


def _against_key(
    connection: Connection, table: SqlTableContract, offenders: sql.Composable, told: str, remedy: str
) -> AuditFailed | None:
    row = connection.execute(sql.SQL("select count(*) from ({}) as o").format(offenders)).fetchone()
    if row is None or not row[0]:
        return None
    return AuditFailed(
        f"{told.format(count=row[0])} {UNTOUCHED}",
        where=table.name,
        remedy=f"{remedy}, or correct `grain` in the contract, and run it again.",
        evidence={
            "audit": "grain_unique",
            "offenders": row[0],
            "samples": _rows(connection, table, offenders, SAMPLES),
        },
    )


def _rows(connection: Connection, table: SqlTableContract, query: sql.Composable, most: int) -> Rows:
    limited = sql.SQL("{} limit {}").format(query, sql.Literal(most))
    cursor = connection.execute(limited)
    names = [column.name for column in cursor.description or ()]
    return [_masked(table, names, row) for row in cursor.fetchall()]


def _masked(table: SqlTableContract, names: Sequence[str], row: Sequence[Any]) -> dict[str, object]:
    personal = {name for name, column in table.columns.items() if column.pii}
    return {name: shown(value, personal=name in personal) for name, value in zip(names, row, strict=True)}


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
