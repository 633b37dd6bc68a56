"""The checks that hold a dimension's versions against the log of its events. Only reads; what the log makes of the
versions, `engine.chain` composes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from psycopg import sql

from sales_platform.components.inspecting import Finding, Inspection, Rule, spec_of
from sales_platform.contracts.dimension import DimensionContract, Events
from sales_platform.engine.affected import logic_hash
from sales_platform.engine.chain import chain_select
from sales_platform.engine.dimension_table import VALIDITY, column_types
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import TableName, columns_of, identifiers
from sales_platform.engine.versions import table_is_stale
from sales_platform.engine.warehouse import Connection

_NO_GAP = "no_gap"
_EQUALS_LOG = "equals_log"
# names of the columns in which a version is not the log's
_DIFFERS = "_differs"


@dataclass(frozen=True)
class HistoryChecks:
    """no_gap and equals_log of a dimension with history. While the dimension has yet to take in what staging holds,
    they say so and judge nothing.
    """

    dimension: DimensionContract

    @property
    def specs(self) -> Sequence[dg.AssetCheckSpec]:
        return [spec_of(self.dimension.name, rule) for rule in (_no_gap(self.dimension), _equals_log())]

    def results(
        self, connection: Connection, wanted: Collection[str], days: list[str] | None
    ) -> Iterator[dg.AssetCheckResult]:
        asked = [spec.name for spec in self.specs if spec.name in wanted]
        sources = [events.source for events in self.dimension.events]
        if asked and table_is_stale(connection, self.dimension.name, sources, logic_hash(self.dimension)):
            for name in asked:
                yield postponed(self.dimension.name, name)
            return
        if _NO_GAP in asked:
            yield from gap_inspection(connection, self.dimension).results(connection, wanted, days)
        if _EQUALS_LOG in asked:
            yield from log_inspection(connection, self.dimension).results(connection, wanted, days)


def postponed(table: str, check: str) -> dg.AssetCheckResult:
    """Passed without a look: what was compared would be the news that the next run takes in."""
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(table.split(".")),
        check_name=check,
        passed=True,
        description="not compared: there is news that the next run of this table takes in",
        metadata={"compared": dg.MetadataValue.bool(False)},
    )


def beside_the_next(dimension: DimensionContract) -> sql.Composed:
    """Each version beside the start of the next one of its key and the number of versions in force."""
    return sql.SQL(
        "(select d.*, lead(effective_start_date) over (partition by {key} order by effective_start_date)"
        " as _next_start, count(*) filter (where is_current) over (partition by {key}) as _in_force"
        " from {table} as d)"
    ).format(key=identifiers(dimension.key), table=TableName.parse(dimension.name).sql)


def gap_inspection(connection: Connection, dimension: DimensionContract) -> Inspection:
    """no_gap over every version, with the deletes that the sources' staging tables hold."""
    deletes = [
        deleted
        for events in dimension.events
        if (deleted := _deletes(connection, dimension, events)) is not None
    ]
    return _inspection(
        dimension, sql.SQL("{} as t").format(beside_the_next(dimension)), _no_gap(dimension, deletes)
    )


def _no_gap(dimension: DimensionContract, deletes: Sequence[sql.Composable] = ()) -> Rule:
    by_log = sql.SQL(" union all ").join(deletes) if deletes else sql.SQL("")
    excused = sql.SQL(" and ({}, t.effective_end_date) not in ({})").format(
        identifiers(dimension.key, "t"), by_log
    )
    finding = Finding(
        "a version ends without a delete and without the next one",
        sql.SQL(
            "t.effective_end_date < coalesce(t._next_start, 'infinity'::timestamptz)"
            " and t.effective_end_date < 'infinity'{}"
        ).format(excused if deletes else sql.SQL("")),
    )
    named = ", ".join(dimension.key)
    return Rule(_NO_GAP, f"Per {named}: each version ends where the next begins, or at a delete.", (finding,))


def _deletes(connection: Connection, dimension: DimensionContract, events: Events) -> sql.Composable | None:
    """Key and every moment that a delete among the staged events may bear: its own, or that of its snapshot."""
    standing = columns_of(connection, TableName.parse(events.source))
    if "_deleted" not in standing:
        return None
    times = [name for name in (events.valid_from, events.later, "_snapshot_at") if name in standing]
    key = tuple(dimension.source_column(name) for name in dimension.key)
    return sql.SQL(
        "select {key}, _moment::timestamptz from {source} as s, unnest(array[{times}]) as _moment"
        " where s._deleted and _moment is not null"
    ).format(
        key=identifiers(key, "s"),
        source=TableName.parse(events.source).sql,
        times=sql.SQL(", ").join(sql.SQL("s.{}::timestamptz").format(sql.Identifier(name)) for name in times),
    )


def log_inspection(connection: Connection, dimension: DimensionContract) -> Inspection:
    """equals_log over every version that the table or the log has. Members that facts alone name have no log."""
    columns = (*dimension.key, *dimension.attributes, *VALIDITY[:2])
    values = (*dimension.attributes, "effective_end_date")
    source = sql.SQL(
        """(
    with wanted as materialized (
{chain}
    ),
    standing as materialized (
        select {surrogate}, {columns} from {table} where {surrogate} <> 0 and not is_inferred
    )
    select s.{surrogate}, {shown}, w.effective_start_date is null as _not_in_log,
        s.effective_start_date is null as _not_in_table,
        w.effective_start_date is not null and s.effective_start_date is not null
            and ({of_log}) is distinct from ({of_table}) as _told_otherwise,
        array_remove(array[{differing}], null) as {differs}
    from standing as s full join wanted as w on {match} and s.effective_start_date = w.effective_start_date
) as t"""
    ).format(
        chain=chain_select(connection, dimension, column_types(connection, dimension)),
        surrogate=sql.Identifier(dimension.surrogate_key),
        columns=identifiers(columns),
        table=TableName.parse(dimension.name).sql,
        shown=sql.SQL(", ").join(
            sql.SQL("coalesce(s.{c}, w.{c}) as {c}").format(c=sql.Identifier(name)) for name in columns
        ),
        of_log=identifiers(values, "w"),
        of_table=identifiers(values, "s"),
        differing=sql.SQL(", ").join(
            sql.SQL("case when w.{c} is distinct from s.{c} then {name} end").format(
                c=sql.Identifier(name), name=sql.Literal(name)
            )
            for name in values
        ),
        differs=sql.Identifier(_DIFFERS),
        match=joined(dimension.key, "s", "w"),
    )
    return _inspection(dimension, source, _equals_log())


def _equals_log() -> Rule:
    findings = (
        Finding("a version that the log does not make", sql.SQL("t._not_in_log")),
        Finding("a version of the log that is missing", sql.SQL("t._not_in_table")),
        Finding("another end or attribute than the log's", sql.SQL("t._told_otherwise")),
    )
    return Rule(
        _EQUALS_LOG, "The versions are those that the staged events make, no more and no less.", findings
    )


def _inspection(dimension: DimensionContract, source: sql.Composable, rule: Rule) -> Inspection:
    return Inspection(
        dimension.name,
        source,
        key=(dimension.surrogate_key, *dimension.key, *VALIDITY[:2], _DIFFERS),
        rules=(rule,),
        personal=frozenset(name for name, column in dimension.columns.items() if column.pii),
    )
