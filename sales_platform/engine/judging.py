"""The rows of raw, cast and judged by their contract into the temporary table `judged`. Nothing that stays.

Three levels, fenced by an offset of nothing so that each expression is computed once: normalise the text, or read its
value where it is plainly written; cast the others; judge the value. `_reasons` is NULL for a clean row, else
every reason in the order of the contract.

The offset is a bigint as it stands, because one that has to be cast first is taken for a limit, and what lies above a
limit is computed on one core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from sales_platform.contracts.columns import Column
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.absences import ABSENT_COLUMNS, Absences, absences_of, absent_columns
from sales_platform.engine.casting import normalised, quick, typed, unlike, verbatim
from sales_platform.engine.landing import raw_name, spellings
from sales_platform.engine.tables import TableName, analyze_sample, exists, identifiers, refresh_statistics
from sales_platform.engine.warehouse import Connection

Fault = tuple[str, sql.Composable]

_SORTED_FAST = ("smallint", "integer", "bigint")


@dataclass
class JudgedRows:
    """How many rows of each load `judged` holds, and how many of them are refused. each_key_once: no key of a clean row
    is known to repeat; False where that was not looked for.
    """

    of_load: dict[int, tuple[int, int]]
    each_key_once: bool = False


def judge(
    connection: Connection,
    feed: FileFeedContract,
    load_ids: Sequence[int],
    newest_load: datetime,
    *,
    corrections: Sequence[int] = (),
    snapshot_at: datetime | None = None,
    source_rows: Sequence[int] | None = None,
) -> JudgedRows:
    """Fill `judged` from the raw rows of the given loads; source_rows: only these lines of them. corrections:
    resubmitted loads of the same partitions, whose rows take the place of the lines they correct.

    newest_load: rows dated beyond it (and the contract's tolerance) are held (S-38). snapshot_at: the time of
    a snapshot, where it is known already; else its lines say it themselves.
    """
    parents = {
        name
        for name, column in feed.columns.items()
        if column.reference and exists(connection, TableName.parse(column.reference.table))
    }
    connection.execute("drop table if exists pg_temp.judged")
    refresh_statistics(connection, raw_name(feed))
    which = _rows_that_count(feed, load_ids, corrections)
    absences = absences_of(connection, feed, [*load_ids, *corrections])
    if source_rows is not None:
        which = sql.SQL("{} and r._source_row = any({})").format(which, sql.Literal(list(source_rows)))
    # Reading and judging values is worth several cores; by default the planner fears to gather the rows.
    connection.execute("set local parallel_tuple_cost = 0.01")
    connection.execute(judgement(feed, which, newest_load, snapshot_at, parents, absences))
    connection.execute("set local parallel_tuple_cost to default")
    known = [*(name for name in feed.staging_key if name in feed.columns), "_reasons"]
    analyze_sample(connection, sql.SQL("pg_temp.judged ({})").format(identifiers(known)))
    alone = len(load_ids) + len(corrections) == 1
    return _counted(connection, _sorted_fast(feed) if alone else None)


def _sorted_fast(feed: FileFeedContract) -> sql.Composable | None:
    """The key, where it is a whole number: sorting those costs next to nothing beside the reading of their rows."""
    if len(feed.key) != 1 or feed.event_time or feed.columns[feed.key[0]].kind.sql not in _SORTED_FAST:
        return None
    return sql.Identifier(feed.key[0])


def _counted(connection: Connection, key: sql.Composable | None) -> JudgedRows:
    """key: of a single load; whether it repeats among the clean rows is then told by the same pass."""
    distinct = sql.SQL("count(distinct {}) filter (where _reasons is null)").format(key) if key else sql.NULL
    counts = connection.execute(
        sql.SQL("select _load_id, count(*), count(_reasons), {} from judged group by _load_id").format(
            distinct
        )
    ).fetchall()
    return JudgedRows(
        {load_id: (rows, refused) for load_id, rows, refused, _ in counts},
        each_key_once=key is not None and all(keys == rows - refused for _, rows, refused, keys in counts),
    )


def _rows_that_count(
    feed: FileFeedContract, load_ids: Sequence[int], corrections: Sequence[int]
) -> sql.Composed:
    """Condition on the raw row `r`: of these loads, and not corrected by a later one."""
    which = sql.SQL("r._load_id = any({})").format(sql.Literal([*load_ids, *corrections]))
    if not corrections:
        return which
    return sql.SQL(
        """{which} and not exists (
                select from {raw} as c
                where c._load_id = any({corrections}) and c._load_id > r._load_id
                    and c._partition = r._partition and c._source_row = r._source_row
            )"""
    ).format(which=which, raw=raw_name(feed).sql, corrections=sql.Literal(list(corrections)))


def judgement(
    feed: FileFeedContract,
    which: sql.Composable,
    newest_load: datetime,
    snapshot_at: datetime | None = None,
    parents: set[str] | None = None,
    absences: Absences | None = None,
) -> sql.Composed:
    """The statement that makes `judged`. which: condition on the raw row `r`. parents: columns whose
    reference table stands already. absences: what the files of some loads lacked.
    """
    orphans = {
        name: _orphan_faults(feed, name, column, parents or set()) for name, column in feed.columns.items()
    }
    row_faults = _row_faults(feed, newest_load)
    reasons = [
        fault
        for name, column in feed.columns.items()
        for fault in (*_column_faults(feed, name, column), *orphans[name])
    ]
    return sql.SQL(
        """create temporary table judged on commit drop as
select
    t._load_id, t._partition, t._source_row, {columns}{deleted}{snapshot}{absent},
    case when {any_fault} then nullif(array_remove(array[{reasons}]::text[], null), '{{}}') end as _reasons
from (
    select t.*, ({faulty}) as _faulty
    from (
        select
            n._load_id, n._partition, n._source_row,
            {texts},
            {values}
        from (
            select r._load_id, r._partition, r._source_row, {normals}
            from {raw} as r
            where {which}
            offset bigint '0'
        ) as n
        offset bigint '0'
    ) as t
    offset bigint '0'
) as t
{references}"""
    ).format(
        columns=identifiers(tuple(feed.columns), "t"),
        deleted=_deleted(feed),
        snapshot=_snapshot(feed, snapshot_at),
        absent=_absent(feed, absences or {}),
        faulty=_faulty(feed),
        any_fault=_any([*(f for faults in orphans.values() for f in faults), *row_faults], first="t._faulty"),
        reasons=sql.SQL(", ").join(_reason(reason, fault) for reason, fault in [*reasons, *row_faults]),
        texts=sql.SQL(", ").join(
            sql.SQL("n.{} as {}").format(sql.Identifier(name), _text(feed, name))
            for name, column in feed.columns.items()
            if column.kind.name != "text"
        )
        if any(column.kind.name != "text" for column in feed.columns.values())
        else sql.SQL("null as _no_text"),
        values=sql.SQL(",\n            ").join(
            sql.SQL("{} as {}").format(_value(feed, name, column), sql.Identifier(name))
            for name, column in feed.columns.items()
        ),
        normals=sql.SQL(", ").join(_received(feed, name, column) for name, column in feed.columns.items()),
        raw=raw_name(feed).sql,
        which=which,
        references=_reference_joins(feed, parents or set()),
    )


def _received(feed: FileFeedContract, name: str, column: Column) -> sql.Composed:
    """Of the raw row: the quick value with the text as it came, or the normalised text."""
    text = _spelled(feed, name)
    value = quick(text, column)
    if value is None:
        return sql.SQL("{} as {}").format(normalised(text, column), sql.Identifier(name))
    return sql.SQL("{}, {} as {}").format(text, value, _quick(feed, name))


def _spelled(feed: FileFeedContract, name: str) -> sql.Composable:
    """The text of the raw row `r` under whichever name its file brought it."""
    names = [sql.Identifier("r", spelling) for spelling in spellings(feed, name)]
    return names[0] if len(names) == 1 else sql.SQL("coalesce({})").format(sql.SQL(", ").join(names))


def _value(feed: FileFeedContract, name: str, column: Column) -> sql.Composable:
    text = sql.Identifier("n", name)
    if quick(text, column) is None:
        return typed(text, column)
    return sql.SQL("coalesce({}, {})").format(
        _quick(feed, name, "n"), typed(normalised(text, column), column)
    )


def _quick(feed: FileFeedContract, name: str, alias: str | None = None) -> sql.Identifier:
    numbered = f"_quick_{list(feed.columns).index(name)}"
    return sql.Identifier(alias, numbered) if alias else sql.Identifier(numbered)


def _text(feed: FileFeedContract, name: str, alias: str | None = None) -> sql.Identifier:
    """Where the text of a cast column travels, so that "unreadable" and "missing" stay apart.

    Numbered, because a name of 63 bytes takes no prefix (S-46).
    """
    numbered = f"_text_{list(feed.columns).index(name)}"
    return sql.Identifier(alias, numbered) if alias else sql.Identifier(numbered)


def _parent(feed: FileFeedContract, name: str) -> str:
    return f"_parent_{list(feed.columns).index(name)}"


def _column_faults(feed: FileFeedContract, name: str, column: Column) -> list[Fault]:
    value = sql.Identifier("t", name)
    faults: list[Fault] = []
    if column.kind.name != "text":
        text: sql.Composable = _text(feed, name, "t")
        if quick(text, column) is not None:
            text = normalised(text, column)
        unreadable = sql.SQL("{} is null and {} is not null").format(value, text)
        faults.append((column.reject_as or f"INVALID_{name.upper()}", unreadable))
        missing = sql.SQL("{} is null").format(text)
    else:
        missing = sql.SQL("{} is null").format(value)
    if name in feed.required_columns:
        faults.append((_missing_reason(feed, name, column), missing))
    if column.accepted:
        known = sql.SQL(", ").join(sql.Literal(word) for word in column.accepted)
        faults.append(
            (
                column.reject_as or f"UNKNOWN_{name.upper()}",
                sql.SQL("{}::text not in ({})").format(value, known),
            )
        )
    if column.pattern:
        faults.append((column.reject_as or f"INVALID_{name.upper()}", unlike(value, column.pattern)))
    if column.check:
        refused = sql.SQL("{} is not null and ({}) is not true").format(value, verbatim(column.check))
        faults.append((column.reject_as or f"INVALID_{name.upper()}", refused))
    return faults


def _missing_reason(feed: FileFeedContract, name: str, column: Column) -> str:
    if column.reject_as:
        return column.reject_as
    if name in feed.key:
        return "NULL_KEY"
    return "NULL_TS" if name == feed.time_column else f"MISSING_{name.upper()}"


def _orphan_faults(feed: FileFeedContract, name: str, column: Column, parents: set[str]) -> list[Fault]:
    """The fault of a value whose parent is not there; it stands with its column, where a reader looks for it."""
    if column.reference is None or column.reference.missing == "infer":
        return []
    orphan: sql.Composable = sql.SQL("true")
    if name in parents:
        orphan = sql.SQL("{} is null").format(sql.Identifier(_parent(feed, name), "_found"))
    fault = sql.SQL("{} is not null and {}").format(sql.Identifier("t", name), orphan)
    return [(column.reject_as or "MISSING_PARENT", fault)]


def _row_faults(feed: FileFeedContract, newest_load: datetime) -> list[Fault]:
    faults: list[Fault] = []
    for rule in (rule for rule in feed.rules if not rule.only_warns):
        # A rule over a value that could not be read says nothing new; over a missing one it counts as failed.
        held = sql.SQL("({rule}) is not true and (not t._faulty or ({rule}) is not null)").format(
            rule=verbatim(rule.check)
        )
        faults.append((rule.reason, held))
    if feed.event_time:
        horizon = sql.SQL("({}::timestamptz + {}::interval)").format(
            sql.Literal(newest_load.isoformat()), sql.Literal(feed.future_tolerance)
        )
        value = sql.Identifier("t", feed.event_time)
        faults.append(("FUTURE_TIMESTAMP", sql.SQL("{} > {}").format(value, horizon)))
    return faults


def _faulty(feed: FileFeedContract) -> sql.Composable:
    """Whether any column is at fault, in fewer comparisons than the reasons need."""
    plain = [
        name
        for name, column in feed.columns.items()
        if not (column.accepted or column.pattern or column.check)
    ]
    nulls = [
        sql.SQL("{} is null").format(sql.Identifier("t", name))
        for name in plain
        if name in feed.required_columns
    ]
    others = [
        fault
        for name, column in feed.columns.items()
        if name not in plain or name not in feed.required_columns
        for fault in _column_faults(feed, name, column)
    ]
    rest = [sql.SQL("coalesce({}, false)").format(fault) for _, fault in others]
    return sql.SQL(" or ").join([*nulls, *rest]) if nulls or rest else sql.SQL("false")


def _any(faults: list[Fault], first: str | None = None) -> sql.Composable:
    parts: list[sql.Composable] = [sql.SQL(first)] if first else []
    parts += [sql.SQL("coalesce({}, false)").format(fault) for _, fault in faults]
    return sql.SQL(" or ").join(parts) if parts else sql.SQL("false")


def _reason(reason: str, fault: sql.Composable) -> sql.Composed:
    return sql.SQL("case when {} then {} end").format(fault, sql.Literal(reason))


def _deleted(feed: FileFeedContract) -> sql.Composable:
    if not feed.deleted_when:
        return sql.SQL(", false as _deleted" if feed.marks_deletes else "")
    return sql.SQL(", coalesce(({})::boolean, false) as _deleted").format(verbatim(feed.deleted_when))


def _absent(feed: FileFeedContract, absences: Absences) -> sql.Composable:
    if not feed.keeps_history:
        return sql.SQL("")
    return sql.SQL(", {} as {}").format(absent_columns(absences), sql.Identifier(ABSENT_COLUMNS))


def _snapshot(feed: FileFeedContract, snapshot_at: datetime | None) -> sql.Composable:
    if not feed.versions:
        return sql.SQL("")
    if feed.snapshot_at and snapshot_at is None:
        return sql.SQL(", {} as _snapshot_at").format(_moment(feed, feed.snapshot_at))
    moment = snapshot_at.isoformat() if snapshot_at else None
    return sql.SQL(", {}::timestamptz as _snapshot_at").format(sql.Literal(moment))


def _moment(feed: FileFeedContract, name: str) -> sql.Composed:
    """The value of a time column as an instant; a day is the moment at which it begins where the business is."""
    value = sql.Identifier("t", name)
    if feed.columns[name].kind.name == "date":
        return sql.SQL("({}::timestamp at time zone ops.business_zone())").format(value)
    return sql.SQL("{}").format(value)


def _reference_joins(feed: FileFeedContract, parents: set[str]) -> sql.Composable:
    joins = []
    for name, column in feed.columns.items():
        if column.reference and column.reference.missing != "infer" and name in parents:
            joins.append(
                sql.SQL(
                    "left join (select distinct {c} as _value, true as _found from {t}) as {a} on {a}._value = {v}"
                ).format(
                    c=sql.Identifier(column.reference.column),
                    t=TableName.parse(column.reference.table).sql,
                    a=sql.Identifier(_parent(feed, name)),
                    v=sql.Identifier("t", name),
                )
            )
    return sql.SQL("\n").join(joins)
