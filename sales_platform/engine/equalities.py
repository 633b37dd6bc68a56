"""The figures of a table beside those of another, as `equals` of its contract names them: the SQL and its answer. Who
asks, and what follows from a difference, is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from psycopg import sql

from sales_platform.contracts.table import Equality, SqlTableContract
from sales_platform.engine.tables import TableName, identifiers
from sales_platform.engine.warehouse import Connection

PARTITION = "_partition"


@dataclass(frozen=True)
class Compared:
    """One figure on both sides. differing: of how many groups it is not the same."""

    figure: str
    mine: Decimal
    theirs: Decimal
    differing: int

    @property
    def as_row(self) -> dict[str, str]:
        """The figure for people, to the last digit."""
        return {
            "figure": self.figure,
            "here": str(self.mine),
            "there": str(self.theirs),
            "difference": str(self.mine - self.theirs),
        }


def both_sides(table: SqlTableContract, equality: Equality, some: sql.Composable) -> sql.Composed:
    """A SELECT: the columns of `by`, and each figure here and there; 0 where a side has no such row.

    some: which rows of both sides count, beside the contract's own `where`.
    """
    figures = list(equality.figures.items())
    nothing = sql.SQL("null::numeric")
    mine = [sql.SQL("({})::numeric").format(sql.SQL(figure.mine)) for _, figure in figures]
    theirs = [sql.SQL("({})::numeric").format(sql.SQL(figure.theirs)) for _, figure in figures]
    where = sql.SQL("({}) and {}").format(sql.SQL(equality.where), some)
    sides = (
        _side(table.name, equality, some, [side for one in mine for side in (one, nothing)]),
        _side(equality.table, equality, where, [side for one in theirs for side in (nothing, one)]),
    )
    added = [
        sql.SQL("coalesce(sum({c}), 0) as {c}").format(c=sql.Identifier(name))
        for name in (column for figure, _ in figures for column in pair(figure))
    ]
    return sql.SQL("select {}{} from ({}) as s{}").format(
        _leading(equality), sql.SQL(", ").join(added), sql.SQL(" union all ").join(sides), _grouped(equality)
    )


def differing_groups(equality: Equality, both: sql.Composable) -> sql.Composed:
    """The groups in which a figure is not the same, to be run in psql."""
    order = sql.SQL(" order by {}").format(identifiers(equality.by)) if equality.by else sql.SQL("")
    unequal = sql.SQL(" or ").join(map(_unequal, equality.figures))
    return sql.SQL("select * from ({}) as b where {}{}").format(both, unequal, order)


def _side(
    name: str, equality: Equality, where: sql.Composable, values: Sequence[sql.Composable]
) -> sql.Composed:
    columns = (column for figure in equality.figures for column in pair(figure))
    named = [
        sql.SQL("{} as {}").format(value, sql.Identifier(column))
        for value, column in zip(values, columns, strict=True)
    ]
    return sql.SQL("select {}{} from {} as t where {}{}").format(
        _leading(equality),
        sql.SQL(", ").join(named),
        TableName.parse(name).sql,
        where,
        _grouped(equality),
    )


def totals(connection: Connection, equality: Equality, both: sql.Composable) -> tuple[int, list[Compared]]:
    """How many groups were compared, and each figure added over all of them."""
    counted = [
        sql.SQL(
            "coalesce(sum({mine}), 0), coalesce(sum({theirs}), 0), count(*) filter (where {unequal})"
        ).format(
            mine=sql.Identifier(pair(figure)[0]),
            theirs=sql.Identifier(pair(figure)[1]),
            unequal=_unequal(figure),
        )
        for figure in equality.figures
    ]
    statement = sql.SQL("select count(*), {} from ({}) as b").format(sql.SQL(", ").join(counted), both)
    row = connection.execute(statement).fetchone()
    assert row is not None
    return int(row[0]), [
        Compared(figure, *row[1 + 3 * number : 4 + 3 * number])
        for number, figure in enumerate(equality.figures)
    ]


def _leading(equality: Equality) -> sql.Composed:
    return sql.SQL("{}, ").format(identifiers(equality.by)) if equality.by else sql.Composed([])


def _grouped(equality: Equality) -> sql.Composed:
    return sql.SQL(" group by {}").format(identifiers(equality.by)) if equality.by else sql.Composed([])


def pair(figure: str) -> tuple[str, str]:
    """The columns of `both_sides` that hold a figure here and there."""
    return f"{figure}_here", f"{figure}_there"


def _unequal(figure: str) -> sql.Composed:
    mine, theirs = map(sql.Identifier, pair(figure))
    return sql.SQL("{} <> {}").format(mine, theirs)


def in_words(equality: Equality, compared: Sequence[Compared]) -> str:
    """The figures in words: where they are unequal those of both sides, else those they share."""
    broken = [one for one in compared if one.differing]
    if not broken:
        return f"as in {equality.table}: " + ", ".join(f"{one.figure} {one.mine:,}" for one in compared)
    return "; ".join(
        f"{one.figure} {one.mine:,}, but {one.theirs:,} in {equality.table} ({one.mine - one.theirs:+,})"
        for one in broken
    )


def by_partition(equality: Equality, rows: Iterable[Mapping[str, object]]) -> dict[str, dict[str, str]]:
    """Partition → the differences of its figures, in the first of the differing groups that the partition has."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        different = {
            figure: str(Decimal(str(row[here])) - Decimal(str(row[there])))
            for figure in equality.figures
            for here, there in [pair(figure)]
            if row[here] != row[there]
        }
        found.setdefault(str(row[PARTITION]), different)
    return found
