"""Billing: sales by month with their running sum, and who owes, as users of the older dashboard know them."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import streamlit as st

from sales_platform.metrics.query import MetricQuery
from sales_platform.serving.dashboard import charts, states, trends
from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.charts import Series
from sales_platform.serving.dashboard.filters import Filters, chosen_members, chosen_period
from sales_platform.serving.dashboard.kpis import kpi_row
from sales_platform.serving.dashboard.panels import panel
from sales_platform.serving.dashboard.periods import ALL_DAYS, Period
from sales_platform.serving.dashboard.theme import look
from sales_platform.serving.dashboard.wording import range_text, unit_text

FIGURES = ("billed", "billed_net_of_cancelled", "cancelled_and_refunded", "billing_pending")
PENDING_CUSTOMERS = 15


def draw(ask: Asking) -> None:
    period = chosen_period(ask, ["billed"], ALL_DAYS)
    if period is None:
        states.empty("No invoice file has been loaded.")
        return
    filters = chosen_members(ask, ("customer", "billing_status"))
    st.header(f"Invoices, {range_text(period.first, period.last)}")
    kpi_row(ask, FIGURES, period, filters)
    left, right = st.columns(2)
    with left:
        _monthly(ask, period, filters)
    with right:
        _pending(ask, period, filters)
    left, right = st.columns(2)
    with left:
        trends.by_member(ask, "billed", "customer", period, filters, title="Billed by customer")
    with right:
        trends.by_member(ask, "billed", "billing_status", period, filters, title="Billed by status")


def _monthly(ask: Asking, period: Period, filters: Filters) -> None:
    answer = ask.answer(MetricQuery("billed", period.first, period.last, grain="month", filters=filters))
    months: list[tuple[str, Any]] = [
        (f"{row['period']:%Y-%m}", row["value"] or 0) for row in answer.records()
    ]
    sums = list(accumulate(amount for _, amount in months))
    records = [
        {"period": month, "sales": amount, "accumulative": added}
        for (month, amount), added in zip(months, sums, strict=True)
    ]
    measure = trends.measure_of(answer.metric)
    running = Series("Accumulative", [(row["period"], row["accumulative"]) for row in records])
    panel(
        ask,
        charts.bars_with_sum(
            look(), measure, Series("Monthly Sales", months), running, "Total sales per month"
        ),
        records,
        title="Sales Historic Trend (Monthly vs Accumulative)",
        unit=unit_text(measure.unit, measure.currency),
        metrics=["billed"],
        note="The line adds up the months of the chosen range.",
    )


def _pending(ask: Asking, period: Period, filters: Filters) -> None:
    answer = ask.answer(
        MetricQuery("billing_pending", period.first, period.last, by=("customer",), filters=filters)
    )
    owing = [row for row in answer.records() if row["value"]][:PENDING_CUSTOMERS]
    measure = trends.measure_of(answer.metric)
    panel(
        ask,
        charts.ranked(look(), measure, Series("Debt", trends.points_of(owing, "customer"))),
        owing,
        title="Pending Customers",
        unit=unit_text(measure.unit, measure.currency),
        metrics=["billing_pending"],
        note=f"Customers with invoices in the state PENDING, at most {PENDING_CUSTOMERS}.",
    )
