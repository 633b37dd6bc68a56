"""Invoicing & receivables: what was billed, what came in, what is open and for how long."""

from __future__ import annotations

import streamlit as st

from sales_platform.metrics.query import MetricQuery
from sales_platform.serving.dashboard import charts, states, trends
from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.filters import Filters, chosen_members, chosen_period
from sales_platform.serving.dashboard.kpis import kpi_row
from sales_platform.serving.dashboard.panels import panel
from sales_platform.serving.dashboard.periods import Period
from sales_platform.serving.dashboard.theme import look
from sales_platform.serving.dashboard.wording import range_text, unit_text

FIGURES = ("invoiced_gross", "invoiced_net", "collected", "paid_share")
LEVELS = ("receivables", "open_invoices", "receivables_over_90_share", "average_invoice")
STATES = ("unpaid_invoices", "partially_paid_invoices", "paid_invoices")


def draw(ask: Asking) -> None:
    period = chosen_period(ask, ["invoiced_gross", "collected"], "Last 90 days")
    if period is None:
        states.empty("No invoice has been loaded.")
        return
    filters = chosen_members(ask, ("client", "seller"))
    st.header(f"Invoices, {range_text(period.first, period.last)}")
    kpi_row(ask, [*FIGURES, *LEVELS], period, filters)
    if filters:
        st.caption("Receivables and open invoices are those of all clients and sellers.")
    left, right = st.columns(2)
    with left:
        trends.over_time(
            ask, ["invoiced_gross", "collected"], period, filters, title="Invoiced and collected"
        )
    with right, states.missing_marts_shown():
        _receivables(ask, period)
    left, right = st.columns(2)
    with left:
        trends.by_member(ask, "invoiced_gross", "client", period, filters, title="Invoiced by client")
    with right:
        trends.by_member(
            ask, "open_of_invoiced", "client", period, filters, title="Open of these invoices by client"
        )
    left, right = st.columns(2)
    with left:
        trends.by_member(ask, "invoiced_gross", "seller", period, filters, title="Invoiced by seller")
    with right:
        _by_state(ask, period, filters)


def _receivables(ask: Asking, period: Period) -> None:
    answer = ask.answer(
        MetricQuery("receivables", period.first, period.last, grain=period.grain, by=("age",))
    )
    records = answer.records()
    ages = sorted({row["age"] for row in records}, key=lambda age: (not age[0].isdigit(), age))
    measure = trends.measure_of(answer.metric)
    panel(
        ask,
        charts.bars(look(), measure, charts.by_member(records, "age", ages), period.grain, stacked=True),
        records,
        title="Receivables by age in days",
        unit=unit_text(measure.unit, measure.currency),
        metrics=["receivables"],
        note=f"The level at the end of each {period.grain}.",
    )


def _by_state(ask: Asking, period: Period, filters: Filters) -> None:
    trends.over_time(ask, list(STATES), period, filters, title="Invoices by state", stacked=True)
