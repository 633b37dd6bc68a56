"""Refused rows in `quality.rejected_record`: written with all reasons, seen again, resolved. Never deleted
here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.landing import Landed, raw_name
from sales_platform.engine.reader import BadRecord
from sales_platform.engine.warehouse import Connection

# A record of many megabytes is kept, but the JSON of it stays within what PostgreSQL takes for one value.
_KEPT_BYTES = 64 << 20


def start_refusals(connection: Connection) -> None:
    """An empty temporary table `refused`, one row per refused record of this load."""
    connection.execute("drop table if exists pg_temp.refused")
    connection.execute(
        """
        create temporary table refused (
            load_id bigint, partition text, source_row bigint, business_key jsonb,
            reasons text[], raw_record jsonb, origin text, resolution text
        ) on commit drop
        """
    )


def refuse_unreadable(connection: Connection, landed: Landed) -> None:
    """Lines of which no record could be made, with their bytes."""
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "copy refused (load_id, partition, source_row, reasons, raw_record, origin) from stdin"
        ) as copy,
    ):
        for bad in landed.bad:
            copy.write_row(
                (landed.load.load_id, landed.load.partition, bad.line, [bad.reason], _as_json(bad), "reader")
            )


def refuse_judged(connection: Connection, feed: FileFeedContract) -> None:
    """Rows of `judged` that a rule refused, with the record as it was received."""
    connection.execute(
        sql.SQL(
            """
            insert into refused (load_id, partition, source_row, business_key, reasons, raw_record, origin)
            select j._load_id, j._partition, j._source_row, {key}, j._reasons,
                to_jsonb(r) - '{{_load_id,_partition,_source_row}}'::text[], 'contract'
            from judged as j
            inner join {raw} as r on r._load_id = j._load_id and r._source_row = j._source_row
            where j._reasons is not null
            """
        ).format(key=business_key(feed, "j"), raw=raw_name(feed).sql)
    )


def refuse_conflicts(
    connection: Connection, feed: FileFeedContract, reason: str, resolution: str | None
) -> None:
    """Rows of the temporary table `conflicts` (load, partition, line): they lost to another row of their key."""
    connection.execute(
        sql.SQL(
            """
            insert into refused (load_id, partition, source_row, business_key, reasons, raw_record, origin, resolution)
            select c._load_id, c._partition, c._source_row, c.business_key, array[{reason}],
                to_jsonb(r) - '{{_load_id,_partition,_source_row}}'::text[], 'conflict', {resolution}
            from conflicts as c
            inner join {raw} as r on r._load_id = c._load_id and r._source_row = c._source_row
            """
        ).format(reason=sql.Literal(reason), resolution=sql.Literal(resolution), raw=raw_name(feed).sql)
    )


def business_key(feed: FileFeedContract, alias: str) -> sql.Composed:
    parts = sql.SQL(", ").join(sql.Identifier(alias, name) for name in feed.key)
    return sql.SQL("jsonb_build_array({})").format(parts)


def scope_of(feed: FileFeedContract, partition: str) -> str:
    """What the next load of the same source replaces: the partition, or the file without its landing time."""
    return partition.rsplit("@", 1)[0] if feed.partitions == "none" else partition


def record_refusals(
    connection: Connection, feed: FileFeedContract, partitions: Sequence[str], *, relanded: bool
) -> None:
    """Write `refused` into the quarantine and resolve what these partitions no longer refuse.

    relanded: the lines came anew from their files; otherwise the same raw rows were judged again, and what
    the reader refused stays as it is. A row held only because it lies in the future outlives its file: raw
    still has it.
    """
    scopes = sorted({scope_of(feed, partition) for partition in partitions})
    parameters = {"feed": feed.name, "scopes": scopes, "landings": feed.partitions == "none"}
    connection.execute("drop table if exists pg_temp.numbered")
    connection.execute(_NUMBER_REFUSALS, parameters)
    connection.execute(_UPSERT, parameters)
    resolution = "the file no longer holds it" if relanded else "accepted when judged again"
    origins = ["reader", "contract", "conflict"] if relanded else ["contract", "conflict"]
    connection.execute(_RESOLVE, {**parameters, "resolution": resolution, "origins": origins})


# Every landing holds its own copy of a row of the future, because they are released in the order in which they landed.
_NUMBER_REFUSALS = """
    create temporary table numbered on commit drop as
    select f.*, row_number() over (
            partition by f.scope, f.record_hash order by f.partition, f.source_row
        ) as occurrence
    from (
        select r.*, md5(r.raw_record::text) as record_hash,
            case when %(landings)s and r.reasons <> '{FUTURE_TIMESTAMP}'
                then regexp_replace(r.partition, '@[^@]*$', '') else r.partition end as scope
        from refused as r
    ) as f
"""

_UPSERT = """
    insert into quality.rejected_record as q (
        feed, scope, partition, source_row, business_key, reason, reasons, raw_record, record_hash, occurrence, origin,
        first_load_id, last_load_id, resolved_at, resolution
    )
    select %(feed)s, scope, partition, source_row, business_key, reasons[1], reasons, raw_record, record_hash,
        occurrence, origin, load_id, load_id, case when resolution is not null then clock_timestamp() end, resolution
    from numbered
    on conflict (feed, scope, record_hash, occurrence) do update set
        partition = excluded.partition, source_row = excluded.source_row, business_key = excluded.business_key,
        reason = excluded.reason, reasons = excluded.reasons, origin = excluded.origin,
        last_load_id = excluded.last_load_id, last_seen = clock_timestamp(),
        resolved_at = excluded.resolved_at, resolution = excluded.resolution
"""

_RESOLVE = """
    update quality.rejected_record as q set resolved_at = clock_timestamp(), resolution = %(resolution)s
    where q.feed = %(feed)s and q.scope = any(%(scopes)s) and q.origin = any(%(origins)s) and q.resolved_at is null
        and not (%(landings)s and q.reasons = '{FUTURE_TIMESTAMP}')
        and not exists (
            select from numbered as n
            where n.scope = q.scope and n.record_hash = q.record_hash and n.occurrence = q.occurrence
        )
"""


def resolve_risen(connection: Connection, feed: FileFeedContract) -> None:
    """Rows of `ranked_candidates` that had lost their key to another partition and have it now."""
    connection.execute(
        """
        update quality.rejected_record as q
        set resolved_at = clock_timestamp(), resolution = 'no other row of its key stands before it'
        from ranked_candidates as c
        where c._origin = 'waiting' and c._fate = 'winner' and q.feed = %s and q.partition = c._partition
            and q.source_row = c._source_row and q.origin = 'conflict' and q.resolved_at is null
        """,
        [feed.name],
    )


def finish_refusals(connection: Connection) -> None:
    connection.execute("drop table if exists pg_temp.numbered, pg_temp.refused")


def refused_reasons(connection: Connection) -> dict[int, dict[str, int]]:
    """Load → first reason → rows, of what `refused` holds and nothing has resolved yet."""
    found: dict[int, dict[str, int]] = {}
    for load_id, reason, count in connection.execute(
        "select load_id, reasons[1], count(*) from refused where resolution is null group by 1, 2 order by 3 desc, 2"
    ):
        found.setdefault(load_id, {})[reason] = count
    return found


def held_for_the_future(connection: Connection, feed: FileFeedContract) -> Mapping[str, list[int]]:
    """Partition → lines that are held for their date alone (S-38)."""
    rows = connection.execute(
        """
        select partition, array_agg(source_row order by source_row) from quality.rejected_record
        where feed = %s and resolved_at is null and reasons = '{FUTURE_TIMESTAMP}' group by partition order by partition
        """,
        [feed.name],
    ).fetchall()
    return dict(rows)


def count_attempts(connection: Connection, rejected_ids: Iterable[int]) -> int:
    """Count an attempt for each record that is open still; returns how many these are."""
    return connection.execute(
        """
        update quality.rejected_record set attempts = attempts + 1
        where rejected_id = any(%s) and resolved_at is null
        """,
        [list(rejected_ids)],
    ).rowcount


def _as_json(bad: BadRecord) -> str:
    kept = bad.content[:_KEPT_BYTES]
    record = {"_line": kept.decode("utf-8", "backslashreplace").replace("\0", "\\x00")}
    if b"\0" in kept or "\\x" in record["_line"]:
        record["_bytes_base64"] = base64.b64encode(kept).decode()
    return json.dumps(record)
