"""Billing and channels seen alike by tests of faults: one dropped file of bytes, its road to the fact, what stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile, locate
from sales_platform.engine.reports import LoadReport
from sales_platform_tests.defs import billing_road, channels_road
from sales_platform_tests.defs.billing_road import BillingRoad
from sales_platform_tests.defs.channels_road import ChannelsRoad
from sales_platform_tests.faults.road import Rows

DAY = "2026-03-02"
GOOD = 40


class Dropped:
    """One feed and the place of one of its files. header, good(): of a file as its source writes it."""

    path: str
    partition: str
    fact: str
    header: bytes
    feed: FileFeedContract
    road: BillingRoad | ChannelsRoad

    @staticmethod
    def line(number: int, **other: str) -> bytes:
        raise NotImplementedError

    def file(self) -> SourceFile:
        raise NotImplementedError

    def good(self, count: int = GOOD) -> list[bytes]:
        return [self.line(number) for number in range(1, count + 1)]

    def text(self, lines: Iterable[bytes], end: bytes = b"\n") -> bytes:
        return b"".join(line + end for line in (self.header, *lines))

    def put(self, content: bytes) -> Path:
        place = self.road.data / self.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return place

    def load(self, *, limit: Decimal | None = None) -> LoadReport:
        """Load the file and nothing else. limit: another share of rejected rows than the contract's."""
        feed = self.feed if limit is None else self.feed.model_copy(update={"reject_limit": limit})
        (report,) = load_files(self.road.warehouse, feed, [self.file()])
        return report

    def rows(self, query: str) -> Rows:
        with self.road.warehouse.transaction() as connection:
            return connection.execute(query.encode()).fetchall()

    def published(self) -> list[str]:
        """The keys of the fact, published anew."""
        self.road.publish()
        return [key for (key,) in self.rows(f"select {self.feed.key[0]} from {self.fact} order by 1")]

    def good_keys(self, count: int = GOOD) -> list[str]:
        return sorted(line.split(b",")[0].decode() for line in self.good(count))

    def rejected(self) -> list[tuple[int, Sequence[str]]]:
        """Line and reasons of every rejection that is open."""
        found = self.rows(
            "select source_row, reasons from quality.rejected_record where resolved_at is null"
            f" and feed = '{self.feed.name}' order by source_row"
        )
        return [(line, reasons) for line, reasons in found]

    def newest_load(self) -> tuple[str, str | None]:
        ((status, message),) = self.rows(
            f"select status, message from ops.load where feed = '{self.feed.name}' order by load_id desc limit 1"
        )
        return status, message

    def standing(self) -> dict[str, Rows]:
        """Every row of raw, staging, analytics and marts."""
        tables = self.rows(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema in ('raw', 'staging', 'analytics', 'marts') order by 1"
        )
        return {name: sorted(self.rows(f"select t::text from {name} as t")) for (name,) in tables}


class Invoices(Dropped):
    path, partition, fact = "billing/invoices-1.csv", "invoices-1.csv", "analytics.fact_billing_invoice"
    header = billing_road.HEADER.encode()

    def __init__(self, warehouse_url: str, data: Path) -> None:
        self.road = BillingRoad(warehouse_url, data)
        self.road.load_lists()
        self.feed = self.road.invoices

    @staticmethod
    def line(number: int, **other: str) -> bytes:
        return billing_road.line(number, **other).encode()

    def file(self) -> SourceFile:
        return locate(self.road.data, self.feed.path, self.partition)


class Payments(Dropped):
    path, partition = "channels/raw/2026/03/02/transactions.csv", DAY
    fact = "analytics.fact_transaction"
    header = channels_road.HEADER.encode()

    def __init__(self, warehouse_url: str, data: Path) -> None:
        self.road = ChannelsRoad(warehouse_url, data)
        self.road.load_lists()
        self.feed = self.road.transactions

    @staticmethod
    def line(number: int, **other: str) -> bytes:
        return channels_road.line(number, DAY, **other).encode()

    def file(self) -> SourceFile:
        return locate(self.road.data, self.feed.path, date.fromisoformat(DAY))
