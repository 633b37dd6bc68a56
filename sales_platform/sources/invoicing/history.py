"""The rows of a past that invoicing could have had, for a seed and a last day. Stores nothing, asks no clock.

Only what stands now is drawn, as a system without history holds it: a client that moved has its new address,
a product its last price, while the items keep the price of their day. Stamps are naive and mean UTC; keys
follow the order of creation.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sales_platform.sources.invoicing.amounts import Line, totals
from sales_platform.sources.invoicing.draws import Draws
from sales_platform.sources.invoicing.payments import Payment, draw_payment, status_of

COLUMNS: dict[str, tuple[str, ...]] = {
    "sellers": (
        "seller_id", "seller_name", "seller_address", "seller_tax_id", "iban", "created_at", "updated_at",
    ),
    "clients": (
        "client_id", "client_name", "client_address", "client_tax_id", "iban", "created_at", "updated_at",
    ),
    "products": (
        "product_id", "product_name", "product_description", "unit_price", "vat_rate", "created_at", "updated_at",
    ),
    "invoices": (
        "invoice_id", "invoice_no", "invoice_date", "seller_id", "client_id", "total_net_worth", "total_vat",
        "total_gross_worth", "status", "created_at", "updated_at",
    ),
    "invoice_items": (
        "item_id", "invoice_id", "product_id", "item_qty", "item_net_price", "item_net_worth", "item_vat_rate",
        "item_gross_worth", "created_at",
    ),
    "payments": (
        "payment_id", "invoice_id", "payment_date", "payment_method", "payment_reference", "amount", "remarks",
        "created_at",
    ),
}  # fmt: skip
"""The tables in an order that their references allow, with their columns; the first is the key."""

KNOWN_BEFORE = timedelta(days=365)
MOVED_SHARE = 0.25
REPRICED_SHARE = 0.4
PAYS_ON_SHARE = 0.5

Row = tuple[Any, ...]
Tables = dict[str, list[Row]]


@dataclass(frozen=True)
class Size:
    """How much past there is: members, invoices, and the days they are spread over."""

    sellers: int = 10
    clients: int = 120
    products: int = 150
    invoices: int = 1500
    days: int = 180


SMALL = Size(sellers=3, clients=20, products=30, invoices=60, days=30)


@dataclass(frozen=True)
class _Span:
    """The time in which invoices are written: from the first moment of a day to the last of `end`."""

    start: datetime
    end: datetime

    @classmethod
    def until(cls, end: date, days: int) -> _Span:
        over = datetime.combine(end + timedelta(days=1), time.min)
        return cls(over - timedelta(days=days), over)


@dataclass(frozen=True)
class _Product:
    """A product with the price it began with and, from `changed_at` on, its present one."""

    product_id: int
    vat_rate: Decimal
    first_price: Decimal
    price: Decimal
    changed_at: datetime

    def price_at(self, moment: datetime) -> Decimal:
        return self.price if moment >= self.changed_at else self.first_price


def draw_history(*, seed: int, end: date, size: Size, keys: Mapping[str, int]) -> Tables:
    """The rows of all tables, in the order of COLUMNS; `keys`: the highest key of each table so far."""
    draws = Draws(seed, "invoicing history")
    span = _Span.until(end, size.days)
    tax_ids = draws.tax_ids(size.sellers + size.clients)
    tables: Tables = {table: [] for table in COLUMNS}
    tables["sellers"] = list(_sellers(draws, span, tax_ids[: size.sellers], keys["sellers"]))
    tables["clients"] = list(_clients(draws, span, tax_ids[size.sellers :], keys["clients"]))
    products = _draw_products(draws, span, size, keys, tables)
    _draw_invoices(draws, span, size, keys, tables, products)
    return tables


def _sellers(draws: Draws, span: _Span, tax_ids: list[str], last: int) -> Iterator[Row]:
    since = sorted(_moment(draws.rng, span.start - KNOWN_BEFORE, span.start) for _ in tax_ids)
    for number, (tax_id, created) in enumerate(zip(tax_ids, since, strict=True), start=last + 1):
        party = draws.seller(tax_id)
        yield (number, party.name, party.address, party.tax_id, party.iban, created, created)


def _clients(draws: Draws, span: _Span, tax_ids: list[str], last: int) -> Iterator[Row]:
    """Half are there when the first invoice is written, the others come while it goes on."""
    late = span.start + (span.end - span.start) * 0.8
    since = sorted(
        _moment(draws.rng, span.start - KNOWN_BEFORE, late if place % 2 else span.start)
        for place in range(len(tax_ids))
    )
    for number, (tax_id, created) in enumerate(zip(tax_ids, since, strict=True), start=last + 1):
        party = draws.client(tax_id)
        moved = draws.rng.random() < MOVED_SHARE
        updated = _moment(draws.rng, max(created, span.start), span.end) if moved else created
        yield (number, party.name, party.address, party.tax_id, party.iban, created, updated)


def _draw_products(
    draws: Draws, span: _Span, size: Size, keys: Mapping[str, int], tables: Tables
) -> list[_Product]:
    since = sorted(_moment(draws.rng, span.start - KNOWN_BEFORE, span.start) for _ in range(size.products))
    products = []
    for number, created in enumerate(since, start=keys["products"] + 1):
        article = draws.article()
        repriced = draws.rng.random() < REPRICED_SHARE
        changed = _moment(draws.rng, span.start, span.end) if repriced else created
        price = draws.price_after(article.unit_price) if repriced else article.unit_price
        products.append(_Product(number, article.vat_rate, article.unit_price, price, changed))
        row = (number, article.name, article.description, price, article.vat_rate, created, changed)
        tables["products"].append(row)
    return products


def _draw_invoices(
    draws: Draws, span: _Span, size: Size, keys: Mapping[str, int], tables: Tables, products: list[_Product]
) -> None:
    rng = draws.rng
    joined = [row[5] for row in tables["clients"]]
    moments = sorted(_moment(rng, span.start, span.end) for _ in range(size.invoices))
    payments: list[tuple[datetime, int, Payment]] = []
    for number, written in enumerate(moments, start=keys["invoices"] + 1):
        invoice_no = invoice_number(written.date(), number)
        seller = rng.choice(tables["sellers"])[0]
        client = tables["clients"][rng.randrange(bisect_left(joined, written))][0]
        lines = _lines(draws, products, written)
        total = totals(lines)
        paid = list(_payments(rng, invoice_no, written, total.gross, span.end))
        status = status_of(total.gross, sum((payment.amount for _, payment in paid), Decimal(0)))
        updated = paid[-1][0] if paid else written
        tables["invoices"].append(
            (number, invoice_no, written.date(), seller, client, total.net, total.vat, total.gross, status,
             written, updated)
        )  # fmt: skip
        first = keys["invoice_items"] + len(tables["invoice_items"]) + 1
        tables["invoice_items"].extend(
            (key, number, *item_values(line), written) for key, line in enumerate(lines, start=first)
        )
        payments.extend((moment, number, payment) for moment, payment in paid)
    payments.sort(key=lambda event: event[:2])
    tables["payments"] = [
        (
            key,
            invoice,
            payment.day,
            payment.method,
            payment.reference,
            payment.amount,
            payment.remarks,
            moment,
        )
        for key, (moment, invoice, payment) in enumerate(payments, start=keys["payments"] + 1)
    ]


def _lines(draws: Draws, products: list[_Product], written: datetime) -> list[Line]:
    chosen = draws.rng.sample(products, min(draws.line_count(), len(products)))
    return [draws.line(each.product_id, each.price_at(written), each.vat_rate) for each in chosen]


def _payments(
    rng: Random, invoice_no: str, written: datetime, due: Decimal, end: datetime
) -> Iterator[tuple[datetime, Payment]]:
    """What was paid before `end`; half of those who paid a part pay on, the others leave it there."""
    since = written.date()
    while due > 0:
        payment = draw_payment(rng, invoice_no, since, due)
        moment = datetime.combine(payment.day, time.min) + timedelta(seconds=rng.randrange(86_400))
        if moment >= end:
            return
        yield moment, payment
        due -= payment.amount
        since = payment.day
        if rng.random() >= PAYS_ON_SHARE:
            return


def invoice_number(day: date, invoice_id: int) -> str:
    """The number printed on an invoice: its year and its key."""
    return f"{day.year}-{invoice_id:06d}"


def item_values(line: Line) -> tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]:
    """A line as the columns product_id to item_gross_worth of `invoice_items`."""
    return (
        line.product_id,
        line.quantity,
        line.net_price,
        line.net_worth,
        line.vat_rate,
        line.gross_worth,
    )


def _moment(rng: Random, first: datetime, end: datetime) -> datetime:
    """A whole second from `first` to before `end`."""
    return first + timedelta(seconds=rng.randrange(max(1, int((end - first).total_seconds()))))
