"""An answer as JSON: the same text whichever way it was written, and no digit lost."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from sales_platform.serving.api.answering import json_answer

INDIA = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1234567.50"), "1234567.50"),
        (Decimal("0.00000000000000000000"), "0.00000000000000000000"),
        (Decimal("-0.0000001"), "-0.0000001"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), "NaN"),
        (date(2026, 2, 1), "2026-02-01"),
        (datetime(2026, 2, 1, 12, 30, tzinfo=UTC), "2026-02-01T12:30:00+00:00"),
        (datetime(2026, 2, 1, 12, 30, 0, 120_000, tzinfo=INDIA), "2026-02-01T12:30:00.120000+05:30"),
        ("Size 4Z", "Size 4Z"),
        ("CAFE-1", "CAFE-1"),
        (Decimal("0E-20"), "0.00000000000000000000"),
        ("half an emoji \ud83d", "half an emoji ?"),
        ("\u2028 <é> \x7f 😀", "\u2028 <é> \x7f 😀"),
    ],
)
def test_an_answer_holds_decimals_and_moments_as_texts_without_exponents_and_with_zones(
    value: Any, written: str
) -> None:
    beside = Decimal("0.10")
    body = bytes(json_answer({"rows": [{"value": value, "beside": beside}]}, {}).body)
    assert json.loads(body) == {"rows": [{"value": written, "beside": "0.10"}]}
    assert written in body.decode()
