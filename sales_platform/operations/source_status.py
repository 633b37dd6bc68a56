"""Where each table of an OLTP source stands, and what imports left behind, for `sales-platform status`. Reads only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sales_platform.contracts.source import TableFeed
from sales_platform.engine import loads
from sales_platform.engine.loads import STANDING
from sales_platform.engine.oltp.watermarks import read_watermark, warehouse_clock
from sales_platform.engine.warehouse import Connection
from sales_platform.operations.planning import Why


@dataclass(frozen=True)
class SourceStatus:
    """How far a table of a source was read.

    position: the newest stamp up to which nothing is missing; None for a table that is compared whole. lag_seconds:
    since the last look that succeeded. waiting_for: transactions that were open then and whose rows are still to
    come. oldest: when the oldest of these began. unfinished: a first load that goes on with the next run.
    """

    position: datetime | None
    looked_at: datetime | None
    lag_seconds: float | None
    waiting_for: int
    oldest: datetime | None
    unfinished: bool


def source_status(connection: Connection, feed: TableFeed) -> SourceStatus | None:
    """None before the first load."""
    found = read_watermark(connection, feed.name)
    if found is None:
        return None
    pending = found.mark.pending
    lag = (warehouse_clock(connection) - found.looked_at).total_seconds() if found.looked_at else None
    return SourceStatus(
        position=found.mark.position,
        looked_at=found.looked_at,
        lag_seconds=None if lag is None else round(lag, 1),
        waiting_for=len(pending),
        oldest=min((each.since for each in pending if each.since), default=None),
        unfinished=found.unfinished,
    )


def due_of(
    connection: Connection, feed: TableFeed, newest_status: str | None, *, unfinished: bool
) -> dict[str, int]:
    """Why a run would do more than look for changes; empty where it would not."""
    if newest_status is None:
        return {Why.NEVER_LOADED.value: 1}
    if newest_status not in (*STANDING, "running") or unfinished:
        return {Why.FAILED.value: 1}
    if loads.judged_by(connection, feed.name) != feed.judgement_hash:
        return {Why.CONTRACT.value: 1}
    return {}


def imported_feeds(connection: Connection, known: Collection[str]) -> list[str]:
    """Feeds of imports: they have loads, and no contract in the catalog."""
    found = connection.execute(
        "select distinct feed from ops.load where feed <> all(%s) order by feed", [list(known)]
    )
    return [feed for (feed,) in found.fetchall()]
