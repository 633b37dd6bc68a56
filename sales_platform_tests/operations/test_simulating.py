"""Which days a simulation covers; what stands in them is tested with the generator."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sales_platform.errors import WrongUse
from sales_platform.operations.simulating import simulate_retail
from sales_platform.settings import Settings


def settings(data: Path, zone: str = "UTC") -> Settings:
    return Settings.model_validate({"data": data, "time_zone": zone})


def test_the_last_day_is_yesterday_in_the_business_time_zone(tmp_path: Path) -> None:
    # Kiritimati is a day ahead of Pago Pago at every moment.
    ahead, behind = "Pacific/Kiritimati", "Pacific/Pago_Pago"
    for zone in (ahead, behind):
        before = datetime.now(ZoneInfo(zone)).date()
        done = simulate_retail(settings(tmp_path, zone), days=1)
        after = datetime.now(ZoneInfo(zone)).date()
        assert before <= done.last + timedelta(days=1) <= after


def test_thirty_days_are_written_unless_told(tmp_path: Path) -> None:
    done = simulate_retail(settings(tmp_path), end=date(2025, 1, 30))
    assert (done.first, done.last) == (date(2025, 1, 1), date(2025, 1, 30))
    assert len(list(tmp_path.rglob("sales.csv"))) == 30


@pytest.mark.parametrize(("days", "seed"), [(0, 42), (-1, 42), (10**6, 42), (800, 42), (1, -1)])
def test_an_impossible_range_or_seed_is_wrong_use(tmp_path: Path, days: int, seed: int) -> None:
    with pytest.raises(WrongUse):
        simulate_retail(settings(tmp_path), days=days, end=date(2025, 1, 30), seed=seed)
    assert list(tmp_path.iterdir()) == []
