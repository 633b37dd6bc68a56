"""`/api/metrics`: which figures there are, and one of them by time and dimension."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from sales_platform.errors import WrongParameter
from sales_platform.metrics.query import Compare, Grain, MetricQuery, MetricResult, metric_of
from sales_platform.metrics.registry import Metric
from sales_platform.metrics.running import TableVersion, run_query
from sales_platform.serving.api import parameters as said
from sales_platform.serving.api.answering import as_records, csv_answer, json_answer, plain
from sales_platform.serving.api.documents import answers
from sales_platform.serving.api.shapes import MetricAnswer, Metrics
from sales_platform.serving.api.tables import pool_of, registry_of
from sales_platform.serving.api.validators import Validators
from sales_platform.serving.options import ROWS_MOST

PARAMETERS = ("from", "to", "grain", "by", "compare", "limit", "format")
_SHOWN = {
    "name": "payment_volume",
    "domain": "channels",
    "title": "Payment volume",
    "unit": "money",
    "currency": "INR",
    "dimensions": ["channel", "city", "state", "region", "segment"],
    "good": "up",
    "description": "Amount of the payments that succeeded.",
    "caveat": "",
    "formula": "sum(successful_payment_volume)",
    "mart": "marts.channels_daily",
}
_ANSWER = {
    "metric": _SHOWN,
    "from": "2026-02-01",
    "to": "2026-02-28",
    "grain": "month",
    "compared_from": "2026-01-01",
    "compared_to": "2026-01-31",
    "time_zone": "UTC",
    "changed_at": "2026-03-01T02:00:11.120000+00:00",
    "rows": [{"period": "2026-02-01", "channel": "UPI", "value": "201.50", "compared": "100.10"}],
}
_CSV = "period,channel,value,compared\r\n2026-02-01,UPI,201.50,100.10\r\n"

router = APIRouter(prefix="/api/metrics", tags=["metrics"])


@router.get(
    "", response_model=Metrics, summary="Every metric", responses=answers(Metrics, {"metrics": [_SHOWN]})
)
def list_metrics(request: Request) -> Response:
    """What is measured, in which unit and currency, how it is computed, and by what it may be grouped."""
    return json_answer({"metrics": [described(one) for one in registry_of(request).metrics.values()]}, {})


async def _asked(
    from_: said.From = None,
    to: said.To = None,
    grain: Annotated[Grain | None, Query(description="One row per period; without it one for all.")] = None,
    by: Annotated[
        list[str] | None, Query(description="Dimensions to group by: repeated, or with commas between.")
    ] = None,
    compare: Annotated[
        Compare | None, Query(description="The same of the range just before, or a year ago.")
    ] = None,
    limit: said.Limit = None,
) -> MetricQuery:
    """What the parameters say; one row more than allowed tells that there are too many.

    Waits for nothing; `async` saves each request a thread of its own for this.
    """
    return MetricQuery("", from_, to, grain, _names(by), {}, compare, limit or ROWS_MOST + 1)


@router.get(
    "/{name}",
    response_model=MetricAnswer,
    summary="One metric",
    responses=answers(MetricAnswer, _ANSWER, csv=_CSV),
)
def ask_metric(
    request: Request,
    name: Annotated[str, Path(description="Of `/api/metrics`", examples=["payment_volume"])],
    asked: Annotated[MetricQuery, Depends(_asked)],
    format: said.Format = None,
) -> Response:
    """A figure by period and dimension. Any dimension of the metric is a filter by its name; a period without data has
    no row. Rows are ordered by period, or else by value, the highest first.
    """
    registry = registry_of(request)
    query = replace(asked, metric=name)
    metric = metric_of(query, registry)
    said.judge_range(query.from_, query.to)
    query = replace(query, filters=said.filters_of(request, PARAMETERS, metric.dimensions))
    with pool_of(request).connection() as connection:
        validators = Validators(request, connection, *metric.tables(registry))
        if made := validators.made:
            return made
        result = run_query(connection, query, registry)
    rows = _judged(result)
    if said.wants_csv(request, format):
        return csv_answer(name, result.columns, rows, validators.headers)
    zone = request.app.state.options.time_zone
    return validators.answer(_content(query, result, rows, validators.version, zone))


def described(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "domain": metric.domain,
        "title": metric.title,
        "unit": metric.unit,
        "currency": metric.currency,
        "dimensions": metric.dimensions,
        "good": metric.good,
        "description": metric.description,
        "caveat": metric.caveat,
        "formula": metric.formula_text,
        "mart": metric.mart.name,
    }


def _names(by: list[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for text in by or [] for name in text.split(",") if name.strip()))


def _judged(result: MetricResult) -> list[tuple[Any, ...]]:
    """Counts are whole numbers, though a sum of them is a decimal to the server."""
    if len(result.rows) > ROWS_MOST:
        raise WrongParameter(
            f"by: the answer has more than {ROWS_MOST:,} rows.",
            parameter="by",
            remedy="Take a longer grain, fewer dimensions, a filter, or a limit.",
        )
    if result.metric.unit != "count":
        return result.rows
    return [tuple(map(_whole, row)) for row in result.rows]


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value


def _content(
    query: MetricQuery,
    result: MetricResult,
    rows: list[tuple[Any, ...]],
    version: TableVersion | None,
    time_zone: str,
) -> dict[str, Any]:
    compared_from, compared_to = result.compared_range or (None, None)
    return {
        "metric": described(result.metric),
        "from": query.from_,
        "to": query.to,
        "grain": query.grain,
        "compared_from": compared_from,
        "compared_to": compared_to,
        "time_zone": time_zone,
        "changed_at": plain(version.changed_at) if version else None,
        "rows": as_records(result.columns, rows),
    }
