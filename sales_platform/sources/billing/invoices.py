"""The invoices of one simulated billing file, all of them clean; what spoils them stands in `dirt`.

Customers, items, prices, states and the range of dates are SOURCES 3.1's and 3.5's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np

Row: TypeAlias = tuple[str, ...]
"""One record as text, in the order of the file's columns."""

COLUMNS = (
    "invoice_id", "issue_date", "customer_id", "customer_name", "item_description", "qty", "unit_price", "total",
    "status",
)  # fmt: skip
CUSTOMERS = {
    "C-100": "Acme Corp",
    "C-101": "Globex Inc",
    "C-102": "Soylent Corp",
    "C-103": "Initech",
    "C-104": "Umbrella Corp",
    "C-105": "Stark Ind",
    "C-106": "Wayne Ent",
    "C-107": "Cyberdyne",
    "C-108": "Massive Dynamic",
    "C-109": "Hooli",
    "C-110": "Dharma Initiative",
}
PRICES_CENTS = {
    "Cloud Storage": 20_00,
    "Front-end dev": 50_00,
    "Mantenimiento": 100_00,
    "API Access": 500_00,
    "Server Setup": 1_200_50,
    "Consultoria Data": 1_500_00,
    "Audit Service": 2_000_00,
    "Licencia Software": 5_000_00,
}
STATUSES = ("PROCESSING", "REFUNDED", "CANCELLED", "PENDING", "PAID")
FIRST_DAY, LAST_DAY = date(2023, 1, 1), date(2024, 1, 1)
HIGHEST_QUANTITY = 20


@dataclass(frozen=True)
class Invoice:
    """An invoice as the billing system knows it; money in whole cents because it is never a float."""

    invoice_id: str
    issue_date: date
    customer_id: str
    item_description: str
    qty: int
    unit_price_cents: int
    status: str

    @property
    def total_cents(self) -> int:
        return self.qty * self.unit_price_cents

    def row(self) -> Row:
        """The line of a clean file."""
        return (
            self.invoice_id,
            self.issue_date.isoformat(),
            self.customer_id,
            CUSTOMERS[self.customer_id],
            self.item_description,
            str(self.qty),
            amount(self.unit_price_cents),
            amount(self.total_cents),
            self.status,
        )


def invoices(rng: np.random.Generator, count: int, first_number: int) -> list[Invoice]:
    """`count` invoices numbered from `first_number` on, evenly spread over days, customers, items and states."""
    items = tuple(PRICES_CENTS)
    customers = tuple(CUSTOMERS)
    drawn = zip(
        range(first_number, first_number + count),
        rng.integers(0, (LAST_DAY - FIRST_DAY).days + 1, count).tolist(),
        rng.integers(0, len(customers), count).tolist(),
        rng.integers(0, len(items), count).tolist(),
        rng.integers(1, HIGHEST_QUANTITY + 1, count).tolist(),
        rng.integers(0, len(STATUSES), count).tolist(),
        strict=True,
    )
    return [
        Invoice(
            f"INV-{number:05}",
            FIRST_DAY + timedelta(days=day),
            customers[customer],
            items[item],
            qty,
            PRICES_CENTS[items[item]],
            STATUSES[status],
        )
        for number, day, customer, item, qty, status in drawn
    ]


def amount(cents: int) -> str:
    """Cents as units with two decimals."""
    return f"{cents // 100}.{cents % 100:02}"
