"""A tick of each kind of sensor when there is no news, against a script that connects and makes the same look-ups."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg
from psycopg import sql

from benchmarks.bench_server import fresh_server, new_warehouse
from benchmarks.measuring import Measured, Result, seconds
from sales_platform.components.file_sensor import file_sensor
from sales_platform.components.source_sensor import source_sensor
from sales_platform.contracts.catalog import read_catalog
from sales_platform.defs.automation.alerts import alerts
from sales_platform.engine.oltp.feeds import load_source
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.warehouse import Warehouse
from sales_platform.resources import (
    AlertSinksResource,
    SourceDatabasesResource,
    SourceFilesResource,
    WarehouseResource,
)
from sales_platform.sources.invoicing.generator import make_history
from sales_platform.sources.schema import ensure_schema

_LIMIT = 3.0
_DAYS = 189
# The first ticks see everything for the first time; one takes milliseconds, so that many make a round.
_SETTLING = 3
_TICKS = 20
_SOURCE = "invoicing"


def measure(rounds: int) -> list[Result]:
    """Ticks and look-ups in turns."""
    with fresh_server() as (server, data), dg.DagsterInstance.ephemeral() as instance:
        warehouse = new_warehouse(server, "warehouse")
        server.create_database(_SOURCE)
        database = _filled_source(warehouse, server.url(_SOURCE))
        _write_days(data)
        resources = {
            "warehouse": WarehouseResource(url=warehouse.url),
            "source_files": SourceFilesResource(folder=str(data)),
            "source_databases": SourceDatabasesResource(urls={_SOURCE: database.url}),
            "alert_sinks": AlertSinksResource(),
        }
        catalog = read_catalog()
        pairs: list[tuple[str, dg.SensorDefinition, Callable[[], object]]] = [
            (
                f"{_DAYS} files",
                file_sensor(catalog.feeds["channels_transactions"]),
                lambda: _look_at_files(warehouse, data),
            ),
            (
                "a source",
                source_sensor(catalog.sources[_SOURCE]),
                lambda: _look_at_source(warehouse, database),
            ),
            ("alerts", alerts(), lambda: _look_at_alerts(warehouse)),
        ]
        return [
            _compared(name, _Ticking(sensor, instance, resources), look, rounds)
            for name, sensor, look in pairs
        ]


class _Ticking:
    """A sensor with what it remembers, as the daemon calls it."""

    def __init__(
        self, sensor: dg.SensorDefinition, instance: dg.DagsterInstance, resources: Mapping[str, object]
    ) -> None:
        self._sensor, self._instance, self._resources = sensor, instance, dict(resources)
        self._cursor: str | None = None

    def tick(self) -> dg.SensorResult:
        context = dg.build_sensor_context(
            instance=self._instance,
            cursor=self._cursor,
            sensor_name=self._sensor.name,
            resources=self._resources,
            definitions=dg.Definitions(),
        )
        found = self._sensor(context)
        if not isinstance(found, dg.SensorResult):
            raise AssertionError(f"{self._sensor.name} could not look: {found}")
        self._cursor = found.cursor
        return found


def _compared(name: str, ticking: _Ticking, look: Callable[[], object], rounds: int) -> Measured:
    for _ in range(_SETTLING):
        last = ticking.tick()
        look()
    if last.run_requests:
        raise AssertionError(f"{name}: there is news, so that the figures say nothing")
    engine, floor = [], []
    for _ in range(rounds * _TICKS):
        engine.append(seconds(ticking.tick))
        floor.append(seconds(look))
    return Measured(f"a tick without news: {name}", engine, floor, _LIMIT)


def _filled_source(warehouse: Warehouse, url: str) -> SourceDatabase:
    ensure_schema(url, _SOURCE)
    make_history(url, end=datetime.now(UTC).date() - timedelta(days=1), seed=1)
    database = SourceDatabase(_SOURCE, url)
    load_source(warehouse, database, read_catalog().sources[_SOURCE]).raise_faults()
    return database


def _write_days(data: Path) -> None:
    first = date.fromisoformat("2026-02-12")
    for number in range(_DAYS):
        place = data / f"channels/raw/{first + timedelta(days=number):%Y/%m/%d}/transactions.csv"
        place.parent.mkdir(parents=True)
        place.write_text("transaction_id\n", encoding="utf-8")


def _look_at_files(warehouse: Warehouse, data: Path) -> list[tuple[int, int]]:
    """What was loaded, which a script does not remember; every folder, and size and time of each file."""
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(
            "select partition, content_hash from ops.load where feed = 'channels_transactions'"
        ).fetchall()
    found = []
    for folder, _, names in os.walk(data / "channels" / "raw"):
        for name in names:
            told = os.stat(os.path.join(folder, name))
            found.append((told.st_size, told.st_mtime_ns))
    return found


def _look_at_source(warehouse: Warehouse, database: SourceDatabase) -> None:
    """What some table waits for, the newest stamp of each, and who is at work."""
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("select open_transactions from ops.watermark").fetchall()
    with psycopg.connect(database.url) as connection:
        for feed in read_catalog().sources[_SOURCE].feeds:
            connection.execute(
                "select indexrelid from pg_index where indrelid = to_regclass(%s)",
                [f"{_SOURCE}.{feed.table}"],
            ).fetchall()
            stamp, table = sql.Identifier(str(feed.cursor)), sql.Identifier(_SOURCE, feed.table)
            connection.execute(sql.SQL("select max({}) from {}").format(stamp, table)).fetchone()
        connection.execute("select clock_timestamp(), pg_is_in_recovery()").fetchone()
        connection.execute("select backend_xid, xact_start, pid from pg_stat_activity").fetchall()
        connection.execute("select transaction from pg_prepared_xacts").fetchall()


def _look_at_alerts(warehouse: Warehouse) -> None:
    """Overdue incidents whose file arrived, and alerts that wait: two sessions, as they are two transactions."""
    with psycopg.connect(warehouse.url) as connection:
        connection.execute(
            "select 1 from ops.incident as i where i.closed_at is null and i.kind = 'overdue'"
        ).fetchall()
    with psycopg.connect(warehouse.url) as connection:
        connection.execute("select pg_try_advisory_lock(1)")
        connection.execute(
            "select * from ops.alert where sent_at is null order by made_at limit 1"
        ).fetchall()
