"""One day of payments replaced, from its file to the mart, with many days held and with few."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

from benchmarks.bench_server import fresh_server, new_warehouse
from benchmarks.measuring import Measured, Result, seconds
from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.publish import publish_table
from sales_platform.engine.warehouse import Warehouse
from sales_platform.sources.channels.generator import csv_bytes, generate, home_cities
from sales_platform.sources.channels.layout import transactions_file
from sales_platform.sources.channels.transactions import TRANSACTIONS_A_DAY, transactions_of

LAST = date(2026, 6, 30)
SEED = 5


def measure(rows: int, rounds: int) -> list[Result]:
    """One first load each, then rounds of a day replaced in both; who comes first takes turns."""
    many, few = rows // TRANSACTIONS_A_DAY, rows // 10 // TRANSACTIONS_A_DAY
    spent: tuple[list[float], list[float]] = ([], [])
    with fresh_server() as (server, data):
        generate(data, first=_first(many), last=LAST, seed=SEED)
        held = [(new_warehouse(server, f"held_{days}"), days) for days in (many, few)]
        for warehouse, days in held:
            _fill(warehouse, data, days)
        for number in range(rounds + 1):
            day = LAST - timedelta(days=few // 2 + number)
            _write_other_rows(data, day, number)
            for which in (0, 1) if number % 2 == 0 else (1, 0):
                taken = seconds(_take, held[which][0], data, [day])
                # The first round finds no page in the server's cache.
                if number:
                    spent[which].append(taken)
            for warehouse, days in held:
                _check(warehouse, days)
    return [Measured(f"a day replaced at {rows:,} payments held, against {rows // 10:,}", *spent, 2.0)]


def _first(days: int) -> date:
    return LAST - timedelta(days=days - 1)


def _fill(warehouse: Warehouse, data: Path, days: int) -> None:
    catalog = read_catalog()
    publish_table(warehouse, catalog.tables["analytics.dim_date"])
    for name in ("channels", "cities", "customers"):
        feed = catalog.feeds[f"channels_{name}"]
        load_files(warehouse, feed, [locate(data, feed.path, None, shipped=feed.shipped)])
    for dimension in catalog.dimensions.values():
        if dimension.domain == "channels":
            refresh_dimension(warehouse, dimension)
    _take(warehouse, data, [_first(days) + timedelta(days=number) for number in range(days)])
    with warehouse.connect(autocommit=True) as connection:
        connection.execute("vacuum analyze")


def _take(warehouse: Warehouse, data: Path, days: list[date]) -> None:
    catalog = read_catalog()
    feed = catalog.feeds["channels_transactions"]
    load_files(warehouse, feed, [locate(data, feed.path, day) for day in days])
    for name in ("analytics.fact_transaction", "marts.channels_daily"):
        publish_table(warehouse, catalog.tables[name], partitions=[f"{day}" for day in days])


def _write_other_rows(data: Path, day: date, number: int) -> None:
    frame = transactions_of(SEED + 1 + number, day, home_cities(data))
    transactions_file(data, day).write_bytes(csv_bytes(frame))


def _check(warehouse: Warehouse, days: int) -> None:
    """Every payment stands once, and the mart counts them all."""
    with warehouse.transaction() as connection:
        row = connection.execute(
            "select (select count(*) from analytics.fact_transaction), sum(transactions) from marts.channels_daily"
        ).fetchone()
    if row is None or any(count != days * TRANSACTIONS_A_DAY for count in row):
        raise AssertionError(f"{row} payments stand instead of {days * TRANSACTIONS_A_DAY}")
