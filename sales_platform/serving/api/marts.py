"""`/api/marts`: the tables that figures are made of, row by row."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from sales_platform.contracts.catalog import read_catalog
from sales_platform.errors import WrongParameter
from sales_platform.metrics.query import judge_values
from sales_platform.metrics.registry import Registry
from sales_platform.serving.api import parameters as said
from sales_platform.serving.api.answering import json_answer
from sales_platform.serving.api.documents import answers
from sales_platform.serving.api.pages import PageQuery, columns_of, page_of
from sales_platform.serving.api.problems import NotFound
from sales_platform.serving.api.shapes import Marts, Page
from sales_platform.serving.api.tables import registry_of

PARAMETERS = ("from", "to", "limit", "cursor", "format")
_LAYER = "marts."
_SHOWN = {
    "name": "accounts_net_flow_daily",
    "domain": "accounts",
    "description": "Posted credits and debits per business day and currency",
    "columns": ["transaction_date_key", "day", "currency", "credits", "debits", "net_flow", "transactions"],
    "key": ["transaction_date_key", "currency"],
    "time": "day",
    "dimensions": ["currency"],
}
_ROW = {
    "transaction_date_key": 20260201,
    "day": "2026-02-01",
    "currency": "USD",
    "credits": "120.00",
    "debits": "20.00",
    "net_flow": "100.00",
    "transactions": 3,
}
_CSV = ",".join(_ROW) + "\r\n" + ",".join(map(str, _ROW.values())) + "\r\n"
_ANSWER = {"columns": list(_ROW), "rows": [_ROW], "next": "JbVtEdaDKHLn-Pu0sUk7ZlsiMjAyNjA5MDUiXQ"}

router = APIRouter(prefix="/api/marts", tags=["marts"])


@router.get("", response_model=Marts, summary="Every mart", responses=answers(Marts, {"marts": [_SHOWN]}))
def list_marts(request: Request) -> Response:
    """Each with its columns, its key, and the dimensions that filter it."""
    return json_answer({"marts": [_described(registry_of(request), name) for name in mart_names()]}, {})


@router.get(
    "/{name}",
    response_model=Page,
    summary="Rows of one mart",
    responses=answers(Page, _ANSWER, csv=_CSV),
)
def read_mart(
    request: Request,
    name: Annotated[str, Path(description="Of `/api/marts`", examples=["accounts_net_flow_daily"])],
    from_: said.From = None,
    to: said.To = None,
    limit: said.PageSize = None,
    cursor: said.Cursor = None,
    format: said.Format = None,
) -> Response:
    """Rows in the order of the mart's key: pages as JSON, everything at once as CSV. Dimensions of the mart are
    filters. In CSV, text that a spreadsheet would run as a formula begins with an apostrophe.
    """
    if name not in mart_names():
        raise NotFound("no mart has this name.", parameter="name", allowed=mart_names())
    said.judge_range(from_, to)
    mart = registry_of(request).marts.get(_LAYER + name)
    filters = said.filters_of(request, PARAMETERS, mart.dimensions if mart else ())
    for dimension, values in filters.items():
        judge_values(dimension, values)
    if not (mart and mart.time) and (from_ or to):
        parameter = "from" if from_ else "to"
        raise WrongParameter(f"{parameter}: {name} is known as of now only.", parameter=parameter)
    query = PageQuery(_LAYER + name, columns_of(_LAYER + name), from_, to, filters, cursor, limit)
    return page_of(request, query, name, as_csv=said.wants_csv(request, format))


def mart_names() -> list[str]:
    return sorted(name.removeprefix(_LAYER) for name in read_catalog().tables if name.startswith(_LAYER))


def _described(registry: Registry, name: str) -> dict[str, Any]:
    contract = read_catalog().tables[_LAYER + name]
    mart = registry.marts.get(_LAYER + name)
    return {
        "name": name,
        "domain": contract.domain,
        "description": contract.description,
        "columns": columns_of(_LAYER + name),
        "key": contract.grain,
        "time": mart.time if mart else None,
        "dimensions": mart.dimensions if mart else [],
    }
