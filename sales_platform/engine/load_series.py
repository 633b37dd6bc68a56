"""The record of a feed's loads as series of plain values, for checks to judge. Reads ops only, never a data table."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from psycopg.rows import class_row

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import TableFeed
from sales_platform.engine.load_verdicts import ONE_DAY, TRAILING, Arrivals, Loaded
from sales_platform.engine.warehouse import Connection

# Of a source's table this much of the record is read: 28 weeks, and the week of the day that is judged.
WEEKS_BACK = timedelta(weeks=TRAILING + 1)


def loaded_series(connection: Connection, feed: FileFeedContract | TableFeed, now: datetime) -> list[Loaded]:
    """What stands of each day, file or landing, or what changed in a source's table on each day, in their order."""
    of_file = _DAYS if isinstance(feed, FileFeedContract) and feed.partitions == "daily" else _LANDINGS
    query = _DAYS_OF_TABLE if isinstance(feed, TableFeed) else of_file
    with connection.cursor(row_factory=class_row(Loaded)) as cursor:
        words = {"feed": feed.name, "now": now, "since": now - WEEKS_BACK}
        return cursor.execute(query, words).fetchall()


def arrivals(connection: Connection, feed: FileFeedContract, newest: date) -> Arrivals:
    """When the files of the 28 days up to `newest` came."""
    words = {
        "feed": feed.name,
        "first": (newest - (TRAILING - 1) * ONE_DAY).isoformat(),
        "last": newest.isoformat(),
    }
    rows = connection.execute(_ARRIVALS, words).fetchall()
    began = connection.execute("select min(started_at) from ops.load where feed = %s", [feed.name]).fetchone()
    return Arrivals(
        {day: first for day, first, _ in rows},
        frozenset(day for day, _, whole in rows if whole),
        began[0] if began else None,
    )


# The load that landed what stands: one that only judged again, or corrected some rows, did not count the file.
_DAYS = """
select partition, partition::date as day, rows_read::bigint as rows, rows_duplicate::bigint as copies,
    started_at >= (partition::date + 1)::timestamp at time zone ops.business_zone() as whole
from (
    select distinct on (partition) partition, rows_read, rows_duplicate, started_at from ops.load
    where feed = %(feed)s and status = 'succeeded' and landed and not resubmission
    order by partition, load_id desc
) as standing
order by partition
"""
_LANDINGS = """
select partition, ops.business_day(started_at) as day, rows_read::bigint as rows,
    rows_duplicate::bigint as copies, true as whole
from (
    select distinct on (partition) partition, rows_read, rows_duplicate, started_at, load_id from ops.load
    where feed = %(feed)s and status = 'succeeded' and landed and not resubmission
    order by partition, load_id desc
) as standing
order by load_id
"""
# Rows that are read again and say nothing new are the work of the reader, not of the source.
_DAYS_OF_TABLE = """
select day::text as partition, day, rows, 0 as copies, day < ops.business_day(%(now)s) as whole
from (
    select ops.business_day(started_at) as day, sum(rows_loaded + rows_rejected)::bigint as rows
    from ops.load where feed = %(feed)s and status = 'succeeded' and started_at >= %(since)s
    group by 1
) as days
order by day
"""
_ARRIVALS = """
select partition::date as day, min(started_at) as first,
    coalesce(bool_or(
        status in ('succeeded', 'unchanged')
        and started_at >= (partition::date + 1)::timestamp at time zone ops.business_zone()
    ), false) as whole
from ops.load where feed = %(feed)s and partition between %(first)s and %(last)s
group by partition
"""
