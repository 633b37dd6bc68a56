"""Charts that several pages have: a metric over time, and a metric by the members of a dimension."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sales_platform.metrics.query import MetricQuery, MetricResult
from sales_platform.metrics.registry import CURRENCY, Metric
from sales_platform.serving.dashboard import charts, states
from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.charts import Measure, Point, Series
from sales_platform.serving.dashboard.filters import Filters
from sales_platform.serving.dashboard.panels import panel
from sales_platform.serving.dashboard.periods import Period
from sales_platform.serving.dashboard.theme import look
from sales_platform.serving.dashboard.wording import unit_text

TOP = 10


def over_time(
    ask: Asking,
    metrics: Sequence[str],
    period: Period,
    filters: Filters,
    *,
    title: str,
    stacked: bool = False,
) -> None:
    """Metrics of one unit and currency. A single one over days has its mean of seven beside it."""
    with states.missing_marts_shown():
        answers = [_over_time(ask, name, period, filters) for name in metrics]
        series = [Series(one.metric.title, charts.periods(one.records())) for one in answers]
        if len(series) == 1 and period.grain == "day" and not stacked:
            series.append(charts.smoothed(series[0]))
        measure = measure_of(answers[0].metric)
        panel(
            ask,
            charts.bars(look(), measure, series, period.grain, stacked=True)
            if stacked
            else charts.lines(look(), measure, series, period.grain),
            together(answers),
            title=title,
            unit=unit_text(measure.unit, measure.currency),
            metrics=metrics,
            note=added_up(period),
        )


def by_currency(ask: Asking, metric: str, period: Period, *, title: str) -> None:
    """A chart for each currency, because they are never added nor drawn on one axis."""
    with states.missing_marts_shown():
        answer = ask.answer(
            MetricQuery(metric, period.first, period.last, grain=period.grain, by=(CURRENCY,))
        )
        for currency in sorted({row[CURRENCY] for row in answer.records()}):
            records = [row for row in answer.records() if row[CURRENCY] == currency]
            measure = Measure(answer.metric.unit, currency)
            series = Series(answer.metric.title, charts.periods(records))
            panel(
                ask,
                charts.bars(look(), measure, [series], period.grain),
                records,
                title=f"{title} ({currency})",
                unit=unit_text("money", currency),
                metrics=[metric],
                note=added_up(period),
            )


def by_member(
    ask: Asking,
    metric: str,
    dimension: str,
    period: Period,
    filters: Filters,
    *,
    title: str,
    limit: int = TOP,
) -> None:
    """The members with the highest values, as lying bars."""
    with states.missing_marts_shown():
        known = ask.registry.metrics[metric]
        narrowed = {name: values for name, values in filters.items() if name in known.dimensions}
        answer = ask.answer(
            MetricQuery(metric, period.first, period.last, by=(dimension,), filters=narrowed, limit=limit)
        )
        ranked_panel(ask, answer, dimension, title=title)


def ranked_panel(ask: Asking, answer: MetricResult, dimension: str, *, title: str) -> None:
    records = answer.records()
    measure = measure_of(answer.metric)
    panel(
        ask,
        charts.ranked(look(), measure, Series(answer.metric.title, points_of(records, dimension))),
        records,
        title=title,
        unit=unit_text(measure.unit, measure.currency),
        metrics=[answer.metric.name],
    )


def points_of(records: Sequence[Mapping[str, Any]], dimension: str) -> list[Point]:
    """Names and values. Members that share their name bear their key too, because a chart would draw them as one."""
    names = [str(row.get(f"{dimension}_label") or row[dimension]) for row in records]
    return [
        (f"{name} ({row[dimension]})" if names.count(name) > 1 else name, row["value"])
        for name, row in zip(names, records, strict=True)
    ]


def added_up(period: Period) -> str:
    text = f"Added up by {period.grain}."
    return (
        text if period.grain == "day" else f"{text} Of the first and the last, only days of the range count."
    )


def measure_of(metric: Metric) -> Measure:
    return Measure(metric.unit, metric.currency)


def together(answers: Sequence[MetricResult]) -> list[dict[str, Any]]:
    """Answers over time side by side: a row for each period, a column for each metric."""
    rows: dict[Any, dict[str, Any]] = {}
    for answer in answers:
        for row in answer.records():
            found = rows.setdefault(
                row["period"], {"period": row["period"], **{one.metric.name: None for one in answers}}
            )
            found[answer.metric.name] = row["value"]
    return [rows[period] for period in sorted(rows)]


def _over_time(ask: Asking, metric: str, period: Period, filters: Filters) -> MetricResult:
    known = ask.registry.metrics[metric]
    narrowed = {name: values for name, values in filters.items() if name in known.dimensions}
    return ask.answer(MetricQuery(metric, period.first, period.last, grain=period.grain, filters=narrowed))
