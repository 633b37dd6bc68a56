"""What a document says, and every reason for which one is refused."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_platform.sources.invoicing.documents import Document, RefusedDocument, judge
from sales_platform.sources.invoicing.figures import read_amount, read_date, read_number, read_percentage
from sales_platform.sources.invoicing.parties import split_party
from sales_platform_tests.sources.invoicing.samples import REFUSED_LINES, document, real_lines


def verdict(made: dict[str, Any]) -> Document | RefusedDocument:
    return judge(1, json.dumps(made).encode())


def reasons(made: dict[str, Any]) -> list[str]:
    found = verdict(made)
    return list(found.reasons) if isinstance(found, RefusedDocument) else []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8,25", "8.25"),
        ("5,00", "5.00"),
        ("7", "7.00"),
        ("7,5", "7.50"),
        ("1 234,56", "1234.56"),
        ("1234,56", "1234.56"),
        ("2.040,00", "2040.00"),
        ("999 999,99", "999999.99"),
        ("1.234.567,89", "1234567.89"),
        (" 8,25 ", "8.25"),
        ("-8,25", "-8.25"),
    ],
)
def test_a_number_is_read_as_it_is_written(text: str, value: str) -> None:
    assert str(read_number(text)) == value
    assert str(read_amount(text)) == value
    assert str(read_amount(f"$ {text.strip()}")) == value
    assert str(read_amount(f"${text.strip()}")) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "Total", "10%", "8,255", "1 23,45", "12 34,56", "1.234 567,00", "1,234.56", "8.25", ",50", "5,",
        "1_000", "NaN", "1e3", "\u0665,00", "$", "$$5", "$5", "€5,00", "5,00 USD", "1  234,00", "--5",
    ],
)  # fmt: skip
def test_what_is_no_number_is_not_guessed(text: str) -> None:
    assert read_number(text) is None
    if text != "$5":
        assert read_amount(text) is None


@given(st.integers(min_value=0, max_value=10**12))
def test_any_amount_reads_back_with_blanks_dots_and_a_currency_sign(amount: int) -> None:
    whole, rest = divmod(amount, 100)
    for written in (f"{whole}", f"{whole:,}".replace(",", " "), f"{whole:,}".replace(",", ".")):
        assert read_amount(f"$ {written},{rest:02}") == Decimal(amount).scaleb(-2)


@pytest.mark.parametrize(
    ("text", "value"),
    [("10%", "10.00"), ("5,5%", "5.50"), ("23 %", "23.00"), ("10", None), ("Total", None), ("%", None)],
)
def test_a_rate_needs_its_percent_sign(text: str, value: str | None) -> None:
    assert read_percentage(text) == (Decimal(value) if value else None)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("10/15/2012", date(2012, 10, 15)),
        ("02/29/2020", date(2020, 2, 29)),
        ("02/29/2021", None),
        ("15/10/2012", None),
        ("1/2/2012", None),
        ("2012-10-15", None),
        ("10/15/12", None),
    ],
)
def test_a_date_is_month_day_year(text: str, day: date | None) -> None:
    assert read_date(text) == day


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Patel, Thompson and Montgomery", "356 Kyle Vista New James, MA 46228"),
        ("Kane-Morgan", "968 Carr Mission Apt. 320 Bernardville, VA 28211"),
        ("Johnson, Coleman and Mccarthy", "Unit 1928 Box 1473 DPO AA 74927"),
        ("Stephens PLC", "PSC 4501, Box 4964 APO AA 03160"),
        ("Greene Ltd", "USCGC Lane FPO AP22594"),
        ("Carney-Rogers", "USNS Peterson FPO AP 71052"),
        ("Burke-Gordon", "USNV Olson FPO AP 50747"),
        ("Smith, Landry and Ruiz", "USS Bailey FPO AP 87951"),
        ("Rojas-Cook", "0132. Joy Views Apt. 106 Burnstown, LA 74485"),
        ("3M Unit Parts", "5 Main Street Oxton, MA 46228"),
    ],
)
def test_name_and_postal_address_are_told_apart(name: str, address: str) -> None:
    assert split_party(f" {name}  {address}") == (name, address)


@pytest.mark.parametrize("text", ["958-90-2468", "Acme", "Unit Parts", "USS"])
def test_a_string_without_an_address_is_a_name_only(text: str) -> None:
    assert split_party(text) == (text, "")


def test_a_clean_document_is_read_whole() -> None:
    found = verdict(document())
    assert isinstance(found, Document)
    assert (found.invoice_no, found.invoice_date) == ("1001", date(2020, 3, 1))
    assert (found.seller.name, found.seller.address) == ("Pen Works Ltd", "12 Mill Lane Oxton, MA 46228")
    assert (found.client.name, found.client.tax_id) == ("Ink and Sons", "900-00-0002")
    totals = (found.total_net_worth, found.total_vat, found.total_gross_worth)
    assert totals == (Decimal("20.00"), Decimal("2.00"), Decimal("22.00"))
    (item,) = found.items
    assert (item.net_worth, item.gross_worth) == (Decimal("20.00"), Decimal("22.00"))


def test_worths_are_rounded_to_the_cent_with_a_half_going_up() -> None:
    made = document(
        items=[{"item_desc": "Ink", "item_qty": "0,50", "item_net_price": "0,05", "item_vat": "50%"}],
        summary={"total_net_worth": "0,03", "total_vat": "0,02", "total_gross_worth": "0,05"},
    )
    found = verdict(made)
    assert isinstance(found, Document)
    # 0.025 → 0.03; half of that is 0.015 → 0.02
    assert (found.items[0].net_worth, found.items[0].gross_worth) == (Decimal("0.03"), Decimal("0.05"))


def test_absent_vat_of_an_item_is_ten_percent_and_an_absent_iban_is_none() -> None:
    made = document(header__iban=None)
    del made["gt_parse"]["items"][0]["item_vat"]
    found = verdict(made)
    assert isinstance(found, Document)
    assert (found.items[0].vat_rate, found.iban) == (Decimal(10), None)


ITEM = {"item_desc": "Pen", "item_qty": "2,00", "item_net_price": "10,00", "item_vat": "10%"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"header__invoice_no": None}, ["MISSING_INVOICE_NO"]),
        ({"header__invoice_no": "  "}, ["MISSING_INVOICE_NO"]),
        ({"header__invoice_no": "Date"}, ["INVALID_INVOICE_NO"]),
        ({"header__invoice_no": "12-3"}, ["INVALID_INVOICE_NO"]),
        ({"header__invoice_no": "\u0663"}, ["INVALID_INVOICE_NO"]),
        ({"header__invoice_no": "9" * 51}, ["INVALID_INVOICE_NO"]),
        ({"header__invoice_no": 1001}, ["INVALID_INVOICE_NO"]),
        ({"header__invoice_date": None}, ["MISSING_INVOICE_DATE"]),
        ({"header__invoice_date": "13/01/2020"}, ["INVALID_INVOICE_DATE"]),
        ({"header__seller": None}, ["MISSING_SELLER"]),
        ({"header__seller": "x" * 256}, ["INVALID_SELLER"]),
        ({"header__client": ""}, ["MISSING_CLIENT"]),
        ({"header__client": "Ink\0 7 Quay"}, ["INVALID_CLIENT"]),
        ({"header__client": "Ink\ud800 7 Quay"}, ["INVALID_CLIENT"]),
        ({"header__seller_tax_id": None}, ["MISSING_SELLER_TAX_ID"]),
        ({"header__client_tax_id": "9" * 31}, ["INVALID_CLIENT_TAX_ID"]),
        ({"header": None}, [
            "MISSING_INVOICE_NO", "MISSING_INVOICE_DATE", "MISSING_SELLER", "MISSING_SELLER_TAX_ID",
            "MISSING_CLIENT", "MISSING_CLIENT_TAX_ID",
        ]),
        ({"items": []}, ["MISSING_ITEMS"]),
        ({"items": None}, ["MISSING_ITEMS"]),
        ({"items": [{**ITEM, "item_desc": ""}]}, ["MISSING_ITEM_DESC"]),
        ({"items": [{**ITEM, "item_qty": "10%"}]}, ["INVALID_ITEM_QTY"]),
        ({"items": [{**ITEM, "item_qty": "0,00"}]}, ["INVALID_ITEM_QTY", "ITEMS_DO_NOT_ADD_UP"]),
        ({"items": [{**ITEM, "item_net_price": "Total"}]}, ["INVALID_ITEM_NET_PRICE"]),
        ({"items": [{**ITEM, "item_vat": "Total"}]}, ["INVALID_ITEM_VAT"]),
        ({"items": [ITEM, "Pen"]}, ["MISSING_ITEM_DESC", "MISSING_ITEM_QTY", "MISSING_ITEM_NET_PRICE"]),
        ({"items": [{**ITEM, "item_qty": "10000000,00", "item_net_price": "1000,00"}]},
            ["INVALID_ITEM_NET_WORTH", "ITEMS_DO_NOT_ADD_UP"]),
        ({"items": [ITEM, ITEM]}, ["ITEMS_DO_NOT_ADD_UP"]),
        ({"items": [{**ITEM, "item_net_price": "10,01"}]}, ["ITEMS_DO_NOT_ADD_UP"]),
        ({"summary": None}, ["MISSING_SUMMARY"]),
        ({"summary__total_vat": None}, ["MISSING_TOTAL_VAT"]),
        ({"summary__total_vat": "$2,01"}, ["TOTALS_DO_NOT_ADD_UP"]),
        ({"summary__total_gross_worth": "Total"}, ["INVALID_TOTAL_GROSS_WORTH"]),
        ({"summary__total_net_worth": "9" * 13}, ["INVALID_TOTAL_NET_WORTH"]),
        ({"summary__total_vat": None, "summary__total_net_worth": "$20,01"},
            ["MISSING_TOTAL_VAT", "ITEMS_DO_NOT_ADD_UP"]),
    ],
)  # fmt: skip
def test_every_fault_has_its_reason(changes: dict[str, Any], expected: list[str]) -> None:
    assert reasons(document(**changes)) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json", "INVALID_JSON"),
        (b'{"gt_parse": ', "INVALID_JSON"),
        (b"\xff{}", "INVALID_JSON"),
        (b"[" * 100_000, "INVALID_JSON"),
        (b"[]", "NOT_AN_INVOICE"),
        (b"{}", "NOT_AN_INVOICE"),
        (b'{"gt_parse": 5}', "NOT_AN_INVOICE"),
    ],
)
def test_a_line_that_is_no_document_is_refused(line: bytes, reason: str) -> None:
    found = judge(3, line)
    assert isinstance(found, RefusedDocument)
    assert (found.line, found.reasons, found.content) == (3, (reason,), line)


def test_of_the_real_documents_exactly_the_faulty_ones_are_refused_with_all_their_reasons(
    shared_data: Path,
) -> None:
    verdicts = [judge(line, text.encode()) for line, text in enumerate(real_lines(shared_data), start=1)]
    refused = {one.line: list(one.reasons) for one in verdicts if isinstance(one, RefusedDocument)}
    assert refused == REFUSED_LINES
    assert len(verdicts) == 416


def test_every_real_party_has_a_name_without_its_address(shared_data: Path) -> None:
    verdicts = [judge(line, text.encode()) for line, text in enumerate(real_lines(shared_data), start=1)]
    parties = [p for one in verdicts if isinstance(one, Document) for p in (one.seller, one.client)]
    assert len(parties) == 750
    for party in parties:
        assert not any(char.isdigit() for char in party.name)
        assert party.address[-5:].isdigit()
