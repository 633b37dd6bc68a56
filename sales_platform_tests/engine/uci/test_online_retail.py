"""Three days of a foreign data set through a contract that lies beside this test, against figures made by pandas."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import existing_days, locate
from sales_platform.engine.rebuild import verify
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Warehouse

DAYS = [date(2010, 12, day) for day in (1, 2, 3)]
FIGURES = """
    select
        _partition,
        count(*),
        count(*) filter (where "InvoiceNo" like 'C%'),
        count(*) filter (where "CustomerID" is null),
        count(distinct "CustomerID"),
        count(distinct "InvoiceNo"),
        sum("Quantity"),
        sum("Quantity" * "UnitPrice") filter (where "Quantity" > 0),
        sum("Quantity" * "UnitPrice") filter (where "Quantity" < 0)
    from staging.uci_order_lines
    group by _partition
    order by _partition
"""


@pytest.fixture
def files(shared_data: Path) -> Path:
    return shared_data / "uci_online_retail"


@pytest.fixture
def catalog() -> Catalog:
    return read_catalog(Path(__file__).parent)


@pytest.fixture
def warehouse(warehouse_url: str) -> Warehouse:
    return Warehouse(warehouse_url)


def load(warehouse: Warehouse, catalog: Catalog, files: Path, days: list[date]) -> list[LoadReport]:
    feed = catalog.feeds["uci_order_lines"]
    return load_files(warehouse, feed, [locate(files, feed.path, day) for day in days])


def received(files: Path, day: date) -> pd.DataFrame:
    """The day as pandas reads it, each value as written, and exact numbers beside."""
    rows = pd.read_csv(files / f"{day}.csv", dtype=str, keep_default_na=False)
    return rows.assign(
        pieces=rows["Quantity"].map(int),
        worth=rows["Quantity"].map(Decimal) * rows["UnitPrice"].map(Decimal),
        cancelled=rows["InvoiceNo"].str.startswith("C"),
    )


def odd(rows: pd.DataFrame) -> pd.Series[bool]:
    """Pieces that left or came back against what the number of the invoice says."""
    return (rows["pieces"] < 0) != rows["cancelled"]


def expected(files: Path, day: date) -> tuple[object, ...]:
    rows = received(files, day)
    rows = rows[~odd(rows)].drop_duplicates()
    known = rows[rows["CustomerID"] != ""]
    return (
        day.isoformat(),
        len(rows),
        int(rows["cancelled"].sum()),
        len(rows) - len(known),
        known["CustomerID"].nunique(),
        rows["InvoiceNo"].nunique(),
        int(rows["pieces"].sum()),
        sum(rows["worth"][rows["pieces"] > 0], Decimal(0)),
        sum(rows["worth"][rows["pieces"] < 0], Decimal(0)),
    )


def test_counts_and_sums_are_those_of_pandas_and_every_line_has_one_fate(
    warehouse: Warehouse, catalog: Catalog, files: Path
) -> None:
    assert existing_days(files, catalog.feeds["uci_order_lines"].path) == DAYS
    reports = load(warehouse, catalog, files, DAYS)
    for day, report in zip(DAYS, reports, strict=True):
        rows = received(files, day)
        bad = rows[odd(rows)]
        assert report.read == len(rows)
        assert report.reasons == {"RETURN_WITHOUT_CANCELLATION": len(bad)}
        assert (report.rejected, report.superseded, report.unchanged) == (len(bad), 0, 0)
        assert report.duplicate == int(rows[~odd(rows)].duplicated().sum())
        assert report.read == report.loaded + report.duplicate + report.rejected
    assert [report.read for report in reports] == [3108, 2109, 2202]
    with warehouse.transaction() as connection:
        assert connection.execute(FIGURES).fetchall() == [expected(files, day) for day in DAYS]
    assert verify(warehouse, catalog) == []


def test_days_loaded_one_by_one_backwards_and_twice_are_the_same(
    warehouse: Warehouse, catalog: Catalog, files: Path
) -> None:
    for day in (*reversed(DAYS), DAYS[1]):
        load(warehouse, catalog, files, [day])
    with warehouse.transaction() as connection:
        assert connection.execute(FIGURES).fetchall() == [expected(files, day) for day in DAYS]
