"""The road of billing from dropped files to its mart, by the project's own contracts. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import existing_files, locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.publish import publish_table
from sales_platform.engine.rebuild import Difference, rebuild_order, verify
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Warehouse

Rows = list[tuple[Any, ...]]

LISTS = ("customers", "items", "statuses")
HEADER = "invoice_id,issue_date,customer_id,customer_name,item_description,qty,unit_price,total,status"


def line(number: int | str = 1, **other: str) -> str:
    """One line of a good invoice; other: fields with another text."""
    fields = {
        "invoice_id": number if isinstance(number, str) else f"INV-{number:05}",
        "issue_date": "2023-05-06",
        "customer_id": "C-100",
        "customer_name": "Acme Corp",
        "item_description": "Cloud Storage",
        "qty": "3",
        "unit_price": "20.00",
        "total": "60.00",
        "status": "PAID",
    }
    return ",".join((fields | other).values())


class BillingRoad:
    """A data folder without reference lists, and a warehouse that holds the calendar."""

    def __init__(self, warehouse_url: str, data: Path) -> None:
        self.catalog = read_catalog()
        self.warehouse = Warehouse(warehouse_url)
        self.data = data
        self.invoices = self.catalog.feeds["billing_invoices"]
        publish_table(self.warehouse, self.catalog.tables["analytics.dim_date"])

    def put(self, name: str, lines: Iterable[str], header: str = HEADER) -> None:
        path = self.data / "billing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{text}\n" for text in (header, *lines)), encoding="utf-8")

    def load_lists(self) -> list[LoadReport]:
        return [report for name in LISTS for report in self._load_list(f"billing_{name}")]

    def load(self, *names: str) -> list[LoadReport]:
        """Load these files, or all that are there."""
        found = names or existing_files(self.data, self.invoices.path)
        files = [locate(self.data, self.invoices.path, name) for name in found]
        return load_files(self.warehouse, self.invoices, files)

    def publish(self) -> None:
        """Dimensions, fact and mart, each after what it reads."""
        for name in rebuild_order(self.catalog):
            dimension = self.catalog.dimensions.get(name.removeprefix("analytics."))
            if dimension and dimension.domain == "billing":
                refresh_dimension(self.warehouse, dimension)
            elif (table := self.catalog.tables.get(name)) and table.domain == "billing":
                publish_table(self.warehouse, table)

    def run(self, *names: str) -> list[LoadReport]:
        """What a run of the domain does; the reports of the invoice files."""
        self.load_lists()
        reports = self.load(*names)
        self.publish()
        return reports

    def ask(self, query: str) -> Rows:
        with self.warehouse.transaction() as connection:
            return connection.execute(query.encode()).fetchall()

    def verify(self) -> list[Difference]:
        """Where the tables differ from what a rebuild makes of raw."""
        return verify(self.warehouse, self.catalog)

    def _load_list(self, feed: str) -> list[LoadReport]:
        contract = self.catalog.feeds[feed]
        file = locate(self.data, contract.path, None, shipped=contract.shipped)
        return load_files(self.warehouse, contract, [file])
