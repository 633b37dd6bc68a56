"""A warehouse as a scenario sees it: write files, load them, refresh, read. What must hold is said elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.publish import publish_table
from sales_platform.engine.rebuild import Difference, verify
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Warehouse
from sales_platform_tests.engine.history.oracle import EPOCH, Event, Version

Row = Sequence[object]


class World:
    """Files below a folder and a warehouse; knows any contract of its catalog."""

    def __init__(self, url: str, folder: Path, catalog: Catalog) -> None:
        self.warehouse = Warehouse(url=url, lock_timeout_seconds=20)
        self.folder = folder
        self.catalog = catalog

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.warehouse.url, options="-c TimeZone=UTC -c DateStyle=ISO") as connection:
            return connection.execute(statement.encode(), parameters or None).fetchall()

    def execute(self, statement: str, *parameters: object) -> None:
        with psycopg.connect(self.warehouse.url, autocommit=True) as connection:
            connection.execute(statement.encode(), parameters or None)

    def file(self, feed: FileFeedContract, rows: Iterable[Row], partition: str | None = None) -> SourceFile:
        """Write a CSV: NULL is an empty field, text stands in quotes. A feed without partitions is always one file."""
        place = self.folder / f"{feed.name}_{partition or 'file.csv'}"
        name = f"{feed.table}.csv" if feed.partitions == "none" or partition is None else partition
        lines = [",".join(map(_field, row)) for row in [tuple(feed.columns), *rows]]
        place.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
        return SourceFile(place.name, str(place), name)

    def load_rows(
        self, feed: FileFeedContract, rows: Iterable[Row], partition: str | None = None
    ) -> LoadReport:
        """The report of these rows' own load; rows that were held before may have been released by others."""
        file = self.file(feed, rows, partition)
        (report,) = [r for r in load_files(self.warehouse, feed, [file]) if r.source == file.path]
        return report

    def load_days(self, feed: FileFeedContract, days: dict[date, list[Row]]) -> list[LoadReport]:
        """Several days in one run."""
        files = [self.file(feed, rows, day.isoformat()) for day, rows in days.items()]
        return load_files(self.warehouse, feed, files)

    def refresh(self, dimension: DimensionContract, *, everything: bool = False) -> None:
        refresh_dimension(self.warehouse, dimension, everything=everything)

    def publish(self, name: str, days: Sequence[str] | None = None) -> None:
        publish_table(self.warehouse, self.catalog.tables[name], partitions=days, catalog=self.catalog)

    def differences(self) -> list[Difference]:
        return verify(self.warehouse, self.catalog)

    def let_time_pass(self, feed: FileFeedContract, by: timedelta) -> None:
        """The record of loads is the platform's clock (S-38): say that the newest load began later than it did."""
        self.execute(
            "update ops.load set started_at = started_at + %s"
            " where load_id = (select max(load_id) from ops.load where feed = %s)",
            by,
            feed.name,
        )


def _field(value: object) -> str:
    return "" if value is None else '"' + str(value).replace('"', '""') + '"'


def version_rows(world: World) -> list[Version]:
    """The versions of dim_thing, without the unknown and the inferred members."""
    rows = world.query(
        """
        select k, a, b, effective_start_date, effective_end_date from analytics.dim_thing
        where thing_key <> 0 and not is_inferred order by k collate "C", effective_start_date
        """
    )
    return [Version(*row) for row in rows]


def stamps(world: World, table: str) -> list[tuple[Any, ...]]:
    """Where every row of a table lies and who wrote it: changes with any write, even of equal values."""
    schema, _, name = table.partition(".")
    statement = sql.SQL("select ctid::text, xmin::text from {} order by 1").format(
        sql.Identifier(schema, name)
    )
    with psycopg.connect(world.warehouse.url) as connection:
        return connection.execute(statement).fetchall()


def event_row(event: Event) -> Row:
    at = event.at if event.at is None or isinstance(event.at, str) else event.moment.isoformat()
    return (event.k, at, event.op, event.a, event.b)


def spoken(versions: Iterable[Version]) -> str:
    """`A[10,20) B[20,∞)`: the notation of the scenarios, in minutes."""
    return " ".join(
        f"{'NULL' if v.a is None else v.a}[{_minutes(v.start)},{'∞' if v.end is None else _minutes(v.end)})"
        for v in versions
    )


def _minutes(moment: datetime) -> str:
    return f"{(moment - EPOCH).total_seconds() / 60:g}"
