"""Overview: the figures of every domain on one page, each over its own newest days, and what each source brings in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import streamlit as st

from sales_platform.metrics.query import MetricQuery
from sales_platform.metrics.registry import CURRENCY
from sales_platform.serving.dashboard import charts, states
from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.banner import condition_banner
from sales_platform.serving.dashboard.charts import Measure, Series
from sales_platform.serving.dashboard.kpis import kpi_row
from sales_platform.serving.dashboard.panels import panel
from sales_platform.serving.dashboard.periods import GRAINS, Period, chosen_range, period_of
from sales_platform.serving.dashboard.quality import condition
from sales_platform.serving.dashboard.theme import look
from sales_platform.serving.dashboard.wording import many, range_text, unit_text

# heading, the metrics whose days count, figures
DOMAINS = (
    ("Retail", ("retail_revenue",), ("retail_revenue", "retail_sales", "average_sale", "retail_pieces")),
    (
        "Invoicing",
        ("invoiced_gross", "collected"),
        ("invoiced_gross", "collected", "receivables", "paid_share"),
    ),
    (
        "Billing",
        ("billed",),
        ("billed", "billed_net_of_cancelled", "cancelled_and_refunded", "billing_pending"),
    ),
    (
        "Payments",
        ("payment_volume",),
        ("payment_volume", "fee_revenue", "failure_rate", "average_processing_time"),
    ),
    ("Accounts", ("account_net_flow",), ("account_net_flow", "account_transactions", "account_balance")),
)
# so many days after its newest one a domain is told to be behind
LATE_AFTER = 2


def draw(ask: Asking) -> None:
    condition_banner(condition(ask.connection))
    place, *_ = st.columns(4)
    with place:
        chosen = chosen_range(custom=False)
    today = ask.today()
    for title, leading, metrics in DOMAINS:
        st.header(title)
        with states.missing_marts_shown():
            _domain(ask, title, leading, metrics, chosen, today)
    st.header("Revenue by source")
    with states.missing_marts_shown():
        _by_source(ask, chosen, today)


def _domain(
    ask: Asking, title: str, leading: Sequence[str], metrics: Sequence[str], chosen: str, today: date
) -> None:
    span = ask.span(*leading)
    if span is None:
        states.empty(f"Nothing has been loaded for {title.lower()}.")
        return
    period = period_of(chosen, span, today, None, GRAINS[0])
    behind = (today - period.last).days
    told = f" · the newest day is {many('day', behind)} old" if behind > LATE_AFTER else ""
    st.caption(f"{range_text(period.first, period.last)}{told}")
    kpi_row(ask, metrics, period)


def _by_source(ask: Asking, chosen: str, today: date) -> None:
    """A chart for each currency. Measures that mean different things stand beside each other and are never added."""
    span = ask.span("revenue_by_source")
    if span is None:
        states.empty("No source has brought anything in.")
        return
    period = period_of(chosen, span, today, None, GRAINS[0])
    answer = ask.answer(
        MetricQuery("revenue_by_source", period.first, period.last, by=("source", "measure", CURRENCY))
    )
    currencies = sorted({row[CURRENCY] for row in answer.records()}, key=lambda one: (one != "USD", one))
    for place, currency in zip(st.columns(max(len(currencies), 1)), currencies, strict=False):
        records = [row for row in answer.records() if row[CURRENCY] == currency]
        with place:
            _in_currency(ask, currency, records, period)


def _in_currency(ask: Asking, currency: str, records: list[dict[str, Any]], period: Period) -> None:
    points = [(_name(ask, row), row["value"]) for row in records]
    panel(
        ask,
        charts.ranked(look(), Measure("money", currency), Series("Revenue", points)),
        records,
        title=f"Revenue by source ({currency})",
        unit=f"{unit_text('money', currency)}, {range_text(period.first, period.last)}",
        metrics=["revenue_by_source", *(row["measure"] for row in records)],
    )


def _name(ask: Asking, row: Mapping[str, Any]) -> str:
    metric = ask.registry.metrics.get(row["measure"])
    return f"{row['source'].capitalize()}: {metric.title if metric else row['measure']}"
