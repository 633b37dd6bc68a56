"""The record of how far each table of a source was read, in `ops.watermark`; written with the data it speaks of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from sales_platform.engine.oltp.open_transactions import OpenTransaction
from sales_platform.engine.oltp.windows import Mark
from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class Watermark:
    """mark: how far. looked_at: the warehouse's clock at that load's look. newest: the newest stamp seen. identity:
    of the source. chunk_after: the last key of a first load that is not finished, as texts; None when it is.
    """

    mark: Mark = field(default_factory=Mark)
    looked_at: datetime | None = None
    newest: datetime | None = None
    identity: str | None = None
    chunk_after: tuple[str, ...] | None = None
    unfinished: bool = False

    def elapsed(self, now: datetime) -> timedelta:
        return now - self.looked_at if self.looked_at else timedelta()


def read_watermark(connection: Connection, feed: str) -> Watermark | None:
    row = connection.execute(
        """
        select position, listed_at, open_transactions, updated_at, newest, source_identity, first_load
        from ops.watermark where feed = %s
        """,
        [feed],
    ).fetchone()
    if row is None:
        return None
    position, listed_at, pending, updated_at, newest, identity, first_load = row
    mark = Mark(position, listed_at, tuple(_transaction(item) for item in pending))
    after = tuple(first_load["after"]) if first_load and first_load.get("after") else None
    return Watermark(mark, updated_at, newest, identity, after, unfinished=first_load is not None)


def write_watermark(connection: Connection, feed: str, watermark: Watermark) -> None:
    progress = {"after": list(watermark.chunk_after or ())} if watermark.unfinished else None
    connection.execute(
        """
        insert into ops.watermark (
            feed, position, listed_at, open_transactions, updated_at, newest, source_identity, first_load
        )
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        on conflict (feed) do update set position = excluded.position, listed_at = excluded.listed_at,
            open_transactions = excluded.open_transactions, updated_at = excluded.updated_at,
            newest = excluded.newest, source_identity = excluded.source_identity, first_load = excluded.first_load
        """,
        [
            feed,
            watermark.mark.position,
            watermark.mark.listed_at,
            Jsonb([_spoken(transaction) for transaction in watermark.mark.pending]),
            watermark.looked_at,
            watermark.newest,
            watermark.identity,
            Jsonb(progress) if progress is not None else None,
        ],
    )


def warehouse_clock(connection: Connection) -> datetime:
    row = connection.execute("select clock_timestamp()").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def _spoken(transaction: OpenTransaction) -> dict[str, Any]:
    since = transaction.since.isoformat() if transaction.since else None
    return {"key": transaction.key, "since": since, "pid": transaction.pid}


def _transaction(item: dict[str, Any]) -> OpenTransaction:
    since = datetime.fromisoformat(item["since"]) if item["since"] else None
    return OpenTransaction(item["key"], since, item["pid"])
