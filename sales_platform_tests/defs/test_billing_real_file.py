"""The real invoice file: figures that users know, and every other one computed from the file by pandas."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sales_platform_tests.defs.billing_road import BillingRoad, Rows

FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d-%m-%Y", "%d/%m/%Y", "%m-%d-%Y", "%m/%d/%Y")
NAMES = {
    "C-100": "Acme Corp", "C-101": "Globex Inc", "C-102": "Soylent Corp", "C-103": "Initech",
    "C-104": "Umbrella Corp", "C-105": "Stark Ind", "C-106": "Wayne Ent", "C-107": "Cyberdyne",
    "C-108": "Massive Dynamic", "C-109": "Hooli", "C-110": "Dharma Initiative",
}  # fmt: skip


@pytest.fixture(scope="module")
def received(shared_data: Path) -> pd.DataFrame:
    """Every line as text."""
    return pd.read_csv(shared_data / "billing" / "input.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def judged(received: pd.DataFrame) -> pd.DataFrame:
    """Every line read by pandas, with its first reason."""
    frame = received.copy()
    frame["day"] = frame["issue_date"].map(_day)
    for column in ("qty", "unit_price", "total"):
        text = frame[column].str.upper().str.replace(r"USD|\$|\s", "", regex=True)
        frame[column] = text.map(lambda value: None if value == "NULL" else Decimal(value))
    frame["status"] = frame["status"].str.upper().str.strip()
    frame["reason"] = [_reason(row) for _, row in frame.iterrows()]
    return frame


def _day(text: str) -> pd.Timestamp | None:
    for form in FORMATS:
        day = pd.to_datetime(text, format=form, errors="coerce")
        if not pd.isna(day):
            return day
    return None


def _reason(row: pd.Series[Any]) -> str | None:
    failed = {
        "UNKNOWN_INVOICE_ID": row["invoice_id"] == "",
        "INVALID_DATE": pd.isna(row["day"]),
        "INVALID_TOTAL": pd.isna(row["total"]),
    }
    if not any(failed.values()):
        failed["TOTAL_MISMATCH"] = row["qty"] * row["unit_price"] != row["total"]
    return next((reason for reason, fails in failed.items() if fails), None)


@pytest.fixture
def road(warehouse_url: str, tmp_path: Path, shared_data: Path) -> BillingRoad:
    road = BillingRoad(warehouse_url, tmp_path / "data")
    (road.data / "billing").mkdir(parents=True)
    shutil.copy(shared_data / "billing" / "input.csv", road.data / "billing")
    return road


def _by(frame: pd.DataFrame, *columns: str) -> Rows:
    groups = frame.groupby(list(columns)).agg(invoices=("invoice_id", "size"), total=("total", "sum"))
    return sorted((*(key if isinstance(key, tuple) else (key,)), *row) for key, *row in groups.itertuples())


def test_the_real_file_gives_the_figures_that_its_users_know(road: BillingRoad, judged: pd.DataFrame) -> None:
    (report,) = road.run()

    assert report.reasons == {
        "INVALID_DATE": 500, "INVALID_TOTAL": 179, "TOTAL_MISMATCH": 179, "UNKNOWN_INVOICE_ID": 50,
    }  # fmt: skip
    assert report.reasons == Counter(judged["reason"].dropna())
    assert (report.loaded + report.duplicate, report.duplicate) == (9_092, 81)
    assert road.ask("select count(*) from analytics.fact_billing_invoice") == [(9_011,)]
    assert road.verify() == []


def test_its_sums_are_those_that_pandas_finds(road: BillingRoad, judged: pd.DataFrame) -> None:
    road.run()
    facts = judged[judged["reason"].isna()].drop_duplicates("invoice_id")
    facts = facts.assign(name=facts["customer_id"].map(NAMES), month=facts["day"].dt.strftime("%Y-%m"))
    fact = "select {}, count(*), sum(total) from analytics.fact_billing_invoice as f {} group by 1 order by 1"
    customer = "inner join analytics.dim_billing_customer as d using (customer_key)"
    status = "inner join analytics.dim_billing_status as d using (status_key)"
    item = "inner join analytics.dim_billing_item as d using (item_key)"
    date = "inner join analytics.dim_date as d on f.issue_date_key = d.date_key"

    assert road.ask(fact.format('d.customer_name collate "C"', customer)) == _by(facts, "name")
    assert road.ask(fact.format('d.status_name collate "C"', status)) == _by(facts, "status")
    assert road.ask(fact.format('d.item_description collate "C"', item)) == _by(facts, "item_description")
    assert road.ask(fact.format("to_char(d.date, 'YYYY-MM')", date)) == _by(facts, "month")
    assert road.ask(
        'select customer_name collate "C", status_name collate "C", sum(invoices), sum(sales_amount)'
        " from marts.billing_sales_daily group by 1, 2 order by 1, 2"
    ) == _by(facts, "name", "status")
    pending = facts[facts["status"] == "PENDING"]
    assert road.ask("select sum(pending_amount), sum(qty) from marts.billing_sales_daily") == [
        (pending["total"].sum(), facts["qty"].sum())
    ]


def test_with_generated_ids_every_other_rule_still_holds(
    road: BillingRoad, judged: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_MISSING_INVOICE_ID", "true")
    allowing = BillingRoad(road.warehouse.url, road.data)
    (report,) = allowing.run()

    assert report.reasons == {"INVALID_DATE": 501, "INVALID_TOTAL": 179, "TOTAL_MISMATCH": 180}
    assert report.loaded + report.duplicate == 9_140
    generated = (
        "select invoice_id from analytics.fact_billing_invoice where invoice_id like 'GEN-%' order by 1"
    )
    first = allowing.ask(generated)
    assert len(first) == 48
    assert allowing.verify() == []

    road.run()
    assert road.ask(generated) == []
    allowing.run()
    assert allowing.ask(generated) == first


def test_every_rejected_line_stands_in_the_view_as_it_was_received(
    road: BillingRoad, received: pd.DataFrame, judged: pd.DataFrame
) -> None:
    (report,) = road.run()

    rows = road.ask(
        "select invoice_id, reason, raw_record, batch_id, file_name from quality.rejected_invoices"
    )

    refused = received[judged["reason"].notna()].assign(reason=judged["reason"])
    # an empty field means missing, to COPY as to us
    wanted = [{name: text or None for name, text in row.items()} for row in refused.to_dict("records")]
    found = [{**raw, "reason": reason} for _, reason, raw, *_ in rows]
    assert _sorted(found) == _sorted(wanted)
    assert all(invoice_id == raw["invoice_id"] for invoice_id, _, raw, *_ in rows)
    assert {(batch, name) for *_, batch, name in rows} == {(str(report.load_id), "input.csv")}


def _sorted(records: Iterable[Mapping[Any, object]]) -> list[str]:
    return sorted(json.dumps(record, sort_keys=True) for record in records)
