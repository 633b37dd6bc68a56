"""The API that callers of the older billing system know, answer for answer: JSON numbers, Sunday weeks, all states."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import RootModel

from sales_platform.errors import WrongParameter
from sales_platform.metrics.query import MetricQuery
from sales_platform.metrics.running import run_query
from sales_platform.serving.api import parameters as said
from sales_platform.serving.api.documents import answers
from sales_platform.serving.api.shapes import CustomerSells, PeriodSells
from sales_platform.serving.api.tables import pool_of, registry_of
from sales_platform.serving.api.validators import Validators
from sales_platform.serving.options import ROWS_MOST

METRIC = "billed"

router = APIRouter(prefix="/api/sells", tags=["older API"])
redirects = APIRouter(include_in_schema=False)


class ByCustomer(RootModel[list[CustomerSells]]):
    """The largest first."""


class ByPeriod(RootModel[list[PeriodSells]]):
    """The earliest first."""


@router.get("/customers", include_in_schema=False)
@router.get(
    "/customers/",
    response_model=ByCustomer,
    summary="The customers with the highest totals",
    responses=answers(ByCustomer, [{"customer": "Acme Corp", "sells": 1234.56}]),
)
def by_customer(
    request: Request,
    top: Annotated[int, Query(ge=1, le=ROWS_MOST, description="How many customers.")] = 5,
) -> Response:
    """Totals of all invoices, cancelled and refunded ones too, with and without the last slash."""
    query = MetricQuery(METRIC, by=("customer",), limit=top)
    return _answer(
        request,
        query,
        lambda rows: [{"customer": row["customer_label"], "sells": float(row["value"])} for row in rows],
    )


@router.get("/time", include_in_schema=False)
@router.get(
    "/time/",
    response_model=ByPeriod,
    summary="Totals by month or week",
    responses=answers(ByPeriod, [{"period": "2023 - W10", "sells": 1234.56}]),
)
def by_time(
    request: Request,
    period: Annotated[
        Literal["monthly", "weekly"], Query(description="`2023-03` or `2023 - W10`.")
    ] = "monthly",
    start: Annotated[said.Day | None, Query(description="First day, included; none means all.")] = None,
    end: Annotated[said.Day | None, Query(description="Last day, included; none means all.")] = None,
) -> Response:
    """Totals by date of issue. Weeks begin on Sunday; days before the first Sunday of a year are its week 0."""
    if start and end and start > end:
        raise WrongParameter("start: is after end.", parameter="start")
    grain: Literal["month", "day"] = "month" if period == "monthly" else "day"
    named = _month if period == "monthly" else _sunday_week
    return _answer(request, MetricQuery(METRIC, start, end, grain), lambda rows: _added(rows, named))


def _answer(
    request: Request, query: MetricQuery, shaped: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> Response:
    registry = registry_of(request)
    with pool_of(request).connection() as connection:
        validators = Validators(request, connection, *registry.metrics[METRIC].tables(registry))
        if made := validators.made:
            return made
        rows = run_query(connection, query, registry).records()
    return validators.answer(shaped(rows))


def _added(rows: Iterable[dict[str, Any]], named: Callable[[date], str]) -> list[dict[str, Any]]:
    """Added up as decimals; only the sum becomes a number of JSON."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        name = named(row["period"])
        sums[name] = sums.get(name, Decimal()) + row["value"]
    return [{"period": name, "sells": float(total)} for name, total in sums.items()]


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


def _sunday_week(day: date) -> str:
    return f"{day.year} - W{int(day.strftime('%U'))}"


@redirects.get("/visualization/dashboard")
@redirects.get("/visualization/dashboard/")
@redirects.get("/api/visualization/dashboard")
@redirects.get("/api/visualization/dashboard/")
def billing_page() -> Response:
    """Where its users find what that page showed."""
    return RedirectResponse("/billing")
