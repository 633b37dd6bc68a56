"""What an invoice document says and whether it is clean, with all reasons where it is not. No input or output."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from sales_platform.sources.invoicing.amounts import to_cents
from sales_platform.sources.invoicing.figures import (
    read_amount,
    read_date,
    read_number,
    read_percentage,
)
from sales_platform.sources.invoicing.parties import split_party

VAT_WHEN_ABSENT = Decimal("10.00")
UNREADABLE = "INVALID_JSON"

# What the source's columns hold (SOURCES 1.1): characters of a text, the bound below which an amount lies.
_TEXT_LENGTHS = {"invoice_no": 50, "seller_tax_id": 30, "client_tax_id": 30, "iban": 50}
_NAME_LENGTH = 255
_TOTAL_BOUND = Decimal(10**12)
_ITEM_BOUND = Decimal(10**10)
_QTY_BOUND = Decimal(10**8)
_RATE_BOUND = Decimal(1000)

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Party:
    """A seller or a client."""

    name: str
    address: str
    tax_id: str


@dataclass(frozen=True)
class Item:
    """One line of an invoice; prices in dollars, vat_rate in percent."""

    description: str
    qty: Decimal
    net_price: Decimal
    vat_rate: Decimal

    @property
    def net_worth(self) -> Decimal:
        return to_cents(self.qty * self.net_price)

    @property
    def gross_worth(self) -> Decimal:
        return self.net_worth + to_cents(self.net_worth * self.vat_rate / 100)


@dataclass(frozen=True)
class Document:
    """A clean document. line: from 1; two documents that differ in nothing else are equal. iban: the seller's."""

    line: int = field(compare=False)
    content: bytes = field(compare=False, repr=False)
    invoice_no: str
    invoice_date: date
    seller: Party
    client: Party
    iban: str | None
    items: tuple[Item, ...]
    total_net_worth: Decimal
    total_vat: Decimal
    total_gross_worth: Decimal


@dataclass(frozen=True)
class RefusedDocument:
    """A document that is not clean. reasons: all of them, the first names it. invoice_no: as it stands there."""

    line: int
    content: bytes = field(repr=False)
    invoice_no: str | None
    reasons: tuple[str, ...]


def judge(line: int, content: bytes) -> Document | RefusedDocument:
    """Read one line of a document file (SOURCES 1.2). content: the line's bytes without the line end."""
    try:
        document = json.loads(content.decode())
    except (ValueError, RecursionError):
        return RefusedDocument(line, content, None, (UNREADABLE,))
    body = document.get("gt_parse") if isinstance(document, dict) else None
    if not isinstance(body, dict):
        return RefusedDocument(line, content, None, ("NOT_AN_INVOICE",))
    return _Judge(body).verdict(line, content)


class _Judge:
    """One walk through a document: takes the values and notes a reason where one is missing or invalid."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body
        self._reasons: dict[str, None] = {}

    def verdict(self, line: int, content: bytes) -> Document | RefusedDocument:
        header = _mapping(self._body.get("header"))
        number = self._text(header, "invoice_no")
        if number is not None and not (number.isascii() and number.isdigit()):
            self._note("INVALID_INVOICE_NO")
        day = self._value(header, "invoice_date", read_date)
        seller, client = self._party(header, "seller"), self._party(header, "client")
        iban = self._text(header, "iban") if _given(header, "iban") else None
        items = self._items()
        net, vat, gross = self._totals()
        self._add_up(items, net, vat, gross)
        if (
            number
            and day
            and seller
            and client
            and items
            and net is not None
            and vat is not None
            and gross is not None
            and not self._reasons
        ):
            return Document(line, content, number, day, seller, client, iban, items, net, vat, gross)
        return RefusedDocument(line, content, number, tuple(self._reasons))

    def _note(self, reason: str) -> None:
        self._reasons[reason] = None

    def _text(self, source: Mapping[str, Any], name: str) -> str | None:
        """The trimmed text of a field; None where it is missing or the source's tables cannot hold it."""
        if not _given(source, name):
            self._note(f"MISSING_{name.upper()}")
            return None
        value = source[name]
        if not isinstance(value, str) or not _storable(value, _TEXT_LENGTHS.get(name)):
            self._note(f"INVALID_{name.upper()}")
            return None
        return value.strip()

    def _value(
        self, source: Mapping[str, Any], name: str, read: Callable[[str], _Value | None]
    ) -> _Value | None:
        text = self._text(source, name)
        value = read(text) if text is not None else None
        if text is not None and value is None:
            self._note(f"INVALID_{name.upper()}")
        return value

    def _number(
        self, source: Mapping[str, Any], name: str, read: Callable[[str], Decimal | None], bound: Decimal
    ) -> Decimal | None:
        """A number that lies within the bound of its column."""

        def within(text: str) -> Decimal | None:
            value = read(text)
            return value if value is not None and abs(value) < bound else None

        return self._value(source, name, within)

    def _party(self, header: Mapping[str, Any], role: str) -> Party | None:
        text = self._text(header, role)
        tax_id = self._text(header, f"{role}_tax_id")
        if text is None or tax_id is None:
            return None
        name, address = split_party(text)
        if len(name) > _NAME_LENGTH:
            self._note(f"INVALID_{role.upper()}")
        return Party(name, address, tax_id)

    def _items(self) -> tuple[Item, ...] | None:
        """All items, or None where one of them cannot be read."""
        listed = self._body.get("items")
        if not isinstance(listed, list) or not listed:
            self._note("MISSING_ITEMS")
            return None
        items = [self._item(_mapping(entry)) for entry in listed]
        readable = tuple(item for item in items if item is not None)
        return readable if len(readable) == len(items) else None

    def _item(self, entry: Mapping[str, Any]) -> Item | None:
        description = self._text(entry, "item_desc")
        qty = self._number(entry, "item_qty", read_number, _QTY_BOUND)
        if qty is not None and qty <= 0:
            self._note("INVALID_ITEM_QTY")
        price = self._number(entry, "item_net_price", read_amount, _ITEM_BOUND)
        rate: Decimal | None = VAT_WHEN_ABSENT
        if _given(entry, "item_vat"):
            rate = self._number(entry, "item_vat", read_percentage, _RATE_BOUND)
        if description is None or qty is None or price is None or rate is None:
            return None
        item = Item(description, qty, price, rate)
        if max(abs(item.net_worth), abs(item.gross_worth)) >= _ITEM_BOUND:
            self._note("INVALID_ITEM_NET_WORTH")
        return item

    def _totals(self) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
        """Net, VAT and gross of the summary."""
        summary = self._body.get("summary")
        if not isinstance(summary, dict) or not summary:
            self._note("MISSING_SUMMARY")
            return (None, None, None)
        net, vat, gross = (
            self._number(summary, name, read_amount, _TOTAL_BOUND)
            for name in ("total_net_worth", "total_vat", "total_gross_worth")
        )
        return (net, vat, gross)

    def _add_up(
        self, items: tuple[Item, ...] | None, net: Decimal | None, vat: Decimal | None, gross: Decimal | None
    ) -> None:
        """To the cent: net and VAT make the gross total, quantity × price of all items the net total."""
        if net is not None and vat is not None and gross is not None and net + vat != gross:
            self._note("TOTALS_DO_NOT_ADD_UP")
        if items and net is not None and to_cents(_exact_net(items)) != net:
            self._note("ITEMS_DO_NOT_ADD_UP")


def _exact_net(items: tuple[Item, ...]) -> Decimal:
    return sum((item.qty * item.net_price for item in items), Decimal(0))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _given(source: Mapping[str, Any], name: str) -> bool:
    """Whether a field is there and says anything."""
    value = source.get(name)
    return value is not None and not (isinstance(value, str) and not value.strip())


def _storable(text: str, length: int | None) -> bool:
    """Whether PostgreSQL takes the text: no NUL, no half of a surrogate pair, not longer than its column."""
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return False
    return length is None or len(text.strip()) <= length
