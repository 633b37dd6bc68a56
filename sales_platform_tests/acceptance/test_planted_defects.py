"""For each kind of check a defect, planted in a copy of a loaded warehouse, is found by the check meant for it and by
none of an unrelated table.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sales_platform.definitions import defs
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.acceptance.loaded_company import Company, failing, founded, load

# Every constraint of a table goes, so that a defect can be planted which the database itself would refuse.
LOOSEN = """
do $$ declare item record; begin
    for item in select conname from pg_constraint where conrelid = '{table}'::regclass
        order by contype = 'n' loop
        execute format('alter table {table} drop constraint if exists %I cascade', item.conname);
    end loop;
    for item in select i.indexrelid::regclass as name from pg_index as i
        where i.indrelid = '{table}'::regclass and i.indisunique loop
        execute format('drop index %s', item.name);
    end loop;
    for item in select attname from pg_attribute
        where attrelid = '{table}'::regclass and attnum > 0 and attnotnull loop
        execute format('alter table {table} alter column %I drop not null', item.attname);
    end loop;
end $$
"""
YESTERDAY = "(select max(partition) from ops.load where feed = 'channels_transactions')"
# 2 of 3 days: the first one tells when the record begins
FIRST_IN_TIME = """
update ops.load set started_at = (partition::date + 1)::timestamp at time zone 'UTC' + interval '1 hour'
where feed = 'channels_transactions'
and partition = (select min(partition) from ops.load where feed = 'channels_transactions')
"""
TEN_WEEKS_OF_MANY = """
insert into ops.load (feed, partition, source, landed, status, started_at, rows_read, rows_loaded, columns)
select l.feed, day::text, 'a file', true, 'succeeded', day + interval '26 hours', 90000, 90000, l.columns
from ops.load as l, generate_series(1, 70) as back, cast(l.partition::date - back as date) as day
where l.feed = 'retail_sales' and l.partition = (select max(partition) from ops.load where feed = 'retail_sales')
and not exists (select from ops.load as o where o.feed = l.feed and o.partition = day::text)
"""
CLOSED = "(select min(customer_key) from analytics.dim_customer where effective_end_date is not null)"
ONE_INVOICE = "(select min(invoice_id) from staging.invoicing_invoice_items where item_net_worth > 1)"


@dataclass(frozen=True)
class Defect:
    """sql: what plants it. check: `asset:name` of the check meant for it. related: others that it may break as well,
    because they look at the same rows from another side. table: one whose constraints must go first.
    """

    sql: str
    check: str
    related: frozenset[str] = frozenset()
    table: str = ""

    @property
    def kind(self) -> str:
        return kind_of(self.check.partition(":")[2])


def defect(sql: str, check: str, *related: str, table: str = "") -> Defect:
    return Defect(sql, check, frozenset(related), table)


def kind_of(name: str) -> str:
    """Checks whose names hold a table are of one kind."""
    return re.sub(r"^\w+(?=_equals_source$)", "any", re.sub(r"^equals_(?!log$)\w+", "equals_input", name))


DEFECTS = [
    defect(
        "update staging.retail_products set product_name = null where product_id = 1",
        "staging/retail_products:required",
        table="staging.retail_products",
    ),
    defect(
        "insert into staging.retail_stores select * from staging.retail_stores where store_id = 1",
        "staging/retail_stores:unique",
        table="staging.retail_stores",
    ),
    defect(
        "update staging.retail_customer_updates set loyalty_tier = 'Tin'"
        " where customer_id = (select min(customer_id) from staging.retail_customer_updates)",
        "staging/retail_customer_updates:accepted",
        "analytics/dim_customer:equals_log",
    ),
    defect(
        "update staging.retail_products set unit_price = -1 where product_id = 1",
        "staging/retail_products:range",
    ),
    defect(
        "delete from staging.channels_cities where city_key = 2",
        "staging/channels_transactions:reference",
    ),
    defect(
        TEN_WEEKS_OF_MANY,
        "staging/retail_sales:volume",
        # a record that goes back ten weeks lacks days
        "staging/retail_sales:late_files",
    ),
    defect(
        "update ops.watermark set updated_at = now() - interval '30 days' where feed = 'accounts_customers'",
        "staging/accounts_customers:freshness",
    ),
    defect(
        f"update ops.load set status = 'refused' where feed = 'channels_transactions' and partition = {YESTERDAY}",
        "staging/channels_transactions:yesterday_there",
        "staging/channels_transactions:freshness",
    ),
    defect(FIRST_IN_TIME, "staging/channels_transactions:late_files"),
    defect(
        "update ops.load set rows_duplicate = rows_read, rows_loaded = 0 where feed = 'billing_items'",
        "staging/billing_items:duplicate_rate",
    ),
    defect(
        "update ops.load set columns = columns || '{surprise}' where feed = 'retail_stores'",
        "staging/retail_stores:schema_drift",
    ),
    defect(
        f"update analytics.dim_customer set effective_end_date = effective_end_date + interval '1 day'"
        f" where customer_key = {CLOSED}",
        "analytics/dim_customer:history",
        "analytics/dim_customer:equals_log",
        table="analytics.dim_customer",
    ),
    defect(
        f"update analytics.dim_customer set effective_end_date = effective_end_date - interval '1 second'"
        f" where customer_key = {CLOSED}",
        "analytics/dim_customer:no_gap",
        "analytics/dim_customer:equals_log",
    ),
    defect(
        "update analytics.dim_seller set seller_name = 'Nobody'"
        " where seller_key = (select max(seller_key) from analytics.dim_seller)",
        "analytics/dim_seller:equals_log",
    ),
    defect(
        "update analytics.dim_billing_item set item_key = (select max(item_key) from analytics.dim_billing_item)"
        " where item_key = (select min(item_key) from analytics.dim_billing_item where item_key > 0)",
        "analytics/dim_billing_item:unique_key",
        "analytics/dim_billing_item:surrogate_keys",
        "analytics/fact_billing_invoice:keys_resolve",
        # each of its rows meets two members, so that every count of them is another
        "analytics/fact_billing_invoice:grain_unique",
        table="analytics.dim_billing_item",
    ),
    defect(
        "update ops.surrogate_key set business_key = '[999999]'"
        " where surrogate_key = (select max(store_key) from analytics.dim_store)",
        "analytics/dim_store:surrogate_keys",
    ),
    defect(
        "update analytics.fact_sales set store_key = 999999"
        " where sale_id = (select min(sale_id) from analytics.fact_sales)",
        "analytics/fact_sales:keys_resolve",
    ),
    defect(
        "insert into analytics.fact_billing_invoice select * from analytics.fact_billing_invoice"
        " where invoice_id = (select min(invoice_id) from analytics.fact_billing_invoice)",
        "analytics/fact_billing_invoice:grain_unique",
        "analytics/fact_billing_invoice:equals_billing_invoices",
        "marts/billing_sales_daily:equals_fact_billing_invoice",
        table="analytics.fact_billing_invoice",
    ),
    defect(
        "update analytics.fact_transaction set city_key = 0",
        "analytics/fact_transaction:unknown_rate",
    ),
    defect(
        "update analytics.dim_store set is_inferred = true",
        "analytics/fact_sales:inferred_rate",
    ),
    defect(
        "update analytics.fact_payment set amount = amount + 0.01"
        " where payment_id = (select min(payment_id) from analytics.fact_payment)",
        "analytics/fact_payment:equals_invoicing_payments",
        "marts/invoicing_daily:equals_fact_payment",
        "marts/invoicing_collected_daily:equals_fact_payment",
        "marts/invoicing_receivables_daily:equals_fact_invoice",
    ),
    defect(
        "update marts.retail_sales_daily set revenue = revenue + 0.01"
        " where ctid = (select min(ctid) from marts.retail_sales_daily)",
        "marts/retail_sales_daily:equals_fact_sales",
        "marts/revenue_daily:equals_retail_sales_daily",
    ),
    defect(
        "update staging.accounts_accounts set balance = balance + 1"
        " where account_id = (select min(account_id) from staging.accounts_accounts)",
        "staging/accounts_accounts:balance_equals_ledger",
        "ops/accounts_reconciliation:accounts_equals_source",
        "analytics/dim_account:equals_log",
    ),
    defect(
        "update staging.invoicing_invoices set total_net_worth = total_net_worth + 0.01"
        f" where invoice_id = {ONE_INVOICE}",
        "staging/invoicing_invoices:net_equals_items",
        "analytics/fact_invoice:equals_invoicing_invoices",
        "ops/invoicing_reconciliation:invoices_equals_source",
    ),
    defect(
        f"update staging.invoicing_invoices set total_vat = total_vat + 5 where invoice_id = {ONE_INVOICE}",
        "staging/invoicing_invoices:vat_equals_items",
        "analytics/fact_invoice:equals_invoicing_invoices",
        "ops/invoicing_reconciliation:invoices_equals_source",
    ),
    defect(
        "update staging.invoicing_invoices set status = case status when 'PAID' then 'UNPAID' else 'PAID' end"
        f" where invoice_id = {ONE_INVOICE}",
        "staging/invoicing_invoices:payments_fit_status",
        "analytics/fact_invoice:equals_invoicing_invoices",
        "ops/invoicing_reconciliation:invoices_equals_source",
    ),
    defect(
        "delete from staging.invoicing_products where product_id = 1",
        "ops/invoicing_reconciliation:products_equals_source",
        "analytics/dim_catalog_product:equals_log",
    ),
    defect("", "files/channels_transactions:parquet_equals_fact"),
]


@pytest.fixture(scope="module")
def company(
    postgres_server: EmbeddedServer, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Company, str]]:
    """The company, and the name of a database without sessions in which it is loaded."""
    names = {part: f"test_{part}_{uuid.uuid4().hex[:8]}" for part in ("invoicing", "accounts", "loaded")}
    for part, name in names.items():
        postgres_server.create_database(name, migrated_template if part == "loaded" else None)
    made = founded(
        tmp_path_factory.mktemp("company"),
        postgres_server.url(names["invoicing"]),
        postgres_server.url(names["accounts"]),
    )
    load(made, Warehouse(postgres_server.url(names["loaded"])))
    yield made, names["loaded"]
    for name in names.values():
        postgres_server.drop_database(name)


@pytest.fixture
def copy(postgres_server: EmbeddedServer, company: tuple[Company, str]) -> Iterator[Warehouse]:
    """A copy of the loaded warehouse."""
    name = f"test_copy_{uuid.uuid4().hex[:8]}"
    postgres_server.create_database(name, company[1])
    yield Warehouse(postgres_server.url(name))
    postgres_server.drop_database(name)


def test_what_was_just_loaded_passes_every_check(company: tuple[Company, str], copy: Warehouse) -> None:
    assert failing(company[0], copy) == {}


@pytest.mark.parametrize("planted", DEFECTS, ids=lambda planted: planted.check)
def test_a_planted_defect_is_found_by_its_check_and_by_none_of_an_unrelated_table(
    company: tuple[Company, str], copy: Warehouse, tmp_path: Path, planted: Defect
) -> None:
    made = company[0]
    if planted.sql:
        with copy.transaction() as connection:
            if planted.table:
                connection.execute(LOOSEN.replace("{table}", planted.table).encode())
            assert connection.execute(planted.sql.encode()).rowcount > 0
    else:
        made = replace(made, data=shutil.copytree(made.data, tmp_path / "data"))
        next(made.data.rglob("*.parquet")).unlink()

    found = failing(made, copy)

    assert planted.check in found
    assert found.keys() <= {planted.check} | planted.related


def test_every_kind_of_check_has_its_defect() -> None:
    """A new kind of check is not done before a defect is planted for it. Those of backups read no table of the
    warehouse, and their damages are planted where they are tested.
    """
    specs = [spec for checks in defs().asset_checks or () for spec in checks.check_specs]
    kinds = {kind_of(spec.name) for spec in specs if spec.asset_key.path[0] != "backup"}
    assert kinds <= {planted.kind for planted in DEFECTS}
