"""What stands of a source's table, in ranges of its keys, and the hash of a range, alike on both sides. Compares
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from sales_platform.contracts.source import TableFeed
from sales_platform.engine.oltp.log import log_name
from sales_platform.engine.oltp.shape import Shape
from sales_platform.engine.oltp.staged import current_rows
from sales_platform.engine.staging import joined
from sales_platform.engine.tables import identifiers
from sales_platform.engine.warehouse import Connection

# Rows that a range holds about.
_BUCKET_ROWS = 2_000
_INTEGERS = ("smallint", "integer", "bigint")


class Buckets:
    """How keys are grouped: ranges of a whole number, else by hash, which needs no order that both sides share."""

    def __init__(self, feed: TableFeed, shape: Shape) -> None:
        kinds = [shape[name].type for name in feed.key]
        self._key = feed.key
        self._ranged = len(kinds) == 1 and kinds[0] in _INTEGERS
        self._count = max(16, 1 << (max(shape.rows, 1) // _BUCKET_ROWS).bit_length())

    def of(self, key: list[sql.Composable]) -> sql.Composable:
        if self._ranged:
            return sql.SQL("div({}::numeric, {})::bigint").format(key[0], sql.Literal(_BUCKET_ROWS))
        text = sql.SQL("row({})::text").format(sql.SQL(", ").join(key))
        return sql.SQL("('x' || substr(md5({}), 1, 8))::bit(32)::bigint % {}").format(
            text, sql.Literal(self._count)
        )

    def of_columns(self, alias: str) -> sql.Composable:
        return self.of([sql.Identifier(alias, name) for name in self._key])

    def among(self, buckets: list[int], key: list[sql.Composable]) -> sql.Composable:
        """The rows of some buckets; ranges are bounded, so that an index helps when few rows differ."""
        some = sql.SQL("{} = any({})").format(self.of(key), sql.Literal(buckets))
        if not self._ranged:
            return some
        low, high = (min(buckets) - 1) * _BUCKET_ROWS, (max(buckets) + 1) * _BUCKET_ROWS
        return sql.SQL("{} and {} between {} and {}").format(
            some, key[0], sql.Literal(low), sql.Literal(high)
        )


def note_held_back(connection: Connection, feed: TableFeed, shape: Shape) -> None:
    """`held_back`: rows that were read and refused. They stand in no staging table, yet are known, and may vanish."""
    connection.execute("drop table if exists pg_temp.held_back")
    key = [
        sql.SQL("(q.business_key ->> {})::{} = l.{}").format(
            sql.Literal(place), sql.SQL(shape[name].type), sql.Identifier(name)
        )
        for place, name in enumerate(feed.key)
    ]
    connection.execute(
        sql.SQL(
            """create temporary table held_back on commit drop as
            select r.* from (
                select distinct business_key from quality.rejected_record where feed = {feed} and resolved_at is null
            ) as q cross join lateral (
                select l.* from {log} as l where {key} order by l._load_id desc limit 1
            ) as r where not r._deleted"""
        ).format(feed=sql.Literal(feed.name), log=log_name(feed).sql, key=sql.SQL(" and ").join(key))
    )


def standing_rows(feed: TableFeed, names: Sequence[str]) -> sql.Composed:
    """A SELECT of what the source had when it was last looked at: the rows of staging and those held back."""
    return sql.SQL(
        """select {names} from ({current}) as s where not exists (select from held_back as h where {match})
        union all select {held} from held_back as h"""
    ).format(
        names=identifiers(tuple(names), "s"),
        current=current_rows(feed),
        match=joined(feed.key, "h", "s"),
        held=identifiers(tuple(names), "h"),
    )


def hash_of(values: list[sql.Composable] | list[sql.Identifier]) -> sql.Composable:
    row = sql.SQL("row({})::text").format(sql.SQL(", ").join(values))
    return sql.SQL("('x' || substr(md5({}), 1, 16))::bit(64)::bigint").format(row)
