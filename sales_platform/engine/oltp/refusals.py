"""Rows of a source that a rule refused, in `quality.rejected_record`: seen again, resolved once mended."""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.source import LOG_COLUMNS, TableFeed
from sales_platform.engine.staging import joined
from sales_platform.engine.warehouse import Connection


def record_refusals(
    connection: Connection, feed: TableFeed, load_id: int, *, everything: bool = False
) -> int:
    """Write the refused rows of `latest`, and resolve those of `changed_now`, or all, that are refused no more.

    A row is known by its key: its scope in the quarantine. Returns how many rows of this load are refused.
    """
    words = {
        "feed": sql.Literal(feed.name),
        "load_id": sql.Literal(load_id),
        "l_key": _key(feed, "l"),
        "looked_at": sql.SQL("true")
        if everything
        else sql.SQL("q.scope in (select {}::text from changed_now as c)").format(_key(feed, "c")),
        "own": sql.Literal([*LOG_COLUMNS, "_reasons"]),
        "refused_now": _refused_now(feed),
    }
    connection.execute(sql.SQL(_UPSERT).format(**words))
    connection.execute(sql.SQL(_RESOLVE).format(**words))
    row = connection.execute(sql.SQL(_COUNT).format(**words)).fetchone()
    return int(row[0]) if row else 0


_UPSERT = """
insert into quality.rejected_record as q (
    feed, scope, partition, source_row, business_key, reason, reasons, raw_record, record_hash, occurrence, origin,
    first_load_id, last_load_id
)
select {feed}, f.business_key::text, '', 0, f.business_key, f.reasons[1], f.reasons, f.record, md5(f.record::text), 1,
    'contract', {load_id}, {load_id}
from (
    select {l_key} as business_key, l._reasons as reasons, to_jsonb(l) - {own}::text[] as record
    from latest as l where {refused_now}
) as f
on conflict (feed, scope, record_hash, occurrence) do update set
    reason = excluded.reason, reasons = excluded.reasons, last_load_id = excluded.last_load_id,
    last_seen = clock_timestamp(), resolved_at = null, resolution = null
"""

_RESOLVE = """
update quality.rejected_record as q set resolved_at = clock_timestamp(), resolution = 'the source mended it'
where q.feed = {feed} and q.resolved_at is null
    and {looked_at}
    and not exists (
        select from latest as l
        where {refused_now} and {l_key}::text = q.scope
            and md5((to_jsonb(l) - {own}::text[])::text) = q.record_hash
    )
"""


_COUNT = "select count(*) from latest as l where l._reasons is not null and l._load_id = {load_id}"


def _refused_now(feed: TableFeed) -> sql.Composable:
    """Where staging keeps versions, a state that was refused once is mended by any later sighting of its key."""
    if not feed.versions:
        return sql.SQL("l._reasons is not null")
    return sql.SQL(
        "l._reasons is not null and not exists (select from latest as n where {} and n._load_id > l._load_id)"
    ).format(joined(feed.key, "n", "l"))


def _key(feed: TableFeed, alias: str) -> sql.Composed:
    parts = sql.SQL(", ").join(sql.Identifier(alias, name) for name in feed.key)
    return sql.SQL("jsonb_build_array({})").format(parts)
