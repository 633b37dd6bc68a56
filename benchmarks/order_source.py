"""The source of the order benchmarks: its tables, its contracts, what changes in it. Nothing is measured here."""

from __future__ import annotations

from pathlib import Path

from psycopg import sql

from benchmarks.bench_server import run
from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.source import PostgresFeedContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.server import EmbeddedServer

SOURCE = PostgresFeedContract.model_validate(
    {
        "domain": "bench",
        "database": "bench",
        "description": "Orders of ten typed columns, and who ordered",
        "tables": {
            "customers": {"key": ["customer_id"], "cursor": "updated_at", "versions": True},
            "orders": {"key": ["order_id"], "cursor": "updated_at"},
        },
    }
)
DIMENSION = DimensionContract.model_validate(
    {
        "domain": "bench",
        "table": "dim_bench_customer",
        "description": "One row per customer and state",
        "key": ["customer_id"],
        "track": ["name", "city"],
        "events": [{"from": "staging.bench_customers", "valid_from": "_event_at"}],
    }
)
FACT = SqlTableContract.model_validate(
    {
        "domain": "bench",
        "table": "analytics.fact_bench_order",
        "description": "One row per order",
        "grain": ["order_id"],
        "load": "merge",
        "dimensions": {"customer": {"dimension": "dim_bench_customer", "at": "ordered_at"}},
    }
)
_SELECT = """select order_id, customer_id, reference, net, gross, gross - net as vat, ordered_at, ship_on, paid
from staging.bench_orders
"""

COLUMNS = (
    "order_id bigint",
    "reference text",
    "customer_id integer",
    "net numeric(14, 2)",
    "gross numeric(14, 2)",
    "ordered_at timestamptz",
    "updated_at timestamptz",
    "ship_on date",
    "paid boolean",
    "note text",
)
NAMES = tuple(column.split()[0] for column in COLUMNS)
# Orders per customer.
_EACH = 10


def new_source(server: EmbeddedServer, name: str, orders: int) -> SourceDatabase:
    """A database with so many orders and a tenth of that in customers, each stamped at a time of its own."""
    server.create_database(name)
    database = SourceDatabase("bench", server.url(name))
    with Warehouse(database.url).transaction() as connection:
        run(
            connection,
            "create schema bench",
            f"create table bench.orders ({', '.join(f'{column} not null' for column in COLUMNS)})",
            "create table bench.customers (customer_id integer, name text, city text, updated_at timestamptz)",
            f"""insert into bench.orders
            select n, 'order-' || n, 1 + n % {max(orders // _EACH, 1)}, n % 900000 / 100.0, n % 900000 / 100.0 * 1.21,
                timestamptz '2025-06-01' - n * interval '1 second', timestamptz '2025-06-02' - n * interval '1 second',
                date '2025-06-02' - n % 400, n % 3 = 0, 'as agreed on the phone, part ' || n % 17
            from generate_series(1, {orders}) as n""",
            f"""insert into bench.customers
            select n, 'name ' || n, 'city ' || n % 100, timestamptz '2020-01-01' + n * interval '1 second'
            from generate_series(1, {max(orders // _EACH, 1)}) as n""",
            "alter table bench.orders add primary key (order_id)",
            "alter table bench.customers add primary key (customer_id)",
            "create index on bench.orders (updated_at)",
            "create index on bench.customers (updated_at)",
        )
    vacuum(Warehouse(database.url))
    return database


def vacuum(database: Warehouse) -> None:
    """What the server would do some minutes later; it is not part of what is measured."""
    with database.connect(autocommit=True) as connection:
        connection.execute("vacuum analyze")


def change(database: SourceDatabase, table: str, rows: int, step: int) -> None:
    """Change rows that lie scattered over the whole table, other ones in each step, as one commit."""
    what = "net = net + 1, paid = not paid" if table == "orders" else "city = city || 'x'"
    statement = """
        update {table} set {what}, updated_at = clock_timestamp() where {key} in (
            select 1 + ({step} % s.apart) + i * s.apart
            from (select greatest(max({key}) / {rows}, 1) as apart from {table}) as s,
                generate_series(0, {rows} - 1) as i
        )
    """
    with Warehouse(database.url).transaction() as connection:
        connection.execute(
            sql.SQL(statement).format(
                table=sql.Identifier("bench", table),
                what=sql.SQL(what),
                key=sql.Identifier("order_id" if table == "orders" else "customer_id"),
                rows=sql.Literal(rows),
                step=sql.Literal(step),
            )
        )


def catalog_in(folder: Path) -> Catalog:
    """Source, dimension and fact, with the fact's SQL in that folder."""
    catalog = Catalog(root=folder)
    for contract in (SOURCE, DIMENSION, FACT):
        catalog.add(contract)
    select = folder / FACT.sql_path
    select.parent.mkdir(parents=True)
    select.write_text(_SELECT)
    return catalog
