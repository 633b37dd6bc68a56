"""What is told of the data's quality: how fresh feeds are, what stands rejected, what is amiss. Draws nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.personal import may_be_personal, shown
from sales_platform.contracts.source import TableFeed
from sales_platform.engine.freshness import Age, judge_freshness, last_seen
from sales_platform.engine.incidents import OpenIncident, open_incidents
from sales_platform.engine.rejected_rows import RejectedRow, count_rejected, open_rows
from sales_platform.engine.warehouse import Connection

SAMPLES = 10


@dataclass(frozen=True)
class FeedAge:
    feed: str
    verdict: Age
    seen: datetime | None


@dataclass(frozen=True)
class Condition:
    """The state of the platform in a few words. ages: of every feed. open: rows that stand rejected."""

    ages: list[FeedAge]
    incidents: list[OpenIncident]
    open: int

    @property
    def old(self) -> list[FeedAge]:
        return [one for one in self.ages if one.verdict in {Age.OLD, Age.TOO_OLD, Age.FUTURE}]

    @property
    def unknown(self) -> list[FeedAge]:
        return [one for one in self.ages if one.verdict is Age.UNKNOWN]


def condition(connection: Connection) -> Condition:
    open_now = sum(count.open for count in count_rejected(connection))
    return Condition(list(_ages(connection)), open_incidents(connection), open_now)


def samples(connection: Connection, feed: str, reason: str | None) -> list[dict[str, Any]]:
    """Some records that stand rejected, as rows of a table. What may be personal is masked."""
    with connection.transaction():
        rows = list(islice(open_rows(connection, feed, reason, SAMPLES), SAMPLES))
    catalog = read_catalog()
    return [_sample(catalog, feed, row) for row in rows]


def _sample(catalog: Catalog, feed: str, row: RejectedRow) -> dict[str, Any]:
    record = {
        name: str(shown(value, personal=may_be_personal(catalog, feed, name)) or "")
        for name, value in row.raw_record.items()
    }
    told = {"partition": row.partition, "line": row.source_row, "reasons": ", ".join(row.reasons)}
    return {**told, "last seen": row.last_seen, **record}


def _ages(connection: Connection) -> Iterator[FeedAge]:
    catalog, now = read_catalog(), datetime.now(UTC)
    feeds: list[FileFeedContract | TableFeed] = [*catalog.feeds.values(), *catalog.table_feeds.values()]
    for feed in feeds:
        seen = last_seen(connection, feed, now)
        yield FeedAge(feed.name, judge_freshness(seen, feed.freshness_bounds, now).verdict, seen.at)
