"""A day's file of sales made worse and good again, as by the shop system; and what its rows add up to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pandas as pd

Sold = tuple[int, int, Decimal]


@contextmanager
def without_revenue(file: Path, lines: range) -> Iterator[None]:
    """The lines of the file lack their last value; afterwards it is as it was."""
    good = file.read_text(encoding="utf-8")
    bad = good.splitlines()
    for line in lines:
        bad[line - 1] = bad[line - 1].rsplit(",", 1)[0] + ","
    file.write_text("\n".join(bad) + "\n", encoding="utf-8")
    yield
    file.write_text(good, encoding="utf-8")


def file_of(data: Path, day: str) -> Path:
    return data / day.replace("-", "/") / "sales.csv"


def sold(data: Path) -> dict[str, Sold]:
    """Day → sales, pieces and revenue of its file, added up by pandas."""
    days = {}
    for file in data.rglob("sales.csv"):
        frame = pd.read_csv(file, dtype=str)
        pieces, revenue = frame["quantity"].astype(int).sum(), sum(map(Decimal, frame["revenue"]), Decimal(0))
        days["-".join(file.parts[-4:-1])] = (len(frame), int(pieces), revenue)
    return days
