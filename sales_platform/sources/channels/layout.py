"""Where the files of the payment channels lie and which columns they have; not what stands in them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

TRANSACTIONS = (
    "transaction_id", "date_key", "customer_key", "channel_key", "city_key", "amount", "status", "processing_time",
)  # fmt: skip
CUSTOMERS = ("customer_key", "customer_id", "customer_name", "segment", "signup_date")
DAY_PATTERN = "{partition:%Y/%m/%d}/transactions.csv"
"""A day's file below the folder that holds them all."""
CUSTOMER_CITY = "channels/reference/customer_city.csv"
"""The home city of each customer, below the data folder."""
SHIPPED_CUSTOMER_CITY = "channels/customer_city.csv"


def transactions_file(data: Path, day: date) -> Path:
    """The file of the payments of one day."""
    return data / "channels" / "raw" / f"{day:%Y/%m/%d}" / "transactions.csv"
