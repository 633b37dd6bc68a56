"""What one changed day costs the marts of sales and of all revenue, at a tenth of the facts and at all of them."""

from __future__ import annotations

from benchmarks.bench_server import fresh_server, new_warehouse
from benchmarks.mart_rows import LAST, PUBLISHED, fill, settle
from benchmarks.measuring import Measured, Result, seconds
from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.publish import publish_table
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Warehouse

LIMIT = 2.0
SMALLER = 10


def measure(rows: int, rounds: int) -> list[Result]:
    """Rounds of: a day of both warehouses corrected, then published mart by mart. Both have three years of days."""
    spent: dict[tuple[str, int], list[float]] = {}
    sizes = (rows // SMALLER, rows)
    with fresh_server() as (server, _):
        warehouses = {size: new_warehouse(server, f"of_{size}") for size in sizes}
        for size, warehouse in warehouses.items():
            fill(warehouse, size)
        for _ in range(rounds):
            for size, warehouse in warehouses.items():
                _correct(warehouse)
                for name in PUBLISHED:
                    spent.setdefault((name, size), []).append(seconds(_publish, warehouse, name))
                _compare(warehouse)
    return [
        Measured(
            f"{name} of one changed day: {rows:,} facts against {sizes[0]:,}",
            spent[name, rows],
            spent[name, sizes[0]],
            LIMIT,
        )
        for name in PUBLISHED
    ]


def _correct(warehouse: Warehouse) -> None:
    """Every sale of the last day another amount."""
    with warehouse.transaction() as connection:
        connection.execute(
            "update analytics.fact_sales set revenue = revenue + 1 where _partition = %s", [str(LAST)]
        )
        publish_versions(connection, "analytics.fact_sales", [str(LAST)])
    settle(warehouse)


def _publish(warehouse: Warehouse, name: str) -> None:
    publish_table(warehouse, read_catalog().tables[name])


def _compare(warehouse: Warehouse) -> None:
    """Marts and fact must have the same revenue, or the figures say nothing."""
    with warehouse.transaction() as connection:
        row = connection.execute(
            """select (select sum(revenue) from analytics.fact_sales),
                (select sum(revenue) from marts.retail_sales_daily),
                (select sum(amount) from marts.revenue_daily where measure = 'retail_revenue')"""
        ).fetchone()
    if row is None or len(set(row)) != 1:
        raise AssertionError(f"fact, mart of sales and mart of revenue have: {row}")
