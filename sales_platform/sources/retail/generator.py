"""Writes the simulated retail system's files for a range of days; its neighbours make what stands in them.

Every file is a pure function of seed and date (the four undated ones: of seed and last day); none asks the
clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from sales_platform.errors import WrongUse
from sales_platform.sources.placing import PlacedFiles, place
from sales_platform.sources.retail import dirt as faults
from sales_platform.sources.retail.layout import (
    CUSTOMER_UPDATES,
    CUSTOMERS,
    PRODUCTS,
    SALES,
    STORES,
    Row,
    csv_bytes,
    sales_file,
    undated_file,
)
from sales_platform.sources.retail.master_data import FIRST_DAY, MasterData, master_data
from sales_platform.sources.retail.sales import sales_of
from sales_platform.sources.retail.updates import updates_by_day


def generate(data: Path, *, first: date, last: date, seed: int, dirt: bool = False) -> list[PlacedFiles]:
    """Write customers, customer updates, products and stores as of the end of `last`, and each day's sales.

    Files of the same name are replaced, those of other days left alone. The updates are all of the
    company's life up to `last`, so the file for a later day begins with the lines of an earlier one.
    A rerun changes nothing. Raises WrongUse for days before the company's first one.
    """
    _refuse_impossible(first, last, seed)
    known = master_data(seed)
    return [
        *_write_undated(data, known, last, seed, dirt),
        _write_sales(data, known, _days(first, last), seed, dirt),
    ]


def _refuse_impossible(first: date, last: date, seed: int) -> None:
    if last < first:
        raise WrongUse(f"{last} comes before {first}.", remedy="Ask for at least one day.")
    if first < FIRST_DAY:
        raise WrongUse(
            f"the simulated company opened on {FIRST_DAY}, the range begins on {first}.",
            remedy="Ask for fewer days (--days) or a later end (--end).",
        )
    if seed < 0:
        raise WrongUse("a seed is 0 or a positive number.", where="--seed")


def _write_undated(data: Path, known: MasterData, last: date, seed: int, dirt: bool) -> Iterable[PlacedFiles]:
    customers = [customer.row() for customer in known.customers]
    updates = updates_by_day(seed, known.customers, last)
    if dirt:
        customers = faults.spoil_customers(seed, last, customers)
        updates = faults.spoil_updates(seed, updates)
    yield _write_one(data, "customers", CUSTOMERS, customers)
    yield _write_one(data, "customer_updates", CUSTOMER_UPDATES, [row for _, rows in updates for row in rows])
    yield _write_one(data, "products", PRODUCTS, [product.row() for product in known.products])
    yield _write_one(data, "stores", STORES, [store.row() for store in known.stores])


def _write_one(data: Path, table: str, columns: Row, rows: list[Row]) -> PlacedFiles:
    changed = place(undated_file(data, table), csv_bytes(columns, rows))
    return PlacedFiles(table, files=1, changed=int(changed), rows=len(rows))


def _write_sales(data: Path, known: MasterData, days: list[date], seed: int, dirt: bool) -> PlacedFiles:
    changed = rows_written = 0
    for day in days:
        rows = sales_of(seed, day, known)
        if dirt:
            rows = faults.spoil_sales(seed, day, rows)
        changed += place(sales_file(data, day), csv_bytes(SALES, rows))
        rows_written += len(rows)
    return PlacedFiles("sales", files=len(days), changed=changed, rows=rows_written)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
