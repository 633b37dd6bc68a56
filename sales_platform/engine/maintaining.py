"""Upkeep of the warehouse: statistics, room for new rows, and detail of operations that nobody needs any more.

What a rebuild reads is never touched: raw, snapshots, keys, and every load that published or is the newest of its
partition. Refused rows leave by `rejected purge` only.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, timedelta

from psycopg import sql
from psycopg.rows import class_row

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.tables import TableName
from sales_platform.engine.warehouse import Connection, Warehouse

log = logging.getLogger(__name__)

KEPT_DAYS = 400
SCHEMAS = ("raw", "staging", "analytics", "marts", "quality", "ops")


@dataclass(frozen=True)
class Maintained:
    """A table after its upkeep. rows: as the new statistics estimate them. dead_rows: those whose room was freed.
    bytes: of table and indexes. trimmed: rows of old detail that were deleted.
    """

    table: str
    rows: int
    dead_rows: int
    bytes: int
    trimmed: int = 0


def maintain(warehouse: Warehouse, today: date) -> list[Maintained]:
    """Trim, then VACUUM and ANALYZE every table of the platform, by name. A table that a load is writing is left for
    the next time.

    today: of the business time zone. Raises ServerUnavailable and the other errors of the server.
    """
    with warehouse.transaction() as connection:
        trimmed = trim(connection, today - timedelta(days=KEPT_DAYS))
    with translated(warehouse.where), warehouse.connect(autocommit=True) as connection:
        before = {found.table: found.dead_rows for found in _tables(connection)}
        for name in before:
            connection.execute(sql.SQL("vacuum (analyze, skip_locked) {}").format(TableName.parse(name).sql))
        connection.execute("select pg_stat_force_next_flush()")
        done = [
            Maintained(
                t.table,
                t.rows,
                max(before.get(t.table, 0) - t.dead_rows, 0),
                t.bytes,
                trimmed.get(t.table, 0),
            )
            for t in _tables(connection)
        ]
    log.info("maintenance tables=%d trimmed=%d", len(done), sum(trimmed.values()))
    return done


def trim(connection: Connection, before: date) -> dict[str, int]:
    """Delete operational detail that was over before a business day. Table → rows.

    Loads: those that published nothing (unchanged, failed, refused), unless it is the newest of its partition, or the
    newest that found it unchanged: that one tells that a day was looked at after its end (B-14). Incidents: those that
    are over and told.
    """
    return {
        table: connection.execute(statement, {"before": before}).rowcount
        for table, statement in _TRIM.items()
    }


_OVER = "%(before)s::timestamp at time zone ops.business_zone()"
_TRIM = {
    "ops.load": f"""
        delete from ops.load as l
        where l.finished_at < {_OVER} and l.status in ('unchanged', 'failed', 'refused') and not l.landed
            and exists (
                select from ops.load as n
                where n.feed = l.feed and n.partition = l.partition and n.load_id > l.load_id
            )
            and (
                l.status <> 'unchanged'
                or exists (
                    select from ops.load as n
                    where n.feed = l.feed and n.partition = l.partition and n.load_id > l.load_id
                        and n.status in ('succeeded', 'unchanged')
                )
            )
            and not exists (select from ops.snapshot as s where s.load_id = l.load_id)
            and not exists (select from quality.rejected_record as q where q.first_load_id = l.load_id)
            and not exists (select from quality.rejected_record as q where q.last_load_id = l.load_id)
    """,
    "ops.alert": f"""
        delete from ops.alert as a using ops.incident as i
        where a.incident_id = i.incident_id and i.closed_at < {_OVER}
    """,
    "ops.incident_part": f"""
        delete from ops.incident_part as p using ops.incident as i
        where p.incident_id = i.incident_id and i.closed_at < {_OVER}
    """,
    "ops.incident": f"delete from ops.incident where closed_at < {_OVER}",
}


def _tables(connection: Connection) -> list[Maintained]:
    with connection.cursor(row_factory=class_row(Maintained)) as cursor:
        return cursor.execute(_TABLES, [list(SCHEMAS)]).fetchall()


_TABLES = """
    select n.nspname || '.' || c.relname as table, greatest(c.reltuples, 0)::bigint as rows,
        coalesce(s.n_dead_tup, 0) as dead_rows, pg_total_relation_size(c.oid) as bytes
    from pg_class as c
    inner join pg_namespace as n on n.oid = c.relnamespace
    left join pg_stat_all_tables as s on s.relid = c.oid
    where n.nspname = any(%s) and c.relkind = 'r' order by 1
"""
