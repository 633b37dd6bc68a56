"""`sales-platform metrics`: the figures that there are, and what one of them is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sales_platform.operations.metrics import ListedMetric


def metrics(
    name: Annotated[
        str | None, typer.Argument(help="Such as payment_volume; all without it.", metavar="METRIC")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the metrics, or tell what one is made of and by what it may be grouped."""
    from sales_platform.cli.tables import print_json
    from sales_platform.operations.metrics import list_metrics

    found = list_metrics(name)
    if as_json:
        print_json(found)
    elif name:
        _print_one(found[0])
    else:
        _print_all(found)


def _print_all(found: list[ListedMetric]) -> None:
    from sales_platform.cli.tables import console, table

    shown = table("metric", "title", "unit", "domain", whole=("metric",))
    for metric in found:
        shown.add_row(metric.name, metric.title, metric.unit, metric.domain)
    console().print(shown)


def _print_one(metric: ListedMetric) -> None:
    print(f"{metric.title} ({metric.unit}). {metric.description} {metric.caveat}".rstrip())
    print(f"  formula     {metric.formula}")
    print(f"  from        {metric.mart}")
    print(f"  dimensions  {', '.join(metric.dimensions) or 'none'}")
    print(f"  good        {metric.good}")
