"""`/api/dimensions`: by what figures are grouped and filtered, and which values there are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from sales_platform.metrics.registry import Registry
from sales_platform.metrics.running import dimension_values
from sales_platform.serving.api import parameters as said
from sales_platform.serving.api.answering import csv_answer, json_answer
from sales_platform.serving.api.documents import answers
from sales_platform.serving.api.problems import NotFound
from sales_platform.serving.api.shapes import DimensionAnswer, Dimensions
from sales_platform.serving.api.tables import pool_of, registry_of
from sales_platform.serving.api.validators import Validators
from sales_platform.serving.options import ROWS_MOST

VALUES_DEFAULT = 100
PARAMETERS = ("search", "limit", "format")
_SHOWN = {
    "name": "city",
    "domain": "channels",
    "title": "City",
    "description": "",
    "metrics": ["payment_volume", "fee_revenue"],
}
_ANSWER = {"dimension": "city", "values": [{"value": "Pune", "label": "Pune"}]}

router = APIRouter(prefix="/api/dimensions", tags=["metrics"])


@router.get(
    "",
    response_model=Dimensions,
    summary="Every dimension",
    responses=answers(Dimensions, {"dimensions": [_SHOWN]}),
)
def list_dimensions(request: Request) -> Response:
    """Each with the metrics that it goes with."""
    registry = registry_of(request)
    return json_answer({"dimensions": [_described(registry, name) for name in registry.dimensions]}, {})


@router.get(
    "/{name}",
    response_model=DimensionAnswer,
    summary="Values of one dimension",
    responses=answers(DimensionAnswer, _ANSWER, csv="value,label\r\nPune,Pune\r\n"),
)
def ask_dimension(
    request: Request,
    name: Annotated[str, Path(description="Of `/api/dimensions`", examples=["city"])],
    search: Annotated[str, Query(max_length=10_000, description="Text within the label, in any case.")] = "",
    limit: Annotated[int, Query(ge=1, le=ROWS_MOST, description="Values at most.")] = VALUES_DEFAULT,
    format: said.Format = None,
) -> Response:
    """Values that any row has, in the order of their labels. Other dimensions are filters: the cities of a region."""
    registry = registry_of(request)
    if name not in registry.dimensions:
        raise NotFound("no dimension has this name.", parameter="name", allowed=list(registry.dimensions))
    filters = said.filters_of(request, PARAMETERS, list(registry.dimensions))
    tables = dict.fromkeys(
        table
        for metric in registry.metrics.values()
        if name in metric.dimensions
        for table in metric.tables(registry)
    )
    with pool_of(request).connection() as connection:
        validators = Validators(request, connection, *tables)
        if made := validators.made:
            return made
        found = dimension_values(
            connection, name, search=search, limit=limit, filters=filters, registry=registry
        )
    if said.wants_csv(request, format):
        rows = [(one.value, one.label) for one in found]
        return csv_answer(name, ("value", "label"), rows, validators.headers)
    values = [{"value": one.value, "label": one.label} for one in found]
    return validators.answer({"dimension": name, "values": values})


def _described(registry: Registry, name: str) -> dict[str, Any]:
    dimension = registry.dimensions[name]
    return {
        "name": name,
        "domain": dimension.domain,
        "title": dimension.title,
        "description": dimension.description,
        "metrics": [one.name for one in registry.metrics.values() if name in one.dimensions],
    }
