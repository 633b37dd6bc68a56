"""What `--dirt` does to the lines of a billing file: the spellings and faults of the real one, in its shares.

Every share is of the file's lines, as counted in its 10,000 (SOURCES 3.5). Together the faults that are rejected stay
far below the feed's limit, in a file of any size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sales_platform.sources.billing.invoices import CUSTOMERS, Invoice, Row, amount

SLASHED_DAY_FIRST = 0.1465
SLASHED_YEAR_FIRST = 0.1025
MONTH_13 = 0.0501
NAME_MISSING = 0.0487
NAME_IN_LOWER_CASE = 0.1056
NAME_IN_CAPITALS = 0.0515
DOLLAR_SIGN = 0.0969
DOLLAR_WORD = 0.0499
TOTAL_MISSING = 0.0189
TOTAL_TOO_LOW = 0.0190
ID_MISSING = 0.0050
REPEATED = 0.0091
TOO_LOW_BY_CENTS = 1_00
SPELT = {
    "PROCESSING": "Processing",
    "REFUNDED": "REFUNDED",
    "CANCELLED": "Cancelled",
    "PENDING": "Pending",
    "PAID": "Paid",
}


def spoil(rng: np.random.Generator, invoices: list[Invoice]) -> list[Row]:
    """The lines of a dirty file. Some lines are copies of others in its place, so that their own ids are gaps."""
    count = len(invoices)
    ids, ids_at_fault = _ids(rng, invoices)
    dates, dates_at_fault = _dates(rng, invoices)
    totals, totals_at_fault = _totals(rng, invoices)
    columns = (
        ids,
        dates,
        [invoice.customer_id for invoice in invoices],
        _names(rng, invoices),
        [invoice.item_description for invoice in invoices],
        [str(invoice.qty) for invoice in invoices],
        _prices(rng, invoices),
        totals,
        [SPELT[invoice.status] for invoice in invoices],
    )
    at_fault = ids_at_fault | dates_at_fault | totals_at_fault
    sound = [place for place in range(count) if place not in at_fault]
    return _repeat(rng, list(zip(*columns, strict=True)), sound)


def _ids(rng: np.random.Generator, invoices: list[Invoice]) -> tuple[list[str], set[int]]:
    (missing,) = _places(rng, len(invoices), ID_MISSING)
    texts = ["" if place in missing else invoice.invoice_id for place, invoice in enumerate(invoices)]
    return texts, missing


def _dates(rng: np.random.Generator, invoices: list[Invoice]) -> tuple[list[str], set[int]]:
    day_first, year_first, unreadable = _places(
        rng, len(invoices), SLASHED_DAY_FIRST, SLASHED_YEAR_FIRST, MONTH_13
    )
    texts = []
    for place, invoice in enumerate(invoices):
        day = invoice.issue_date
        if place in day_first:
            texts.append(f"{day:%d/%m/%Y}")
        elif place in year_first:
            texts.append(f"{day:%Y/%m/%d}")
        else:
            texts.append(f"{day.year}-13-{day.day}" if place in unreadable else day.isoformat())
    return texts, unreadable


def _totals(rng: np.random.Generator, invoices: list[Invoice]) -> tuple[list[str], set[int]]:
    missing, low = _places(rng, len(invoices), TOTAL_MISSING, TOTAL_TOO_LOW)
    texts = [
        "NULL"
        if place in missing
        else amount(invoice.total_cents - (TOO_LOW_BY_CENTS if place in low else 0))
        for place, invoice in enumerate(invoices)
    ]
    return texts, missing | low


def _names(rng: np.random.Generator, invoices: list[Invoice]) -> list[str]:
    missing, lower, capitals = _places(rng, len(invoices), NAME_MISSING, NAME_IN_LOWER_CASE, NAME_IN_CAPITALS)
    texts = []
    for place, invoice in enumerate(invoices):
        name = CUSTOMERS[invoice.customer_id]
        if place in missing:
            name = ""
        elif place in lower:
            name = name.lower()
        elif place in capitals:
            name = name.upper()
        texts.append(name)
    return texts


def _prices(rng: np.random.Generator, invoices: list[Invoice]) -> list[str]:
    sign, word = _places(rng, len(invoices), DOLLAR_SIGN, DOLLAR_WORD)
    marks = ("$ " if place in sign else "USD " if place in word else "" for place in range(len(invoices)))
    return [mark + amount(invoice.unit_price_cents) for mark, invoice in zip(marks, invoices, strict=True)]


def _repeat(rng: np.random.Generator, rows: list[Row], sound: list[int]) -> list[Row]:
    """Let some sound lines be copies of other sound ones."""
    count = round(REPEATED * len(rows))
    shuffled = rng.permutation(sound).tolist()
    for place, copied in zip(shuffled[:count], shuffled[count : 2 * count], strict=False):
        rows[place] = rows[copied]
    return rows


def _places(rng: np.random.Generator, count: int, *shares: float) -> Iterator[set[int]]:
    """For each share as many of `count` places; no place is in two of them."""
    shuffled = rng.permutation(count).tolist()
    for share in shares:
        wanted = round(share * count)
        yield set(shuffled[:wanted])
        shuffled = shuffled[wanted:]
