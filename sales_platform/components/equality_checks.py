"""The check that figures of a fact or mart are those of a table it is made from; the contract says which."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from psycopg import sql

from sales_platform.components.history_checks import postponed
from sales_platform.components.inspecting import SAMPLES, Sample, as_sql, as_table, few_rows, located
from sales_platform.contracts.table import Equality, SqlTableContract
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.equalities import (
    PARTITION,
    both_sides,
    by_partition,
    differing_groups,
    in_words,
    pair,
    totals,
)
from sales_platform.engine.publish import stale_partitions
from sales_platform.engine.warehouse import Connection

LISTED = 100


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
        groups, compared = totals(connection, self.equality, both)
        differing = differing_groups(self.equality, both)
        unequal = any(one.differing for one in compared)
        rows = self._rows(connection, differing, LISTED) if unequal else []
        places = list(dict.fromkeys(str(row[PARTITION]) for row in rows if PARTITION in row))
        metadata: dict[str, dg.MetadataValue] = {
            "groups": dg.MetadataValue.int(groups),
            "offenders": dg.MetadataValue.int(max(one.differing for one in compared)),
            "severity": dg.MetadataValue.text(dg.AssetCheckSeverity.ERROR.value),
            "threshold": dg.MetadataValue.int(0),
            "figures": as_table([{**one.as_row} for one in compared]),
            "offenders_sql": as_sql(differing),
        }
        if places:
            metadata["by_partition"] = dg.MetadataValue.json(by_partition(self.equality, rows))
        if rows:
            metadata["samples"] = as_table(rows[:SAMPLES])
        if left_out:
            metadata["not_compared"] = dg.MetadataValue.json(left_out)
        return dg.AssetCheckResult(
            asset_key=dg.AssetKey(self.table.name.split(".")),
            check_name=self.name,
            passed=not unequal,
            severity=dg.AssetCheckSeverity.ERROR,
            description=in_words(self.equality, compared) + located(places),
            metadata=metadata,
        )

    def _rows(self, connection: Connection, differing: sql.Composable, most: int) -> list[Sample]:
        personal = {name for name, column in self.table.columns.items() if column.pii}
        names = [*self.equality.by, *(name for figure in self.equality.figures for name in pair(figure))]
        limited = sql.SQL("{} limit {}").format(differing, sql.Literal(most))
        return few_rows(connection, limited, names, personal)


def _some_partitions(days: list[str] | None, stale: list[str]) -> sql.Composable:
    fresh = sql.SQL("_partition <> all({}::text[])").format(sql.Literal(stale))
    if days is None:
        return fresh
    return sql.SQL("_partition = any({}) and {}").format(sql.Literal(days), fresh)


def _word(column: str) -> str:
    return "partition" if column == PARTITION else column
