"""Which of several rows of one key counts: SQL fragments and the temporary tables `best` and `ranked`.

Two levels, so that adding or taking away a partition changes nothing inside another one: first each partition
chooses its own row of a key, then the partitions' rows are compared. Identical copies form a group,
represented by its first member.
"""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.absences import ABSENT_COLUMNS
from sales_platform.engine.judging import JudgedRows
from sales_platform.engine.staging import completes, joined, staged_columns, value_columns
from sales_platform.engine.tables import identifiers
from sales_platform.engine.warehouse import Connection


def choose_within_partitions(connection: Connection, feed: FileFeedContract, judged: JudgedRows) -> bool:
    """Make `best`, one row per key and partition of the clean rows of `judged`, and `losers`, the others with
    their fate.

    Returns whether any key occurred twice. Without such a key `best` is just the clean rows, and no window is
    computed.
    """
    forget_choice(connection)
    columns = identifiers(staged_columns(feed))
    key = identifiers(feed.staging_key)
    repeated = 0 if judged.each_key_once else _note_repeated(connection, key)
    if repeated:
        connection.execute("analyze pg_temp.repeated")
        contested = sql.SQL("_reasons is null and ({}) in (select * from repeated)").format(key)
        connection.execute(_rank(feed, "judged", "_partition", contested))
        best = """create temporary view best as select {columns} from ranked_judged where _fate = 'winner'
            union all select {columns} from judged where _reasons is null and ({key}) not in (select * from repeated)"""
        losers = "create temporary view losers as select * from ranked_judged where _fate <> 'winner'"
    else:
        best = "create temporary view best as select {columns} from judged where _reasons is null"
        losers = "create temporary view losers as select *, null::text as _fate from judged where false"
    connection.execute(sql.SQL(best).format(columns=columns, key=key))
    connection.execute(losers)
    return repeated > 0


def _note_repeated(connection: Connection, key: sql.Composable) -> int:
    """`repeated`: the keys of several clean rows. Returns how many."""
    return connection.execute(
        sql.SQL(
            "create temporary table repeated on commit drop as"
            " select {key} from judged where _reasons is null group by {key} having count(*) > 1"
        ).format(key=key)
    ).rowcount


def see_every_clean_row(connection: Connection, feed: FileFeedContract) -> None:
    """Make `best` the clean rows of `judged`, on trust that no key occurs twice."""
    forget_choice(connection)
    connection.execute(
        sql.SQL("create temporary view best as select {} from judged where _reasons is null").format(
            identifiers(staged_columns(feed))
        )
    )


def forget_choice(connection: Connection) -> None:
    connection.execute("drop view if exists pg_temp.best, pg_temp.losers")
    connection.execute(
        "drop table if exists pg_temp.ranked_judged, pg_temp.ranked_candidates, pg_temp.candidates, pg_temp.repeated"
    )


def _rank(feed: FileFeedContract, source: str, scope: str | None, which: sql.Composable) -> sql.Composed:
    """`ranked_<source>`: every row with its fate: winner, duplicate, superseded or conflict."""
    key = identifiers(feed.staging_key)
    scoped = sql.SQL("{}, {}").format(sql.Identifier(scope), key) if scope else key
    values = value_columns(feed)
    group = sql.SQL("{}, {}").format(scoped, identifiers(values)) if values else scoped
    reject = feed.on_duplicate == "reject" and scope is not None
    covered = _covered(feed, source, scope)
    return sql.SQL(
        """create temporary table {ranked} on commit drop as
with placed as (
    select s.*, {covered} as _covered, row_number() over (order by {partition_order}, _source_row) as _place
    from {source} as s where {where}
),
grouped as (
    select p.*, min(_place) over g as _first, max(_place) over g as _last
    from placed as p window g as (partition by {group})
),
decided as (
    select g.*,
        first_value(_first) over (partition by {scoped} order by {told_first}{preference}) as _winner,
        min(_first) over (partition by {rivals}) <> max(_first) over (partition by {rivals}) as _contested
    from grouped as g
)
select d.*, case
    when _covered or _place <> _first then 'duplicate'
    when {reject} and _contested then 'conflict'
    when _first = _winner then 'winner'
    else {beaten} end as _fate
from decided as d"""
    ).format(
        ranked=sql.Identifier(f"ranked_{source}"),
        source=sql.Identifier("pg_temp", source),
        where=which,
        covered=covered,
        told_first=sql.SQL("_covered, " if feed.keeps_history else ""),
        rivals=sql.SQL("{}, _covered").format(scoped) if feed.keeps_history else scoped,
        # inside a partition the order of partitions says nothing, and natural order is dear
        partition_order=sql.Identifier("s", scope) if scope else partition_order(feed),
        group=group,
        scoped=scoped,
        preference=preference(feed),
        reject=sql.Literal(reject),
        beaten=sql.Literal("conflict" if feed.on_duplicate == "reject" else "superseded"),
    )


def _covered(feed: FileFeedContract, source: str, scope: str | None) -> sql.Composable:
    """Whether another row says all that the row `s` says, and more that its file could not say (S-54)."""
    if not feed.keeps_history:
        return sql.SQL("false")
    key = (*feed.staging_key, *([scope] if scope else []))
    return sql.SQL(
        "(s.{absent} is not null and exists (select from {source} as o where {match} and {completes}))"
    ).format(
        absent=sql.Identifier(ABSENT_COLUMNS),
        source=sql.Identifier("pg_temp", source),
        match=joined(key, "o", "s"),
        completes=completes(feed, "o", "s"),
    )


def rank_across_partitions(connection: Connection, feed: FileFeedContract) -> None:
    """Fill `ranked_candidates` from `candidates`: the rows of contested keys, one per partition."""
    connection.execute(_rank(feed, "candidates", None, sql.SQL("true")))


def preference(feed: FileFeedContract) -> sql.Composable:
    """ORDER BY that puts the row that counts first: tie-break (S-23), delete (S-24), then the contract's
    order (S-22).
    """
    parts: list[sql.Composable] = []
    if feed.tie_break:
        parts.append(sql.SQL("{} desc nulls last").format(sql.Identifier(feed.tie_break)))
    if feed.deleted_when and feed.event_time:
        parts.append(sql.SQL("_deleted desc"))
    parts.append(sql.SQL("_last desc" if feed.on_duplicate == "latest" else "_first"))
    return sql.SQL(", ").join(parts)


def partition_order(feed: FileFeedContract) -> sql.Composable:
    """Days by date, file names with digits as numbers."""
    if feed.partitions == "per_file":
        return sql.SQL("ops.natural_order(_partition)")
    return sql.SQL('_partition collate "C"')
