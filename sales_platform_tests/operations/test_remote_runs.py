"""A run, its status and its Parquet files where the data folder is a URL, through the assets themselves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import fsspec
import pytest

from sales_platform.operations.doctor import examine
from sales_platform.operations.opening import Platform
from sales_platform.operations.progress import Silent
from sales_platform.operations.running import run_on
from sales_platform.operations.simulating import yesterday
from sales_platform.operations.simulating_channels import simulate_channels
from sales_platform.operations.status import status
from sales_platform.settings import Settings


@pytest.fixture
def uploaded(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Platform:
    """Two simulated days, copied to storage in memory; the folder that they were made in is of no use to the run."""
    last = yesterday(settings)
    simulate_channels(settings, first=last - timedelta(days=1), last=last)
    url = f"memory://{tmp_path.name}"
    fsspec.filesystem("memory").put(str(settings.data), f"/{tmp_path.name}", recursive=True)
    monkeypatch.setenv("SALES_PLATFORM_DATA", url)
    remote = settings.model_copy(update={"data_root": url})
    return Platform(remote, platform.databases, platform.warehouse, platform.instance, platform.definitions)


def test_a_domain_runs_from_a_url_to_its_marts_and_writes_its_parquet_files_there(uploaded: Platform) -> None:
    settings = uploaded.settings
    summary = run_on(uploaded, "channels", progress=Silent())
    assert not summary.failed
    with uploaded.warehouse.transaction() as connection:
        assert connection.execute("select sum(transactions) from marts.channels_daily").fetchone() == (1000,)
    day = yesterday(settings)
    parquet = f"{settings.data_root}/channels/processed/{day:%Y/%m/%d}/cleaned_transactions.parquet"
    with fsspec.open(parquet, "rb") as stream:
        assert stream.read(4) == b"PAR1"
    (found,) = [feed for feed in status(settings) if feed.feed == "channels_transactions"]
    assert (found.due, found.missing, found.strays) == ({}, (), ())
    assert [finding.what for finding in examine(settings) if finding.name == "data"] == [settings.data_root]
