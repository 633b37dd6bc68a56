"""`/api/quality/rejected`: what was refused, counted, and samples of it with personal data masked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.personal import may_be_personal, shown
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.rejected_rows import RejectedRow, count_rejected, open_rows
from sales_platform.errors import WrongParameter
from sales_platform.metrics.query import judge_values
from sales_platform.serving.api import parameters as said
from sales_platform.serving.api.answering import csv_answer, json_answer
from sales_platform.serving.api.documents import answers
from sales_platform.serving.api.shapes import Rejected
from sales_platform.serving.api.tables import pool_of

COLUMNS = ("feed", "day", "reason", "open", "resolved", "first_seen", "last_seen")
SAMPLES_MOST = 100
_DOCUMENTS = "invoicing_documents"
_COUNT = {
    "feed": "billing_invoices",
    "day": "2026-02-01",
    "reason": "UNKNOWN_CUSTOMER",
    "open": 12,
    "resolved": 3,
    "first_seen": "2026-02-01T02:00:04+00:00",
    "last_seen": "2026-02-01T02:00:04+00:00",
}
_SAMPLE = {
    "partition": "input.csv",
    "line": 17,
    "reasons": ["UNKNOWN_CUSTOMER"],
    "last_seen": "2026-02-01T02:00:04+00:00",
    "record": {"invoice_id": "INV-00016", "customer_name": "***"},
}

router = APIRouter(prefix="/api/quality", tags=["operation"])


@router.get(
    "/rejected",
    response_model=Rejected,
    summary="Rejected records by reason",
    responses=answers(Rejected, {"by_reason": [_COUNT], "samples": [_SAMPLE]}, csv=",".join(COLUMNS)),
)
def rejected(
    request: Request,
    feed: Annotated[str | None, Query(description="Of one feed.", examples=["billing_invoices"])] = None,
    reason: Annotated[str | None, Query(max_length=200, description="First reason of the samples.")] = None,
    samples: Annotated[int, Query(ge=0, le=SAMPLES_MOST, description="How many; they need a feed.")] = 0,
    resolved: Annotated[bool, Query(description="With what was refused once and is mended.")] = False,
    format: said.Format = None,
) -> Response:
    """Counted by feed, business day and first reason, the newest day of a feed first."""
    _judge(feed, reason, samples)
    with pool_of(request).connection() as connection, translated("quality.rejected_record"):
        counts = [asdict(one) for one in count_rejected(connection, feed, resolved=resolved)]
        if said.wants_csv(request, format):
            return csv_answer(
                "rejected", COLUMNS, (tuple(one[name] for name in COLUMNS) for one in counts), {}
            )
        found: list[RejectedRow] = []
        if feed and samples:
            with connection.transaction():
                found = list(open_rows(connection, feed, reason, samples))
    catalog = read_catalog()
    content = {"by_reason": counts, "samples": [_shown(catalog, feed or "", row) for row in found]}
    return json_answer(content, {"cache-control": "no-store"})


def _judge(feed: str | None, reason: str | None, samples: int) -> None:
    catalog = read_catalog()
    known = sorted({*catalog.feeds, *catalog.table_feeds, _DOCUMENTS})
    if feed is not None and feed not in known:
        raise WrongParameter("feed: there is no such feed.", parameter="feed", allowed=known)
    if samples and feed is None:
        raise WrongParameter("feed: samples are of one feed.", parameter="feed", allowed=known)
    judge_values("reason", [reason or ""])


def _shown(catalog: Catalog, feed: str, row: RejectedRow) -> dict[str, Any]:
    return {
        "partition": row.partition,
        "line": row.source_row,
        "reasons": row.reasons,
        "last_seen": row.last_seen,
        "record": {
            name: shown(value, personal=may_be_personal(catalog, feed, name))
            for name, value in row.raw_record.items()
        },
    }
