"""The payments page over some days of the real files, against what pandas makes of the same files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pydantic import SecretStr

from sales_platform.operations.importing import import_channels
from sales_platform.settings import Settings
from sales_platform_tests.defs.channels_road import ChannelsRoad
from sales_platform_tests.serving.dashboard.pages import charts, kpis, page

pytestmark = pytest.mark.slow
DAYS = ["2026-08-19", "2026-08-20", "2026-08-21"]


def test_the_payments_page_agrees_with_pandas(warehouse_url: str, shared_data: Path, tmp_path: Path) -> None:
    if not (shared_data / "channels").is_dir():
        pytest.skip("no shared input: channels is absent")
    data = tmp_path / "data"
    settings = Settings(home=tmp_path / "home", data_root=data, warehouse_url=SecretStr(warehouse_url))
    import_channels(settings, shared_data / "channels")
    road = ChannelsRoad(warehouse_url, data)
    road.load_lists()
    road.load(*DAYS)
    road.publish()
    files = [data / f"channels/raw/{day.replace('-', '/')}/transactions.csv" for day in DAYS]
    rows = pd.concat([pd.read_csv(file) for file in files])
    good = rows[rows["status"].str.lower() == "success"]

    app = page(warehouse_url, "payments", filters="Date", from_=DAYS[0], to=DAYS[-1]).run()
    assert not app.exception
    shown = kpis(app)
    assert shown["Total revenue"] == f"₹{good['amount'].sum():,.2f}"
    assert shown["Failure rate"] == f"{100 * (1 - len(good) / len(rows)):.2f}%"
    assert shown["Avg processing time"] == f"{rows['processing_time'].mean():.2f} sec"
    daily = good.groupby("date_key")["amount"].sum()
    line = charts(app)["Revenue Trend, ₹ (INR)"]["data"][0]
    assert line["customdata"] == [f"₹{amount:,.2f}" for amount in daily]
