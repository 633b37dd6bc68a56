"""Marts of three years, made in the server out of a million sales and as many payments, in no time to speak of."""

from __future__ import annotations

from datetime import date

from benchmarks.bench_server import run
from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.publish import publish_table
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Connection, Warehouse

FIRST, LAST = date(2023, 1, 1), date(2025, 12, 31)
DAYS = (LAST - FIRST).days + 1
CUSTOMERS, PRODUCTS, STORES = 10_000, 200, 20

# A customer has two versions; key + CUSTOMERS is the current one. Multiplied by primes, so that nothing is in step.
DIMENSIONS = (
    f"""create table analytics.dim_customer as
    select n as customer_key, (n - 1) % {CUSTOMERS} + 1 as customer_id, n > {CUSTOMERS} as is_current,
        (array['Bronze', 'Silver', 'Gold', 'Platinum'])[(n * 7 / 5) % 4 + 1] as loyalty_tier
    from generate_series(1, 2 * {CUSTOMERS}::bigint) as n""",
    f"""create table analytics.dim_product as
    select n as product_key, 'Product ' || n as product_name, 'Category ' || n % 12 as category
    from generate_series(1, {PRODUCTS}::bigint) as n""",
    f"""create table analytics.dim_store as
    select n as store_key, 'Store ' || n as store_name, 'Region ' || n % 4 as region
    from generate_series(1, {STORES}::bigint) as n""",
    "alter table analytics.dim_customer add primary key (customer_key)",
    "alter table analytics.dim_product add primary key (product_key)",
    "alter table analytics.dim_store add primary key (store_key)",
    "create index on analytics.dim_customer (customer_id)",
)
FACT = (
    f"""create table analytics.fact_sales as
    select (date '{FIRST}' + (n % {DAYS})::integer)::text as _partition, n as sale_id,
        n * 7919 % {CUSTOMERS} + 1 as customer_id,
        n * 7919 % {CUSTOMERS} + 1 + case when n % {DAYS} > {DAYS // 2} then {CUSTOMERS} else 0 end as customer_key,
        n * 104729 / 3 % {PRODUCTS} + 1 as product_key, n * 1299709 / 7 % {STORES} + 1 as store_key,
        (n % 5 + 1)::integer as quantity, ((n % 99991 + 100) / 100.0)::numeric(14, 2) as revenue,
        n % 50 = 0 as customer_version_inferred
    from generate_series(1, {{rows}}::bigint) as n""",
    "alter table analytics.fact_sales add primary key (sale_id)",
    "create index on analytics.fact_sales (_partition)",
)
PAYMENTS = (
    f"""create table marts.channels_daily as
    select d.day::text as _partition, d.day, 'Channel ' || p.channel as channel_name, 'City ' || p.city as city_name,
        'State ' || p.city % 8 as state, 'Region ' || p.city % 4 as region, 'Segment ' || p.segment as segment,
        p.transactions, p.transactions - p.failed as successful_transactions, p.failed as failed_transactions,
        p.amount as attempted_amount, p.amount * 0.9 as successful_payment_volume, p.amount * 0.1 as failed_amount,
        p.amount * 0.01 as fee_amount, p.amount * 0.009 as revenue, 0::bigint as transactions_without_fee,
        p.transactions * 3 as processing_time_sum, p.transactions as processing_time_count
    from (
        select n % {DAYS} as number, n * 7919 / 3 % 4 as channel, n * 104729 / 5 % 20 as city, n / 7 % 3 as segment,
            count(*) as transactions, count(*) filter (where n % 10 = 0) as failed,
            sum((n % 99991 + 100) / 100.0)::numeric(18, 2) as amount
        from generate_series(1, {{rows}}::bigint) as n
        group by 1, 2, 3, 4
    ) as p,
    lateral (select date '{FIRST}' + p.number::integer as day) as d""",
    "alter table marts.channels_daily add primary key (day, channel_name, city_name, segment)",
)
# What the revenue of all domains reads beside them.
OTHERS = (
    """create table marts.invoicing_daily (
        invoice_date_key integer, client_key bigint, seller_key bigint, day date, net_amount numeric,
        gross_amount numeric, primary key (invoice_date_key, client_key, seller_key)
    )""",
    """create table marts.invoicing_collected_daily (
        payment_date_key integer, client_key bigint, seller_key bigint, day date, collected_amount numeric,
        primary key (payment_date_key, client_key, seller_key)
    )""",
    """create table marts.billing_sales_daily (
        issue_date_key integer, customer_key bigint, status_key bigint, day date, status_name text,
        sales_amount numeric, primary key (issue_date_key, customer_key, status_key)
    )""",
)
EMPTY = ("marts.invoicing_daily", "marts.invoicing_collected_daily", "marts.billing_sales_daily")
PUBLISHED = ("marts.retail_sales_daily", "marts.revenue_daily")


def fill(warehouse: Warehouse, rows: int) -> None:
    """So many sales and so many payments, evenly over the days; the marts of sales and of all revenue by publication.
    Invoicing and billing stay empty.
    """
    with warehouse.transaction() as connection:
        run(connection, *DIMENSIONS, *(text.format(rows=rows) for text in (*FACT, *PAYMENTS)), *OTHERS)
        for schema in ("analytics", "marts"):
            run(connection, f"grant select on all tables in schema {schema} to sales_platform_reader")
        _note(connection)
    catalog = read_catalog()
    for name in PUBLISHED:
        publish_table(warehouse, catalog.tables[name])
    settle(warehouse)


def settle(warehouse: Warehouse) -> None:
    """Statistics and visibility as autovacuum leaves them sooner or later."""
    with warehouse.connect(autocommit=True) as connection:
        run(connection, "vacuum analyze")


def _note(connection: Connection) -> None:
    """Say that these tables, and all days of them, are new."""
    days = [
        str(row[0])
        for row in connection.execute(
            "select d::date::text from generate_series(%s::date, %s::date, '1 day') as d", [FIRST, LAST]
        )
    ]
    for name in ("analytics.fact_sales", "marts.channels_daily"):
        publish_versions(connection, name, days)
    for name in EMPTY:
        publish_versions(connection, name)
