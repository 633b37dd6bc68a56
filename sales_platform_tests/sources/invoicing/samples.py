"""Invoice documents written for a test, and the real ones with what a person finds in them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

REAL_FILE = Path("invoicing") / "ivoicing-data.txt"

# Every line that is not clean, from the table of faults in SOURCES 1.2, read by a person.
REFUSED_LINES: dict[int, list[str]] = {
    **{line: ["MISSING_ITEM_NET_PRICE"] for line in [28, 53, 185, 251, 275, 306, 347, 356]},
    **{line: ["MISSING_ITEM_QTY"] for line in [154, 167, 200, 340, 355, 362, 391, 399]},
    **{line: ["ITEMS_DO_NOT_ADD_UP"] for line in [134, 196, 325, 343, 398, 411]},
    **{line: ["INVALID_ITEM_QTY"] for line in [104, 122, 245, 247]},
    **{line: ["INVALID_TOTAL_GROSS_WORTH"] for line in [130, 164, 181]},
    27: ["MISSING_ITEM_DESC"],
    62: ["MISSING_TOTAL_GROSS_WORTH"],
    87: ["MISSING_SELLER_TAX_ID"],
    94: ["MISSING_ITEM_DESC", "MISSING_ITEM_QTY", "MISSING_ITEM_NET_PRICE"],
    124: ["INVALID_INVOICE_NO"],
    157: ["MISSING_TOTAL_NET_WORTH"],
    316: ["MISSING_TOTAL_VAT", "ITEMS_DO_NOT_ADD_UP"],
    318: ["MISSING_CLIENT"],
    342: ["MISSING_SUMMARY"],
    375: ["MISSING_CLIENT_TAX_ID"],
    376: ["MISSING_SELLER"],
    386: ["MISSING_SELLER", "MISSING_SELLER_TAX_ID", "MISSING_TOTAL_GROSS_WORTH"],
}


def real_lines(shared_data: Path) -> list[str]:
    """The lines of the real file; line 1 has index 0."""
    return (shared_data / REAL_FILE).read_text(encoding="utf-8").split("\n")


def clean_documents(shared_data: Path) -> list[dict[str, Any]]:
    """What stands in the documents that nobody finds a fault with, by line."""
    lines = enumerate(real_lines(shared_data), start=1)
    return [json.loads(text)["gt_parse"] for line, text in lines if line not in REFUSED_LINES]


def cents(text: str) -> int:
    """Every number that a person can read in the file ends in two decimals."""
    return int(re.sub(r"\D", "", text))


def document(**changes: Any) -> dict[str, Any]:
    """A clean document: two pens at 10.00 on 2020-03-01. changes: `field` or `header__field`; None takes one away."""
    made: dict[str, Any] = {
        "header": {
            "invoice_no": "1001",
            "invoice_date": "03/01/2020",
            "seller": "Pen Works Ltd 12 Mill Lane Oxton, MA 46228",
            "client": "Ink and Sons 7 Quay Road Apt. 3 Harwick, PA 98601",
            "seller_tax_id": "900-00-0001",
            "client_tax_id": "900-00-0002",
            "iban": "GB77WRBQ31965128414006",
        },
        "items": [{"item_desc": "Pen", "item_qty": "2,00", "item_net_price": "10,00", "item_vat": "10%"}],
        "summary": {"total_net_worth": "$20,00", "total_vat": "$2,00", "total_gross_worth": "$ 22,00"},
    }
    for name, value in changes.items():
        *path, last = name.split("__")
        place = made
        for step in path:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return {"gt_parse": made}


def priced(invoice_no: str, day: str, price: str, **changes: Any) -> dict[str, Any]:
    """One pen at a whole price, such as `12`, on a day in the file's own form."""
    net = int(price) * 100
    return document(
        header__invoice_no=invoice_no,
        header__invoice_date=day,
        items=[{"item_desc": "Pen", "item_qty": "1,00", "item_net_price": f"{price},00"}],
        summary={
            "total_net_worth": f"{price},00",
            "total_vat": f"{net // 1000},{net // 10 % 100:02}",
            "total_gross_worth": f"{net * 11 // 1000},{net * 11 // 10 % 100:02}",
        },
        **changes,
    )


def write_file(path: Path, documents: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(json.dumps(one) for one in documents), encoding="utf-8")
    return path
