"""Accounts: money that moved through the ledger and what it holds, each currency by itself."""

from __future__ import annotations

import streamlit as st

from sales_platform.metrics.query import MetricQuery
from sales_platform.metrics.registry import CURRENCY
from sales_platform.serving.dashboard import charts, states, trends
from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.charts import Measure, Series
from sales_platform.serving.dashboard.filters import chosen_period
from sales_platform.serving.dashboard.kpis import kpi_row
from sales_platform.serving.dashboard.panels import panel
from sales_platform.serving.dashboard.theme import look
from sales_platform.serving.dashboard.wording import range_text, unit_text

FLOWS = ("account_net_flow", "account_credits", "account_debits", "account_transactions")
LEVELS = ("account_balance", "accounts")
LARGEST = 10


def draw(ask: Asking) -> None:
    period = chosen_period(ask, ["account_net_flow"])
    if period is None:
        states.empty("No transaction has been loaded.")
        return
    st.header(f"Flows, {range_text(period.first, period.last)}")
    kpi_row(ask, FLOWS, period)
    left, right = st.columns(2)
    with left:
        trends.by_currency(ask, "account_net_flow", period, title="Net flow")
    with right:
        trends.over_time(ask, ["account_transactions"], period, {}, title="Posted transactions")
    st.header("Balances as of now")
    kpi_row(ask, LEVELS, period)
    left, right = st.columns(2)
    with left, states.missing_marts_shown():
        _balances(ask, "account_type", "Balance by type of account")
    with right, states.missing_marts_shown():
        _balances(ask, "account_customer", "Largest balances")


def _balances(ask: Asking, dimension: str, title: str) -> None:
    answer = ask.answer(MetricQuery("account_balance", by=(dimension, CURRENCY)))
    for currency in sorted({row[CURRENCY] for row in answer.records()}):
        records = [row for row in answer.records() if row[CURRENCY] == currency][:LARGEST]
        series = Series(answer.metric.title, trends.points_of(records, dimension))
        panel(
            ask,
            charts.ranked(look(), Measure("money", currency), series),
            records,
            title=f"{title} ({currency})",
            unit=unit_text("money", currency),
            metrics=["account_balance"],
            note=f"At most {LARGEST}.",
        )
