"""Retail: what the shops sold, of what, where, and to whom."""

from __future__ import annotations

import streamlit as st

from sales_platform.serving.dashboard import states, trends
from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.filters import chosen_members, chosen_period
from sales_platform.serving.dashboard.kpis import kpi_row
from sales_platform.serving.dashboard.wording import range_text

FIGURES = ("retail_revenue", "retail_sales", "retail_pieces", "average_sale")
FILTERS = ("category", "product", "store_region", "store", "tier", "tier_today")
RANKED = (
    ("product", "Revenue by product"),
    ("category", "Revenue by category"),
    ("store", "Revenue by store"),
    ("store_region", "Revenue by sales region"),
    ("tier", "Revenue by loyalty tier at the sale"),
    ("tier_today", "Revenue by loyalty tier today"),
)


def draw(ask: Asking) -> None:
    period = chosen_period(ask, ["retail_revenue"])
    if period is None:
        states.empty("No sale has been loaded.")
        return
    filters = chosen_members(ask, FILTERS)
    st.header(f"Sales, {range_text(period.first, period.last)}")
    kpi_row(ask, FIGURES, period, filters)
    left, right = st.columns(2)
    with left:
        trends.over_time(ask, ["retail_revenue"], period, filters, title="Revenue over time")
    with right:
        trends.over_time(ask, ["retail_sales"], period, filters, title="Sales over time")
    for number, (dimension, title) in enumerate(RANKED):
        if number % 2 == 0:
            places = st.columns(2)
        with places[number % 2]:
            trends.by_member(ask, "retail_revenue", dimension, period, filters, title=title)
