"""A customer dimension with history: its first load, and a second day of changes, against hand-written SQL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.bench_server import fresh_warehouse, run, settle
from benchmarks.measuring import Measured, Result, seconds
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.warehouse import Warehouse

TRACKED = ("name", "email", "street", "city", "tier", "phone")

FEED = FileFeedContract.model_validate(
    {
        "domain": "bench",
        "table": "customers",
        "description": "Customer states, each an event at its time",
        "path": "customers.csv",
        "key": ["customer_id"],
        "event_time": "changed_at",
        "columns": {
            "customer_id": {"type": "bigint"},
            "changed_at": {"type": "timestamptz"},
            **{name: {"type": "text"} for name in TRACKED},
        },
    }
)

DIMENSION = DimensionContract.model_validate(
    {
        "domain": "bench",
        "table": "dim_bench_customer",
        "description": "One row per customer and state",
        "key": ["customer_id"],
        "track": TRACKED,
        "events": [{"from": "staging.bench_customers", "valid_from": "changed_at"}],
    }
)

CONSTRAINTS = (
    "alter table floor.customer add primary key (customer_key)",
    """alter table floor.customer add check (effective_start_date < effective_end_date),
    add exclude using gist (customer_id with =, tstzrange(effective_start_date, effective_end_date) with &&)""",
    "create unique index on floor.customer (customer_id) where is_current",
)


def measure(keys: int, changed: int, rounds: int) -> list[Result]:
    first: tuple[list[float], list[float]] = ([], [])
    second: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        with fresh_warehouse() as (warehouse, data):
            data.mkdir(parents=True)
            _land(warehouse, data, _states(keys, np.arange(1, keys + 1), "2025-01-01T00:00:00", "a"))
            settle(warehouse)
            first[0].append(seconds(refresh_dimension, warehouse, DIMENSION))
            settle(warehouse)
            first[1].append(seconds(_floor_first, warehouse))
            some = np.random.default_rng(3).choice(np.arange(1, keys + 1), changed, replace=False)
            _land(warehouse, data, _states(keys, some, "2025-01-02T00:00:00", "b"))
            _stage_second_day(warehouse)
            settle(warehouse)
            second[0].append(seconds(refresh_dimension, warehouse, DIMENSION))
            second[1].append(seconds(_floor_second, warehouse))
            _compare(warehouse, keys + changed)
    return [
        Measured(f"{keys:,} customers, first load", *first, 1.5),
        Measured(f"{keys:,} customers, a day of {changed:,} events", *second, 1.5),
    ]


def _states(
    keys: int, ids: np.ndarray[tuple[int], np.dtype[np.int64]], moment: str, mark: str
) -> pd.DataFrame:
    frame = pd.DataFrame({"customer_id": ids, "changed_at": moment})
    for name in TRACKED:
        frame[name] = name + "-" + mark + "-" + frame["customer_id"].astype(str)
    return frame


def _land(warehouse: Warehouse, data: Path, states: pd.DataFrame) -> None:
    states.to_csv(data / "customers.csv", index=False)
    load_files(warehouse, FEED, [locate(data, FEED.path, None)])


def _floor_first(warehouse: Warehouse) -> None:
    columns = ", ".join(TRACKED)
    with warehouse.transaction() as connection:
        run(
            connection,
            "create schema floor",
            f"""create table floor.customer (
                customer_key bigint generated always as identity, customer_id bigint,
                {", ".join(f"{name} text" for name in TRACKED)},
                effective_start_date timestamptz not null, effective_end_date timestamptz,
                is_current boolean not null, is_inferred boolean not null
            )""",
            f"""insert into floor.customer (customer_id, {columns}, effective_start_date, is_current, is_inferred)
            select customer_id, {columns}, changed_at, true, false from staging.bench_customers""",
            *CONSTRAINTS,
        )


def _stage_second_day(warehouse: Warehouse) -> None:
    """What the floor reads: the day's events alone, analysed."""
    with warehouse.transaction() as connection:
        run(
            connection,
            "create table floor.day as select * from staging.bench_customers where changed_at = '2025-01-02 00:00+00'",
            "analyze floor.day",
        )


def _floor_second(warehouse: Warehouse) -> None:
    columns = ", ".join(TRACKED)
    with warehouse.transaction() as connection:
        run(
            connection,
            """update floor.customer as d set effective_end_date = e.changed_at, is_current = false
            from floor.day as e where d.customer_id = e.customer_id and d.is_current""",
            f"""insert into floor.customer (customer_id, {columns}, effective_start_date, is_current, is_inferred)
            select customer_id, {columns}, changed_at, true, false from floor.day""",
        )


def _compare(warehouse: Warehouse, rows: int) -> None:
    columns = f"customer_id, {', '.join(TRACKED)}, effective_start_date, effective_end_date, is_current"
    with warehouse.transaction() as connection:
        row = connection.execute(
            f"select count(*) from (select {columns} from analytics.dim_bench_customer"
            f" intersect select {columns} from floor.customer) as agreed"
        ).fetchone()
    if row is None or row[0] != rows:
        raise AssertionError(f"engine and floor agree on {row and row[0]} of {rows} versions")
