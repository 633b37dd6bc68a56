"""A question about one metric, judged before it is asked, and the shape of its answer. No SQL."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any, Literal, get_args

from sales_platform.errors import UnknownMetric, WrongParameter
from sales_platform.metrics.registry import Metric, Registry

Grain = Literal["day", "week", "month", "quarter", "year"]
Compare = Literal["previous", "year_ago"]
GRAINS: tuple[str, ...] = get_args(Grain)
COMPARISONS: tuple[str, ...] = get_args(Compare)
UNKNOWN = "Unknown"

DateRange = tuple[date | None, date | None]


@dataclass(frozen=True)
class MetricQuery:
    """Which metric, when, and of what.

    from_, to: business days, both included; None is open. grain: one row per period that has data, by its first day;
    weeks begin on Monday. Without it the whole range is one figure. by: dimensions to group by. filters: dimension →
    its allowed values; an empty list allows all. compare: the range just before, or a year ago, beside it. limit: rows
    at most, those of the highest value where there is no grain.
    """

    metric: str
    from_: date | None = None
    to: date | None = None
    grain: Grain | None = None
    by: tuple[str, ...] = ()
    filters: Mapping[str, Collection[str]] = field(default_factory=dict)
    compare: Compare | None = None
    limit: int | None = None


@dataclass(frozen=True)
class MetricResult:
    """An answer.

    columns: `period` with a grain; then each dimension as text, followed by `<dimension>_label` where it has one; then
    `value`, and `compared` with a comparison. What a metric never adds up stands among the dimensions unasked.
    rows: figures as Decimal or int, None where nothing is known; ordered by period, else by value, highest first.
    currency: of every value, or None where a column `currency` names it or nothing is money.
    compared_range: from and to of the comparison.
    """

    metric: Metric
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    currency: str | None
    compared_range: tuple[date, date] | None = None

    def records(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def metric_of(query: MetricQuery, registry: Registry) -> Metric:
    """The metric that a well-formed question is about.

    Raises UnknownMetric, or WrongParameter that names the parameter (`from`, `to`, `grain`, `by`, a filter's dimension,
    `compare`, `limit`) and what is allowed.
    """
    metric = registry.metrics.get(query.metric)
    if metric is None:
        near = get_close_matches(query.metric, registry.metrics, n=1)
        hint = f"Did you mean {near[0]}?" if near else "The registry lists all of them."
        raise UnknownMetric(
            "no metric has this name.", remedy=hint, parameter="metric", allowed=list(registry.metrics)
        )
    _judge_times(query, metric)
    for name in query.by:
        _judge_dimension(name, "by", metric)
    for name, values in query.filters.items():
        _judge_dimension(name, name, metric)
        judge_values(name, values)
    if query.limit is not None and query.limit < 1:
        raise WrongParameter("limit: must be 1 or more.", parameter="limit")
    return metric


def judge_values(parameter: str, values: Collection[str]) -> None:
    """Raises WrongParameter for a text that no database holds."""
    if any("\0" in value for value in values):
        raise WrongParameter(f"{parameter}: a value holds a NUL character.", parameter=parameter)


def compared_range(query: MetricQuery) -> tuple[date, date] | None:
    """The range that stands beside the asked one.

    Before whole calendar months as many whole months; before any other range as many days. Raises WrongParameter
    where the asked range is open.
    """
    if query.compare is None:
        return None
    if query.from_ is None or query.to is None:
        missing = "from" if query.from_ is None else "to"
        raise WrongParameter(f"{missing}: compare needs both ends of a range.", parameter=missing)
    try:
        return moved_back(query.compare, query.from_, query.to)
    except (ValueError, OverflowError):
        raise WrongParameter("from: no calendar reaches as far back.", parameter="from") from None


def months_in(first: date, last: date) -> int | None:
    """How many whole calendar months a range is; None for any other."""
    if first.day == 1 and (last + timedelta(days=1)).day == 1:
        return (last.year - first.year) * 12 + last.month - first.month + 1
    return None


def moved_back(compare: Compare, first: date, last: date) -> tuple[date, date]:
    months = 12 if compare == "year_ago" else months_in(first, last)
    if months is None:
        days = (last - first).days + 1
        return first - timedelta(days=days), last - timedelta(days=days)
    day_after = last + timedelta(days=1)
    if day_after.day == 1:
        return _months_before(first, months), _months_before(day_after, months) - timedelta(days=1)
    return _months_before(first, months), _months_before(last, months)


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or its last."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _judge_times(query: MetricQuery, metric: Metric) -> None:
    if query.grain is not None and query.grain not in GRAINS:
        raise WrongParameter("grain: no such period.", parameter="grain", allowed=GRAINS)
    if query.compare is not None and query.compare not in COMPARISONS:
        raise WrongParameter("compare: no such comparison.", parameter="compare", allowed=COMPARISONS)
    if metric.mart.time is None:
        given = {"from": query.from_, "to": query.to, "grain": query.grain, "compare": query.compare}
        for parameter in (name for name, value in given.items() if value is not None):
            raise WrongParameter(f"{parameter}: {metric.name} is known as of now only.", parameter=parameter)
    if query.from_ and query.to and query.from_ > query.to:
        raise WrongParameter("from: is after to.", parameter="from")


def _judge_dimension(name: str, parameter: str, metric: Metric) -> None:
    if name in metric.dimensions:
        return
    raise WrongParameter(
        f"{parameter}: {metric.name} has no such dimension.", parameter=parameter, allowed=metric.dimensions
    )
