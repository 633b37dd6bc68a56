"""A complete snapshot of all customers that has been read and judged, to versions, against one MERGE of the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from benchmarks.bench_server import fresh_warehouse, run, settle
from benchmarks.measuring import Measured, Result, seconds
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.warehouse import Warehouse

TRACKED = ("name", "email", "street", "city", "tier", "phone")
_COLUMNS = ", ".join(TRACKED)

FEED = FileFeedContract.model_validate(
    {
        "domain": "bench",
        "table": "customers",
        "description": "All customers as they are",
        "path": "customers.csv",
        "key": ["customer_id"],
        "versions": True,
        "snapshot": "complete",
        "columns": {"customer_id": {"type": "bigint"}, **{name: {"type": "text"} for name in TRACKED}},
    }
)

DIMENSION = DimensionContract.model_validate(
    {
        "domain": "bench",
        "table": "dim_bench_customer",
        "description": "One row per customer and state",
        "key": ["customer_id"],
        "track": TRACKED,
        "events": [{"from": "staging.bench_customers", "valid_from": "_snapshot_at"}],
    }
)


def measure(keys: int, changed: int, rounds: int) -> list[Result]:
    """Rounds of: a first snapshot, not measured; one with changes; the same rows once more in another order."""
    some: tuple[list[float], list[float]] = ([], [])
    none: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        with fresh_warehouse() as (warehouse, data):
            data.mkdir(parents=True)
            customers = _customers(keys)
            _take(warehouse, data, customers)
            _prepare_floor(warehouse)
            customers = _change(customers, changed)
            for pair, snapshot in ((some, customers), (none, customers.iloc[::-1])):
                _stage_for_floor(warehouse, data, snapshot)
                for who in ("engine", "floor") if number % 2 == 0 else ("floor", "engine"):
                    settle(warehouse)
                    if who == "engine":
                        pair[0].append(_take(warehouse, data, snapshot))
                    else:
                        pair[1].append(seconds(_merge, warehouse))
            _compare(warehouse, keys + changed)
    return [
        Measured(f"a snapshot of {keys:,} customers, {changed:,} changed", *some, 1.5),
        Measured(f"a snapshot of {keys:,} customers, none changed", *none, 1.0),
    ]


def _customers(keys: int) -> pd.DataFrame:
    frame = pd.DataFrame({"customer_id": np.arange(1, keys + 1)})
    for name in TRACKED:
        frame[name] = name + "-a-" + frame["customer_id"].astype(str)
    return frame


def _change(customers: pd.DataFrame, changed: int) -> pd.DataFrame:
    some = np.random.default_rng(3).choice(len(customers), changed, replace=False)
    after = customers.copy()
    after.loc[some, "city"] = "city-b-" + after.loc[some, "customer_id"].astype(str)
    return after


def _take(warehouse: Warehouse, data: Path, customers: pd.DataFrame) -> float:
    """Seconds from the judged rows of a snapshot to the versions of the dimension."""
    _write(data, customers)
    with _clocked_once_judged() as spent:
        load_files(warehouse, FEED, [locate(data, FEED.path, None)])
    return spent[-1] + seconds(refresh_dimension, warehouse, DIMENSION)


def _write(data: Path, customers: pd.DataFrame) -> None:
    customers.to_csv(data / "customers.csv", index=False)


@contextmanager
def _clocked_once_judged() -> Iterator[list[float]]:
    """Landing, judging and comparing with what stands are one transaction: the clock starts before the last of them.

    At its end the list holds the seconds from there to the commit.
    """
    begun: list[float] = []
    spent: list[float] = []
    stage = LoadCall.stage

    def clocked(*arguments: object) -> object:
        begun.append(time.perf_counter())
        return stage(*arguments)  # type: ignore[arg-type]

    with patch.object(LoadCall, "stage", clocked):
        yield spent
        spent.append(time.perf_counter() - begun[-1])


def _prepare_floor(warehouse: Warehouse) -> None:
    with warehouse.transaction() as connection:
        run(
            connection,
            "create schema floor",
            f"""create table floor.customer (
                customer_key bigint generated always as identity, customer_id bigint not null,
                {", ".join(f"{name} text" for name in TRACKED)},
                effective_start_date timestamptz not null, effective_end_date timestamptz,
                is_current boolean not null, is_inferred boolean not null
            )""",
            f"""insert into floor.customer (customer_id, {_COLUMNS}, effective_start_date, is_current, is_inferred)
            select customer_id, {_COLUMNS}, _snapshot_at, true, false from staging.bench_customers""",
            "alter table floor.customer add primary key (customer_key)",
            "create index on floor.customer (customer_id)",
            "analyze floor.customer",
        )


def _stage_for_floor(warehouse: Warehouse, data: Path, customers: pd.DataFrame) -> None:
    """What the floor reads: the typed rows of the snapshot, analysed."""
    _write(data, customers)
    with warehouse.transaction() as connection:
        run(
            connection,
            "drop table if exists floor.snapshot",
            f"create table floor.snapshot (customer_id bigint, {', '.join(f'{name} text' for name in TRACKED)})",
        )
        copy_in = "copy floor.snapshot from stdin (format csv, header)"
        with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
            copy.write((data / "customers.csv").read_bytes())
        run(connection, "analyze floor.snapshot")


def _merge(warehouse: Warehouse) -> None:
    """The customers as they are, and once more those that changed: they close a version and open one."""
    theirs, ours = (", ".join(f"{alias}.{name}" for name in TRACKED) for alias in ("s", "d"))
    with warehouse.transaction() as connection:
        run(
            connection,
            f"""merge into floor.customer as d
            using (
                select s.*, s.customer_id as standing_id from floor.snapshot as s
                union all
                select s.*, null from floor.snapshot as s
                inner join floor.customer as d on d.customer_id = s.customer_id and d.is_current
                where ({ours}) is distinct from ({theirs})
            ) as s
            on d.customer_id = s.standing_id and d.is_current
            when matched and ({ours}) is distinct from ({theirs})
                then update set effective_end_date = now(), is_current = false
            when not matched then insert (customer_id, {_COLUMNS}, effective_start_date, is_current, is_inferred)
                values (s.customer_id, {theirs}, now(), true, false)""",
        )


def _compare(warehouse: Warehouse, versions: int) -> None:
    """Both ways must have made the same versions, or the figures say nothing; their times differ by the clock."""
    columns = f"customer_id, {_COLUMNS}, is_current"
    with warehouse.transaction() as connection:
        row = connection.execute(
            f"select count(*) from (select {columns} from analytics.dim_bench_customer"
            f" intersect all select {columns} from floor.customer) as agreed"
        ).fetchone()
    if row is None or row[0] != versions:
        raise AssertionError(f"engine and floor agree on {row and row[0]} of {versions} versions")
