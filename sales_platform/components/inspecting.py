"""Judging a table that stands: all its rules in one scan, each an asset check. No rule is made here.

A rule is made of findings: each has a condition that a row must not meet, or a count of its own. Only when
one finds too much is the table read again, for a few of the offenders and for the partitions that hold them.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import dagster as dg
from psycopg import sql

from sales_platform.components import partitions, policy
from sales_platform.contracts.personal import shown
from sales_platform.engine.tables import TableName, identifiers, primary_key_of
from sales_platform.engine.warehouse import Connection
from sales_platform.resources import WarehouseResource

SAMPLES = 5
NAMED = 5

Sample = dict[str, str | int | float | bool | None]


@dataclass(frozen=True)
class Finding:
    """Rows `t` that must not be. count: the aggregate that counts them, where that is not their number. one_row_per:
    columns whose values they repeat, so that a primary key of the table leaves none.
    """

    label: str
    condition: sql.Composable
    count: sql.Composable | None = None
    one_row_per: frozenset[str] = frozenset()

    def aggregate(self, primary_key: Collection[str]) -> sql.Composable:
        if primary_key and self.one_row_per.issuperset(primary_key):
            return sql.SQL("0")
        return self.count or sql.SQL("count(*) filter (where {})").format(self.condition)


@dataclass(frozen=True)
class Rule:
    """One asset check. blocking: later layers wait until it passes; others only warn. tolerated: the share of the rows
    that each finding may have.
    """

    name: str
    description: str
    findings: tuple[Finding, ...]
    blocking: bool = True
    tolerated: Decimal = Decimal(0)

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        return dg.AssetCheckSeverity.ERROR if self.blocking else dg.AssetCheckSeverity.WARN


class Judge(Protocol):
    """Some of the checks of one table. `Inspection` is one that looks at its rows."""

    @property
    def specs(self) -> Sequence[dg.AssetCheckSpec]: ...

    def results(
        self, connection: Connection, wanted: Collection[str], days: list[str] | None
    ) -> Iterator[dg.AssetCheckResult]:
        """The verdicts of the checks named in `wanted`, over these partitions or everything."""
        ...


@dataclass(frozen=True)
class Inspection:
    """A table's rules. source: the FROM clause, in which the table's rows are `t`.

    key: columns that name an offender. personal: columns whose values are masked. partitioned: `_partition` holds the
    day or file. as_it_stands: the same for a warehouse in which tables that it reads do not stand yet.
    """

    table: str
    source: sql.Composable
    key: tuple[str, ...]
    rules: tuple[Rule, ...]
    personal: frozenset[str] = frozenset()
    partitioned: bool = False
    as_it_stands: Callable[[Connection], "Inspection"] | None = None

    @property
    def asset(self) -> dg.AssetKey:
        return dg.AssetKey(self.table.split("."))

    @property
    def specs(self) -> Sequence[dg.AssetCheckSpec]:
        return [spec_of(self.table, rule) for rule in self.rules]

    def results(
        self, connection: Connection, wanted: Collection[str], days: list[str] | None
    ) -> Iterator[dg.AssetCheckResult]:
        now = self.as_it_stands(connection) if self.as_it_stands else self
        rules = [rule for rule in now.rules if rule.name in wanted]
        verdicts = inspect(connection, now, rules, days) if rules else {}
        for rule in rules:
            yield result_of(now, rule, verdicts[rule.name], days)


@dataclass(frozen=True)
class Verdict:
    """rows: how many were looked at. counts: finding → offenders. samples: a few of them, by column. by_partition:
    partition → offenders, of a table that has some.
    """

    rows: int
    counts: dict[str, int]
    samples: list[Sample] = field(default_factory=list)
    by_partition: dict[str, int] = field(default_factory=dict)

    @property
    def offenders(self) -> int:
        return sum(self.counts.values())

    def share(self, label: str) -> float:
        return self.counts[label] / self.rows if self.rows else 0.0

    def keeps_to(self, rule: Rule) -> bool:
        return all(count <= rule.tolerated * self.rows for count in self.counts.values())


def repeated(table: TableName, key: Sequence[str]) -> Finding:
    """Rows whose key another row of the table has too; an empty value equals nothing."""
    again = sql.SQL("({mine}) in (select {key} from {table} group by {key} having count(*) > 1)").format(
        mine=identifiers(key, "t"), key=identifiers(key), table=table.sql
    )
    # a single column is compared as what it is, which is several times cheaper than as a row
    value = identifiers(key, "t") if len(key) == 1 else sql.SQL("row({})").format(identifiers(key, "t"))
    surplus = sql.SQL("count({value}) - count(distinct {value})").format(value=value)
    return Finding(", ".join(key), again, surplus, frozenset(key))


def spec_of(table: str, rule: Rule) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        rule.name, asset=dg.AssetKey(table.split(".")), description=rule.description, blocking=rule.blocking
    )


def checks_of(inspection: Inspection, *others: Judge) -> dg.AssetChecksDefinition:
    """One step with a check per rule. A run over days looks at these only, any other at the whole table.

    The checks themselves have no partitions: Dagster 1.13 notes a range's evaluation without its days, and
    a condition that waits for the check of each day would wait for ever.
    """
    schema, _, table = inspection.table.partition(".")
    judges: list[Judge] = [inspection, *others]

    @dg.multi_asset_check(
        name=f"{schema}__{table}__checks",
        specs=[spec for judge in judges for spec in judge.specs],
        can_subset=True,
        retry_policy=policy.THREE_TRIES,
    )
    def check(
        context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        days = partitions.asked_for(context) if inspection.partitioned else None
        wanted = {key.name for key in context.selected_asset_check_keys}
        with policy.failures_named(), warehouse.open().transaction() as connection:
            # of what a run changes meanwhile, all is seen or nothing
            connection.execute("set transaction isolation level repeatable read")
            found = [result for judge in judges for result in judge.results(connection, wanted, days)]
        yield from found

    return check


def inspect(
    connection: Connection, inspection: Inspection, rules: Sequence[Rule], days: list[str] | None
) -> dict[str, Verdict]:
    """Rule → verdict. One statement, and two more for each rule that is broken."""
    findings = [(rule, finding) for rule in rules for finding in rule.findings]
    primary_key = primary_key_of(connection, TableName.parse(inspection.table))
    scan = sql.SQL("select count(*), {} from {} where {}").format(
        sql.SQL(", ").join(finding.aggregate(primary_key) for _, finding in findings),
        inspection.source,
        _which(inspection, days),
    )
    row = connection.execute(scan).fetchone()
    assert row is not None
    found = {(rule.name, finding.label): int(n) for (rule, finding), n in zip(findings, row[1:], strict=True)}
    verdicts = {}
    for rule in rules:
        counts = {finding.label: found[rule.name, finding.label] for finding in rule.findings}
        verdict = Verdict(int(row[0]), counts)
        if not verdict.keeps_to(rule):
            samples = _samples(connection, inspection, rule, counts, days)
            verdict = Verdict(
                verdict.rows, counts, samples, _by_partition(connection, inspection, rule, days)
            )
        verdicts[rule.name] = verdict
    return verdicts


def result_of(
    inspection: Inspection, rule: Rule, verdict: Verdict, days: list[str] | None
) -> dg.AssetCheckResult:
    """The verdict as Dagster shows it, with the SQL that lists every offender."""
    figures: dict[str, dg.MetadataValue] = {
        "rows": dg.MetadataValue.int(verdict.rows),
        "offenders": dg.MetadataValue.int(verdict.offenders),
        "severity": dg.MetadataValue.text(rule.severity.value),
        "threshold": _threshold(rule),
        "by_rule": dg.MetadataValue.json(verdict.counts),
        "offenders_sql": as_sql(offenders(inspection, rule, days)),
    }
    if rule.tolerated:
        figures["shares"] = dg.MetadataValue.json({x: round(verdict.share(x), 6) for x in verdict.counts})
    if verdict.by_partition:
        figures["by_partition"] = dg.MetadataValue.json(verdict.by_partition)
    if verdict.samples:
        figures["samples"] = as_table(verdict.samples)
    return dg.AssetCheckResult(
        asset_key=inspection.asset,
        check_name=rule.name,
        passed=verdict.keeps_to(rule),
        severity=rule.severity,
        description=_told(rule, verdict),
        metadata=figures,
    )


def _threshold(rule: Rule) -> dg.MetadataValue:
    return dg.MetadataValue.float(float(rule.tolerated)) if rule.tolerated else dg.MetadataValue.int(0)


def _told(rule: Rule, verdict: Verdict) -> str:
    where = located(list(verdict.by_partition))
    if rule.tolerated:
        shares = ", ".join(f"{label} {verdict.share(label):.2%}" for label in verdict.counts)
        return f"of {verdict.rows:,} rows: {shares}; {rule.tolerated:.2%} allowed{where}"
    broken = ", ".join(label for label, count in verdict.counts.items() if count)
    return f"{verdict.offenders:,} of {verdict.rows:,} rows" + (f": {broken}{where}" if broken else "")


def located(places: Sequence[str]) -> str:
    """`, on 2026-03-02 and 2026-03-04`; files are named with `in`; nothing where there is no place."""
    if not places:
        return ""
    some = list(places[:NAMED])
    if len(places) > NAMED:
        some.append(f"{len(places) - NAMED:,} more")
    listed = " and ".join(filter(None, [", ".join(some[:-1]), some[-1]]))
    return f", {'on' if all(map(_is_day, places)) else 'in'} {listed}"


def _is_day(place: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", place) is not None


def offenders(inspection: Inspection, rule: Rule, days: list[str] | None) -> sql.Composed:
    """The rows that break a rule, to be run in psql."""
    return sql.SQL("select t.* from {} where {} and ({})").format(
        inspection.source, _which(inspection, days), _broken(rule.findings)
    )


def _broken(findings: Sequence[Finding]) -> sql.Composed:
    return sql.SQL(" or ").join(sql.SQL("({})").format(finding.condition) for finding in findings)


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


def _samples(
    connection: Connection,
    inspection: Inspection,
    rule: Rule,
    counts: Mapping[str, int],
    days: list[str] | None,
) -> list[Sample]:
    """Key and partition of a few offenders, and every column that a broken condition names."""
    few = sql.SQL("{} limit {}").format(offenders(inspection, rule, days), sql.Literal(SAMPLES))
    broken = [finding for finding in rule.findings if counts[finding.label]]
    named = set(re.findall(r"\w+", _broken(broken).as_string(connection)))
    named |= {*inspection.key, *(["_partition"] if inspection.partitioned else [])}
    return few_rows(connection, few, named, inspection.personal)


def few_rows(
    connection: Connection, query: sql.Composed, named: Collection[str], personal: Collection[str]
) -> list[Sample]:
    """The rows of a query with these of its columns, in its order, personal values masked."""
    cursor = connection.execute(query)
    columns = [column.name for column in cursor.description or ()]
    return [
        {
            name: plain(shown(value, personal=name in personal))
            for name, value in zip(columns, row, strict=True)
            if name in named
        }
        for row in cursor.fetchall()
    ]


def plain(value: object) -> str | int | float | bool | None:
    """The value as metadata can hold it: numbers and truths as they are, times as ISO 8601, anything else as text."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def as_table(rows: Sequence[Sample]) -> dg.MetadataValue:
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows])


def as_sql(statement: sql.Composable) -> dg.MetadataValue:
    return dg.MetadataValue.md(f"```sql\n{statement.as_string()}\n```")


def _by_partition(
    connection: Connection, inspection: Inspection, rule: Rule, days: list[str] | None
) -> dict[str, int]:
    if not inspection.partitioned:
        return {}
    counted = sql.SQL(
        "select o._partition, count(*) from ({}) as o group by 1 order by ops.natural_order(o._partition)"
    )
    return dict(connection.execute(counted.format(offenders(inspection, rule, days))).fetchall())


def _which(inspection: Inspection, days: list[str] | None) -> sql.Composable:
    if days is None:
        return sql.SQL("true")
    return sql.SQL("t._partition = any({})").format(sql.Literal(days))
