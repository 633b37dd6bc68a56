"""Runs over real files into a real warehouse, in process; Dagster's own record is kept in memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from sales_platform.errors import WrongUse
from sales_platform.operations.checking import check_on
from sales_platform.operations.opening import Platform
from sales_platform.operations.progress import Silent
from sales_platform.operations.running import RunSummary, run, run_on
from sales_platform.operations.simulating import simulate_retail, yesterday
from sales_platform.settings import Settings


@pytest.fixture
def last(settings: Settings) -> date:
    return yesterday(settings)


class Titles(Silent):
    """Remembers which runs were started."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def run_started(self, title: str, assets: Sequence[str]) -> None:
        self.titles.append(title)


def go(platform: Platform, selection: str = "retail", **words: object) -> RunSummary:
    return run_on(platform, selection, progress=Silent(), **words)  # type: ignore[arg-type]


def titles(platform: Platform, **words: object) -> list[str]:
    heard = Titles()
    run_on(platform, "retail", progress=heard, **words)  # type: ignore[arg-type]
    return heard.titles


def published(platform: Platform) -> dict[date, int]:
    """Day → sales in the mart."""
    with platform.warehouse.transaction() as connection:
        found = connection.execute("select day, sum(sales)::int from marts.retail_sales_daily group by day")
        return dict(found.fetchall())


def sales_file(settings: Settings, day: date) -> Path:
    return settings.data / f"retail/sales/{day:%Y/%m/%d}/sales.csv"


def test_everything_due_is_published_and_a_second_run_starts_nothing(
    platform: Platform, settings: Settings, last: date
) -> None:
    simulate_retail(settings, days=3)

    first = go(platform)

    assert first.exit_code == 0
    frames = [pd.read_csv(sales_file(settings, last - timedelta(days=n))) for n in range(3)]
    assert published(platform) == {last - timedelta(days=n): len(frame) for n, frame in enumerate(frames)}
    assert titles(platform) == []
    assert all(found.passed for found in check_on(platform))


def test_a_day_of_a_range_without_a_file_is_left_out_and_all_others_reach_the_marts(
    platform: Platform, settings: Settings, last: date
) -> None:
    simulate_retail(settings, days=3)
    gap = last - timedelta(days=1)
    sales_file(settings, gap).unlink()

    found = go(platform, first=last - timedelta(days=2), last=last)

    assert set(published(platform)) == {last - timedelta(days=2), last}
    assert found.missing_paths == (f"retail/sales/{gap:%Y/%m/%d}/sales.csv",)
    assert found.exit_code == 1


def test_without_dates_a_missing_day_is_only_named(
    platform: Platform, settings: Settings, last: date
) -> None:
    simulate_retail(settings, days=3)
    sales_file(settings, last - timedelta(days=1)).unlink()

    found = go(platform)

    assert len(found.missing_paths) == 1
    assert found.exit_code == 0


def test_unbroken_stretches_are_one_run_each(platform: Platform, settings: Settings, last: date) -> None:
    simulate_retail(settings, days=4)
    gap = last - timedelta(days=2)
    sales_file(settings, gap).unlink()

    assert titles(platform) == [
        f"retail {last - timedelta(days=3)}",
        f"retail {last - timedelta(days=1)} … {last}",
    ]


def test_b_12_a_stretch_that_fails_keeps_no_other_from_running_and_is_run_again(
    platform: Platform, settings: Settings, last: date
) -> None:
    simulate_retail(settings, days=3)
    sales_file(settings, last - timedelta(days=1)).unlink()
    broken = sales_file(settings, last - timedelta(days=2))
    good = broken.read_bytes()
    broken.write_bytes(b"no,such,header\n1,2,3\n")

    assert go(platform).exit_code == 1
    assert set(published(platform)) == {last}

    broken.write_bytes(good)
    assert go(platform).exit_code == 0
    assert set(published(platform)) == {last - timedelta(days=2), last}


def test_q_09_a_file_beyond_the_reject_limit_exits_with_3_and_publishes_nothing_of_it(
    platform: Platform, settings: Settings, last: date
) -> None:
    simulate_retail(settings, days=1)
    file = sales_file(settings, last)
    header, *lines = file.read_text().splitlines()
    bad = [",".join(["", *line.split(",")[1:]]) for line in lines]
    file.write_text("\n".join([header, *bad]) + "\n")

    found = go(platform)

    assert found.refused
    assert found.exit_code == 3


def test_a_late_customer_update_recomputes_the_days_that_it_moves(
    platform: Platform, settings: Settings, last: date
) -> None:
    simulate_retail(settings, days=2)
    go(platform)
    updates = settings.data / "retail/customer_updates.csv"
    customers = pd.read_csv(settings.data / "retail/customers.csv")
    with updates.open("a") as file:
        for number in customers["customer_id"]:
            file.write(f"{number},New Name,new{number}@example.org,Gold,{last}T00:00:00\n")

    assert titles(platform) == ["retail", f"retail {last - timedelta(days=1)} … {last}"]

    with platform.warehouse.transaction() as connection:
        tiers = connection.execute(
            "select loyalty_tier, sum(sales)::int from marts.retail_sales_daily where day = %s group by 1",
            [last],
        ).fetchall()
    assert dict(tiers) == tiers_in_force(settings, last)


def tiers_in_force(settings: Settings, day: date) -> dict[str, int]:
    """Tier → sales of a day on which every customer begins with an update, computed by pandas."""
    sales = pd.read_csv(sales_file(settings, day), parse_dates=["sale_timestamp"])
    updates = pd.read_csv(settings.data / "retail/customer_updates.csv", parse_dates=["updated_at"])
    joined = pd.merge_asof(
        sales.sort_values("sale_timestamp"),
        updates.sort_values("updated_at", kind="stable"),
        left_on="sale_timestamp",
        right_on="updated_at",
        by="customer_id",
    )
    return {str(tier): int(count) for tier, count in joined["loyalty_tier"].value_counts().items()}


def test_force_recomputes_what_was_tampered_with(platform: Platform, settings: Settings, last: date) -> None:
    simulate_retail(settings, days=2)
    go(platform)
    before = published(platform)
    with platform.warehouse.transaction() as connection:
        connection.execute("update marts.retail_sales_daily set sales = sales + 1")
    assert go(platform).outcomes == ()
    assert published(platform) != before

    assert go(platform, force=True).exit_code == 0

    assert published(platform) == before


def test_force_over_a_range_leaves_other_days_alone(
    platform: Platform, settings: Settings, last: date
) -> None:
    simulate_retail(settings, days=2)
    go(platform)
    before = published(platform)
    with platform.warehouse.transaction() as connection:
        connection.execute("update marts.retail_sales_daily set sales = sales + 1")

    go(platform, "key:marts/retail_sales_daily", first=last, last=last, force=True)

    after = published(platform)
    assert after[last] == before[last]
    assert after[last - timedelta(days=1)] > before[last - timedelta(days=1)]


def test_b_22_a_range_without_any_file_reads_nothing_and_says_so(
    platform: Platform, settings: Settings, last: date
) -> None:
    simulate_retail(settings, days=1)
    go(platform)

    found = go(platform, first=last - timedelta(days=9), last=last - timedelta(days=8))

    assert found.fates == ()
    assert len(found.missing_paths) == 2
    assert found.exit_code == 1


def test_a_list_whose_file_was_taken_away_keeps_what_stands(platform: Platform, settings: Settings) -> None:
    simulate_retail(settings, days=1)
    go(platform)
    (settings.data / "retail/stores.csv").unlink()

    found = go(platform)

    assert found.missing_paths == ("retail/stores.csv",)
    assert found.exit_code == 0


def test_a_list_that_never_came_fails_with_its_path(platform: Platform, settings: Settings) -> None:
    simulate_retail(settings, days=1)
    (settings.data / "retail/stores.csv").unlink()

    found = go(platform)

    assert found.exit_code == 1
    errors = [step.error for outcome in found.outcomes for step in outcome.failed_steps]
    assert any("retail/stores.csv" in str(error) for error in errors)


def test_dates_for_a_selection_without_days_are_wrong_use(platform: Platform, last: date) -> None:
    with pytest.raises(WrongUse, match="no daily asset"):
        go(platform, "calendar", first=last, last=last)


def test_b_22_a_range_that_can_hold_nothing_is_refused_before_anything_starts(settings: Settings) -> None:
    with pytest.raises(WrongUse, match="comes after"):
        run(settings, "retail", first=date(2026, 2, 2), last=date(2026, 2, 1))
    with pytest.raises(WrongUse, match="future"):
        run(settings, "retail", first=date(2026, 2, 2), last=date(9999, 1, 1))
    assert "DAGSTER_HOME" not in os.environ
