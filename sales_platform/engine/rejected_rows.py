"""What stands in `quality.rejected_record`, for people: counted, and row by row. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row

from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class RejectedCount:
    """Records of a feed that share their first reason and the business day on which they were refused last.

    open: that stand rejected now. resolved: that a later load, a replay or a resubmission took.
    """

    feed: str
    day: date
    reason: str
    open: int
    resolved: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True)
class RejectedRow:
    """One record that stands rejected. raw_record: as it was received; `_line` where no record could be made of it."""

    rejected_id: int
    partition: str
    source_row: int
    reasons: list[str]
    attempts: int
    first_seen: datetime
    last_seen: datetime
    raw_record: dict[str, Any] = field(repr=False)


def count_rejected(
    connection: Connection, feed: str | None = None, *, resolved: bool = False
) -> list[RejectedCount]:
    """By feed, day and first reason; the newest day of a feed first. resolved: those without an open record too."""
    with connection.cursor(row_factory=class_row(RejectedCount)) as cursor:
        return cursor.execute(
            """
            select feed, (last_seen at time zone ops.business_zone())::date as day, reason,
                count(*) filter (where resolved_at is null) as open,
                count(*) filter (where resolved_at is not null) as resolved,
                min(first_seen) as first_seen, max(last_seen) as last_seen
            from quality.rejected_record
            where (%(feed)s::text is null or feed = %(feed)s) and (%(resolved)s or resolved_at is null)
            group by 1, 2, 3 order by feed, day desc, open desc, reason
            """,
            {"feed": feed, "resolved": resolved},
        ).fetchall()


def open_rows(
    connection: Connection, feed: str, reason: str | None = None, limit: int | None = None
) -> Iterator[RejectedRow]:
    """Records of a feed that stand rejected, in the order of their partitions and lines, fetched in portions.

    reason: only those whose first reason this is, as `count_rejected` counts them.
    """
    with connection.cursor("rejected_rows", row_factory=class_row(RejectedRow)) as cursor:
        cursor.execute(
            """
            select rejected_id, partition, source_row, reasons, attempts, first_seen, last_seen, raw_record
            from quality.rejected_record
            where feed = %(feed)s and resolved_at is null
                and (%(reason)s::text is null or reason = %(reason)s)
            order by ops.natural_order(partition), source_row, rejected_id limit %(limit)s
            """,
            {"feed": feed, "reason": reason, "limit": limit},
        )
        yield from cursor


def received_columns(connection: Connection, feed: str, reason: str | None = None) -> list[str]:
    """The names that the open records of a feed have, sorted."""
    rows = connection.execute(
        """
        select distinct k.name from quality.rejected_record as q, jsonb_object_keys(q.raw_record) as k (name)
        where q.feed = %(feed)s and q.resolved_at is null
            and (%(reason)s::text is null or q.reason = %(reason)s) order by 1
        """,
        {"feed": feed, "reason": reason},
    ).fetchall()
    return [row[0] for row in rows]


def feeds_of(connection: Connection, rejected_ids: Sequence[int]) -> list[str]:
    """The feeds that these records belong to."""
    rows = connection.execute(
        "select distinct feed from quality.rejected_record where rejected_id = any(%s) order by 1",
        [list(rejected_ids)],
    ).fetchall()
    return [row[0] for row in rows]
