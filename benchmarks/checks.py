"""All checks of a demo warehouse, against the load that made it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measuring import Measured, Result, seconds
from sales_platform.operations.checking import check_on
from sales_platform.operations.live_sources import fill_sources
from sales_platform.operations.opening import open_platform
from sales_platform.operations.progress import Silent
from sales_platform.operations.running import run_on
from sales_platform.operations.simulating import DEFAULT_DAYS, simulate_retail
from sales_platform.operations.simulating_billing import simulate_billing
from sales_platform.operations.simulating_channels import simulate_channels
from sales_platform.operations.source_databases import using_with_sources
from sales_platform.settings import Settings

_EVERYTHING = "*"


def measure(rounds: int) -> list[Result]:
    """One load as `demo` does it, in this process with Dagster's own bookkeeping; then the checks, once a round."""
    with tempfile.TemporaryDirectory(prefix="sales-platform-bench-") as folder:
        settings = Settings(home=Path(folder) / "home", data_root=Path(folder) / "data")
        with using_with_sources(settings, "warehouse", "dagster"):
            load, checks = _measured(settings, rounds)
    return [Measured(f"all checks of {DEFAULT_DAYS} days, against their load", checks, [load], 0.3)]


def _measured(settings: Settings, rounds: int) -> tuple[float, list[float]]:
    """Seconds of the load, and of each time that all checks were evaluated."""
    sales = simulate_retail(settings, days=DEFAULT_DAYS)
    simulate_channels(settings, first=sales.first, last=sales.last)
    simulate_billing(settings)
    fill_sources(settings)
    with open_platform(settings, migrating=True) as platform:
        load = seconds(lambda: run_on(platform, _EVERYTHING, progress=Silent()))
        checks = [seconds(check_on, platform) for _ in range(rounds)]
        if any(not found.passed for found in check_on(platform)):
            raise AssertionError("a check fails, so that the figures say nothing")
    return load, checks
