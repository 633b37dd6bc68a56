"""Where the files of the retail system lie and which columns they have; not what stands in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TypeAlias

Row: TypeAlias = tuple[str, ...]
"""One record as text, in the order of the file's columns."""

CUSTOMERS = ("customer_id", "full_name", "email", "loyalty_tier", "created_at")
CUSTOMER_UPDATES = ("customer_id", "full_name", "email", "loyalty_tier", "updated_at")
PRODUCTS = ("product_id", "product_name", "category", "unit_price")
STORES = ("store_id", "store_name", "region")
SALES = ("sale_id", "customer_id", "product_id", "store_id", "sale_timestamp", "quantity", "revenue")


def undated_file(data: Path, table: str) -> Path:
    """The one file of `customers`, `customer_updates`, `products` or `stores`."""
    return data / "retail" / f"{table}.csv"


def sales_file(data: Path, day: date) -> Path:
    """The file of the sales of one business day."""
    return data / "retail" / "sales" / f"{day:%Y/%m/%d}" / "sales.csv"


def csv_bytes(columns: Row, rows: Iterable[Row]) -> bytes:
    """A header and its records as UTF-8, lines ended by LF."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
