"""A million orders from their live database to raw and staging, and a window of changed ones, against a plain pipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from benchmarks import order_floor
from benchmarks.bench_server import fresh_server, new_warehouse
from benchmarks.measuring import Measured, Memory, Result, seconds
from benchmarks.order_source import NAMES, SOURCE, change, new_source, vacuum
from sales_platform.engine.oltp import staged
from sales_platform.engine.oltp.feeds import load_source
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.warehouse import Warehouse

_WHO = ("engine", "floor")


def measure(rows: int, changed: int, rounds: int) -> list[Result]:
    """Rounds of: a first load by the engine and by the floor, then the same changed rows by both; who comes first
    takes turns, because the second finds the server's caches and files as the first left them.
    """
    first, window, peaks = _Pairs(), _Pairs(), []
    for number in range(rounds):
        with fresh_server() as (server, _):
            database = new_source(server, "source", rows)
            warehouse = new_warehouse(server, "warehouse")
            for who in _turns(number):
                if who == "engine":
                    raw, rest, peak = _in_own_process(warehouse, database)
                    peaks.append(peak)
                else:
                    raw = seconds(order_floor.copy_all, warehouse, database)
                    rest = seconds(order_floor.stage_all, warehouse)
                first.add(who, raw, rest)
                vacuum(warehouse)
            since = _clock(database)
            change(database, "orders", changed, step=1)
            vacuum(Warehouse(database.url))
            for who in _turns(number):
                if who == "engine":
                    raw, rest = _load_window(warehouse, database)
                else:
                    raw = seconds(order_floor.copy_changed, warehouse, database, since)
                    rest = seconds(order_floor.stage_changed, warehouse, since)
                window.add(who, raw, rest)
            _compare(warehouse, rows, changed)
    return [
        Measured(f"{rows:,} orders, first load, source to raw", *first.raw, 1.3),
        Memory("  peak memory of the loading process", max(peaks), 200),
        Measured("  the same, source to staging", *first.whole, None),
        Measured(f"{changed:,} changed orders into {rows:,}, source to raw", *window.raw, 1.5),
        Measured("  the same, source to staging", *window.whole, None),
    ]


class _Pairs:
    """Seconds of engine and floor, until raw stands and until staging does."""

    def __init__(self) -> None:
        self.raw: tuple[list[float], list[float]] = ([], [])
        self.whole: tuple[list[float], list[float]] = ([], [])

    def add(self, who: str, raw: float, rest: float) -> None:
        self.raw[_WHO.index(who)].append(raw)
        self.whole[_WHO.index(who)].append(raw + rest)


def _turns(number: int) -> tuple[str, ...]:
    return _WHO if number % 2 == 0 else _WHO[::-1]


def _in_own_process(warehouse: Warehouse, database: SourceDatabase) -> tuple[float, float, float]:
    """Seconds until raw stands, seconds from there to staging, and the peak memory of the process."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.order_loading"],
        env={**os.environ, "WAREHOUSE_URL": warehouse.url, "SOURCE_URL": database.url},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    raw, rest, peak = map(float, answer.stdout.split())
    return raw, rest, peak


def _load_window(warehouse: Warehouse, database: SourceDatabase) -> tuple[float, float]:
    """Seconds of everything but staging, the commit of both included, and seconds of staging."""
    with _staging_timed() as staging:
        whole = seconds(lambda: load_source(warehouse, database, SOURCE, ["orders"]).raise_faults())
    return whole - sum(staging), sum(staging)


@contextmanager
def _staging_timed() -> Iterator[list[float]]:
    """Raw and staging commit together, so the step between is clocked where it is called."""
    spent: list[float] = []
    publish = staged.publish_changed

    def timed(*arguments: object) -> int:
        start = time.perf_counter()
        refused = publish(*arguments)  # type: ignore[arg-type]
        spent.append(time.perf_counter() - start)
        return refused

    with patch.object(staged, "publish_changed", timed):
        yield spent


def _clock(database: SourceDatabase) -> str:
    with database.connect() as connection:
        row = connection.execute("select clock_timestamp()::text").fetchone()
    assert row is not None
    return str(row[0])


def _compare(warehouse: Warehouse, rows: int, changed: int) -> None:
    """Both ways must have logged and staged the same, or the figures say nothing."""
    columns = ", ".join(NAMES)
    pairs = (
        ("raw.bench_orders", "floor.raw_orders", f"{columns}, _event_at, _deleted", rows + changed),
        ("staging.bench_orders", "floor.staged_orders", columns, rows),
    )
    with warehouse.transaction() as connection:
        for ours, floor, compared, expected in pairs:
            row = connection.execute(
                f"select count(*) from (select {compared} from {ours}"
                f" intersect select {compared} from {floor}) as agreed"
            ).fetchone()
            if row is None or row[0] != expected:
                raise AssertionError(f"{ours} and {floor} agree on {row and row[0]} of {expected} rows")
