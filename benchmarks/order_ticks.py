"""A tick of the sensor's whole road, from the look at the source to the published fact: with ten times the rows held,
the same change must cost about the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench_server import fresh_server, new_warehouse
from benchmarks.measuring import Measured, Result, seconds
from benchmarks.order_source import (
    DIMENSION,
    FACT,
    SOURCE,
    catalog_in,
    change,
    new_source,
    vacuum,
)
from sales_platform.contracts.catalog import Catalog
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.oltp.feeds import load_source
from sales_platform.engine.oltp.marks import source_mark
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.publish import publish_table
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.server import EmbeddedServer

# Ticks per round: one takes less than a second, and its time varies more than a long load's.
_TICKS = 5


@dataclass(frozen=True)
class _Shop:
    database: SourceDatabase
    warehouse: Warehouse
    catalog: Catalog

    @classmethod
    def holding(cls, server: EmbeddedServer, folder: Path, rows: int) -> _Shop:
        """A source of so many orders, loaded and published."""
        shop = cls(
            new_source(server, f"source_{rows}", rows),
            new_warehouse(server, f"warehouse_{rows}"),
            catalog_in(folder / str(rows)),
        )
        shop.tick()
        vacuum(shop.warehouse)
        return shop

    def change(self, rows: int, step: int) -> None:
        """A tenth of the changed rows are customers."""
        change(self.database, "orders", rows - rows // 10, step)
        change(self.database, "customers", rows // 10, step)

    def tick(self) -> None:
        source_mark(self.warehouse, self.database, SOURCE)
        load_source(self.warehouse, self.database, SOURCE).raise_faults()
        refresh_dimension(self.warehouse, DIMENSION)
        publish_table(self.warehouse, FACT, catalog=self.catalog)

    def compare(self) -> None:
        """The fact must hold what the source holds, or the figures say nothing."""
        theirs = _totals(Warehouse(self.database.url), "bench.orders")
        ours = _totals(self.warehouse, FACT.table)
        if theirs != ours:
            raise AssertionError(f"source and fact differ: {theirs} and {ours}")


def _totals(database: Warehouse, table: str) -> tuple[object, ...] | None:
    with database.transaction() as connection:
        return connection.execute(
            f"select count(*), sum(net), count(*) filter (where paid) from {table}"
        ).fetchone()


def measure(rows: int, changed: int, rounds: int) -> list[Result]:
    """Ticks over the larger and the smaller table in turns, other rows changed in each."""
    large: list[float] = []
    small: list[float] = []
    with fresh_server() as (server, folder):
        shops = (
            (_Shop.holding(server, folder, rows), large),
            (_Shop.holding(server, folder, rows // 10), small),
        )
        for step in range(rounds * _TICKS):
            for shop, spent in shops:
                shop.change(changed, step)
                spent.append(seconds(shop.tick))
        for shop, _ in shops:
            shop.compare()
    return [
        Measured(
            f"{changed:,} changed rows, tick to fact, {rows:,} held against {rows // 10:,}", large, small, 2.0
        )
    ]
