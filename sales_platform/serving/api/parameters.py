"""What a caller may say in a URL, as types that refuse everything else. No question is asked here."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Literal

from fastapi import Query, Request
from pydantic import BeforeValidator

from sales_platform.errors import WrongParameter
from sales_platform.serving.options import DAYS_MOST, ROWS_DEFAULT, ROWS_MOST

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _iso_day(value: object) -> object:
    """Pydantic alone takes seconds since 1970 for a day too."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("must be a day written YYYY-MM-DD")
    return value


Day = Annotated[date, BeforeValidator(_iso_day)]
From = Annotated[
    Day | None,
    Query(
        alias="from",
        description="First day, included; none means from the beginning.",
        examples=["2026-01-01"],
    ),
]
To = Annotated[
    Day | None,
    Query(description="Last day, included; none means to the end.", examples=["2026-01-31"]),
]
Format = Annotated[
    Literal["json", "csv"] | None,
    Query(description="Wins over the header `Accept`; JSON where neither says anything."),
]
PageSize = Annotated[
    int | None, Query(ge=1, le=ROWS_MOST, description=f"Rows of a page; {ROWS_DEFAULT:,} if left out.")
]
Limit = Annotated[
    int | None,
    Query(ge=1, le=ROWS_MOST, description="Rows at most; without it more than the limit is an error."),
]
Cursor = Annotated[
    str | None,
    Query(max_length=4_000, description="`next` of the page before; everything else stays as it was."),
]


def judge_range(first: date | None, last: date | None) -> None:
    if first and last and first > last:
        raise WrongParameter("from: is after to.", parameter="from")
    if first and last and (last - first).days >= DAYS_MOST:
        raise WrongParameter(f"from: a range has {DAYS_MOST:,} days at most.", parameter="from")


def filters_of(request: Request, known: Collection[str], allowed: Collection[str]) -> dict[str, list[str]]:
    """Dimension → values, of everything that is no known parameter. A parameter that is repeated allows each value.

    Raises WrongParameter for what is neither.
    """
    found: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        if name in known:
            continue
        if name not in allowed:
            near = get_close_matches(name, [*known, *allowed], n=1)
            hint = f"Did you mean {near[0]}?" if near else None
            raise WrongParameter(
                "there is no such parameter.",
                parameter=name[:80],
                allowed=sorted({*known, *allowed}),
                remedy=hint,
            )
        found.setdefault(name, []).append(value)
    return found


def wants_csv(request: Request, wanted: str | None) -> bool:
    if wanted:
        return wanted == "csv"
    accepted = request.headers.get("accept", "")
    return "text/csv" in accepted and "application/json" not in accepted
