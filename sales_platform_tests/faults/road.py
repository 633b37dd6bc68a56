"""The whole retail road for tests of faults: files below a data folder, through the engine, to facts and mart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile, locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.publish import publish_table
from sales_platform.engine.rebuild import verify
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Warehouse

DAY = date(2026, 1, 30)
NEXT_DAY = date(2026, 1, 31)
LISTS = ("customers", "customer_updates", "products", "stores")
TABLES = ("analytics.dim_date", "analytics.fact_sales", "marts.retail_sales_daily")
SALES_HEADER = b"sale_id,customer_id,product_id,store_id,sale_timestamp,quantity,revenue"
CUSTOMERS_HEADER = b"customer_id,full_name,email,loyalty_tier,created_at"
GOOD_SALES = 40

Rows = list[tuple[Any, ...]]


def sale(number: int, day: date = DAY, **other: object) -> bytes:
    """One line of a good sale; other: fields with another text."""
    fields: dict[str, object] = {
        "sale_id": number,
        "customer_id": number % 3 + 1,
        "product_id": number % 2 + 1,
        "store_id": 1,
        "sale_timestamp": f"{day}T10:{number % 60:02}:00",
        "quantity": number % 4 + 1,
        "revenue": f"{number}.25",
    }
    return ",".join(str(value) for value in (fields | other).values()).encode()


def good_sales(day: date = DAY, count: int = GOOD_SALES, first: int = 1) -> list[bytes]:
    return [sale(number, day) for number in range(first, first + count)]


def customers(count: int = 3, first: int = 1, created: str = "2025-06-01T00:00:00") -> list[bytes]:
    return [
        f"{n},Person {n},p{n}@example.com,{'Gold' if n == 1 else 'Silver'},{created}".encode()
        for n in range(first, first + count)
    ]


def text(lines: Iterable[bytes], header: bytes = SALES_HEADER, end: bytes = b"\n") -> bytes:
    return b"".join(line + end for line in (header, *lines))


class Road:
    """One warehouse, one data folder, and the retail contracts between them."""

    def __init__(self, warehouse: Warehouse, data: Path) -> None:
        self.warehouse = warehouse
        self.data = data
        self.catalog: Catalog = read_catalog()

    def put(self, name: str, content: bytes) -> Path:
        path = self.data / "retail" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def put_sales(self, content: bytes, day: date = DAY) -> Path:
        return self.put(sales_name(day), content)

    def put_lists(self) -> None:
        """Three customers, two products, one store, no update that matters."""
        self.put("customers.csv", text(customers(), CUSTOMERS_HEADER))
        self.put(
            "customer_updates.csv",
            b"customer_id,full_name,email,loyalty_tier,updated_at\n"
            b"1,Person 1,p1@example.com,Platinum,2025-12-01T00:00:00\n",
        )
        self.put(
            "products.csv", b"product_id,product_name,category,unit_price\n1,Tea,Food,3.50\n2,Cup,Home,8\n"
        )
        self.put("stores.csv", b"store_id,store_name,region\n1,Main Street,North\n")

    def file(self, feed: str, day: date | None = None) -> SourceFile:
        return locate(self.data, self.catalog.feeds[f"retail_{feed}"].path, day)

    def load(self, feed: str = "sales", days: Sequence[date] = (DAY,)) -> list[LoadReport]:
        files = [self.file(feed, day) for day in (days if feed == "sales" else [None])]
        return load_files(self.warehouse, self.catalog.feeds[f"retail_{feed}"], files)

    def load_lists(self) -> None:
        for feed in LISTS:
            self.load(feed)

    def publish(self) -> None:
        """Dimensions, fact and mart: all that is stale."""
        for dimension in self.catalog.dimensions.values():
            if dimension.domain == "retail":
                refresh_dimension(self.warehouse, dimension)
        for table in TABLES:
            publish_table(self.warehouse, self.catalog.tables[table])

    def prepare(self, *days: date) -> None:
        """The lists, and good sales of these days, published."""
        self.put_lists()
        self.load_lists()
        for number, day in enumerate(days):
            self.put_sales(text(good_sales(day, first=number * 1000 + 1)), day)
        if days:
            self.load(days=days)
            self.publish()

    def rows(self, query: str, *parameters: object) -> Rows:
        with self.warehouse.transaction() as connection:
            return connection.execute(query, parameters).fetchall()

    def one(self, query: str, *parameters: object) -> Any:
        (row,) = self.rows(query, *parameters)
        return row[0] if len(row) == 1 else row

    def standing(self) -> dict[str, Rows]:
        """What a reader sees: every row of raw, staging, analytics and marts."""
        tables = self.rows(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema in ('raw', 'staging', 'analytics', 'marts') order by 1"
        )
        return {name: sorted(self.rows(f"select t::text from {name} as t")) for (name,) in tables}

    def rejected(self, feed: str = "sales") -> list[tuple[int, list[str]]]:
        """Line and reasons of every rejection that is open."""
        return self.rows(
            "select source_row, reasons from quality.rejected_record"
            " where feed = %s and resolved_at is null order by source_row",
            f"retail_{feed}",
        )

    def sale_ids(self) -> list[int]:
        return [row[0] for row in self.rows("select sale_id from analytics.fact_sales order by 1")]

    def newest_load(self, feed: str = "sales") -> tuple[str, str | None]:
        """Status and message."""
        (row,) = self.rows(
            "select status, message from ops.load where feed = %s order by load_id desc limit 1",
            f"retail_{feed}",
        )
        return row[0], row[1]

    def assert_nothing_lost(self, records: int, feed: str = "sales") -> None:
        """The file's records are its rows in raw and what the reader set aside, and each has one fate."""
        raw = self.one(
            f"select count(*) from raw.retail_{feed} where _load_id = "
            "(select max(load_id) from ops.load where feed = %s and status = 'succeeded' and landed)",
            f"retail_{feed}",
        )
        fates = self.one(
            "select load_id, rows_read, rows_loaded + rows_unchanged + rows_duplicate + rows_superseded"
            " + rows_rejected from ops.load where feed = %s and status = 'succeeded' and landed"
            " order by load_id desc limit 1",
            f"retail_{feed}",
        )
        unreadable = self.one(
            "select count(*) from quality.rejected_record where last_load_id = %s and origin = 'reader'",
            fates[0],
        )
        assert (raw + unreadable, fates[1], fates[2]) == (records, records, records)

    def assert_sound(self) -> None:
        """Everything published is what raw says; the mart adds up to the fact."""
        assert verify(self.warehouse, self.catalog) == []
        facts = self.one("select count(*), sum(revenue), sum(quantity) from analytics.fact_sales")
        mart = self.one("select sum(sales), sum(revenue), sum(quantity) from marts.retail_sales_daily")
        assert facts == mart


def sales_name(day: date) -> str:
    return f"sales/{day:%Y/%m/%d}/sales.csv"
