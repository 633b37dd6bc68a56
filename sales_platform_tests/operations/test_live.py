"""When the simulated shop writes, over plain times, and what it then writes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sales_platform.operations.live import LiveShop, day_to_close, days_owed
from sales_platform.settings import Settings

PARIS = ZoneInfo("Europe/Paris")
MONDAY = date(2026, 6, 1)


@pytest.mark.parametrize(
    ("hour", "minute", "closed", "expected"),
    [
        (0, 10, None, MONDAY),
        (1, 29, MONDAY - timedelta(days=1), None),
        (1, 30, MONDAY - timedelta(days=1), MONDAY),
        (23, 59, MONDAY, None),
    ],
)
def test_a_day_is_closed_once_at_half_past_one_of_the_business_zone(
    hour: int, minute: int, closed: date | None, expected: date | None
) -> None:
    now = datetime(2026, 6, 2, hour, minute, tzinfo=PARIS)

    assert day_to_close(now.astimezone(UTC), PARIS, closed) == expected


def test_days_that_were_missed_are_owed_too() -> None:
    files = [MONDAY - timedelta(days=4), MONDAY - timedelta(days=3)]

    assert days_owed(MONDAY, files) == 3
    assert days_owed(MONDAY, [*files, MONDAY]) == 0


def test_the_first_day_of_an_empty_shop_is_one_day() -> None:
    assert days_owed(MONDAY, []) == 1
    assert days_owed(MONDAY, [MONDAY + timedelta(days=1)]) == 1


def test_the_shop_writes_yesterday_when_it_is_first_looked_at(tmp_path: Path) -> None:
    settings = Settings(data_root=tmp_path)
    shop = LiveShop(settings)
    now = datetime(2026, 6, 2, 12, tzinfo=UTC)

    written = shop.look(now)

    assert written is not None
    assert (written.first, written.last) == (MONDAY, MONDAY)
    assert (tmp_path / "retail/sales/2026/06/01/sales.csv").exists()
    assert shop.look(now) is None
