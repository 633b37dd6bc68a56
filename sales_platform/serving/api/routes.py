"""Everything under `/api` in one place, and what is answered where nothing is. No route is defined elsewhere."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from sales_platform.serving.api import (
    dimensions,
    documents,
    invoices,
    marts,
    metrics,
    problems,
    quality,
    reports,
    sells,
    status,
)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def install(app: FastAPI) -> None:
    """Add all routes and the form of all errors. What is mounted at `/` comes after."""
    problems.install(app)
    for router in (
        metrics.router,
        dimensions.router,
        marts.router,
        reports.router,
        invoices.router,
        quality.router,
        status.router,
        sells.router,
        sells.redirects,
    ):
        app.include_router(router)
    documents.add_pages(app)
    app.get("/api", include_in_schema=False)(lambda: RedirectResponse("/api/docs"))
    app.api_route("/api/{rest:path}", include_in_schema=False, methods=_METHODS)(_nothing)


def _nothing(request: Request, rest: str) -> Response:
    if request.method != "GET":
        return problems.problem(405, "Figures are read only.", headers={"allow": "GET, HEAD"})
    if rest.endswith("/"):
        return RedirectResponse(request.url.path.rstrip("/") + _asked(request))
    return problems.problem(404, "There is no such address; /api/docs lists all of them.")


def _asked(request: Request) -> str:
    return f"?{request.url.query}" if request.url.query else ""
