"""Draws a payment for imported invoices that have none, as the older system's loader did, but from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from random import Random

from sales_platform.engine.warehouse import Connection
from sales_platform.sources.invoicing.payments import draw_payment, status_of


def pay(connection: Connection, invoice_nos: Sequence[str], seed: int) -> int:
    """Give each unpaid invoice among these one payment and the status that follows from it; returns how many.

    What an invoice is paid depends on the seed and its number only (SOURCES 1.3).
    """
    unpaid = connection.execute(
        """
        select v.invoice_id, v.invoice_no, v.invoice_date, v.total_gross_worth from invoicing.invoices as v
        where v.invoice_no = any(%s) and v.status = 'UNPAID' and v.total_gross_worth > 0
            and not exists (select from invoicing.payments as p where p.invoice_id = v.invoice_id)
        order by v.invoice_date, v.invoice_id for update
        """,
        [list(invoice_nos)],
    ).fetchall()
    with connection.cursor() as cursor:
        cursor.executemany(_PAY, [_payment(*found, seed=seed) for found in unpaid])
    return len(unpaid)


def _payment(
    invoice_id: int, invoice_no: str, invoice_date: date, gross: Decimal, *, seed: int
) -> dict[str, object]:
    payment = draw_payment(Random(f"{seed} {invoice_no}"), invoice_no, invoice_date, gross)
    return {
        "invoice": invoice_id,
        "day": payment.day,
        "amount": payment.amount,
        "method": payment.method,
        "reference": payment.reference,
        "remarks": payment.remarks,
        "status": status_of(gross, payment.amount),
    }


_PAY = """
    with paid as (
        insert into invoicing.payments (
            invoice_id, payment_date, payment_method, payment_reference, amount, remarks, created_at
        )
        values (%(invoice)s, %(day)s, %(method)s, %(reference)s, %(amount)s, %(remarks)s, %(day)s)
        returning invoice_id, payment_date
    )
    update invoicing.invoices as v
    set status = %(status)s, updated_at = greatest(v.updated_at, paid.payment_date)
    from paid where v.invoice_id = paid.invoice_id
"""
