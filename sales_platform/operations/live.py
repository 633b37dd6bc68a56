"""When the simulated shop closes its day: which files are due, and writing them. Loads nothing."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sales_platform.operations.simulating import DEFAULT_SEED, Simulation, simulate_retail
from sales_platform.operations.simulating_channels import simulate_channels
from sales_platform.settings import Settings

WRITES_AT = time(1, 30)
log = logging.getLogger(__name__)


class LiveShop:
    """Writes yesterday's files of shop and payment channels once a day, and at its first look those that it missed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._closed: date | None = None

    def look(self, now: datetime) -> Simulation | None:
        """Write what is due at `now`. Called again and again; most looks do nothing."""
        day = day_to_close(now, self._settings.zone, self._closed)
        if day is None:
            return None
        written = None
        days = days_owed(day, _days_with_sales(self._settings))
        if days:
            written = simulate_retail(self._settings, days=days, end=day, seed=DEFAULT_SEED)
            simulate_channels(self._settings, first=written.first, last=written.last, seed=DEFAULT_SEED)
            log.info("simulated shop wrote its files of %s to %s", written.first, written.last)
        self._closed = day
        return written


def day_to_close(now: datetime, zone: ZoneInfo, closed: date | None) -> date | None:
    """The day whose files are to be there at `now`; None where it was closed before.

    The first look (closed: None) closes yesterday at any hour, later ones at WRITES_AT of the business time
    zone.
    """
    local = now.astimezone(zone)
    yesterday = local.date() - timedelta(days=1)
    if closed is None:
        return yesterday
    return yesterday if yesterday > closed and local.time() >= WRITES_AT else None


def days_owed(day: date, existing: Collection[date]) -> int:
    """How many days up to `day` to write: those after the newest that is there; at least one, or none."""
    if day in existing:
        return 0
    newest = max((found for found in existing if found < day), default=day - timedelta(days=1))
    return (day - newest).days


def _days_with_sales(settings: Settings) -> list[date]:
    from sales_platform.contracts.catalog import read_catalog
    from sales_platform.engine.files import existing_days

    return existing_days(settings.data_root, read_catalog().feeds["retail_sales"].path)
