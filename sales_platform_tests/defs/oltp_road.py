"""The road of one OLTP domain from its source to its marts, by the project's own contracts. Judges nothing."""

from __future__ import annotations

from typing import Any

import psycopg

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.oltp.feeds import load_source
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.publish import publish_table
from sales_platform.engine.rebuild import Difference, rebuild_order, verify
from sales_platform.engine.warehouse import Warehouse
from sales_platform.sources.schema import ensure_schema

Rows = list[tuple[Any, ...]]


class OltpRoad:
    """A simulated source without rows, and a warehouse that holds the calendar."""

    def __init__(self, domain: str, source_url: str, warehouse_url: str) -> None:
        ensure_schema(source_url, domain)
        self.catalog = read_catalog()
        self.contract = self.catalog.sources[domain]
        self.url, self.database = source_url, SourceDatabase(domain, source_url)
        self.warehouse = Warehouse(warehouse_url)
        publish_table(self.warehouse, self.catalog.tables["analytics.dim_date"])

    def run(self, *, comparing: bool = False) -> None:
        """What a run of the domain does: load every table, then everything that is made of them.

        comparing: also find deletes and what was changed without a stamp.
        """
        self.load(comparing=comparing)
        self.publish()

    def load(self, *tables: str, comparing: bool = False) -> None:
        load_source(
            self.warehouse,
            self.database,
            self.contract,
            tables or None,
            comparing=comparing,
            allow_deletes=True,
        ).raise_faults()

    def publish(self) -> None:
        """Dimensions, facts and marts of the domain, each after what it reads."""
        domain = self.contract.domain
        for name in rebuild_order(self.catalog):
            dimension = self.catalog.dimensions.get(name.removeprefix("analytics."))
            if dimension and dimension.domain == domain:
                refresh_dimension(self.warehouse, dimension)
            elif (table := self.catalog.tables.get(name)) and table.domain == domain:
                publish_table(self.warehouse, table)

    def write(self, *statements: str) -> None:
        """Statements of the application, each its own transaction."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def source(self, query: str) -> Rows:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def ask(self, query: str) -> Rows:
        """Rows of the warehouse."""
        with self.warehouse.transaction() as connection:
            return connection.execute(query.encode()).fetchall()

    def verify(self) -> list[Difference]:
        """Where the tables differ from what a rebuild makes of raw."""
        return verify(self.warehouse, self.catalog)
