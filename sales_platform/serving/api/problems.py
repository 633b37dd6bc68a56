"""Every error as `application/problem+json` (RFC 9457): what is wrong, which parameter, what is allowed. Row values and
addresses of servers are in none.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from sales_platform.errors import (
    LockNotAvailable,
    MartMissing,
    SalesPlatformError,
    ServerUnavailable,
    TransientError,
    UnknownMetric,
    WrongParameter,
    WrongUse,
)
from sales_platform.serving.options import RETRY_SECONDS

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger(__name__)


class NotFound(WrongParameter):
    """Nothing has this name."""


def problem(
    status: int,
    detail: str,
    *,
    parameter: str | None = None,
    allowed: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if parameter:
        content["parameter"] = parameter
    if allowed:
        content["allowed"] = list(allowed)
    return Response(json.dumps(content), status, {"cache-control": "no-store", **(headers or {})}, MEDIA_TYPE)


def of_error(error: SalesPlatformError) -> Response:
    """The answer to a request that ended by an error of ours."""
    if isinstance(error, WrongParameter):
        status = (
            HTTPStatus.NOT_FOUND if isinstance(error, NotFound | UnknownMetric) else HTTPStatus.BAD_REQUEST
        )
        said = " ".join(filter(None, (error.what, error.remedy)))
        return problem(status, said, parameter=error.parameter, allowed=error.allowed)
    if isinstance(error, WrongUse):
        return problem(HTTPStatus.BAD_REQUEST, error.what)
    if isinstance(error, MartMissing):
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=_later(60))
    log.warning("a request failed: %s", error)
    if isinstance(error, TransientError):
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, _passing(error), headers=_later(RETRY_SECONDS))
    detail = "The warehouse cannot be read; the log of `sales-platform serve` says why."
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)


def install(app: FastAPI) -> None:
    """Answer every error of the app that way."""

    @app.exception_handler(SalesPlatformError)
    def _ours(_request: Request, error: SalesPlatformError) -> Response:
        return of_error(error)

    @app.exception_handler(RequestValidationError)
    def _invalid(_request: Request, error: RequestValidationError) -> Response:
        return _of_validation(error)

    @app.exception_handler(HTTPException)
    def _http(_request: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), headers=error.headers)

    @app.exception_handler(Exception)
    def _unexpected(_request: Request, error: Exception) -> Response:
        log.error("unexpected %s", type(error).__name__, exc_info=error)
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "An error of this program; its log says where.")


def _of_validation(error: RequestValidationError) -> Response:
    """What was received is not repeated."""
    first = error.errors()[0]
    parameter = str(first["loc"][1]) if len(first["loc"]) > 1 else str(first["loc"][0])
    allowed = re.findall(r"'([^']*)'", str(first.get("ctx", {}).get("expected", "")))
    said = str(first["msg"]).removeprefix("Value error, ")
    return problem(HTTPStatus.BAD_REQUEST, f"{parameter}: {said}", parameter=parameter, allowed=allowed)


def _passing(error: TransientError) -> str:
    if isinstance(error, ServerUnavailable):
        return "The warehouse does not answer. Try again in a moment."
    if isinstance(error, LockNotAvailable):
        return "The warehouse is being changed. Try again in a moment."
    return "The answer took too long. Ask for a shorter range or fewer dimensions, or try again."


def _later(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}
