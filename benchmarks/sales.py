"""A million sales from CSV to published fact, against the same tables filled by hand-written SQL."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.bench_server import fresh_warehouse, run, settle
from benchmarks.measuring import Measured, Memory, Result, seconds
from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.publish import publish_table
from sales_platform.engine.warehouse import Warehouse

DAY = date(2025, 6, 1)
CUSTOMERS, PRODUCTS, STORES = 10_000, 200, 20


def measure(rows: int, rounds: int) -> list[Result]:
    """Rounds of: everything empty but the dimensions, then the engine's load, then the floor's."""
    engine, floor, peaks = [], [], []
    catalog = read_catalog()
    for _ in range(rounds):
        with fresh_warehouse() as (warehouse, data):
            sales = _write_files(data, rows)
            _load_dimensions(warehouse, catalog, data)
            settle(warehouse)
            spent, peak = _in_own_process(warehouse, data)
            engine.append(spent)
            peaks.append(peak)
            settle(warehouse)
            floor.append(seconds(_floor, warehouse, sales))
            _compare(warehouse, rows)
    return [
        Measured(f"{rows:,} sales, CSV to published fact", engine, floor, 1.5),
        Memory("  peak memory of the loading process", max(peaks), 200),
    ]


def _write_files(data: Path, rows: int) -> Path:
    (data / "retail").mkdir(parents=True)
    numbers = np.random.default_rng(7)
    ids = np.arange(1, CUSTOMERS + 1)
    pd.DataFrame(
        {
            "customer_id": ids,
            "full_name": [f"Name {n}" for n in ids],
            "email": [f"user{n}@example.com" for n in ids],
            "loyalty_tier": "Bronze",
            "created_at": "2024-01-01T00:00:00",
        }
    ).to_csv(data / "retail/customers.csv", index=False)
    pd.DataFrame(
        {
            "customer_id": ids[::3],
            "full_name": [f"Name {n}" for n in ids[::3]],
            "email": [f"user{n}@example.com" for n in ids[::3]],
            "loyalty_tier": "Gold",
            "updated_at": "2025-06-01T12:00:00",
        }
    ).to_csv(data / "retail/customer_updates.csv", index=False)
    products = np.arange(1, PRODUCTS + 1)
    pd.DataFrame({"product_id": products, "product_name": "P", "category": "C", "unit_price": 9.5}).to_csv(
        data / "retail/products.csv", index=False
    )
    stores = np.arange(1, STORES + 1)
    pd.DataFrame({"store_id": stores, "store_name": "S", "region": "R"}).to_csv(
        data / "retail/stores.csv", index=False
    )
    moments = pd.Timestamp(DAY) + pd.to_timedelta(numbers.integers(0, 86_400, rows), unit="s")
    quantity = numbers.integers(1, 6, rows)
    path = data / f"retail/sales/{DAY:%Y/%m/%d}/sales.csv"
    path.parent.mkdir(parents=True)
    pd.DataFrame(
        {
            "sale_id": np.arange(1, rows + 1),
            "customer_id": numbers.integers(1, CUSTOMERS + 1, rows),
            "product_id": numbers.integers(1, PRODUCTS + 1, rows),
            "store_id": numbers.integers(1, STORES + 1, rows),
            "sale_timestamp": moments.strftime("%Y-%m-%dT%H:%M:%S"),
            "quantity": quantity,
            "revenue": np.round(quantity * numbers.integers(350, 45_000, rows) / 100, 2),
        }
    ).to_csv(path, index=False)
    return path


def _load_dimensions(warehouse: Warehouse, catalog: Catalog, data: Path) -> None:
    for name in ("customers", "customer_updates", "products", "stores"):
        feed = catalog.feeds[f"retail_{name}"]
        load_files(warehouse, feed, [locate(data, feed.path, None)])
    for dimension in catalog.dimensions.values():
        if dimension.domain == "retail":
            refresh_dimension(warehouse, dimension)
    publish_table(warehouse, catalog.tables["analytics.dim_date"])


def _in_own_process(warehouse: Warehouse, data: Path) -> tuple[float, float]:
    """Seconds of the load, and the peak memory of the process that does it."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.loading", str(data), DAY.isoformat()],
        env={**os.environ, "WAREHOUSE_URL": warehouse.url},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    spent, peak = answer.stdout.split()
    return float(spent), float(peak)


def _floor(warehouse: Warehouse, sales: Path) -> None:
    """The same three tables with the same keys and indexes; casts as they come, nothing judged, nothing counted."""
    with warehouse.transaction() as connection:
        run(
            connection,
            "create schema floor",
            """create table floor.raw_sales (
                sale_id text, customer_id text, product_id text, store_id text, sale_timestamp text, quantity text,
                revenue text, _load_id bigint not null default 1, _partition text not null default '2025-06-01',
                _source_row bigint generated always as identity
            )""",
            "create index on floor.raw_sales (_load_id, _source_row)",
        )
        copy_in = (
            "copy floor.raw_sales (sale_id, customer_id, product_id, store_id, sale_timestamp, quantity, revenue)"
            " from stdin (format csv, header)"
        )
        with sales.open("rb") as stream, connection.cursor() as cursor, cursor.copy(copy_in) as copy:
            while chunk := stream.read(1 << 20):
                copy.write(chunk)
        run(
            connection,
            """create table floor.staged_sales as
            select sale_id::bigint, customer_id::bigint, product_id::bigint, store_id::bigint,
                sale_timestamp::timestamp at time zone 'UTC' as sale_timestamp, quantity::integer,
                revenue::numeric(14, 2), _load_id, _partition, _source_row
            from floor.raw_sales""",
            "alter table floor.staged_sales add primary key (sale_id)",
            "create index on floor.staged_sales (_partition)",
            """create table floor.fact_sales as
            select s._partition, s.sale_id, s.customer_id, s.product_id, s.store_id, s.sale_timestamp,
                to_char(s.sale_timestamp, 'YYYYMMDD')::integer as sale_date_key, s.quantity,
                round(s.revenue / s.quantity, 4) as unit_price, s.revenue,
                coalesce(c.customer_key, 0) as customer_key, c.customer_key is null as customer_version_inferred,
                coalesce(p.product_key, 0) as product_key, coalesce(st.store_key, 0) as store_key
            from floor.staged_sales as s
            left join analytics.dim_customer as c on c.customer_id = s.customer_id
                and c.effective_start_date <= s.sale_timestamp
                and (c.effective_end_date is null or s.sale_timestamp < c.effective_end_date)
            left join analytics.dim_product as p on p.product_id = s.product_id
            left join analytics.dim_store as st on st.store_id = s.store_id""",
            "alter table floor.fact_sales add primary key (sale_id)",
            "create index on floor.fact_sales (_partition)",
            "create index on floor.fact_sales (customer_id)",
            "create index on floor.fact_sales (product_id)",
            "create index on floor.fact_sales (store_id)",
        )


def _compare(warehouse: Warehouse, rows: int) -> None:
    """Both ways must have made the same fact, or the figures say nothing."""
    columns = "sale_id, customer_key, product_key, store_key, sale_date_key, quantity, revenue"
    with warehouse.transaction() as connection:
        row = connection.execute(
            f"select count(*) from (select {columns} from analytics.fact_sales"
            f" intersect select {columns} from floor.fact_sales) as agreed"
        ).fetchone()
    if row is None or row[0] != rows:
        raise AssertionError(f"engine and floor agree on {row and row[0]} of {rows} sales")
