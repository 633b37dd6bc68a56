"""Marts of a few rows, small enough to add up by hand."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.local.server import EmbeddedServer
from sales_platform.metrics.reading import reading
from sales_platform_tests.conftest import _fresh_database

MARTS = """
create table marts.channels_daily as
select d::date as day, ch as channel_name, city as city_name, state, 'South' as region, 'Retail' as segment,
    n as transactions, failed as failed_transactions, n - failed as successful_transactions,
    amount::numeric as successful_payment_volume, amount::numeric as attempted_amount
from (values
    ('2025-01-31', 'UPI', 'Pune', 'MH', 10, 1, '5.00'),
    ('2025-02-28', 'UPI', 'Pune', 'MH', 10, 0, '7.00'),
    ('2026-01-31', 'UPI', 'Pune', 'MH', 3, 2, '100.10'),
    ('2026-02-01', 'UPI', 'Pune', 'MH', 4, 1, '200.20'),
    ('2026-02-01', 'Card', 'Delhi', 'DL', 1, 0, '0.30'),
    ('2026-02-09', 'Card', 'Pune', 'MH', 2, 2, '0'),
    ('2026-02-28', '50%''s <b>', null, 'MH', 1, 1, '1')
) as v (d, ch, city, state, n, failed, amount);
create table marts.accounts_net_flow_daily as
select d::date as day, c as currency, n::numeric as net_flow, n::numeric as credits, 0 as debits,
    1::bigint as transactions
from (values ('2026-02-01', 'USD', '10'), ('2026-02-01', 'EUR', '7'), ('2026-02-02', 'USD', '-4')) as v (d, c, n);
create table marts.invoicing_receivables_daily as
select d::date as day, age as age_bucket, n::numeric as open_amount, 1::bigint as invoices
from (values ('2026-01-30', '0-30', '5'), ('2026-01-31', '0-30', '20'), ('2026-01-31', '31-60', '1'),
    ('2026-02-01', '0-30', '9'), ('2026-02-01', '31-60', '2')) as v (d, age, n);
create table marts.invoicing_collected_daily as
select d::date as day, client as client_id, name as client_name, 1 as seller_id, 'S' as seller_name,
    1::bigint as payments, n::numeric as collected_amount
from (values ('2026-01-05', 7, 'Old name', '1'), ('2026-01-06', 7, 'New name', '2'), ('2026-01-07', 8, 'New name', '4'))
    as v (d, client, name, n);
create table marts.retail_sales_daily as
select d::date as day, customer as customer_id, tier as loyalty_tier, 'Shop' as store_name, n::bigint as sales
from (values ('2026-02-01', 1, 'gold', 1), ('2026-02-02', 1, 'silver', 2), ('2026-02-02', 2, 'gold', 4),
    ('2026-02-02', null, 'Unknown', 8), ('2026-02-02', 3, 'gold', 16)) as v (d, customer, tier, n);
create table analytics.dim_customer as
select c as customer_id, tier as loyalty_tier, now as is_current
from (values (1, 'gold', false), (1, 'silver', true), (2, 'gold', true), (3, 'gold', false)) as v (c, tier, now);
insert into ops.table_version (table_name, version) values ('marts.channels_daily', 41);
"""


@pytest.fixture(scope="module")
def marts_url(postgres_server: EmbeddedServer, migrated_template: str) -> Iterator[str]:
    for url in _fresh_database(postgres_server, migrated_template):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(MARTS)
        yield url


@pytest.fixture
def reader(marts_url: str) -> Iterator[Connection]:
    with reading(Warehouse(marts_url), timeout_seconds=20) as connection:
        yield connection
