"""Publishing one judged landing of a feed without partitions: row by row against what earlier landings left.

Reads the temporary tables `judged` and `best`. Absence is no delete; an equal row is left untouched. Landings that are
snapshots, whose differences are events, belong to `staged_versions`.
"""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.fates import Outcome, settle_losers
from sales_platform.engine.judging import JudgedRows
from sales_platform.engine.ranking import choose_within_partitions, forget_choice
from sales_platform.engine.staging import (
    completes,
    ensure_staging_table,
    finish_staging_table,
    joined,
    same_as_told,
    staged_columns,
    staging_name,
)
from sales_platform.engine.tables import identifiers
from sales_platform.engine.warehouse import Connection


def publish_landing(connection: Connection, feed: FileFeedContract, judged: JudgedRows) -> Outcome:
    """Take over the clean rows of `judged`, which all belong to one landing."""
    outcome = Outcome()
    fresh = ensure_staging_table(connection, feed)
    outcome.count_refused(judged)
    choose_within_partitions(connection, feed, judged)
    settle_losers(connection, feed, "losers", outcome)
    _compare(connection, feed)
    settle_losers(connection, feed, "beaten", outcome)
    for load_id, fate, count in connection.execute(
        "select _load_id, _fate, count(*) from verdict where _fate in ('loaded', 'unchanged') group by 1, 2"
    ).fetchall():
        outcome.add(load_id, fate, count)
    outcome.changed = _apply(connection, feed)
    if fresh:
        finish_staging_table(connection, feed)
    connection.execute("drop view pg_temp.beaten")
    connection.execute("drop table pg_temp.verdict")
    forget_choice(connection)
    return outcome


def _compare(connection: Connection, feed: FileFeedContract) -> None:
    """`verdict`: every chosen row with its fate against the row that stands."""
    connection.execute(
        sql.SQL(
            """create temporary table verdict on commit drop as
            select b.*, s._load_id is not null as _stands, case
                when s._load_id is null then 'loaded'
                when {same} then 'unchanged'
                when {completes} or {wins} then 'loaded'
                else {beaten} end as _fate
            from best as b left join {standing} as s on {match}"""
        ).format(
            same=same_as_told(feed, "b", "s"),
            completes=completes(feed, "b", "s"),
            wins=_wins(feed),
            beaten=sql.Literal("conflict" if feed.on_duplicate == "reject" else "superseded"),
            standing=staging_name(feed).sql,
            match=joined(feed.staging_key, "b", "s"),
        )
    )
    connection.execute(
        "create temporary view beaten as select * from verdict where _fate in ('superseded', 'conflict')"
    )


def _wins(feed: FileFeedContract) -> sql.Composable:
    """Whether the row of this landing (`b`) counts before the one of an earlier landing (`s`).

    A newer list is the newer truth; only for events of one key and time does the contract's on_duplicate
    speak (S-22).
    """
    wins: sql.Composable = sql.Literal(feed.event_time is None or feed.on_duplicate == "latest")
    if feed.deleted_when and feed.event_time:
        wins = sql.SQL("case when b._deleted <> s._deleted then b._deleted else {} end").format(wins)
    if feed.tie_break:
        wins = sql.SQL(
            "case when b.{tie} is distinct from s.{tie}"
            " then coalesce(b.{tie} > s.{tie}, s.{tie} is null) else {wins} end"
        ).format(tie=sql.Identifier(feed.tie_break), wins=wins)
    return wins


def _apply(connection: Connection, feed: FileFeedContract) -> bool:
    """Write what is new or different; fill `changed_now` with the keys. Returns whether anything was written."""
    columns = identifiers(staged_columns(feed))
    connection.execute(
        sql.SQL(
            "delete from {} as s using verdict as v where v._stands and v._fate = 'loaded' and {}"
        ).format(staging_name(feed).sql, joined(feed.staging_key, "s", "v"))
    )
    written = connection.execute(
        sql.SQL("insert into {} ({}) select {} from verdict where _fate = 'loaded'").format(
            staging_name(feed).sql, columns, columns
        )
    ).rowcount
    connection.execute(
        sql.SQL(
            "create temporary table if not exists changed_now on commit drop as select {} from best limit 0"
        ).format(identifiers(feed.key))
    )
    connection.execute(
        sql.SQL("insert into changed_now select distinct {} from verdict where _fate = 'loaded'").format(
            identifiers(feed.key)
        )
    )
    return written > 0
