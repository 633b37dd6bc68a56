"""Writes clean invoice documents into the tables of the simulated source. Judges none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection
from sales_platform.sources.invoicing.document_payments import pay
from sales_platform.sources.invoicing.documents import Document, Item
from sales_platform.sources.invoicing.register import CLIENTS, PRODUCTS, SELLERS, Register

_PRODUCT_NAME_LENGTH = 255


@dataclass(frozen=True)
class WrittenDocuments:
    """loaded: invoices that are new; unchanged: that the source knew by number. payments: rows that are new."""

    loaded: int
    unchanged: int
    payments: int


def write_documents(
    url: str,
    documents: Sequence[Document],
    *,
    payment_seed: int | None = None,
    lock_timeout_seconds: int = 60,
) -> WrittenDocuments:
    """Write documents in the order of their dates, in one transaction; each invoice number once and for all.

    Every row bears its document's date as created_at and updated_at. payment_seed: pay the invoices of these documents
    that have no payment yet (SOURCES 1.3). Raises what `translate` makes of the server's errors.
    """
    options = f"-c TimeZone=UTC -c lock_timeout={lock_timeout_seconds * 1000}"
    with (
        translated("invoicing"),
        psycopg.connect(
            url, options=options, application_name="sales_platform", connect_timeout=10
        ) as connection,
    ):
        connection.execute("select pg_advisory_xact_lock(hashtextextended('import invoicing documents', 0))")
        loaded = _write(connection, documents)
        numbers = [document.invoice_no for document in documents]
        payments = 0 if payment_seed is None else pay(connection, numbers, payment_seed)
    return WrittenDocuments(loaded, len(documents) - loaded, payments)


def _write(connection: Connection, documents: Sequence[Document]) -> int:
    """Insert the invoices that are new; returns how many."""
    known = _known(connection, documents)
    fresh = [document for document in documents if document.invoice_no not in known]
    sellers = Register(connection, SELLERS, {document.seller.tax_id for document in fresh})
    clients = Register(connection, CLIENTS, {document.client.tax_id for document in fresh})
    products = Register(
        connection, PRODUCTS, {item.description for document in fresh for item in document.items}
    )
    loaded = 0
    for document in sorted(fresh, key=lambda document: (document.invoice_date, document.line)):
        loaded += _write_one(connection, document, sellers, clients, products)
    return loaded


def _known(connection: Connection, documents: Sequence[Document]) -> set[str]:
    numbers = [document.invoice_no for document in documents]
    found = connection.execute(
        "select invoice_no from invoicing.invoices where invoice_no = any(%s)", [numbers]
    )
    return {number for (number,) in found}


def _write_one(
    connection: Connection, document: Document, sellers: Register, clients: Register, products: Register
) -> bool:
    """Write one document; False where its number was taken by now."""
    day, seller, client = document.invoice_date, document.seller, document.client
    told = {"seller_name": seller.name, "seller_address": seller.address, "iban": document.iban}
    seller_id = sellers.member(seller.tax_id, told, day)
    # The account on a document is where to pay: the seller's, never the client's.
    client_id = clients.member(
        client.tax_id, {"client_name": client.name, "client_address": client.address}, day
    )
    totals = (document.total_net_worth, document.total_vat, document.total_gross_worth)
    row = connection.execute(
        """
        insert into invoicing.invoices (
            invoice_no, invoice_date, seller_id, client_id, total_net_worth, total_vat, total_gross_worth, status,
            created_at, updated_at
        ) values (%s, %s, %s, %s, %s, %s, %s, 'UNPAID', %s, %s) on conflict (invoice_no) do nothing returning invoice_id
        """,
        [document.invoice_no, day, seller_id, client_id, *totals, day, day],
    ).fetchone()
    if row is None:
        return False
    _write_items(connection, document, row[0], products)
    return True


def _write_items(connection: Connection, document: Document, invoice_id: int, products: Register) -> None:
    # A product that stands twice on one document has the price of its last line.
    last = {item.description: item for item in document.items}
    ids = {name: _product(products, item, document) for name, item in last.items()}
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into invoicing.invoice_items (
                invoice_id, product_id, item_qty, item_net_price, item_net_worth, item_vat_rate, item_gross_worth,
                created_at
            ) values (%s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (
                    invoice_id,
                    ids[item.description],
                    item.qty,
                    item.net_price,
                    item.net_worth,
                    item.vat_rate,
                    item.gross_worth,
                    document.invoice_date,
                )
                for item in document.items
            ],
        )


def _product(products: Register, item: Item, document: Document) -> int:
    return products.member(
        item.description,
        {"unit_price": item.net_price, "vat_rate": item.vat_rate},
        document.invoice_date,
        once={"product_name": item.description[:_PRODUCT_NAME_LENGTH]},
    )
