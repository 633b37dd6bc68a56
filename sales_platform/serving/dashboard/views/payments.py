"""Payments: what passed through the channels, how often it failed and how long it took; in the words and by the rules
that the users of the older dashboard know.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import streamlit as st

from sales_platform.metrics.query import MetricQuery
from sales_platform.metrics.registry import Metric
from sales_platform.serving.dashboard import charts, states, trends
from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.charts import Series
from sales_platform.serving.dashboard.kpis import kpi_row
from sales_platform.serving.dashboard.panels import escaped, panel
from sales_platform.serving.dashboard.periods import Period
from sales_platform.serving.dashboard.theme import look
from sales_platform.serving.dashboard.views.payment_choice import Choice, chosen_filters
from sales_platform.serving.dashboard.wording import day_text, plural, range_text, unit_text

KPIS = ("payment_volume", "fee_revenue", "failure_rate", "average_processing_time")
TITLES = {
    "payment_volume": "Total revenue",
    "average_processing_time": "Avg processing time",
    "fee_revenue": "Fee revenue",
}
TRENDS = (
    ("payment_volume", "Revenue Trend"),
    ("failure_rate", "Failure Rate Trend"),
    ("average_processing_time", "Avg Processing Time Trend"),
)
COMPARED = (("failure_rate", "Failure Rate"), ("average_processing_time", "Avg Processing Time"))
TREND_DAYS = 30
TOP_LINES, TOP_BARS, TOP_CITIES = 4, 6, 10


def draw(ask: Asking) -> None:
    span = ask.span("payment_volume")
    if span is None:
        states.empty("No payment has been loaded.")
        return
    newest = max(min(span[1], ask.today()), span[0])
    choice = chosen_filters(ask, newest)
    st.header(heading(choice))
    kpi_row(ask, KPIS, Period(*choice.days, "day", span[0]), choice.filters, titles=TITLES)
    st.caption(
        "*Total revenue* is the payment volume: the amount of the payments that succeeded. What the company earns"
        " is the fee revenue."
    )
    shown = choice.days if choice.dated else (newest - timedelta(days=TREND_DAYS - 1), newest)
    for name, title in TRENDS:
        _trend(ask, ask.registry.metrics[name], title, choice, shown)
    compared = choice.compared
    for place, (name, title) in zip(st.columns(2), COMPARED, strict=True):
        with place:
            _comparison(ask, ask.registry.metrics[name], title, compared, choice)


def heading(choice: Choice) -> str:
    """`Daily KPIs`, `KPIs for 21-Aug-2026` or `KPIs from … to …`, and what was chosen."""
    first, last = choice.days
    if not choice.dated:
        text = f"Daily KPIs, {day_text(last)}"
    else:
        text = f"KPIs {'for' if first == last else 'from'} {range_text(first, last)}"
    chosen = [escaped(value) for values in choice.filters.values() for value in values]
    return f"{text} - {', '.join(chosen)}" if chosen else text


def _trend(ask: Asking, metric: Metric, title: str, choice: Choice, days: tuple[date, date]) -> None:
    """The whole with its mean of seven days; or, where a filter stands on all, its four highest members beside it."""
    query = MetricQuery(metric.name, *days, grain="day", filters=choice.filters)
    whole = ask.answer(query).records()
    member = choice.broken_down
    records = whole
    if member is None or not whole:
        series = [Series(title.removesuffix(" Trend"), charts.periods(whole))]
        series.append(charts.smoothed(series[0]))
    else:
        top = _top(ask, metric, member, choice, days, TOP_LINES)
        narrowed = {**choice.filters, member: top}
        records = ask.answer(replace(query, by=(member,), filters=narrowed)).records()
        series = [*charts.by_member(records, member, top), Series("Total", charts.periods(whole), whole=True)]
        records = [*records, *({**row, member: "Total"} for row in whole)]
        title = f"{title} - Top {len(top)} {plural(ask.registry.dimensions[member].title)}"
    _panel(ask, metric, charts.lines(look(), trends.measure_of(metric), series), records, title)


def _comparison(ask: Asking, metric: Metric, title: str, dimension: str, choice: Choice) -> None:
    limit = TOP_CITIES if dimension == "city" else TOP_BARS
    query = MetricQuery(metric.name, *choice.days, by=(dimension,), filters=choice.filters, limit=limit)
    records = ask.answer(query).records()
    word = ask.registry.dimensions[dimension].title
    full = len(records) == limit
    points = [(row[dimension], row["value"]) for row in records]
    _panel(
        ask,
        metric,
        charts.labelled_bars(look(), trends.measure_of(metric), Series(title, points), word),
        records,
        f"{title} by Top {limit} {plural(word)}" if full else f"{title} by {word}",
    )


def _top(
    ask: Asking, metric: Metric, member: str, choice: Choice, days: tuple[date, date], limit: int
) -> list[str]:
    query = MetricQuery(metric.name, *days, by=(member,), filters=choice.filters, limit=limit)
    return [row[member] for row in ask.answer(query).records()]


def _panel(ask: Asking, metric: Metric, figure: object, records: list[dict[str, object]], title: str) -> None:
    measure = trends.measure_of(metric)
    panel(
        ask,
        figure,
        records,
        title=title,
        unit=unit_text(measure.unit, measure.currency),
        metrics=[metric.name],
        note="A 7 Day Avg is the mean of the last seven days' values. Members are ranked by the figure of all"
        " days shown.",
    )
