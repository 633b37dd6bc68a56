"""Judging a table that stands: all its rules in one scan, each an asset check. No rule is made here.

A rule is made of findings: each has a condition that a row must not meet, or a count of its own. Only when
one finds something is the table read again, for a few keys of the offenders.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import dagster as dg
from psycopg import sql

from sales_platform.components import partitions, policy
from sales_platform.engine.tables import TableName, identifiers
from sales_platform.engine.warehouse import Connection
from sales_platform.resources import WarehouseResource

SAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """Rows `t` that must not be. count: the aggregate that counts them, where that is not their number."""

    label: str
    condition: sql.Composable
    count: sql.Composable | None = None

    @property
    def aggregate(self) -> sql.Composable:
        return self.count or sql.SQL("count(*) filter (where {})").format(self.condition)


@dataclass(frozen=True)
class Rule:
    """One asset check. blocking: later layers wait until it passes; others only warn."""

    name: str
    description: str
    findings: tuple[Finding, ...]
    blocking: bool = True

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return dg.AssetCheckSeverity.ERROR if self.blocking else dg.AssetCheckSeverity.WARN


@dataclass(frozen=True)
class Inspection:
    """A table's rules. source: the FROM clause, in which the table's rows are `t`.

    sample: columns that name an offender, none of them personal. partitioned: `_partition` holds the day.
    """

    table: str
    source: sql.Composable
    sample: tuple[str, ...]
    rules: tuple[Rule, ...]
    partitioned: bool = False

    @property
    def asset(self) -> dg.AssetKey:
        return dg.AssetKey(self.table.split("."))


@dataclass(frozen=True)
class Verdict:
    """rows: how many were looked at. counts: finding → offenders. samples: keys of a few of them."""

    rows: int
    counts: dict[str, int]
    samples: list[str] = field(default_factory=list)

    @property
    def offenders(self) -> int:
        return sum(self.counts.values())


def repeated(table: TableName, key: Sequence[str]) -> Finding:
    """Rows whose key another row of the table has too; an empty value equals nothing."""
    again = sql.SQL("({mine}) in (select {key} from {table} group by {key} having count(*) > 1)").format(
        mine=identifiers(key, "t"), key=identifiers(key), table=table.sql
    )
    # a single column is compared as what it is, which is several times cheaper than as a row
    value = identifiers(key, "t") if len(key) == 1 else sql.SQL("row({})").format(identifiers(key, "t"))
    surplus = sql.SQL("count({value}) - count(distinct {value})").format(value=value)
    return Finding(", ".join(key), again, surplus)


def checks_of(inspection: Inspection) -> dg.AssetChecksDefinition:
    """One step with a check per rule. A run over days looks at these only, any other at the whole table.

    The checks themselves have no partitions: Dagster 1.13 notes a range's evaluation without its days, and
    a condition that waits for the check of each day would wait for ever.
    """
    schema, _, table = inspection.table.partition(".")
    specs = [
        dg.AssetCheckSpec(
            rule.name, asset=inspection.asset, description=rule.description, blocking=rule.blocking
        )
        for rule in inspection.rules
    ]

    @dg.multi_asset_check(
        name=f"{schema}__{table}__checks",
        specs=specs,
        can_subset=True,
        retry_policy=policy.THREE_TRIES,
        pool=policy.POOL,
    )
    def check(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        days = partitions.asked_for(context) if inspection.partitioned else None
        wanted = {key.name for key in context.selected_asset_check_keys}
        rules = [rule for rule in inspection.rules if rule.name in wanted]
        with policy.failures_named(), warehouse.open().transaction() as connection:
            verdicts = inspect(connection, inspection, rules, days)
        for rule in rules:
            yield result_of(inspection, rule, verdicts[rule.name], days)

    return check


def inspect(
    connection: Connection, inspection: Inspection, rules: Sequence[Rule], days: list[str] | None
) -> dict[str, Verdict]:
    """Rule → verdict. One statement, and one more for each rule that is broken."""
    findings = [(rule, finding) for rule in rules for finding in rule.findings]
    scan = sql.SQL("select count(*), {} from {} where {}").format(
        sql.SQL(", ").join(finding.aggregate for _, finding in findings),
        inspection.source,
        _which(inspection, days),
    )
    row = connection.execute(scan).fetchone()
    assert row is not None
    found = {(rule.name, finding.label): int(n) for (rule, finding), n in zip(findings, row[1:], strict=True)}
    verdicts = {}
    for rule in rules:
        counts = {finding.label: found[rule.name, finding.label] for finding in rule.findings}
        samples = _samples(connection, inspection, rule, days) if any(counts.values()) else []
        verdicts[rule.name] = Verdict(int(row[0]), counts, samples)
    return verdicts


def result_of(
    inspection: Inspection, rule: Rule, verdict: Verdict, days: list[str] | None
) -> dg.AssetCheckResult:
    """The verdict as Dagster shows it, with the SQL that lists every offender."""
    figures: dict[str, dg.MetadataValue] = {
        "rows": dg.MetadataValue.int(verdict.rows),
        "offenders": dg.MetadataValue.int(verdict.offenders),
        "threshold": dg.MetadataValue.int(0),
        "by_rule": dg.MetadataValue.json(verdict.counts),
        "offenders_sql": dg.MetadataValue.md(f"```sql\n{offenders(inspection, rule, days).as_string()}\n```"),
    }
    if verdict.samples:
        figures["sample_keys"] = dg.MetadataValue.json(verdict.samples)
    broken = ", ".join(label for label, count in verdict.counts.items() if count)
    told = f"{verdict.offenders:,} of {verdict.rows:,} rows" + (f": {broken}" if broken else "")
    return dg.AssetCheckResult(
        asset_key=inspection.asset,
        check_name=rule.name,
        passed=verdict.offenders == 0,
        severity=rule.severity,
        description=told,
        metadata=figures,
    )


def offenders(inspection: Inspection, rule: Rule, days: list[str] | None) -> sql.Composed:
    """The rows that break a rule, to be run in psql."""
    broken = sql.SQL(" or ").join(sql.SQL("({})").format(finding.condition) for finding in rule.findings)
    return sql.SQL("select t.* from {} where {} and ({})").format(
        inspection.source, _which(inspection, days), broken
    )


def standing_rows(connection: Connection, table: str, days: list[str] | None) -> dict[str, int]:
    """Partition → rows that stand, for these days; or all rows under ''."""
    name = TableName.parse(table).sql
    if days is None:
        row = connection.execute(sql.SQL("select count(*) from {}").format(name)).fetchone()
        return {"": int(row[0]) if row else 0}
    counted = sql.SQL("select _partition, count(*) from {} where _partition = any(%s) group by 1").format(
        name
    )
    return dict(connection.execute(counted, [days]).fetchall())


def _samples(connection: Connection, inspection: Inspection, rule: Rule, days: list[str] | None) -> list[str]:
    if not inspection.sample:
        return []
    names = sql.SQL(", ").join(sql.SQL("o.{}").format(sql.Identifier(name)) for name in inspection.sample)
    few = sql.SQL("select {} from ({}) as o limit {}").format(
        names, offenders(inspection, rule, days), sql.Literal(SAMPLES)
    )
    return [", ".join(str(value) for value in row) for row in connection.execute(few).fetchall()]


def _which(inspection: Inspection, days: list[str] | None) -> sql.Composable:
    if days is None:
        return sql.SQL("true")
    return sql.SQL("t._partition = any({})").format(sql.Literal(days))
