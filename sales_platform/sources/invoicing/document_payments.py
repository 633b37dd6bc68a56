"""Draws a payment for imported invoices that have none, as the older system's loader did, but from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random

from sales_platform.engine.warehouse import Connection
from sales_platform.sources.invoicing.figures import CENT, to_cents

METHODS = ("CASH", "BANK_TRANSFER", "CREDIT_CARD", "ONLINE")
_PAID_IN_FULL_ABOVE = 0.6
_LEAST_SHARE, _MOST_SHARE = 0.4, 0.9
_LATEST_DAYS = 30


def pay(connection: Connection, invoice_nos: Sequence[str], seed: int) -> int:
    """Give each unpaid invoice among these one payment and the status that follows from it; returns how many.

    What an invoice is paid depends on the seed and its number only (SOURCES 1.3).
    """
    unpaid = connection.execute(
        """
        select v.invoice_id, v.invoice_no, v.total_gross_worth from invoicing.invoices as v
        where v.invoice_no = any(%s) and v.status = 'UNPAID' and v.total_gross_worth > 0
            and not exists (select from invoicing.payments as p where p.invoice_id = v.invoice_id)
        order by v.invoice_date, v.invoice_id for update
        """,
        [list(invoice_nos)],
    ).fetchall()
    with connection.cursor() as cursor:
        cursor.executemany(_PAY, [_payment(*found, seed=seed) for found in unpaid])
    return len(unpaid)


def _payment(invoice_id: int, invoice_no: str, gross: Decimal, *, seed: int) -> dict[str, object]:
    draw = Random(f"{seed} {invoice_no}")
    in_full = draw.random() > _PAID_IN_FULL_ABOVE
    share = Decimal(draw.uniform(_LEAST_SHARE, _MOST_SHARE))
    amount = gross if in_full else max(to_cents(gross * share), CENT)
    return {
        "invoice": invoice_id,
        "amount": amount,
        "days": draw.randint(1, _LATEST_DAYS),
        "method": draw.choice(METHODS),
        "reference": f"TXN-{invoice_no}-{draw.randint(100, 999)}",
        "status": "PAID" if amount >= gross else "PARTIALLY_PAID",
    }


_PAY = """
    with paid as (
        insert into invoicing.payments (
            invoice_id, payment_date, payment_method, payment_reference, amount, remarks, created_at
        )
        select invoice_id, invoice_date + %(days)s::int, %(method)s, %(reference)s, %(amount)s,
            'Auto-generated payment', invoice_date + %(days)s::int
        from invoicing.invoices where invoice_id = %(invoice)s
        returning invoice_id, payment_date
    )
    update invoicing.invoices as v
    set status = %(status)s, updated_at = greatest(v.updated_at, paid.payment_date)
    from paid where v.invoice_id = paid.invoice_id
"""
