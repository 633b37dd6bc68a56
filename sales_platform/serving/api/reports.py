"""`/api/reports`: which there are, and the three on accounts that people know, each from its mart."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from sales_platform.serving.api import parameters as said
from sales_platform.serving.api.answering import json_answer
from sales_platform.serving.api.documents import answers
from sales_platform.serving.api.pages import PageQuery, page_of
from sales_platform.serving.api.shapes import Page, Reports

BALANCES = ("customer_id", "name", "account_id", "account_type", "currency", "balance")
ACTIVITY = ("account_id", "currency", "total_credits", "total_debits", "transaction_count")
FLOW = ("day", "currency", "credits", "debits", "net_flow")

# address below this one → what is there
_TITLES = {
    "account_balances": "Customers, their accounts and balances",
    "account_activity": "Credits, debits and transactions per account",
    "net_flow": "Credits less debits per day",
    "invoices/{invoice_no}": "One whole invoice",
}
_REPORTS = [{"title": title, "address": f"/api/reports/{address}"} for address, title in _TITLES.items()]

router = APIRouter(prefix="/api/reports", tags=["reports"])


@router.get(
    "", response_model=Reports, summary="Every report", responses=answers(Reports, {"reports": _REPORTS})
)
def list_reports() -> Response:
    """Where each of them is."""
    return json_answer({"reports": _REPORTS}, {})


def _example(columns: tuple[str, ...], *values: str | int) -> dict[str, object]:
    row = dict(zip(columns, values, strict=True))
    return {"columns": list(columns), "rows": [row], "next": "JbVtEdaDKHLn-Pu0sUk7ZlsiMjAyNjA5MDUiXQ"}


@router.get(
    "/account_balances",
    response_model=Page,
    summary=_TITLES["account_balances"],
    responses=answers(
        Page, _example(BALANCES, 1, "Alice", 7, "checking", "USD", "100.00"), csv=",".join(BALANCES)
    ),
)
def account_balances(
    request: Request, limit: said.PageSize = None, cursor: said.Cursor = None, format: said.Format = None
) -> Response:
    """As the ledger holds them now."""
    query = PageQuery("marts.accounts_customer_balance", BALANCES, cursor=cursor, limit=limit)
    return page_of(request, query, "account_balances", as_csv=said.wants_csv(request, format))


@router.get(
    "/account_activity",
    response_model=Page,
    summary=_TITLES["account_activity"],
    responses=answers(Page, _example(ACTIVITY, 7, "USD", "120.00", "20.00", 3), csv=",".join(ACTIVITY)),
)
def account_activity(
    request: Request, limit: said.PageSize = None, cursor: said.Cursor = None, format: said.Format = None
) -> Response:
    """Posted transactions only; a currency that is not the account's own has a row of its own."""
    query = PageQuery("marts.accounts_account_activity", ACTIVITY, cursor=cursor, limit=limit)
    return page_of(request, query, "account_activity", as_csv=said.wants_csv(request, format))


@router.get(
    "/net_flow",
    response_model=Page,
    summary=_TITLES["net_flow"],
    responses=answers(
        Page, _example(FLOW, "2026-02-01", "USD", "120.00", "20.00", "100.00"), csv=",".join(FLOW)
    ),
)
def net_flow(
    request: Request,
    from_: said.From = None,
    to: said.To = None,
    limit: said.PageSize = None,
    cursor: said.Cursor = None,
    format: said.Format = None,
) -> Response:
    """Posted transactions by business day; each currency has a row of its own."""
    said.judge_range(from_, to)
    query = PageQuery("marts.accounts_net_flow_daily", FLOW, from_, to, cursor=cursor, limit=limit)
    return page_of(request, query, "net_flow", as_csv=said.wants_csv(request, format))
