"""The check that figures of a fact or mart are those of a table it is made from; the contract says which."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import dagster as dg
from psycopg import sql

from sales_platform.components.history_checks import postponed
from sales_platform.components.inspecting import SAMPLES, Sample, as_sql, as_table, few_rows, located
from sales_platform.contracts.table import Equality, SqlTableContract
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.publish import stale_partitions
from sales_platform.engine.tables import TableName, identifiers
from sales_platform.engine.warehouse import Connection

PARTITION = "_partition"
LISTED = 100


@dataclass(frozen=True)
class Compared:
    """One figure on both sides. differing: of how many groups it is not the same."""

    figure: str
    mine: Decimal
    theirs: Decimal
    differing: int


@dataclass(frozen=True)
class EqualityCheck:
    """`equals_<table>`: blocking, to the last digit. Partitions that have yet to take in news are left out."""

    table: SqlTableContract
    equality: Equality

    @property
    def name(self) -> str:
        return self.equality.check_name

    @property
    def specs(self) -> Sequence[dg.AssetCheckSpec]:
        of_each = f", for each {', '.join(map(_word, self.equality.by))}" if self.equality.by else ""
        told = f"{', '.join(self.equality.figures)}: as in {self.equality.table}{of_each}."
        asset = dg.AssetKey(self.table.name.split("."))
        return [dg.AssetCheckSpec(self.name, asset=asset, description=told, blocking=True)]

    def results(
        self, connection: Connection, wanted: Collection[str], days: list[str] | None
    ) -> Iterator[dg.AssetCheckResult]:
        if self.name in wanted:
            # a figure that is no SQL is named by the word of the contract in which it stands
            with translated(f"{self.table.name} equals {self.equality.table}", connection):
                yield self._judged(connection, days)

    def _judged(self, connection: Connection, days: list[str] | None) -> dg.AssetCheckResult:
        stale = stale_partitions(connection, self.table)
        by_partition = PARTITION in self.equality.by
        if (stale and not by_partition) or (days and not set(days) - set(stale)):
            return postponed(self.table.name, self.name)
        some = _some_partitions(days, stale) if by_partition else sql.SQL("true")
        return self._result(connection, some, stale if by_partition else [])

    def _result(
        self, connection: Connection, some: sql.Composable, left_out: list[str]
    ) -> dg.AssetCheckResult:
        both = both_sides(self.table, self.equality, some)
        groups, compared = _totals(connection, self.equality, both)
        differing = differing_groups(self.equality, both)
        unequal = any(one.differing for one in compared)
        rows = self._rows(connection, differing, LISTED) if unequal else []
        places = list(dict.fromkeys(str(row[PARTITION]) for row in rows if PARTITION in row))
        metadata: dict[str, dg.MetadataValue] = {
            "groups": dg.MetadataValue.int(groups),
            "offenders": dg.MetadataValue.int(max(one.differing for one in compared)),
            "severity": dg.MetadataValue.text(dg.AssetCheckSeverity.ERROR.value),
            "threshold": dg.MetadataValue.int(0),
            "figures": as_table([_figure_row(one) for one in compared]),
            "offenders_sql": as_sql(differing),
        }
        if places:
            metadata["by_partition"] = dg.MetadataValue.json(_by_partition(self.equality, rows))
        if rows:
            metadata["samples"] = as_table(rows[:SAMPLES])
        if left_out:
            metadata["not_compared"] = dg.MetadataValue.json(left_out)
        return dg.AssetCheckResult(
            asset_key=dg.AssetKey(self.table.name.split(".")),
            check_name=self.name,
            passed=not unequal,
            severity=dg.AssetCheckSeverity.ERROR,
            description=_told(self.equality, compared) + located(places),
            metadata=metadata,
        )

    def _rows(self, connection: Connection, differing: sql.Composable, most: int) -> list[Sample]:
        personal = {name for name, column in self.table.columns.items() if column.pii}
        names = [*self.equality.by, *(name for figure in self.equality.figures for name in _pair(figure))]
        limited = sql.SQL("{} limit {}").format(differing, sql.Literal(most))
        return few_rows(connection, limited, names, personal)


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
        _side(table.name, equality, some, [pair for one in mine for pair in (one, nothing)]),
        _side(equality.table, equality, where, [pair for one in theirs for pair in (nothing, one)]),
    )
    added = [
        sql.SQL("coalesce(sum({c}), 0) as {c}").format(c=sql.Identifier(name))
        for name in (column for figure, _ in figures for column in _pair(figure))
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
    columns = (column for figure in equality.figures for column in _pair(figure))
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


def _totals(connection: Connection, equality: Equality, both: sql.Composable) -> tuple[int, list[Compared]]:
    """How many groups were compared, and each figure added over all of them."""
    counted = [
        sql.SQL(
            "coalesce(sum({mine}), 0), coalesce(sum({theirs}), 0), count(*) filter (where {unequal})"
        ).format(
            mine=sql.Identifier(_pair(figure)[0]),
            theirs=sql.Identifier(_pair(figure)[1]),
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


def _pair(figure: str) -> tuple[str, str]:
    return f"{figure}_here", f"{figure}_there"


def _unequal(figure: str) -> sql.Composed:
    mine, theirs = map(sql.Identifier, _pair(figure))
    return sql.SQL("{} <> {}").format(mine, theirs)


def _some_partitions(days: list[str] | None, stale: list[str]) -> sql.Composable:
    fresh = sql.SQL("_partition <> all({}::text[])").format(sql.Literal(stale))
    if days is None:
        return fresh
    return sql.SQL("_partition = any({}) and {}").format(sql.Literal(days), fresh)


def _word(column: str) -> str:
    return "partition" if column == PARTITION else column


def _told(equality: Equality, compared: Sequence[Compared]) -> str:
    broken = [one for one in compared if one.differing]
    if not broken:
        return f"as in {equality.table}: " + ", ".join(f"{one.figure} {one.mine:,}" for one in compared)
    return "; ".join(
        f"{one.figure} {one.mine:,}, but {one.theirs:,} in {equality.table} ({one.mine - one.theirs:+,})"
        for one in broken
    )


def _figure_row(one: Compared) -> Sample:
    return {
        "figure": one.figure,
        "here": str(one.mine),
        "there": str(one.theirs),
        "difference": str(one.mine - one.theirs),
    }


def _by_partition(equality: Equality, rows: Sequence[Sample]) -> dict[str, dict[str, str]]:
    """Partition → the differences of its figures, in the first of the rows that the partition has."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        different = {
            figure: str(Decimal(str(row[here])) - Decimal(str(row[there])))
            for figure in equality.figures
            for here, there in [_pair(figure)]
            if row[here] != row[there]
        }
        found.setdefault(str(row[PARTITION]), different)
    return found
