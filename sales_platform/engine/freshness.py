"""How fresh a feed is: what was last seen of it, and what its age means. Which age is too old, the contract says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from sales_platform.contracts.bounds import Freshness
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import TableFeed
from sales_platform.engine.business_days import business_zone, day_begins, day_ends
from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class Seen:
    """What was last seen of a feed: the end of its newest whole day, its newest landing, or the last look at it.

    at: None when it was never loaded. rows: whether any load ever read a row.
    """

    at: datetime | None
    rows: bool


class Age(Enum):
    """What an age means. Unknown is never fresh (I-34)."""

    FRESH = "fresh"
    OLD = "old"
    TOO_OLD = "too old"
    UNKNOWN = "unknown"
    FUTURE = "in the future"

    @property
    def is_sound(self) -> bool:
        return self is Age.FRESH

    @property
    def is_error(self) -> bool:
        return self in {Age.TOO_OLD, Age.FUTURE}


@dataclass(frozen=True)
class Fresh:
    """The verdict on what was seen. age: None where nothing is known; negative in the future."""

    verdict: Age
    age: timedelta | None


def judge_freshness(seen: Seen, bounds: Freshness, now: datetime) -> Fresh:
    """I-34: nothing seen, or nothing but empty loads, is unknown; what lies in the future is an error."""
    if seen.at is None:
        return Fresh(Age.UNKNOWN, None)
    age = now - seen.at
    if age < timedelta():
        return Fresh(Age.FUTURE, age)
    if not seen.rows:
        return Fresh(Age.UNKNOWN, age)
    if bounds.error is not None and age > bounds.error:
        return Fresh(Age.TOO_OLD, age)
    if bounds.warn is not None and age > bounds.warn:
        return Fresh(Age.OLD, age)
    return Fresh(Age.FRESH, age)


def last_seen(connection: Connection, feed: FileFeedContract | TableFeed, now: datetime) -> Seen:
    """now: what tells a day that has ended from one of the future, for which a file should not be there yet."""
    rows = connection.execute(_ANY_ROW, [feed.name]).fetchone()
    any_row = bool(rows and rows[0])
    if isinstance(feed, TableFeed):
        row = connection.execute(_LOOK_AT_TABLE, [feed.name]).fetchone()
        return Seen(row[0] if row else None, any_row)
    if feed.partitions == "daily":
        zone = business_zone(connection)
        found = connection.execute(_NEWEST_DAY, {"feed": feed.name, "now": now}).fetchone()
        return Seen(_as_moment(found[0] if found else None, zone, now), any_row)
    row = connection.execute(_LOOK_AT_FILE, [feed.name]).fetchone()
    return Seen(row[0] if row else None, any_row)


def _as_moment(day: date | None, zone: ZoneInfo, now: datetime) -> datetime | None:
    """A day counts from its end; one that has not begun lies in the future from its beginning."""
    if day is None:
        return None
    return day_ends(day, zone) if day_ends(day, zone) <= now else day_begins(day, zone)


_ANY_ROW = "select exists (select from ops.load where feed = %s and status = 'succeeded' and rows_read > 0)"
_LOOK_AT_TABLE = "select updated_at from ops.watermark where feed = %s"
_LOOK_AT_FILE = (
    "select max(started_at) from ops.load where feed = %s and status in ('succeeded', 'unchanged')"
)
# A day that was loaded before it ended is not there yet (B-14).
_NEWEST_DAY = """
select max(partition)::date from ops.load
where feed = %(feed)s and status in ('succeeded', 'unchanged') and (
    started_at >= (partition::date + 1)::timestamp at time zone ops.business_zone()
    or partition::date > ops.business_day(%(now)s)
)
"""
