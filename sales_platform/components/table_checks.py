"""The checks of dimensions, facts and marts that read the rows of one table. Not those that hold it against others."""

import dagster as dg
from psycopg import sql

from sales_platform.components.equality_checks import EqualityCheck
from sales_platform.components.history_checks import HistoryChecks, beside_the_next
from sales_platform.components.inspecting import Finding, Inspection, Rule, checks_of, repeated
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.dimension_table import business_key_json
from sales_platform.engine.tables import TableName


def dimension_checks(dimension: DimensionContract) -> dg.AssetChecksDefinition:
    others = [HistoryChecks(dimension)] if dimension.has_history else []
    return checks_of(dimension_inspection(dimension), *others)


def dimension_inspection(dimension: DimensionContract) -> Inspection:
    """unique_key and surrogate_keys, and with tracked columns history."""
    rules = (_unique_key(dimension), _surrogate_keys(dimension))
    rows = beside_the_next(dimension) if dimension.has_history else TableName.parse(dimension.name).sql
    return Inspection(
        dimension.name,
        _beside_their_records(dimension, rows),
        key=(dimension.surrogate_key, *dimension.key),
        rules=(*rules, _history(dimension)) if dimension.has_history else rules,
        personal=frozenset(name for name, column in dimension.columns.items() if column.pii),
    )


def table_checks(table: SqlTableContract) -> dg.AssetChecksDefinition:
    return checks_of(table_inspection(table), *(EqualityCheck(table, equality) for equality in table.equals))


def table_inspection(table: SqlTableContract) -> Inspection:
    """grain_unique, and for a fact keys_resolve, unknown_rate and inferred_rate."""
    of_roles = (_keys_resolve(table), _unknown_rate(table), _inferred_rate(table)) if table.dimensions else ()
    return Inspection(
        table.name,
        _with_dimensions(table),
        key=table.grain,
        rules=(_grain_unique(table), *of_roles),
        personal=frozenset(name for name, column in table.columns.items() if column.pii),
        partitioned=table.load == "replace_partition",
    )


def _table(name: str) -> sql.Composed:
    return sql.SQL("{} as t").format(TableName.parse(name).sql)


def _unique_key(dimension: DimensionContract) -> Rule:
    """Keys are never reused, and without history a member has one row."""
    surrogate = (dimension.surrogate_key,)
    keys = [surrogate] if dimension.has_history else [surrogate, dimension.key]
    findings = tuple(repeated(TableName.parse(dimension.name), key) for key in keys)
    named = " and per ".join(finding.label for finding in findings)
    return Rule("unique_key", f"One row per {named}.", findings)


def _beside_their_records(dimension: DimensionContract, rows: sql.Composable) -> sql.Composed:
    """Each row beside the record of the key that it bears; `ops.surrogate_key` has one per key."""
    return sql.SQL(
        "{rows} as t left join ops.surrogate_key as _record"
        " on _record.surrogate_key = t.{surrogate} and _record.dimension = {dimension}"
    ).format(
        rows=rows, surrogate=sql.Identifier(dimension.surrogate_key), dimension=sql.Literal(dimension.table)
    )


def _surrogate_keys(dimension: DimensionContract) -> Rule:
    words = {"t": sql.Identifier("t", dimension.surrogate_key), "key": business_key_json(dimension.key, "t")}
    findings = (
        Finding(
            "a key that was never issued",
            sql.SQL("{t} <> 0 and _record.surrogate_key is null").format(**words),
        ),
        Finding("a key of another member", sql.SQL("_record.business_key <> {key}").format(**words)),
        Finding(
            "a key whose version vanished",
            sql.SQL("{t} = _record.surrogate_key and _record.merged_into is not null").format(**words),
        ),
    )
    named = ", ".join(dimension.key)
    return Rule(
        "surrogate_keys", f"Every surrogate key was issued for its {named} and is not reused.", findings
    )


def _history(dimension: DimensionContract) -> Rule:
    findings = (
        Finding(
            "versions overlap",
            sql.SQL("t._next_start < coalesce(t.effective_end_date, 'infinity'::timestamptz)"),
        ),
        Finding("a version ends before it starts", sql.SQL("t.effective_end_date <= t.effective_start_date")),
        Finding("more than one version in force", sql.SQL("t.is_current and t._in_force > 1")),
        Finding("is_current belies the end", sql.SQL("t.is_current <> (t.effective_end_date is null)")),
    )
    named = ", ".join(dimension.key)
    return Rule(
        "history", f"Per {named}: no overlap, start before end, one version in force at most.", findings
    )


def _grain_unique(table: SqlTableContract) -> Rule:
    finding = repeated(TableName.parse(table.name), table.grain)
    return Rule("grain_unique", f"One row per {finding.label}.", (finding,))


def _with_dimensions(table: SqlTableContract) -> sql.Composed:
    joins = [
        sql.SQL(" left join {dimension} as {alias} on {alias}.{key} = t.{column}").format(
            dimension=TableName("analytics", role.dimension).sql,
            alias=sql.Identifier(f"_{name}"),
            key=sql.Identifier(_surrogate(role.dimension)),
            column=sql.Identifier(f"{name}_key"),
        )
        for name, role in table.dimensions.items()
    ]
    return sql.SQL("{}{}").format(_table(table.name), sql.SQL("").join(joins))


def _surrogate(dimension: str) -> str:
    return f"{dimension.rsplit('_', 1)[-1]}_key"


def _unknown_rate(table: SqlTableContract) -> Rule:
    findings = tuple(
        Finding(name, sql.SQL("t.{} = 0").format(sql.Identifier(f"{name}_key"))) for name in table.dimensions
    )
    told = f"In each role at most {table.unknown_rate:.2%} of the rows point at the unknown member."
    return Rule("unknown_rate", told, findings, blocking=False, tolerated=table.unknown_rate)


def _inferred_rate(table: SqlTableContract) -> Rule:
    findings = tuple(
        Finding(name, sql.SQL("{}.is_inferred").format(sql.Identifier(f"_{name}")))
        for name in table.dimensions
    )
    told = (
        f"In each role at most {table.inferred_rate:.2%} of the rows point at a member that facts alone name."
    )
    return Rule("inferred_rate", told, findings, blocking=False, tolerated=table.inferred_rate)


def _keys_resolve(table: SqlTableContract) -> Rule:
    findings = tuple(
        Finding(
            f"{name}_key in {role.dimension}",
            sql.SQL("{}.{} is null").format(
                sql.Identifier(f"_{name}"), sql.Identifier(_surrogate(role.dimension))
            ),
        )
        for name, role in table.dimensions.items()
    )
    return Rule("keys_resolve", "Every dimension key has its row in the dimension.", findings)
