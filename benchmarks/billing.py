"""A million billing lines, some of them at fault, to staging and quarantine; and the same file once more."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks import billing_floor
from benchmarks.bench_server import fresh_warehouse, settle
from benchmarks.measuring import Measured, Result, seconds
from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.warehouse import Warehouse
from sales_platform.sources.billing.dirt import spoil
from sales_platform.sources.billing.generator import csv_bytes, invoice_file
from sales_platform.sources.billing.invoices import Row, invoices

SEED = 5
# Of this many lines of every seven the simulator spoils its usual 9.3 %, so that 4 % of all are at fault.
SPOILT_OF_SEVEN = 3
SHARE_AT_FAULT = 0.04


def measure(rows: int, rounds: int) -> list[Result]:
    """Rounds of: the engine's load and the floor's, who comes first taking turns; then the unchanged file again."""
    engine, floor, again = [], [], []
    catalog = read_catalog()
    content = csv_bytes(lines(rows))
    for number in range(rounds):
        with fresh_warehouse() as (warehouse, data):
            path = invoice_file(data, 1)
            path.parent.mkdir(parents=True)
            path.write_bytes(content)
            _load_lists(warehouse, catalog, data)
            for who in ("engine", "floor") if number % 2 == 0 else ("floor", "engine"):
                settle(warehouse)
                if who == "engine":
                    engine.append(seconds(_load, warehouse, catalog.feeds["billing_invoices"], path))
                else:
                    floor.append(seconds(billing_floor.load, warehouse, path))
            again.append(seconds(_load, warehouse, catalog.feeds["billing_invoices"], path))
            _compare(warehouse, rows)
    return [
        Measured(f"{rows:,} billing lines, 4 % at fault, CSV to staging", engine, floor, 1.5),
        Measured("  the same file again unchanged, against its first load", again, engine, 0.05),
    ]


def lines(rows: int) -> list[Row]:
    """The simulator's lines; the faults of its dirt, spread evenly, in a share of 4 %."""
    numbers = np.random.default_rng(SEED)
    made = invoices(numbers, rows, first_number=1)
    chosen = [place for place in range(rows) if place % 7 < SPOILT_OF_SEVEN]
    spoilt = spoil(numbers, [made[place] for place in chosen])
    found = [invoice.row() for invoice in made]
    for place, row in zip(chosen, spoilt, strict=True):
        found[place] = row
    return found


def _load_lists(warehouse: Warehouse, catalog: Catalog, data: Path) -> None:
    for name in ("customers", "items", "statuses"):
        feed = catalog.feeds[f"billing_{name}"]
        load_files(warehouse, feed, [locate(data, feed.path, None, shipped=feed.shipped)])


def _load(warehouse: Warehouse, feed: FileFeedContract, path: Path) -> None:
    load_files(warehouse, feed, [locate(path.parents[1], feed.path, path.name)])


def _compare(warehouse: Warehouse, rows: int) -> None:
    """Both ways must have taken and refused the same, or the figures say nothing."""
    staged = billing_floor.STAGED
    pairs = (
        (f"select {staged} from staging.billing_invoices", f"select {staged} from floor.staged_invoices"),
        (
            "select source_row, reasons, raw_record from quality.rejected_record where feed = 'billing_invoices'",
            "select source_row, reasons, raw_record from floor.rejected",
        ),
    )
    with warehouse.transaction() as connection:
        counts = []
        for ours, floors in pairs:
            row = connection.execute(
                f"with ours as ({ours}), floors as ({floors}) select (select count(*) from ours),"
                " (select count(*) from (select * from ours except select * from floors) as d)"
                " + (select count(*) from (select * from floors except select * from ours) as d)"
            ).fetchone()
            assert row is not None
            if row[1]:
                raise AssertionError(f"engine and floor differ in {row[1]} rows")
            counts.append(row[0])
    if round(counts[1] / rows, 2) != SHARE_AT_FAULT:
        raise AssertionError(f"{counts[1]} of {rows} lines were refused instead of 4 %")
