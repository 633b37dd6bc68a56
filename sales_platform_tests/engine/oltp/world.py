"""A source database with one table and its contract, a warehouse, and what both hold. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.source import PostgresFeedContract, TableFeed
from sales_platform.engine.oltp.feeds import SourceLoad, load_source
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.oltp.table_load import TableLoad
from sales_platform.engine.rebuild import rebuild
from sales_platform.engine.warehouse import Connection, Warehouse

ORDERS = "create table shop.orders (id int primary key, state text, updated_at timestamptz default clock_timestamp())"
BY_STAMP: dict[str, Any] = {"key": ["id"], "cursor": "updated_at"}
BY_COMPARING: dict[str, Any] = {"key": ["id"], "cursor": "none"}


@dataclass
class World:
    """source: a session of the application that writes there, each statement its own transaction."""

    warehouse: Warehouse
    database: SourceDatabase
    source: Connection
    tables: dict[str, dict[str, Any]] = field(default_factory=lambda: {"orders": dict(BY_STAMP)})
    terms: dict[str, Any] = field(default_factory=dict)

    @property
    def contract(self) -> PostgresFeedContract:
        # the shortest overlap keeps what one test did out of the next window
        given: dict[str, Any] = {"overlap": "PT0S", **self.terms}
        return PostgresFeedContract.model_validate(
            {"domain": "shop", "database": "shop", "description": "A shop.", "tables": self.tables, **given}
        )

    def feed(self, table: str = "orders") -> TableFeed:
        return next(feed for feed in self.contract.feeds if feed.table == table)

    def try_load(
        self, tables: Sequence[str] | None = None, *, comparing: bool = False, allow_deletes: bool = False
    ) -> SourceLoad:
        return load_source(
            self.warehouse,
            self.database,
            self.contract,
            tables,
            comparing=comparing,
            allow_deletes=allow_deletes,
        )

    def load(
        self, tables: Sequence[str] | None = None, *, comparing: bool = False, allow_deletes: bool = False
    ) -> TableLoad:
        """Load, raise what failed, and return what came of the last table."""
        done = self.try_load(tables, comparing=comparing, allow_deletes=allow_deletes)
        done.raise_faults()
        return done.tables[-1]

    def rebuild(self) -> None:
        catalog = Catalog()
        catalog.add(self.contract)
        list(rebuild(self.warehouse, catalog, [f"staging.{feed.name}" for feed in self.contract.feeds]))

    def do(self, *statements: str) -> None:
        for statement in statements:
            self.source.execute(sql.SQL(statement))

    def writer(self) -> Connection:
        """One more session of the application, in which transactions are begun and ended by hand."""
        return psycopg.connect(self.database.url, autocommit=True)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the warehouse."""
        with self.warehouse.transaction() as connection:
            return connection.execute(sql.SQL(query)).fetchall()

    def order(self, query: str) -> None:
        """A statement in the warehouse."""
        with self.warehouse.transaction() as connection:
            connection.execute(sql.SQL(query))

    def staged(self, columns: str = "id, state", table: str = "orders") -> list[tuple[Any, ...]]:
        return self.ask(f"select {columns} from staging.shop_{table} order by {columns}")

    def held(self, columns: str = "id, state", table: str = "orders") -> list[tuple[Any, ...]]:
        """Rows of the source."""
        return self.source.execute(
            sql.SQL(f"select {columns} from shop.{table} order by {columns}")
        ).fetchall()

    def logged(self, table: str = "orders") -> int:
        """Rows of the log: every version and delete that was ever written down."""
        return int(self.ask(f"select count(*) from raw.shop_{table}")[0][0])

    def mark(self, columns: str = "position, newest", table: str = "orders") -> tuple[Any, ...]:
        return self.ask(f"select {columns} from ops.watermark where feed = 'shop_{table}'")[0]


def fates(load: TableLoad) -> tuple[int, int, int, int]:
    """Rows read, loaded, unchanged and rejected by all loads of a table in one run."""
    reports = load.reports
    return (
        sum(r.read for r in reports),
        sum(r.loaded for r in reports),
        sum(r.unchanged for r in reports),
        sum(r.rejected for r in reports),
    )
