"""Days as the business counts them: where they begin and end in its time zone. The calendar's table is not here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sales_platform.engine.warehouse import Connection


def business_zone(connection: Connection) -> ZoneInfo:
    """The time zone of the warehouse, which migrating takes from the settings."""
    row = connection.execute("select ops.business_zone()").fetchone()
    return ZoneInfo(row[0] if row else "UTC")


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """In UTC, because what is subtracted within one zone is the clock on its walls."""
    return datetime.combine(day, datetime.min.time(), zone).astimezone(UTC)


def day_ends(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which the next one begins, be the day 23, 24 or 25 hours long."""
    return day_begins(day + timedelta(days=1), zone)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()
