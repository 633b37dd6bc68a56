"""The sellers, clients and products that the simulated source knows: found by what names them, made where new,
changed where a later document says otherwise. No invoice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg import sql

from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class RegisterTable:
    """A table of members. key: the column that names one. told: the columns that a document tells of it.

    sayings: SQL for (member, invoice_date) of every invoice that names a member.
    """

    name: str
    id: str
    key: str
    told: tuple[str, ...]
    sayings: str


SELLERS = RegisterTable(
    "sellers",
    "seller_id",
    "seller_tax_id",
    ("seller_name", "seller_address", "iban"),
    "select seller_id as member, invoice_date from invoicing.invoices",
)
CLIENTS = RegisterTable(
    "clients",
    "client_id",
    "client_tax_id",
    ("client_name", "client_address"),
    "select client_id as member, invoice_date from invoicing.invoices",
)
PRODUCTS = RegisterTable(
    "products",
    "product_id",
    "product_description",
    ("unit_price", "vat_rate"),
    "select i.product_id as member, v.invoice_date from invoicing.invoice_items as i"
    " inner join invoicing.invoices as v using (invoice_id)",
)


@dataclass
class _Member:
    """told: as it stands. as_of: the day of the newest edit or invoice that speaks of it."""

    id: int
    told: dict[str, Any]
    as_of: date


class Register:
    """The members of one table that a set of documents may name, within one transaction."""

    def __init__(self, connection: Connection, table: RegisterTable, keys: Collection[str]) -> None:
        self._connection = connection
        self._table = table
        self._members: dict[str, _Member] = {}
        self._read(keys)

    def member(
        self, key: str, told: Mapping[str, Any], day: date, once: Mapping[str, Any] | None = None
    ) -> int:
        """The id of the member that a document of `day` names.

        told: what the document says; None says nothing. once: further columns of a member that is new.
        """
        if key not in self._members and not self._insert(key, {**told, **(once or {})}, day):
            # Someone else has made it in the meantime.
            self._read([key])
        known = self._members[key]
        news = {name: value for name, value in told.items() if value not in (None, known.told.get(name))}
        if news and day >= known.as_of:
            self._update(known, news, day)
        known.as_of = max(known.as_of, day)
        return known.id

    def _read(self, keys: Collection[str]) -> None:
        table = self._table
        query = sql.SQL(
            """
            select t.{id}, t.{key}, greatest(t.updated_at::date, s.newest), {told}
            from invoicing.{table} as t
            left join lateral (
                select max(m.invoice_date) as newest from ({sayings}) as m where m.member = t.{id}
            ) as s on true
            where t.{key} = any(%s) order by t.{id} desc
            """
        ).format(
            id=sql.Identifier(table.id),
            key=sql.Identifier(table.key),
            told=sql.SQL(", ").join(sql.Identifier("t", name) for name in table.told),
            table=sql.Identifier(table.name),
            sayings=sql.SQL(table.sayings),
        )
        for number, key, as_of, *told in self._connection.execute(query, [list(keys)]):
            # In descending order, so that of several products with one description the first one counts.
            state = dict(zip(table.told, told, strict=True))
            self._members[key] = _Member(number, state, as_of or date.min)

    def _insert(self, key: str, values: Mapping[str, Any], day: date) -> bool:
        """Make a member; False where its key was taken by now."""
        table = self._table
        row = {table.key: key, **values, "created_at": day, "updated_at": day}
        query = sql.SQL(
            "insert into invoicing.{table} ({columns}) values ({values}) on conflict do nothing returning {id}"
        ).format(
            table=sql.Identifier(table.name),
            columns=sql.SQL(", ").join(map(sql.Identifier, row)),
            values=sql.SQL(", ").join(sql.Placeholder() for _ in row),
            id=sql.Identifier(table.id),
        )
        made = self._connection.execute(query, list(row.values())).fetchone()
        if made:
            told = {name: values.get(name) for name in table.told}
            self._members[key] = _Member(made[0], told, day)
        return made is not None

    def _update(self, known: _Member, news: Mapping[str, Any], day: date) -> None:
        # The source stamps a row with the present where a statement leaves its stamp as it was, so a second change on
        # one day comes a microsecond later.
        query = sql.SQL(
            """
            update invoicing.{table} set {news}, updated_at = greatest(%s, updated_at + interval '1 microsecond')
            where {id} = %s
            """
        ).format(
            table=sql.Identifier(self._table.name),
            news=sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in news),
            id=sql.Identifier(self._table.id),
        )
        self._connection.execute(query, [*news.values(), day, known.id])
        known.told.update(news)
