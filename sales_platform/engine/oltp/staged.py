"""Staging of a source's table, made from its log: the newest sighting of each key, or of each key and time.

A pure function of the log and the contract: the changed keys are computed as a rebuild computes them all.
"""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.source import SourceColumn, TableFeed
from sales_platform.engine.casting import unlike, verbatim
from sales_platform.engine.changed_keys import changed_keys_name, ensure_changed_keys, note_changed_keys
from sales_platform.engine.oltp.log import log_name, logged_columns
from sales_platform.engine.oltp.refusals import record_refusals
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import (
    TableColumn,
    TableName,
    add_primary_key,
    ensure_table,
    identifiers,
    primary_key_of,
    refresh_statistics,
)
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Connection
from sales_platform.engine.warned import count_warned


def staging_name(feed: TableFeed) -> TableName:
    return TableName("staging", feed.name)


def publish_changed(connection: Connection, feed: TableFeed, load_id: int) -> int:
    """Bring the keys of `changed_now` to what the log says of them. Returns how many rows a rule refused."""
    connection.execute("analyze pg_temp.changed_now")
    ensure_staging(connection, feed)
    _judge_latest(
        connection, feed, sql.SQL("inner join changed_now as c on {}").format(joined(feed.key, "r", "c"))
    )
    connection.execute(
        sql.SQL("delete from {} as s using changed_now as c where {}").format(
            staging_name(feed).sql, joined(feed.key, "s", "c")
        )
    )
    _insert_clean(connection, feed)
    refused = record_refusals(connection, feed, load_id)
    publish_versions(connection, str(staging_name(feed)))
    changed = sql.Identifier("pg_temp", "changed_now")
    note_changed_keys(connection, staging_name(feed), feed.key, changed)
    return refused


def restage_log(connection: Connection, feed: TableFeed) -> None:
    """Empty staging and make it anew from the whole log; whoever reads it looks at all of it. Writes no rejection."""
    fresh = ensure_staging(connection, feed)
    connection.execute(sql.SQL("delete from {}").format(staging_name(feed).sql))
    _judge_latest(connection, feed, sql.SQL(""))
    _insert_clean(connection, feed)
    if fresh:
        refresh_statistics(connection, staging_name(feed))
    connection.execute("delete from ops.consumed_version where input = %s", [str(staging_name(feed))])
    ensure_changed_keys(connection, staging_name(feed), feed.key)
    connection.execute(sql.SQL("delete from {}").format(changed_keys_name(staging_name(feed)).sql))
    publish_versions(connection, str(staging_name(feed)))


def record_all_refusals(connection: Connection, feed: TableFeed, load_id: int) -> int:
    """After `restage_log`: write every row that a rule refused, resolve all others. Returns how many are refused."""
    return record_refusals(connection, feed, load_id, everything=True)


def warned_of(connection: Connection, feed: TableFeed, load_id: int) -> dict[str, int]:
    """After rows were published: reason → those of this load that a rule only warns of."""
    return count_warned(connection, feed.rules, "latest", sql.SQL("not _deleted")).get(load_id, {})


def ensure_staging(connection: Connection, feed: TableFeed) -> bool:
    """Create or widen `staging.<feed>`. Returns whether it is new."""
    described = feed.spoken.columns
    required = feed.required_columns
    columns = [
        TableColumn(
            name, kind, name in required, description=d.description if (d := described.get(name)) else None
        )
        for name, kind in logged_columns(connection, feed).items()
    ]
    if feed.versions:
        columns.append(TableColumn("_event_at", "timestamp with time zone", True))
        columns.append(TableColumn("_deleted", "boolean", True))
    columns.append(TableColumn("_load_id", "bigint", True))
    return ensure_table(connection, staging_name(feed), columns, feed.description)


def current_rows(feed: TableFeed) -> sql.Composed:
    """A SELECT of the row that stands for each key now, from staging."""
    if not feed.versions:
        return sql.SQL("select * from {}").format(staging_name(feed).sql)
    return sql.SQL(
        "select * from (select distinct on ({key}) * from {table} order by {key}, _event_at desc) as s"
        " where not _deleted"
    ).format(key=identifiers(feed.key), table=staging_name(feed).sql)


def latest_rows(feed: TableFeed, some: sql.Composable) -> sql.Composed:
    """A SELECT of the newest sighting for each row of staging, with `_reasons`. some: a join that narrows the log."""
    grain = identifiers(feed.staging_key, "r")
    return sql.SQL(
        """select t.*, {reasons} as _reasons
from (
    select distinct on ({grain}) r.* from {log} as r {some}
    order by {grain}, r._load_id desc
) as t"""
    ).format(reasons=_reasons(feed), grain=grain, log=log_name(feed).sql, some=some)


def _judge_latest(connection: Connection, feed: TableFeed, some: sql.Composable) -> None:
    connection.execute("drop table if exists pg_temp.latest")
    connection.execute(
        sql.SQL("create temporary table latest on commit drop as\n{}").format(latest_rows(feed, some))
    )


def _insert_clean(connection: Connection, feed: TableFeed) -> None:
    names = [
        *logged_columns(connection, feed),
        *(["_event_at", "_deleted"] if feed.versions else []),
        "_load_id",
    ]
    kept = sql.SQL("true" if feed.versions else "not _deleted")
    connection.execute(
        sql.SQL("insert into {} ({c}) select {c} from latest where _reasons is null and {}").format(
            staging_name(feed).sql, kept, c=identifiers(names)
        )
    )
    if not primary_key_of(connection, staging_name(feed)):
        add_primary_key(connection, staging_name(feed), feed.staging_key)


def _reasons(feed: TableFeed) -> sql.Composable:
    faults = [fault for name, column in feed.spoken.columns.items() for fault in _faults(name, column)]
    faults += [
        (rule.reason, sql.SQL("({}) is not true").format(verbatim(rule.check)))
        for rule in feed.spoken.rules
        if not rule.only_warns
    ]
    if not faults:
        return sql.SQL("null::text[]")
    cases = sql.SQL(", ").join(
        sql.SQL("case when {} then {} end").format(fault, sql.Literal(reason)) for reason, fault in faults
    )
    return sql.SQL(
        "case when not t._deleted then nullif(array_remove(array[{}]::text[], null), '{{}}') end"
    ).format(cases)


def _faults(name: str, column: SourceColumn) -> list[tuple[str, sql.Composable]]:
    value = sql.Identifier("t", name)
    faults: list[tuple[str, sql.Composable]] = []
    if column.required:
        faults.append((column.reject_as or f"MISSING_{name.upper()}", sql.SQL("{} is null").format(value)))
    if column.accepted:
        known = sql.SQL(", ").join(map(sql.Literal, column.accepted))
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
