"""What an invoice amounts to: the one rounding rule of its lines and totals. No row is drawn or stored here.

Each line is rounded to the cent, its VAT again, and the header is the sum of its lines, so that a reader who
adds the items up arrives at the header exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def to_cents(amount: Decimal) -> Decimal:
    """Rounded to two decimals, a half away from zero as PostgreSQL's `round` does."""
    return amount.quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Line:
    """One item of an invoice; `vat_rate` in percent."""

    product_id: int
    quantity: Decimal
    net_price: Decimal
    vat_rate: Decimal

    @property
    def net_worth(self) -> Decimal:
        return to_cents(self.quantity * self.net_price)

    @property
    def vat(self) -> Decimal:
        return to_cents(self.net_worth * self.vat_rate / 100)

    @property
    def gross_worth(self) -> Decimal:
        return self.net_worth + self.vat


@dataclass(frozen=True)
class Totals:
    """The three amounts in the header of an invoice; gross = net + vat."""

    net: Decimal
    vat: Decimal
    gross: Decimal


def totals(lines: Iterable[Line]) -> Totals:
    """The sums of the lines."""
    net = vat = Decimal("0.00")
    for line in lines:
        net += line.net_worth
        vat += line.vat
    return Totals(net, vat, net + vat)
