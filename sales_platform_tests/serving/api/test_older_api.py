"""The older API on the real billing file, against pandas on its lines; and where its pages lead."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.conftest import _fresh_database
from sales_platform_tests.defs.billing_road import BillingRoad
from sales_platform_tests.serving.api.conftest import client_of


@pytest.fixture(scope="module")
def billing(
    postgres_server: EmbeddedServer, migrated_template: str, shared_data: Path, tmp_path_factory: Any
) -> Iterator[tuple[TestClient, pd.DataFrame]]:
    """The API, and the accepted lines of the file as pandas reads them: customer, day, total."""
    data = tmp_path_factory.mktemp("data")
    (data / "billing").mkdir()
    shutil.copy(shared_data / "billing" / "input.csv", data / "billing")
    for url in _fresh_database(postgres_server, migrated_template):
        road = BillingRoad(url, data)
        road.run()
        lines = [row for (row,) in road.ask("select _source_row from staging.billing_invoices")]
        with client_of(url) as api:
            yield api, accepted(shared_data / "billing" / "input.csv", lines)


def accepted(file: Path, lines: list[int]) -> pd.DataFrame:
    read = pd.read_csv(file, dtype=str, keep_default_na=False).iloc[[line - 2 for line in lines]]
    total = read["total"].str.replace(r"USD|\$|\s", "", regex=True).map(Decimal)
    return pd.DataFrame(
        {"customer": read["customer_id"], "day": read["issue_date"].map(day_of), "total": total}
    )


def day_of(text: str) -> date:
    """Year first, or day first; never month first in this file."""
    first, month, last = (int(part) for part in text.replace("/", "-").split("-"))
    return date(first, month, last) if first > 31 else date(last, month, first)


def sunday_week(day: date) -> str:
    """Week 1 begins on the first Sunday of the year."""
    first = date(day.year, 1, 1)
    sunday = first + timedelta(days=(6 - first.weekday()) % 7)
    return f"{day.year} - W{(day - sunday).days // 7 + 1 if day >= sunday else 0}"


def test_months_and_sunday_weeks_are_those_of_the_file(billing: tuple[TestClient, pd.DataFrame]) -> None:
    api, lines = billing
    months = lines.groupby(lines["day"].map(lambda day: f"{day:%Y-%m}"))["total"].sum()
    answer = api.get("/api/sells/time/").json()
    assert answer == [{"period": month, "sells": float(total)} for month, total in months.items()]
    assert answer == api.get("/api/sells/time?period=monthly").json()

    weeks = lines.groupby(lines["day"].map(sunday_week))["total"].sum()
    answer = api.get("/api/sells/time?period=weekly").json()
    assert {one["period"]: one["sells"] for one in answer} == {
        week: float(total) for week, total in weeks.items()
    }
    assert "2023 - W10" in weeks
    assert answer[0]["period"] == "2023 - W1"


def test_both_ends_of_a_range_count(billing: tuple[TestClient, pd.DataFrame]) -> None:
    api, lines = billing
    first, last = date(2023, 3, 5), date(2023, 3, 11)
    chosen = lines[(lines["day"] >= first) & (lines["day"] <= last)]["total"].sum()
    answer = api.get(f"/api/sells/time/?period=weekly&start={first}&end={last}").json()
    assert answer == [{"period": "2023 - W10", "sells": float(chosen)}]
    assert api.get("/api/sells/time/?start=2030-01-01&end=2031-01-01").json() == []


def test_customers_are_ranked_by_all_their_invoices(billing: tuple[TestClient, pd.DataFrame]) -> None:
    api, lines = billing
    totals = lines.groupby("customer")["total"].sum().sort_values(ascending=False)
    answer = api.get("/api/sells/customers/").json()
    assert [one["sells"] for one in answer] == [float(total) for total in totals[:5]]
    assert set(answer[0]) == {"customer", "sells"}
    assert api.get("/api/sells/customers?top=2").json() == answer[:2]


@pytest.mark.parametrize(
    ("address", "parameter"),
    [
        ("customers/?top=many", "top"),
        ("customers/?top=0", "top"),
        ("time/?period=daily", "period"),
        ("time/?start=2023-02-30", "start"),
        ("time/?end=20230101", "end"),
        ("time/?start=2023-03-02&end=2023-03-01", "start"),
    ],
)
def test_bad_values_are_400(billing: tuple[TestClient, pd.DataFrame], address: str, parameter: str) -> None:
    answer = billing[0].get(f"/api/sells/{address}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_the_older_dashboard_leads_to_the_billing_page(billing: tuple[TestClient, pd.DataFrame]) -> None:
    for address in ("/visualization/dashboard/", "/visualization/dashboard", "/api/visualization/dashboard/"):
        answer = billing[0].get(address)
        assert (answer.status_code, answer.headers["location"]) == (307, "/billing")
