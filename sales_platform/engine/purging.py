"""Resolved records of the quarantine deleted on request (Q-26). What stands rejected is never touched here."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date

from psycopg.rows import class_row

from sales_platform.engine.warehouse import Connection

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Purged:
    """Records of one feed. deleted: resolved before the day. kept: as old, but standing rejected."""

    feed: str
    deleted: int
    kept: int


def purge_resolved(connection: Connection, before: date, feed: str | None = None) -> list[Purged]:
    """Delete what was resolved before a business day, of one feed or all; the feeds that had something of that age.

    A record that stands rejected stays, however old: replay and resubmission take it, a comparison with its source
    knows it by its key, and one of the future waits in it for its time. `ops.load` keeps the counts of every load.
    """
    with connection.cursor(row_factory=class_row(Purged)) as cursor:
        found = cursor.execute(_PURGE, {"before": before, "feed": feed}).fetchall()
    for item in found:
        log.info("purge feed=%s before=%s deleted=%d kept=%d", item.feed, before, item.deleted, item.kept)
    return found


_PURGE = """
    with aged as (
        select rejected_id, feed, resolved_at is null as open
        from quality.rejected_record
        where (%(feed)s::text is null or feed = %(feed)s)
            and coalesce(resolved_at, last_seen) < %(before)s::timestamp at time zone ops.business_zone()
    ),
    gone as (
        delete from quality.rejected_record as q using aged as a
        where q.rejected_id = a.rejected_id and q.resolved_at is not null and not a.open
        returning q.feed
    )
    select feed, (select count(*) from gone as g where g.feed = a.feed) as deleted, count(*) filter (where open) as kept
    from aged as a group by feed order by feed
"""
