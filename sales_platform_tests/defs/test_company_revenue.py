"""The mart of all domains side by side, made of marts that are small enough to add up by hand."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.changed_keys import note_changed_keys
from sales_platform.engine.publish import publish_table
from sales_platform.engine.reports import TableReport
from sales_platform.engine.tables import TableName
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Warehouse
from sales_platform_tests.components.judged import broken

MART = read_catalog().tables["marts.revenue_daily"]
RETAIL, BILLING = "marts.retail_sales_daily", "marts.billing_sales_daily"
MARTS = """
create table marts.retail_sales_daily as
select d as _partition, d::date as day, r::numeric as revenue from (values
    ('2026-02-01', '1.10'), ('2026-02-01', '2.20'), ('2026-02-02', '5')) as v (d, r);
create table marts.invoicing_daily as
select d::date as day, g::numeric as gross_amount, n::numeric as net_amount from (values
    ('2026-02-01', '110', '100'), (null, '0', '0')) as v (d, g, n);
create table marts.invoicing_collected_daily as
select d::date as day, c::numeric as collected_amount from (values ('2026-02-03', '60')) as v (d, c);
create table marts.billing_sales_daily as
select d::date as day, s as status_name, a::numeric as sales_amount from (values
    ('2026-02-01', 'PAID', '7'), ('2026-02-01', 'CANCELLED', '8'), ('2026-02-02', 'REFUNDED', '9')) as v (d, s, a);
create table marts.channels_daily as
select d as _partition, d::date as day, v::numeric as successful_payment_volume, f::numeric as revenue from (values
    ('2026-02-02', '200', '0.0125')) as v (d, v, f);
alter table marts.invoicing_daily add column n serial primary key;
alter table marts.invoicing_collected_daily add column n serial primary key;
alter table marts.billing_sales_daily add column n serial primary key;
"""
ROWS = [
    ("2026-02-01", "billing", "billed", "USD", "15"),
    ("2026-02-01", "billing", "billed_net_of_cancelled", "USD", "7"),
    ("2026-02-01", "invoicing", "invoiced_gross", "USD", "110"),
    ("2026-02-01", "invoicing", "invoiced_net", "USD", "100"),
    ("2026-02-01", "retail", "retail_revenue", "USD", "3.30"),
    ("2026-02-02", "billing", "billed", "USD", "9"),
    ("2026-02-02", "channels", "fee_revenue", "INR", "0.0125"),
    ("2026-02-02", "channels", "payment_volume", "INR", "200"),
    ("2026-02-02", "retail", "retail_revenue", "USD", "5"),
    ("2026-02-03", "invoicing", "collected", "USD", "60"),
]


class Company:
    def __init__(self, url: str) -> None:
        self.warehouse = Warehouse(url)
        self.execute(MARTS)
        with self.warehouse.transaction() as connection:
            for name in ("invoicing_daily", "invoicing_collected_daily", "billing_sales_daily"):
                publish_versions(connection, f"marts.{name}")
            publish_versions(connection, RETAIL, ["2026-02-01", "2026-02-02"])
            publish_versions(connection, "marts.channels_daily", ["2026-02-02"])
        self.publish()

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.warehouse.url) as connection:
            done = connection.execute(statement.encode())
            return done.fetchall() if done.description else []

    def publish(self) -> TableReport:
        return publish_table(self.warehouse, MART)

    def rows(self) -> list[tuple[Any, ...]]:
        return self.execute(
            "select day::text, domain, measure, currency, amount::text from marts.revenue_daily order by 1, 2, 3"
        )

    def retail_day_replaced(self, day: str) -> None:
        with self.warehouse.transaction() as connection:
            publish_versions(connection, RETAIL, [day])

    def billing_changed(self, *days: str) -> None:
        with self.warehouse.transaction() as connection:
            publish_versions(connection, BILLING)
            days_sql = sql.SQL("(select unnest({}::date []) as day)").format(list(days))
            note_changed_keys(connection, TableName.parse(BILLING), ["day"], days_sql)


@pytest.fixture
def company(warehouse_url: str) -> Company:
    return Company(warehouse_url)


def test_every_measure_and_currency_has_rows_of_its_own(company: Company) -> None:
    assert company.rows() == ROWS
    with company.warehouse.transaction() as connection:
        assert broken(connection, MART) == []


def test_the_rows_of_a_changed_day_are_found_by_index(company: Company) -> None:
    found = company.execute(
        "select tablename from pg_indexes where schemaname = 'marts' and indexdef like '%(day)' order by 1"
    )
    # marts of days have their day in front of their key
    assert found == [("billing_sales_daily",), ("invoicing_collected_daily",), ("invoicing_daily",)]


def test_a_changed_day_updates_that_day_and_reads_no_other(company: Company) -> None:
    versions = dict(company.execute("select day::text || measure, xmin::text from marts.revenue_daily"))
    # the second of February changes too, but nobody says so: it is not looked at
    company.execute(f"update {RETAIL} set revenue = revenue + 1")
    company.retail_day_replaced("2026-02-01")
    report = company.publish()
    assert (report.inserted, report.deleted) == (1, 1)
    assert [row[4] for row in company.rows() if row[2] == "retail_revenue"] == ["5.30", "5"]
    company.billing_changed()  # the first note begins the list of changed days: all is looked at once
    company.publish()
    company.execute(f"update {BILLING} set sales_amount = sales_amount * 10")
    company.billing_changed("2026-02-02")
    company.publish()
    assert [row[4] for row in company.rows() if row[2] == "billed"] == ["15", "90"]
    after = dict(company.execute("select day::text || measure, xmin::text from marts.revenue_daily"))
    assert {key for key in after if after[key] != versions[key]} == {
        "2026-02-01retail_revenue",
        "2026-02-02retail_revenue",
        "2026-02-02billed",
    }


def test_a_day_that_a_domain_takes_back_leaves_the_mart(company: Company) -> None:
    company.execute(f"delete from {RETAIL} where day = '2026-02-02'")
    company.retail_day_replaced("2026-02-02")
    company.publish()
    assert company.rows() == [row for row in ROWS if row[:2] != ("2026-02-02", "retail")]


def test_an_amount_that_its_domain_does_not_have_is_told(company: Company) -> None:
    company.execute("update marts.revenue_daily set amount = amount + 0.01 where measure = 'fee_revenue'")
    with company.warehouse.transaction() as connection:
        assert broken(connection, MART) == ["equals_channels_daily"]
