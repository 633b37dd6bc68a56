"""What a user of the invoicing system does within a transaction, one function per deed. No thread, no commit.

A function answers whether there was something to do: an empty table offers no row to change. Rows that
another session holds are passed over, as a clerk leaves alone what a colleague has open.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from sales_platform.sources.invoicing.amounts import Line, totals
from sales_platform.sources.invoicing.draws import Draws, Party, tax_id
from sales_platform.sources.invoicing.history import invoice_number, item_values
from sales_platform.sources.invoicing.payments import REMARK, draw_payment, status_of
from sales_platform.sources.invoicing.sessions import DOMAIN

Change = Callable[[psycopg.Connection, Draws], bool]
Row = tuple[Any, ...]


@dataclass(frozen=True)
class _Kind:
    """A deed, the name it is counted under, and how often it is done compared with the others."""

    name: str
    change: Change
    weight: int


def new_client(conn: psycopg.Connection, draws: Draws) -> bool:
    return _new_party(conn, "client", draws.client)


def _new_party(conn: psycopg.Connection, member: str, draw: Callable[[str], Party]) -> bool:
    key = _next_key(conn, f"{member}s", f"{member}_id")
    party = draw(tax_id(900_000_000 + key % 100_000_000))
    columns = [f"{member}_{part}" for part in ("id", "name", "address", "tax_id")]
    _insert(
        conn, f"{member}s", [*columns, "iban"], (key, party.name, party.address, party.tax_id, party.iban)
    )
    return True


def new_product(conn: psycopg.Connection, draws: Draws) -> bool:
    article = draws.article()
    columns = ["product_name", "product_description", "unit_price", "vat_rate"]
    values = (article.name, article.description, article.unit_price, article.vat_rate)
    _insert(conn, "products", columns, values)
    return True


def new_invoice(conn: psycopg.Connection, draws: Draws) -> bool:
    """An invoice of today with its items at today's prices; unpaid."""
    seller = _some_row(conn, draws, "sellers", "seller_id")
    client = _some_row(conn, draws, "clients", "client_id")
    lines = _lines(conn, draws)
    if not seller or not client or not lines:
        return False
    key = _next_key(conn, "invoices", "invoice_id")
    today = datetime.now(UTC).date()
    total = totals(lines)
    _insert(
        conn,
        "invoices",
        ["invoice_id", "invoice_no", "invoice_date", "seller_id", "client_id", "total_net_worth", "total_vat",
         "total_gross_worth"],
        (key, invoice_number(today, key), today, seller[0], client[0], total.net, total.vat, total.gross),
    )  # fmt: skip
    columns = ["invoice_id", "product_id", "item_qty", "item_net_price", "item_net_worth", "item_vat_rate",
               "item_gross_worth"]  # fmt: skip
    for line in lines:
        _insert(conn, "invoice_items", columns, (key, *item_values(line)))
    return True


def _lines(conn: psycopg.Connection, draws: Draws) -> list[Line]:
    products: dict[int, Row] = {}
    for _ in range(draws.line_count()):
        row = _some_row(conn, draws, "products", "product_id", "unit_price", "coalesce(vat_rate, 10)")
        if row:
            products[row[0]] = row
    return [draws.line(*row) for row in products.values()]


def payment(conn: psycopg.Connection, draws: Draws) -> bool:
    """Pay what is due of an open invoice or a part of it; the invoice's status follows.

    The invoice stays locked from before its payments are added up, so that two payments never exceed it.
    """
    found = _some_row(
        conn, draws, "invoices", "invoice_id", "invoice_no", "total_gross_worth",
        where="status <> 'PAID' and total_gross_worth > 0", lock="for no key update skip locked",
    )  # fmt: skip
    if not found:
        return False
    invoice, number, gross = found
    paid = _paid(conn, invoice)
    today = datetime.now(UTC).date()
    if paid < gross:
        drawn = draw_payment(draws.rng, number, today, gross - paid)
        columns = ["invoice_id", "payment_date", "payment_method", "payment_reference", "amount", "remarks"]
        _insert(
            conn, "payments", columns, (invoice, today, drawn.method, drawn.reference, drawn.amount, REMARK)
        )
        paid += drawn.amount
    status = status_of(gross, paid)
    conn.execute("update invoicing.invoices set status = %s where invoice_id = %s", [status, invoice])
    return True


def _paid(conn: psycopg.Connection, invoice: int) -> Decimal:
    query = "select coalesce(sum(amount), 0) from invoicing.payments where invoice_id = %s"
    row = conn.execute(query, [invoice]).fetchone()
    return Decimal(row[0]) if row else Decimal(0)


def changed_client(conn: psycopg.Connection, draws: Draws) -> bool:
    return _changed_party(conn, draws, "client")


def changed_seller(conn: psycopg.Connection, draws: Draws) -> bool:
    return _changed_party(conn, draws, "seller")


def _changed_party(conn: psycopg.Connection, draws: Draws, member: str) -> bool:
    columns: dict[str, Callable[[], Any]] = {
        f"{member}_name": draws.company,
        f"{member}_address": draws.address,
        f"{member}_tax_id": lambda: tax_id(draws.rng.randrange(100_000_000)),
        "iban": draws.iban,
    }
    return _changed(conn, draws, f"{member}s", f"{member}_id", columns)


def changed_product(conn: psycopg.Connection, draws: Draws) -> bool:
    columns = {
        "product_name": draws.article_name,
        "product_description": draws.article_description,
        "vat_rate": draws.vat_rate,
    }
    return _changed(conn, draws, "products", "product_id", columns)


def _changed(
    conn: psycopg.Connection, draws: Draws, table: str, key: str, columns: dict[str, Callable[[], Any]]
) -> bool:
    row = _some_row(conn, draws, table, key, lock="for no key update skip locked")
    if not row:
        return False
    column = draws.rng.choice(sorted(columns))
    _update(conn, table, key, row[0], column, columns[column]())
    return True


def new_price(conn: psycopg.Connection, draws: Draws) -> bool:
    row = _some_row(conn, draws, "products", "product_id", "unit_price", lock="for no key update skip locked")
    if not row:
        return False
    _update(conn, "products", "product_id", row[0], "unit_price", draws.price_after(row[1]))
    return True


def deleted_invoice(conn: psycopg.Connection, draws: Draws) -> bool:
    """Take an invoice out, and with it its items and payments."""
    return _deleted(conn, draws, "invoices", "invoice_id", "true")


def deleted_product(conn: psycopg.Connection, draws: Draws) -> bool:
    """Take a product out that no item refers to."""
    unused = "not exists (select from invoicing.invoice_items where invoice_items.product_id = products.product_id)"
    return _deleted(conn, draws, "products", "product_id", unused)


def _deleted(conn: psycopg.Connection, draws: Draws, table: str, key: str, where: str) -> bool:
    row = _some_row(conn, draws, table, key, where=where, lock="for update skip locked")
    if not row:
        return False
    statement = sql.SQL("delete from {} where {} = %s")
    conn.execute(statement.format(sql.Identifier(DOMAIN, table), sql.Identifier(key)), [row[0]])
    return True


KINDS = (
    _Kind("new invoice", new_invoice, 30),
    _Kind("payment", payment, 30),
    _Kind("new client", new_client, 8),
    _Kind("changed client", changed_client, 8),
    _Kind("changed seller", changed_seller, 3),
    _Kind("new product", new_product, 5),
    _Kind("changed product", changed_product, 4),
    _Kind("new price", new_price, 6),
    _Kind("deleted invoice", deleted_invoice, 3),
    _Kind("deleted product", deleted_product, 3),
)
"""Everything that happens, roughly as often as in a real office; deletes come last and seldom."""


def _some_row(
    conn: psycopg.Connection,
    draws: Draws,
    table: str,
    *columns: str,
    where: str = "true",
    lock: str = "",
) -> Row | None:
    """The columns of some row, the first being the key: the next one at or after a random key, by index."""
    key = sql.Identifier(columns[0])
    query = sql.SQL(
        "select {columns} from {table} where {key} >= (select min({key}) + floor(%s * (max({key}) - min({key})"
        " + 1))::int from {table}) and {where} order by {key} limit 1 {lock}"
    ).format(
        columns=sql.SQL(", ").join(map(sql.SQL, columns)),
        table=sql.Identifier(DOMAIN, table),
        key=key,
        where=sql.SQL(where),
        lock=sql.SQL(lock),
    )
    return conn.execute(query, [draws.rng.random()]).fetchone()


def _next_key(conn: psycopg.Connection, table: str, key: str) -> int:
    row = conn.execute("select nextval(%s::regclass)", [f"{DOMAIN}.{table}_{key}_seq"]).fetchone()
    return int(row[0]) if row else 0


def _insert(conn: psycopg.Connection, table: str, columns: list[str], values: Row) -> None:
    statement = sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(DOMAIN, table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join([sql.Placeholder()] * len(columns)),
    )
    conn.execute(statement, values)


def _update(conn: psycopg.Connection, table: str, key: str, number: int, column: str, value: Any) -> None:
    statement = sql.SQL("update {} set {} = %s where {} = %s")
    named = statement.format(sql.Identifier(DOMAIN, table), sql.Identifier(column), sql.Identifier(key))
    conn.execute(named, [value, number])
