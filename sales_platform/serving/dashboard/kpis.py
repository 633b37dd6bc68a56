"""Single figures in a row: each with its change against the days before and its course as a small line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from sales_platform.metrics.query import MetricQuery
from sales_platform.metrics.registry import CURRENCY, Metric
from sales_platform.serving.dashboard import states
from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.filters import Filters
from sales_platform.serving.dashboard.periods import Period
from sales_platform.serving.dashboard.wording import change_between, figure_text, range_text

PER_ROW = 4
_COLOURS = {True: "green", False: "red", None: "gray"}


def kpi_row(
    ask: Asking,
    metrics: Sequence[str],
    period: Period,
    filters: Filters | None = None,
    *,
    titles: Mapping[str, str] | None = None,
) -> None:
    """A metric in several currencies has a card for each. titles: where users know a metric by another name."""
    cards: list[tuple[Metric, dict[str, Any]]] = []
    with states.missing_marts_shown():
        for name in metrics:
            metric = ask.registry.metrics[name]
            cards += [(metric, row) for row in _rows(ask, metric, period, filters)]
    for begin in range(0, len(cards), PER_ROW):
        places = st.columns(PER_ROW)
        for place, (metric, row) in zip(places, cards[begin : begin + PER_ROW], strict=False):
            with place:
                _card(ask, metric, row, period, filters, (titles or {}).get(metric.name, metric.title))


def _rows(ask: Asking, metric: Metric, period: Period, filters: Filters | None) -> list[dict[str, Any]]:
    """One row, or one for each currency; a metric that is known as of now has nothing to compare with."""
    if metric.mart.time is None:
        return ask.answer(MetricQuery(metric.name, filters=_known(metric, filters))).records()
    query = MetricQuery(
        metric.name, period.first, period.last, filters=_known(metric, filters), compare="previous"
    )
    answer = ask.answer(query)
    if answer.compared_range and period.known_from and answer.compared_range[0] < period.known_from:
        # half a period would make any growth look like a triumph
        return [{**row, "compared": None} for row in answer.records()]
    return answer.records()


def _card(
    ask: Asking, metric: Metric, row: Mapping[str, Any], period: Period, filters: Filters | None, title: str
) -> None:
    currency = row.get(CURRENCY) or metric.currency
    change = change_between(row["value"], row.get("compared"), metric.unit, metric.good)
    several = CURRENCY in row
    st.metric(
        f"{title} ({currency})" if several else title,
        figure_text(row["value"], metric.unit, currency),
        change.text if change else None,
        delta_color=_COLOURS[change.good] if change else "off",  # type: ignore[arg-type]
        delta_description="vs. the period before" if change else None,
        help=_help(metric, period),
        chart_data=_course(ask, metric, period, filters, row.get(CURRENCY)),
        chart_type="area",
        height="stretch",
        border=True,
    )


def _course(
    ask: Asking, metric: Metric, period: Period, filters: Filters | None, currency: str | None
) -> list[float] | None:
    if metric.mart.time is None:
        return None
    query = MetricQuery(
        metric.name, period.first, period.last, grain=period.grain, filters=_known(metric, filters)
    )
    records = [row for row in ask.answer(query).records() if row.get(CURRENCY) == currency]
    values = [float(row["value"]) for row in records if row["value"] is not None]
    return values if len(values) > 1 else None


def _known(metric: Metric, filters: Filters | None) -> Filters:
    """Those filters that the metric can be narrowed by."""
    return {name: values for name, values in (filters or {}).items() if name in metric.dimensions}


def _help(metric: Metric, period: Period) -> str:
    when = "As of now." if metric.mart.time is None else f"{range_text(period.first, period.last)}."
    return f"{metric.description} {metric.caveat}\n\n`{metric.name} = {metric.formula_text}`\n\n{when}"
