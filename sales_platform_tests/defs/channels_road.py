"""The road of the payment channels from daily files to their mart, by the project's own contracts. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import existing_days, locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.publish import publish_table
from sales_platform.engine.rebuild import Difference, rebuild_order, verify
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Warehouse

Rows = list[tuple[Any, ...]]

LISTS = ("channels", "cities", "customers")
FACT, MART = "analytics.fact_transaction", "marts.channels_daily"
HEADER = "transaction_id,date_key,customer_key,channel_key,city_key,amount,status,processing_time"
CHANNELS_HEADER = "channel_key,channel_name,fee_percent"


def line(number: int | str, day: str, **other: str) -> str:
    """One line of a good payment of INR 200.00 over UPI (channel 3) in Delhi; other: fields with another text."""
    fields = {
        "transaction_id": number if isinstance(number, str) else f"T{number}",
        "date_key": day.replace("-", ""),
        "customer_key": "7",
        "channel_key": "3",
        "city_key": "2",
        "amount": "200.00",
        "status": "success",
        "processing_time": "1.50",
    }
    return ",".join((fields | other).values())


class ChannelsRoad:
    """A data folder without files, so that the shipped lists stand in, and a warehouse that holds the calendar."""

    def __init__(self, warehouse_url: str, data: Path) -> None:
        self.catalog = read_catalog()
        self.warehouse = Warehouse(warehouse_url)
        self.data = data
        self.transactions = self.catalog.feeds["channels_transactions"]
        publish_table(self.warehouse, self.catalog.tables["analytics.dim_date"])

    def put(self, day: str, lines: Iterable[str], header: str = HEADER) -> Path:
        return self._write(f"raw/{day.replace('-', '/')}/transactions.csv", header, lines)

    def put_list(self, name: str, lines: Iterable[str], header: str = CHANNELS_HEADER) -> Path:
        return self._write(f"reference/{name}.csv", header, lines)

    def load_lists(self) -> list[LoadReport]:
        return [report for name in LISTS for report in self.load_list(name)]

    def load_list(self, name: str) -> list[LoadReport]:
        feed = self.catalog.feeds[f"channels_{name}"]
        return load_files(self.warehouse, feed, [locate(self.data, feed.path, None, shipped=feed.shipped)])

    def load(self, *days: str) -> list[LoadReport]:
        """Load these days, or all that have a file."""
        found = [date.fromisoformat(day) for day in days] or existing_days(self.data, self.transactions.path)
        files = [locate(self.data, self.transactions.path, day) for day in found]
        return load_files(self.warehouse, self.transactions, files)

    def publish(self) -> None:
        """Every dimension, fact and mart of the domain that has something to take in, in their order."""
        for name in rebuild_order(self.catalog):
            dimension = self.catalog.dimensions.get(name.removeprefix("analytics."))
            if dimension and dimension.domain == "channels":
                refresh_dimension(self.warehouse, dimension)
            elif name in (FACT, MART):
                publish_table(self.warehouse, self.catalog.tables[name])

    def run(self, *days: str) -> list[LoadReport]:
        """Lists, days, tables. Returns the loads of the days."""
        self.load_lists()
        reports = self.load(*days)
        self.publish()
        return reports

    def rows(self, query: str, *parameters: object) -> Rows:
        with self.warehouse.transaction() as connection:
            return connection.execute(query.encode(), parameters or None).fetchall()

    def verify(self) -> list[Difference]:
        return verify(self.warehouse, self.catalog)

    def _write(self, path: str, header: str, lines: Iterable[str]) -> Path:
        place = self.data / "channels" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(f"{text}\n" for text in (header, *lines)), encoding="utf-8")
        return place
