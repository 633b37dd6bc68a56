"""`/api/reports/invoices/{invoice_no}`: one whole invoice."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from sales_platform.contracts.catalog import PROJECT_ROOT
from sales_platform.metrics.query import judge_values
from sales_platform.serving.api.documents import answers
from sales_platform.serving.api.problems import NotFound
from sales_platform.serving.api.shapes import Invoice
from sales_platform.serving.api.tables import pool_of, read_records, registry_of
from sales_platform.serving.api.validators import Validators

FACT = "analytics.fact_invoice"
# its currency is that of every invoice
BILLED = "invoiced_gross"
TABLES = (
    FACT,
    "analytics.fact_invoice_item",
    "analytics.fact_payment",
    "analytics.dim_client",
    "analytics.dim_seller",
    "analytics.dim_catalog_product",
)
REPORT = "sql/invoicing/reports/invoice.sql"
# one statement, so that an invoice never comes without its items
_WHOLE = (PROJECT_ROOT / REPORT).read_text(encoding="utf-8").replace(":'invoice_no'", "%(invoice_no)s")
_PARTS = ("seller", "client", "items", "payments")
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
        if made := validators.made:
            return made
        found = read_records(connection, FACT, _WHOLE, {"invoice_no": invoice_no})
    if not found:
        raise NotFound("no invoice has this number.", parameter="invoice_no")
    invoice = found[0]
    parts = {part: invoice.pop(part) for part in _PARTS}
    invoice["currency"] = registry_of(request).metrics[BILLED].currency
    return validators.answer({"invoice": invoice, **parts})
