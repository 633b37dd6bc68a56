"""The checks of dimensions, facts and marts, which read what stands in analytics and marts."""

import dagster as dg
from psycopg import sql

from sales_platform.components.inspecting import Finding, Inspection, Rule, checks_of, repeated
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.tables import TableName, identifiers


def dimension_checks(dimension: DimensionContract) -> dg.AssetChecksDefinition:
    return checks_of(dimension_inspection(dimension))


def dimension_inspection(dimension: DimensionContract) -> Inspection:
    """unique_key, and with tracked columns history."""
    rules = (_unique_key(dimension), *([_history(dimension)] if dimension.has_history else []))
    source = _versions(dimension) if dimension.has_history else _table(dimension.name)
    return Inspection(dimension.name, source, sample=(dimension.surrogate_key,), rules=rules)


def table_checks(table: SqlTableContract) -> dg.AssetChecksDefinition:
    return checks_of(table_inspection(table))


def table_inspection(table: SqlTableContract) -> Inspection:
    """grain_unique, and for a fact keys_resolve."""
    rules = (_grain_unique(table), *([_keys_resolve(table)] if table.dimensions else []))
    personal = any((column := table.columns.get(name)) and column.pii for name in table.grain)
    return Inspection(
        table.name,
        _with_dimensions(table),
        sample=() if personal else table.grain,
        rules=rules,
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


def _versions(dimension: DimensionContract) -> sql.Composed:
    """Each version beside the start of the next one of its key and the number of versions in force."""
    return sql.SQL(
        "(select d.*, lead(effective_start_date) over (partition by {key} order by effective_start_date)"
        " as _next_start, count(*) filter (where is_current) over (partition by {key}) as _in_force"
        " from {table} as d) as t"
    ).format(key=identifiers(dimension.key), table=TableName.parse(dimension.name).sql)


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
