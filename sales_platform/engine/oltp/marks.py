"""The high-water mark of a source: what tells, at the cost of a look into an index, that there is something to read."""

from __future__ import annotations

import json
from dataclasses import dataclass

from psycopg import sql

from sales_platform.contracts.source import PostgresFeedContract, TableFeed
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.oltp.open_transactions import list_open_transactions
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.warehouse import Connection, Warehouse


@dataclass(frozen=True)
class SourceMark:
    """positions: table → newest stamp, or for a table without one the server's count of its changes. unindexed:
    table → rows that every load has to read for want of an index on its cursor. ended: transactions that were open at
    the last load and are no more.
    """

    positions: dict[str, str]
    unindexed: dict[str, int]
    ended: tuple[str, ...]

    @property
    def text(self) -> str:
        """The same for the same state of the source."""
        return json.dumps([self.positions, self.ended], sort_keys=True)


def source_mark(warehouse: Warehouse, database: SourceDatabase, source: PostgresFeedContract) -> SourceMark:
    """Read the mark. Raises ServerUnavailable when source or warehouse is down."""
    pending = _pending(warehouse, source)
    with translated(database.where), database.connect() as connection:
        found = {feed.table: _look(connection, feed) for feed in source.feeds}
        still_open = {transaction.key for transaction in list_open_transactions(connection).open}
    return SourceMark(
        {table: position for table, (position, _) in found.items()},
        {table: rows for table, (_, rows) in found.items() if rows is not None},
        tuple(sorted(pending - still_open)),
    )


def _look(connection: Connection, feed: TableFeed) -> tuple[str, int | None]:
    """The position, and the rows to read where the cursor has no index."""
    if feed.cursor is None:
        return _changes(connection, feed), None
    row = connection.execute(_HAS_INDEX, [*feed.source_table, feed.cursor]).fetchone()
    if row and not row[0]:
        return _changes(connection, feed), int(row[1])
    newest = connection.execute(
        sql.SQL("select max({})::text from {}").format(
            sql.Identifier(feed.cursor), sql.Identifier(*feed.source_table)
        )
    ).fetchone()
    return str(newest[0]) if newest else "", None


_HAS_INDEX = """
select exists (
    select from pg_index as i inner join pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0]
    where i.indrelid = c.oid and i.indisvalid and i.indpred is null and a.attname = x.cursor
), greatest(c.reltuples, 0)::bigint
from (values (%s, %s, %s)) as x (schema, "table", cursor)
inner join pg_namespace as n on n.nspname = x.schema
inner join pg_class as c on c.relnamespace = n.oid and c.relname = x."table"
"""


def _changes(connection: Connection, feed: TableFeed) -> str:
    row = connection.execute(
        """
        select n_tup_ins, n_tup_upd, n_tup_del from pg_stat_user_tables where schemaname = %s and relname = %s
        """,
        feed.source_table,
    ).fetchone()
    return "/".join(map(str, row)) if row else ""


def _pending(warehouse: Warehouse, source: PostgresFeedContract) -> set[str]:
    """Transactions that some table of the source waits for."""
    with warehouse.transaction() as connection:
        rows = connection.execute(
            """
            select distinct t.item ->> 'key' from ops.watermark as w
            cross join jsonb_array_elements(w.open_transactions) as t (item) where w.feed = any(%s)
            """,
            [[feed.name for feed in source.feeds]],
        ).fetchall()
    return {row[0] for row in rows}
