"""What `sales-platform metrics` tells of the registry: each figure in plain values. Asks no server."""

from __future__ import annotations

from dataclasses import dataclass

from sales_platform.metrics.query import MetricQuery, metric_of
from sales_platform.metrics.registry import Metric, read_registry


@dataclass(frozen=True)
class ListedMetric:
    """One figure. unit: the currency of money, `each in its currency` where rows differ in it."""

    name: str
    title: str
    domain: str
    unit: str
    mart: str
    formula: str
    dimensions: tuple[str, ...]
    good: str
    description: str
    caveat: str


def list_metrics(name: str | None = None) -> list[ListedMetric]:
    """All of them, or one. Raises UnknownMetric with the nearest name."""
    registry = read_registry()
    chosen = [metric_of(MetricQuery(name), registry)] if name else list(registry.metrics.values())
    return [_listed(metric) for metric in chosen]


def unit_of(metric: Metric) -> str:
    """For people: the currency where there is one."""
    return metric.unit if metric.unit != "money" else metric.currency or "each in its currency"


def _listed(metric: Metric) -> ListedMetric:
    return ListedMetric(
        metric.name,
        metric.title,
        metric.domain,
        unit_of(metric),
        metric.mart.name,
        metric.formula_text,
        metric.dimensions,
        metric.good,
        metric.description,
        metric.caveat,
    )
