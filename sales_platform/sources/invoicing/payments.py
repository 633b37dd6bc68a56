"""How invoices get paid: amounts, methods and dates of SOURCES 1.3, and the status that follows. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from sales_platform.sources.invoicing.amounts import CENT, to_cents

METHODS = ("CASH", "BANK_TRANSFER", "CREDIT_CARD", "ONLINE")
"""The methods that are drawn; the table allows CHECK as well."""
REMARK = "Auto-generated payment"
IN_PART_SHARE = 0.6
LEAST_PART, GREATEST_PART = 0.4, 0.9
LONGEST_WAIT_DAYS = 30

UNPAID, PARTIALLY_PAID, PAID = "UNPAID", "PARTIALLY_PAID", "PAID"


@dataclass(frozen=True)
class Payment:
    """A row of `payments` without its keys and stamp."""

    day: date
    method: str
    reference: str
    amount: Decimal
    remarks: str = REMARK


def draw_payment(rng: Random, invoice_no: str, since: date, due: Decimal) -> Payment:
    """A payment of what is due or a part of it, 1 to 30 days after `since`; due: at least one cent."""
    return Payment(
        day=since + timedelta(days=rng.randint(1, LONGEST_WAIT_DAYS)),
        method=rng.choice(METHODS),
        reference=f"TXN-{invoice_no}-{rng.randint(100, 999)}",
        amount=draw_amount(rng, due),
    )


def draw_amount(rng: Random, due: Decimal) -> Decimal:
    """All that is due for two of five, else between 40 and 90 % of it; never more than is due, never nothing."""
    if rng.random() > IN_PART_SHARE:
        return due
    part = to_cents(due * Decimal(rng.uniform(LEAST_PART, GREATEST_PART)))
    return min(due, max(part, CENT))


def status_of(gross: Decimal, paid: Decimal) -> str:
    """The status of an invoice of `gross` of which `paid` has arrived."""
    if paid >= gross:
        return PAID
    return PARTIALLY_PAID if paid > 0 else UNPAID
