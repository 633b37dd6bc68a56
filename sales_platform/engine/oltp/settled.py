"""The rows of a source's table that the next load will not read anew, as each side selects them. Compares nothing."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from sales_platform.contracts.source import TableFeed
from sales_platform.engine.oltp.log import log_name
from sales_platform.engine.oltp.piping import pipe
from sales_platform.engine.oltp.ranges import Buckets, standing_rows
from sales_platform.engine.oltp.shape import Shape
from sales_platform.engine.oltp.source import SourceSession
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import identifiers
from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class Settled:
    """shape: the columns that both sides have. coming: condition on a source row `t` that the next load reads."""

    feed: TableFeed
    shape: Shape
    bucket: Buckets
    coming: sql.Composable

    @property
    def read_key(self) -> list[sql.Composable]:
        return [self.shape[name].reading for name in self.feed.key]

    @property
    def is_settled(self) -> sql.Composed:
        """Condition on a source row `t`: it is settled."""
        return sql.SQL("not ({})").format(self.coming)

    @property
    def in_source(self) -> sql.Composed:
        """FROM and WHERE of a query in the source."""
        return sql.SQL("{} as t where {}").format(sql.Identifier(*self.feed.source_table), self.is_settled)

    @property
    def in_warehouse(self) -> sql.Composed:
        """A SELECT in the warehouse, after `set_aside`: a key that the source stamped anew stands there as it was."""
        return sql.SQL(
            "select x.* from ({}) as x where not exists (select from coming as c where {})"
        ).format(standing_rows(self.feed, self.shape.names), joined(self.feed.key, "c", "x"))

    def set_aside(self, reader: SourceSession, connection: Connection) -> int:
        """Note the keys that the next load reads, in the temporary table `coming`. Returns how many."""
        connection.execute(
            sql.SQL("create temporary table coming as select {} from {} limit 0").format(
                identifiers(self.feed.key), log_name(self.feed).sql
            )
        )
        query = sql.SQL("select {} from {} as t where {}").format(
            sql.SQL(", ").join(self.read_key), sql.Identifier(*self.feed.source_table), self.coming
        )
        rows = pipe(
            reader, query, connection, sql.Identifier("pg_temp", "coming"), identifiers(self.feed.key)
        )
        connection.execute("analyze pg_temp.coming")
        return rows
