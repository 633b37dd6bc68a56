"""Writes the simulated files of the payment channels for a range of days; draws no rows itself."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from sales_platform.engine.files import locate
from sales_platform.errors import HeaderMismatch, WrongUse
from sales_platform.sources.channels.layout import CUSTOMER_CITY, SHIPPED_CUSTOMER_CITY, transactions_file
from sales_platform.sources.channels.transactions import transactions_of
from sales_platform.sources.placing import PlacedFiles, place


def generate(data: Path, *, first: date, last: date, seed: int) -> PlacedFiles:
    """Write the payments of each day, both ends included; a rerun changes nothing, other days are left alone.

    The customers' home cities come from the data folder's own reference file, or from the shipped one. Raises WrongUse
    for an empty range or a negative seed, HeaderMismatch for a reference file that cannot be read.
    """
    if last < first:
        raise WrongUse(f"{last} comes before {first}.", remedy="Ask for at least one day.")
    if seed < 0:
        raise WrongUse("a seed is 0 or a positive number.", where="--seed")
    cities = home_cities(data)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    changed = rows = 0
    for day in days:
        frame = transactions_of(seed, day, cities)
        changed += place(transactions_file(data, day), csv_bytes(frame))
        rows += len(frame)
    return PlacedFiles("transactions", files=len(days), changed=changed, rows=rows)


def home_cities(data: Path) -> dict[int, int]:
    """customer_key → city_key."""
    file = locate(data, CUSTOMER_CITY, None, shipped=SHIPPED_CUSTOMER_CITY)
    with file.open() as stream:
        try:
            frame = pd.read_csv(stream, usecols=["customer_key", "city_key"], dtype="int64")
        except ValueError:
            raise HeaderMismatch(
                "the file does not hold one customer_key and one city_key per line.",
                where=file.path,
                remedy="Mend it, or take it away to use the shipped one.",
            ) from None
    return dict(zip(frame["customer_key"].tolist(), frame["city_key"].tolist(), strict=True))


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A header and the rows as UTF-8, lines ended by LF, amounts and seconds with two decimals."""
    return frame.to_csv(index=False, float_format="%.2f", lineterminator="\n").encode()
