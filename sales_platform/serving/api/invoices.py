"""`/api/reports/invoices/{invoice_no}`: one whole invoice."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from sales_platform.engine.warehouse import Connection
from sales_platform.metrics.query import judge_values
from sales_platform.serving.api.answering import json_answer
from sales_platform.serving.api.documents import answers
from sales_platform.serving.api.problems import NotFound
from sales_platform.serving.api.shapes import Invoice
from sales_platform.serving.api.tables import Records, pool_of, read_records
from sales_platform.serving.api.validators import Validators

FACT = "analytics.fact_invoice"
TABLES = (
    FACT,
    "analytics.fact_invoice_item",
    "analytics.fact_payment",
    "analytics.dim_client",
    "analytics.dim_seller",
    "analytics.dim_catalog_product",
)
_HEAD = """
select invoice_id, invoice_no, invoice_date, status, total_net_worth, total_vat, total_gross_worth,
    'USD' as currency, client_key, seller_key
from analytics.fact_invoice where invoice_no = %(invoice_no)s order by invoice_id limit 1
"""
_CLIENT = """
select client_id, client_name, client_address, client_tax_id, iban
from analytics.dim_client where client_key = %(client_key)s
"""
_SELLER = """
select seller_id, seller_name, seller_address, seller_tax_id, iban
from analytics.dim_seller where seller_key = %(seller_key)s
"""
_ITEMS = """
select i.item_id, i.product_id, p.product_name, i.item_qty, i.item_net_price, i.item_net_worth,
    i.item_vat_rate, i.item_gross_worth
from analytics.fact_invoice_item as i
left join analytics.dim_catalog_product as p on i.product_key = p.product_key
where i.invoice_id = %(invoice_id)s order by i.item_id
"""
_PAYMENTS = """
select payment_id, payment_date, payment_method, payment_reference, amount, remarks
from analytics.fact_payment where invoice_id = %(invoice_id)s order by payment_date, payment_id
"""
_EXAMPLE = {
    "invoice": {
        "invoice_id": 1,
        "invoice_no": "51109338",
        "invoice_date": "2026-02-01",
        "status": "PAID",
        "total_net_worth": "100.00",
        "total_vat": "10.00",
        "total_gross_worth": "110.00",
        "currency": "USD",
    },
    "seller": {"seller_id": 3, "seller_name": "Andrews Ltd"},
    "client": {"client_id": 4, "client_name": "Becker Ltd"},
    "items": [{"item_id": 9, "product_name": "Chair", "item_qty": "2.00", "item_gross_worth": "110.00"}],
    "payments": [{"payment_id": 5, "payment_date": "2026-02-08", "amount": "110.00"}],
}

router = APIRouter(prefix="/api/reports/invoices", tags=["reports"])


@router.get(
    "/{invoice_no}",
    response_model=Invoice,
    summary="One whole invoice",
    responses=answers(Invoice, _EXAMPLE),
)
def read_invoice(
    request: Request, invoice_no: Annotated[str, Path(description="Its number", examples=["51109338"])]
) -> Response:
    """With its seller and client as they were when it was written, its items and its payments."""
    judge_values("invoice_no", [invoice_no])
    with pool_of(request).connection() as connection:
        validators = Validators(request, connection, *TABLES)
        if validators.unchanged:
            return validators.unchanged
        # one snapshot, so that an invoice never comes without its items
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            content = _whole(connection, invoice_no)
    return json_answer(content, validators.headers)


def _whole(connection: Connection, invoice_no: str) -> dict[str, Any]:
    heads = read_records(connection, FACT, _HEAD, {"invoice_no": invoice_no})
    if not heads:
        raise NotFound("no invoice has this number.", parameter="invoice_no")
    head = heads[0]
    items = read_records(connection, "analytics.fact_invoice_item", _ITEMS, head)
    payments = read_records(connection, "analytics.fact_payment", _PAYMENTS, head)
    client = _first(read_records(connection, "analytics.dim_client", _CLIENT, head))
    seller = _first(read_records(connection, "analytics.dim_seller", _SELLER, head))
    del head["client_key"], head["seller_key"]
    return {"invoice": head, "seller": seller, "client": client, "items": items, "payments": payments}


def _first(records: Records) -> dict[str, Any] | None:
    return records[0] if records else None
