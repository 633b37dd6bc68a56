"""The invoicing system's tables: what the replaced system's own examples did works here, and is refused here."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import psycopg
import pytest

from sales_platform.sources.schema import ensure_schema

INVOICE = ("15686725", "2021-11-03", "85850.39", "8585.04", "94435.43")
TABLES = ("clients", "sellers", "products", "invoices", "invoice_items", "payments")


@pytest.fixture
def source(database_url: str) -> Iterator[psycopg.Connection]:
    """A session of a source that holds the one invoice of the replaced system's examples."""
    ensure_schema(database_url, "invoicing")
    with psycopg.connect(database_url, autocommit=True) as connection:
        _create_the_example(connection)
        yield connection


def _create_the_example(connection: psycopg.Connection) -> None:
    connection.execute(
        "insert into sellers (seller_name, seller_address, seller_tax_id, iban) values"
        " ('Seller', 'Street 1', '111-11-1111', 'GB1')"
    )
    connection.execute(
        "insert into invoicing.clients (client_name, client_address, client_tax_id, iban) values"
        " ('Client', 'Street 2', '222-22-2222', 'GB2')"
    )
    connection.execute("insert into products (product_name, unit_price) values ('A', 1), ('B', 2), ('C', 3)")
    connection.execute(
        "insert into invoices (invoice_no, invoice_date, seller_id, client_id, total_net_worth, total_vat,"
        " total_gross_worth) values (%s, %s, 1, 1, %s, %s, %s)",
        INVOICE,
    )
    connection.execute(
        "insert into invoice_items (invoice_id, product_id, item_qty, item_net_price)"
        " values (1, 1, 2, 1), (1, 2, 1, 2), (1, 3, 1, 3)"
    )
    connection.execute(
        "insert into payments (invoice_id, payment_date, payment_method, payment_reference, amount, remarks)"
        " values (1, '2021-11-05', 'BANK_TRANSFER', 'TXN-20211103-889', 50000.00,"
        " 'Partial payment received')"
    )


def _one(connection: psycopg.Connection, query: str) -> tuple[object, ...]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return tuple(row)


def test_an_invoice_is_read_with_seller_client_products_and_payments(source: psycopg.Connection) -> None:
    rows = source.execute(
        "select i.invoice_no, s.seller_name, c.client_name, p.product_name, t.item_vat_rate, y.amount, i.status"
        " from invoices i join sellers s using (seller_id) join clients c using (client_id)"
        " join invoice_items t using (invoice_id) join products p using (product_id)"
        " left join payments y using (invoice_id) order by item_id"
    ).fetchall()
    assert [row[3] for row in rows] == ["A", "B", "C"]
    assert {row[:3] + row[4:] for row in rows} == {
        ("15686725", "Seller", "Client", Decimal("10.00"), Decimal("50000.00"), "UNPAID")
    }


def test_bare_and_qualified_names_are_the_same_table(source: psycopg.Connection) -> None:
    assert _one(source, "select count(*), min(client_id) from clients") == (1, 1)
    assert _one(source, "select count(*), min(client_id) from invoicing.clients") == (1, 1)
    assert _one(source, "show timezone") == ("UTC",)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("invoices", "status = 'PARTIALLY_PAID'"),
        ("products", "unit_price = 9.99"),
        ("clients", "client_address = 'Street 3'"),
        ("sellers", "iban = null"),
    ],
)
def test_a_change_stamps_its_row_with_the_beginning_of_its_transaction(
    source: psycopg.Connection, table: str, change: str
) -> None:
    key = f"{table[:-1]}_id"
    created = _one(source, f"select updated_at from {table} where {key} = 1")
    with source.transaction():
        (began,) = _one(source, "select current_timestamp at time zone 'UTC'")
        source.execute(f"update {table} set {change} where {key} = 1".encode())
    assert _one(source, f"select updated_at from {table} where {key} = 1") == (began,)
    assert began > created[0]  # type: ignore[operator]
    assert _one(source, f"select created_at = updated_at from {table} where {key} = 1") == (False,)


def test_a_stamp_that_the_statement_gives_is_kept(source: psycopg.Connection) -> None:
    source.execute("update products set unit_price = 5, updated_at = '2021-11-03' where product_id = 1")
    assert _one(source, "select updated_at from products where product_id = 1") == (datetime(2021, 11, 3),)


def test_deleting_an_invoice_takes_its_items_and_payments_along(source: psycopg.Connection) -> None:
    source.execute("delete from invoices where invoice_no = '15686725'")
    assert [_one(source, f"select count(*) from {table}")[0] for table in TABLES] == [1, 1, 3, 0, 0, 0]


@pytest.mark.parametrize("member", ["client", "seller"])
def test_deleting_a_party_takes_its_invoices_along(source: psycopg.Connection, member: str) -> None:
    source.execute(f"delete from {member}s where {member}_id = 1".encode())
    for table in ("invoices", "invoice_items", "payments"):
        assert _one(source, f"select count(*) from {table}") == (0,)


def test_a_product_is_deleted_only_while_no_item_refers_to_it(source: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.IntegrityError, match="invoice_items_product_id_fkey"):
        source.execute("delete from products where product_id = 1")
    source.execute("delete from invoice_items where product_id = 1")
    assert source.execute("delete from products where product_id = 1").rowcount == 1


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("insert into invoice_items (invoice_id, product_id, item_qty, item_net_price) values (1, 1, 0, 1)",
         psycopg.errors.CheckViolation),
        ("insert into payments (invoice_id, amount) values (1, 0)", psycopg.errors.CheckViolation),
        ("insert into payments (invoice_id, amount, payment_method) values (1, 1, 'BARTER')",
         psycopg.errors.CheckViolation),
        ("insert into payments (invoice_id, amount) values (7, 1)", psycopg.errors.ForeignKeyViolation),
        ("insert into clients (client_name, client_address, client_tax_id) values ('', '', '222-22-2222')",
         psycopg.errors.UniqueViolation),
        ("insert into invoices (invoice_no, invoice_date, seller_id, client_id)"
         " values ('15686725', now(), 1, 1)", psycopg.errors.UniqueViolation),
        ("insert into products (product_name) values ('D')", psycopg.errors.NotNullViolation),
    ],
)  # fmt: skip
def test_what_the_constraints_forbid_is_refused(
    source: psycopg.Connection, statement: str, refusal: type[psycopg.Error]
) -> None:
    with pytest.raises(refusal):
        source.execute(statement.encode())


def test_every_stamp_that_changes_are_read_by_has_an_index(source: psycopg.Connection) -> None:
    stamps = source.execute(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'invoicing' and column_name in ('created_at', 'updated_at')"
    ).fetchall()
    indexed = source.execute(
        "select c.relname, a.attname from pg_index i join pg_class c on c.oid = i.indrelid"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]"
        " where c.relnamespace = 'invoicing'::regnamespace"
    ).fetchall()
    assert len(stamps) == 10
    assert set(stamps) <= set(indexed)


def test_the_files_run_again_over_an_older_state_without_touching_a_row(database_url: str) -> None:
    ensure_schema(database_url, "invoicing")
    with psycopg.connect(database_url, autocommit=True) as connection:
        _create_the_example(connection)
        connection.execute("drop trigger trg_update_clients on clients; drop index idx_products_name")
        connection.execute("comment on schema invoicing is 'an older one'")
        ensure_schema(database_url, "invoicing")
        assert _one(connection, "select count(*) from pg_trigger where tgname ~ '^trg_update_'") == (4,)
        assert _one(connection, "select count(*) from pg_indexes where indexname = 'idx_products_name'") == (
            1,
        )
        assert _one(connection, "select count(*) from payments") == (1,)


def test_two_processes_may_make_the_schema_at_once(database_url: str) -> None:
    failures: list[BaseException] = []

    def make() -> None:
        try:
            ensure_schema(database_url, "invoicing")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
