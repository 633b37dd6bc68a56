"""The checks of a file feed: those that its load answers, and those that read what stands in staging."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
from psycopg import sql

from sales_platform.components.feed_specs import AnyFeed
from sales_platform.components.inspecting import (
    Finding,
    Inspection,
    Rule,
    as_sql,
    as_table,
    checks_of,
    repeated,
)
from sales_platform.components.load_checks import LoadChecks
from sales_platform.contracts.columns import Reference
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.casting import unlike, verbatim
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.tables import TableName, exists
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import DataRefused

CONSERVATION = "conservation"
REJECT_LIMIT = "reject_limit"
FILES_THERE = "files_there"
NAMED = 5


def load_check_specs(feed: AnyFeed) -> list[dg.AssetCheckSpec]:
    """Checks that only the load itself can answer, because it saw every line."""
    asset = dg.AssetKey(["staging", feed.name])
    said = {CONSERVATION: "Every row read was loaded, unchanged, a duplicate, superseded or rejected."}
    if isinstance(feed, FileFeedContract):
        said[REJECT_LIMIT] = (
            f"At most {feed.reject_limit:.2%} of a file's rows were rejected, else none stands."
        )
    specs = [
        dg.AssetCheckSpec(name, asset=asset, description=text, blocking=True) for name, text in said.items()
    ]
    if isinstance(feed, FileFeedContract) and feed.partitions == "daily":
        told = "Every day of the run had its file; a range leaves out those that had none."
        specs.append(dg.AssetCheckSpec(FILES_THERE, asset=asset, description=told))
    return specs


def load_check_results(feed: AnyFeed, reports: Sequence[LoadReport]) -> list[dg.AssetCheckResult]:
    limited = [_within_limit(feed, reports)] if isinstance(feed, FileFeedContract) else []
    return [_conservation(feed, reports), *limited]


def refusal(feed: FileFeedContract, error: DataRefused) -> dg.AssetCheckResult:
    """What the check says when the engine refused a file; the asset fails beside it."""
    figures: dict[str, Any] = {
        "threshold": float(feed.reject_limit),
        "offenders_sql": _refused_loads(feed, error),
    }
    if error.rejected:
        figures["rejected"] = sum(error.rejected.values())
    # each landing of a list is a partition of its own, and would be an incident of its own
    if error.rejected and feed.partitions != "none":
        figures["by_partition"] = dg.MetadataValue.json(dict(error.rejected))
    if error.samples:
        figures["samples"] = as_table([dict(sample) for sample in error.samples])
    return _load_result(feed, REJECT_LIMIT, passed=False, told=error.what, figures=figures)


def _refused_loads(feed: FileFeedContract, error: DataRefused) -> dg.MetadataValue:
    """The record of what was refused, which names reasons and lines: of its rows nothing stands."""
    query = sql.SQL("select * from ops.load where feed = {} and status = 'refused'").format(
        sql.Literal(feed.name)
    )
    if error.rejected:
        query += sql.SQL(" and partition = any({})").format(sql.Literal(list(error.rejected)))
    return as_sql(query + sql.SQL(" order by load_id desc"))


def files_there(feed: FileFeedContract, absent: Sequence[str]) -> dg.AssetCheckResult:
    """A warning: what has come is published, and a late file brings its day when it arrives."""
    asset = dg.AssetKey(["staging", feed.name])
    named = ", ".join(absent[:NAMED]) + (" …" if len(absent) > NAMED else "")
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=FILES_THERE,
        passed=not absent,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"no file at {named}" if absent else "every day had its file",
        metadata={"absent": dg.MetadataValue.json(list(absent)), "days_without_file": len(absent)},
    )


def _conservation(feed: AnyFeed, reports: Sequence[LoadReport]) -> dg.AssetCheckResult:
    astray = {r.partition: lost for r in reports if (lost := r.read - _with_a_fate(r))}
    read = sum(report.read for report in reports)
    told = f"{read:,} rows read, {sum(map(abs, astray.values())):,} without a fate"
    return _load_result(
        feed, CONSERVATION, passed=not astray, told=told, figures={"read": read, "astray": astray}
    )


def _with_a_fate(report: LoadReport) -> int:
    return report.loaded + report.unchanged + report.duplicate + report.superseded + report.rejected


def _within_limit(feed: FileFeedContract, reports: Sequence[LoadReport]) -> dg.AssetCheckResult:
    shares = {report.partition: report.rejected / report.read for report in reports if report.read}
    limit = float(feed.reject_limit)
    worst = max(shares.values(), default=0.0)
    figures = {
        "worst_share": round(worst, 6),
        "threshold": limit,
        "rejected": sum(r.rejected for r in reports),
    }
    told = f"{worst:.2%} of a file's rows rejected at most, {limit:.2%} allowed"
    return _load_result(feed, REJECT_LIMIT, passed=worst <= limit, told=told, figures=figures)


def _load_result(
    feed: AnyFeed, name: str, *, passed: bool, told: str, figures: Mapping[str, Any]
) -> dg.AssetCheckResult:
    asset = dg.AssetKey(["staging", feed.name])
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=name,
        passed=passed,
        description=told,
        metadata={"severity": dg.AssetCheckSeverity.ERROR.value, **figures},
    )


def staging_checks(feed: AnyFeed) -> dg.AssetChecksDefinition:
    """required, unique, where the contract says so accepted, pattern, range and reference, and those of its loads."""
    return checks_of(staging_inspection(feed), LoadChecks(feed))


def staging_inspection(feed: AnyFeed, absent: Collection[str] = ()) -> Inspection:
    """absent: tables of parents that do not stand yet, as when the feeds of a domain are loaded side by side for the
    first time.
    """
    rules = (
        _required(feed),
        _unique(feed),
        *_accepted(feed),
        *_pattern(feed),
        *_range(feed),
        *_warnings(feed),
        *_references(feed, absent),
    )
    return Inspection(
        f"staging.{feed.name}",
        _source(feed, absent),
        key=feed.staging_key,
        rules=rules,
        personal=frozenset(name for name, column in feed.columns.items() if column.pii),
        partitioned=isinstance(feed, FileFeedContract) and feed.partitions != "none",
        as_it_stands=lambda connection: staging_inspection(feed, _absent_parents(connection, feed)),
    )


def _absent_parents(connection: Connection, feed: AnyFeed) -> set[str]:
    parents = {reference.table for _, reference in _referring(feed)}
    return {parent for parent in parents if not exists(connection, TableName.parse(parent))}


def _source(feed: AnyFeed, absent: Collection[str]) -> sql.Composed:
    """Staging rows, each beside its parents where it has references; one join for each reference."""
    joins = [
        sql.SQL(
            " left join (select distinct {parent} as value from {table}) as {alias}"
            " on {alias}.value = t.{column}"
        ).format(
            parent=sql.Identifier(reference.column),
            table=TableName.parse(reference.table).sql,
            alias=_parent(name),
            column=sql.Identifier(name),
        )
        for name, reference in _referring(feed)
        if reference.table not in absent
    ]
    return sql.SQL("{} as t{}").format(TableName("staging", feed.name).sql, sql.SQL("").join(joins))


def _referring(feed: AnyFeed) -> Iterable[tuple[str, Reference]]:
    if not isinstance(feed, FileFeedContract):
        return []
    return [(name, column.reference) for name, column in feed.columns.items() if column.reference]


def _parent(name: str) -> sql.Identifier:
    return sql.Identifier(f"_parent_of_{name}")


def _required(feed: AnyFeed) -> Rule:
    findings = tuple(
        Finding(name, sql.SQL("t.{} is null").format(sql.Identifier(name)))
        for name in (*feed.key, *(name for name in feed.columns if name not in feed.key))
        if name in feed.required_columns
    )
    return Rule("required", f"Never empty: {', '.join(f.label for f in findings)}.", findings)


def _unique(feed: AnyFeed) -> Rule:
    finding = repeated(TableName("staging", feed.name), feed.staging_key)
    return Rule("unique", f"One row per {finding.label}.", (finding,))


def _accepted(feed: AnyFeed) -> list[Rule]:
    findings = tuple(
        Finding(
            name,
            sql.SQL("t.{}::text not in ({})").format(
                sql.Identifier(name), sql.SQL(", ").join(map(sql.Literal, column.accepted))
            ),
        )
        for name, column in feed.columns.items()
        if column.accepted
    )
    named = ", ".join(finding.label for finding in findings)
    return (
        [Rule("accepted", f"Only values that the contract accepts: {named}.", findings)] if findings else []
    )


def _pattern(feed: AnyFeed) -> list[Rule]:
    findings = tuple(
        Finding(f"{name} ~ {column.pattern}", unlike(sql.Identifier("t", name), column.pattern))
        for name, column in feed.columns.items()
        if column.pattern
    )
    named = "; ".join(finding.label for finding in findings)
    return [Rule("pattern", f"Every text matches: {named}.", findings)] if findings else []


def _range(feed: AnyFeed) -> list[Rule]:
    """Every `check` of a column and every rule of a row, in the contract's own words."""
    checks = [
        Finding(
            column.check,
            sql.SQL("t.{} is not null and ({}) is not true").format(
                sql.Identifier(name), verbatim(column.check)
            ),
        )
        for name, column in feed.columns.items()
        if column.check
    ]
    rules = [
        Finding(rule.reason, sql.SQL("({}) is not true").format(verbatim(rule.check)))
        for rule in feed.rules
        if not rule.only_warns
    ]
    findings = (*checks, *rules)
    named = "; ".join(finding.label for finding in findings)
    return [Rule("range", f"Every row keeps to: {named}.", findings)] if findings else []


def _warnings(feed: AnyFeed) -> list[Rule]:
    """Rules that take a row in all the same (Q-19)."""
    findings = tuple(
        Finding(rule.reason, sql.SQL("({}) is not true").format(verbatim(rule.check)))
        for rule in feed.rules
        if rule.only_warns
    )
    named = "; ".join(f"{rule.check} ({rule.reason})" for rule in feed.rules if rule.only_warns)
    told = f"No row that enters with a warning: {named}."
    return [Rule("warnings", told, findings, blocking=False)] if findings else []


def _references(feed: AnyFeed, absent: Collection[str]) -> list[Rule]:
    """Blocking unless every missing parent becomes an inferred member anyway."""
    referring = list(_referring(feed))
    findings = tuple(_orphans(name, reference, reference.table in absent) for name, reference in referring)
    blocking = any(reference.missing != "infer" for _, reference in referring)
    named = ", ".join(finding.label for finding in findings)
    return [Rule("reference", f"Parents that are there: {named}.", findings, blocking)] if findings else []


def _orphans(name: str, reference: Reference, absent: bool) -> Finding:
    """Rows without their parent. Before the table of parents stands nobody has one; where members are inferred, that is
    no news.
    """
    label, column = f"{name} in {reference.table}", sql.Identifier(name)
    if not absent:
        orphan = sql.SQL("t.{} is not null and {}.value is null").format(column, _parent(name))
        return Finding(label, orphan)
    orphan = sql.SQL("false" if reference.missing == "infer" else "t.{} is not null").format(column)
    return Finding(f"{label}, which does not stand yet", orphan)
