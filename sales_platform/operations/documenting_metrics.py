"""The page of metrics, as Markdown, from the registry alone: what each figure is, and of what it is made."""

from __future__ import annotations

from collections.abc import Iterable

from sales_platform.metrics.registry import Dimension, Mart, Metric, Registry
from sales_platform.operations.documenting_pages import MADE_BY, grid
from sales_platform.operations.metrics import unit_of

PAGE = "docs/metrics.md"
GOOD = {"up": "higher", "down": "lower", "neither": "neither"}


def metrics_page(registry: Registry) -> str:
    """One section per domain, its figures by the mart that they are made of."""
    parts = [
        MADE_BY,
        "# Metrics",
        "Each figure is defined once, in the YAML files of `sales_platform/metrics`. "
        "A percentage of 8 is 8 %. Days are business days. Amounts of different currencies are never added.",
    ]
    for domain in dict.fromkeys(metric.domain for metric in registry.metrics.values()):
        own = [metric for metric in registry.metrics.values() if metric.domain == domain]
        parts.append(f"## {domain}")
        for mart in dict.fromkeys(metric.mart for metric in own):
            parts += _of_mart(mart, [metric for metric in own if metric.mart == mart], registry)
    return "\n\n".join(parts) + "\n"


def _of_mart(mart: Mart, metrics: list[Metric], registry: Registry) -> Iterable[str]:
    yield f"### From [{mart.name}](tables/{mart.domain}/{mart.name}.md)"
    yield f"{_over_time(mart)} {_dimensions(mart, registry)}"
    rows = [
        (
            f"`{m.name}`",
            m.title,
            unit_of(m),
            f"`{m.formula_text}`",
            GOOD[m.good],
            f"{m.description} {m.caveat}",
        )
        for m in metrics
    ]
    yield grid(("metric", "title", "unit", "formula", "better", "what it tells"), rows)


def _over_time(mart: Mart) -> str:
    if mart.time is None:
        return "As of now; the past is not kept."
    if mart.over_time == "last":
        return f"A level: of a period the last `{mart.time}` counts, days are never added."
    return f"By `{mart.time}`."


def _dimensions(mart: Mart, registry: Registry) -> str:
    names = [_dimension(registry.dimensions[name], name in mart.apart) for name in mart.dimensions]
    return f"Dimensions: {', '.join(names)}." if names else "No dimensions."


def _dimension(dimension: Dimension, apart: bool) -> str:
    told = dimension.title + (f": {dimension.description}" if dimension.description else "")
    return f"`{dimension.name}` ({told}{'; never added up' if apart else ''})"
