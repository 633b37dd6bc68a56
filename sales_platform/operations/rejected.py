"""What `sales-platform rejected` does: show what stands rejected, take it out for correction, take corrections in,
judge again, forget what is long resolved. How a row is judged, the engine knows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.personal import kinds_of_columns, may_be_personal, shown
from sales_platform.engine import purging, rejected_rows
from sales_platform.engine.rejected_rows import RejectedCount
from sales_platform.errors import WrongUse
from sales_platform.operations.opening import open_warehouse
from sales_platform.operations.rejected_sheet import read_sheet, write_sheet
from sales_platform.settings import Settings
from sales_platform.sources.invoicing.document_file import DOCUMENTS

if TYPE_CHECKING:
    from sales_platform.engine.replaying import Replayed
    from sales_platform.engine.resubmission import Resubmitted

_BYTES = "_bytes_base64"


@dataclass(frozen=True)
class ShownRow:
    """A record that stands rejected. record: column → text as received, personal data masked unless asked for."""

    rejected_id: int
    partition: str
    line: int
    reasons: list[str]
    attempts: int
    first_seen: datetime
    last_seen: datetime
    record: dict[str, object]


@dataclass(frozen=True)
class Exported:
    path: Path
    rows: int


@dataclass(frozen=True)
class FeedResubmitted:
    feed: str
    domain: str
    done: Resubmitted


@dataclass(frozen=True)
class FeedReplayed:
    feed: str
    domain: str
    done: Replayed


def list_rejected(
    settings: Settings, feed: str | None = None, *, resolved: bool = False
) -> list[RejectedCount]:
    """Counts by feed, business day and first reason. resolved: those that nothing stands rejected of too."""
    _refuse_unknown(read_catalog(), feed)
    with open_warehouse(settings) as warehouse, warehouse.transaction() as connection:
        return rejected_rows.count_rejected(connection, feed, resolved=resolved)


def show_rejected(
    settings: Settings, feed: str, *, reason: str | None = None, limit: int = 20, reveal: bool = False
) -> list[ShownRow]:
    """The first records of a feed that stand rejected. reason: the first one of the record, as `list_rejected` counts.
    reveal: with what the contract calls personal.
    """
    catalog = read_catalog()
    _refuse_unknown(catalog, feed)
    with open_warehouse(settings) as warehouse, warehouse.transaction() as connection:
        rows = list(rejected_rows.open_rows(connection, feed, reason, limit))
    return [
        ShownRow(
            row.rejected_id,
            row.partition,
            row.source_row,
            row.reasons,
            row.attempts,
            row.first_seen,
            row.last_seen,
            {
                name: shown(value, personal=not reveal and may_be_personal(catalog, feed, name))
                for name, value in _in_order(catalog, feed, row.raw_record).items()
            },
        )
        for row in rows
    ]


def export_rejected(
    settings: Settings, feed: str, *, reason: str | None = None, out: Path | None = None
) -> Exported:
    """Write the records of a feed that stand rejected, personal data included, into a file to be corrected.

    Raises WrongUse for a file that exists and for a feed of which nothing is rejected.
    """
    catalog = read_catalog()
    _refuse_unknown(catalog, feed)
    path = out or Path(f"{feed}_rejected.csv")
    with open_warehouse(settings) as warehouse, warehouse.transaction() as connection:
        received = rejected_rows.received_columns(connection, feed, reason)
        if not received:
            raise WrongUse(
                f"nothing of {feed} stands rejected{f' for {reason}' if reason else ''}.",
                remedy="`sales-platform rejected list` shows what does.",
            )
        columns = _columns(catalog, feed, received)
        return Exported(path, write_sheet(path, columns, rejected_rows.open_rows(connection, feed, reason)))


def resubmit_file(settings: Settings, file: Path) -> FeedResubmitted:
    """Take the corrected rows of an exported file in place of the rejected ones.

    Rows that were left as they were are no corrections. Raises WrongUse for a file that is no such export or whose
    rows are corrected elsewhere, and what `engine.resubmission.resubmit` raises.
    """
    from sales_platform.engine.resubmission import resubmit

    corrections = read_sheet(file)
    if not corrections:
        raise WrongUse(
            "the file holds no row.", where=str(file), remedy="Leave the rows that you corrected in it."
        )
    with open_warehouse(settings) as warehouse:
        with warehouse.transaction() as connection:
            feeds = rejected_rows.feeds_of(connection, [item.rejected_id for item in corrections])
        if len(feeds) != 1:
            raise WrongUse(
                f"the rows belong to {len(feeds)} feeds; a file holds those of one.",
                where=str(file),
                remedy="Export each feed of this warehouse into a file of its own.",
            )
        feed = _file_feed(read_catalog(), feeds[0])
        return FeedResubmitted(feed.name, feed.domain, resubmit(warehouse, feed, corrections, file.name))


def replay_rejected(settings: Settings, feed: str, *, reason: str | None = None) -> FeedReplayed:
    """Judge again what stands rejected of a feed, after its contract or a table that it looks into has changed.

    Raises WrongUse for a feed whose rows are corrected elsewhere, DataRefused beyond its limit.
    """
    from sales_platform.engine.replaying import replay

    found = _file_feed(read_catalog(), feed)
    with open_warehouse(settings) as warehouse:
        return FeedReplayed(found.name, found.domain, replay(warehouse, found, reason))


def purge_rejected(settings: Settings, before: date, feed: str | None = None) -> list[purging.Purged]:
    """Delete the records that were resolved before a business day; those that stand rejected stay (Q-26)."""
    _refuse_unknown(read_catalog(), feed)
    with open_warehouse(settings) as warehouse, warehouse.transaction() as connection:
        return purging.purge_resolved(connection, before, feed)


def _refuse_unknown(catalog: Catalog, feed: str | None) -> None:
    known = {*catalog.feeds, *catalog.table_feeds, DOCUMENTS.name}
    if feed is not None and feed not in known:
        raise WrongUse(f"there is no feed {feed}.", remedy=f"Feeds: {', '.join(sorted(known))}.")


def _file_feed(catalog: Catalog, name: str) -> FileFeedContract:
    """The contract of a feed by file; raises WrongUse that says where rows of another one are corrected."""
    _refuse_unknown(catalog, name)
    if name == DOCUMENTS.name:
        raise WrongUse(
            f"rejected rows of {name} are whole documents that go into the invoicing source.",
            remedy="Mend their file and run `sales-platform import invoicing FILE` again.",
        )
    if name in catalog.table_feeds:
        domain = catalog.table_feeds[name].domain
        raise WrongUse(
            f"rejected rows of {name} are read from the {domain} source, which would bring them again.",
            remedy=f"Mend them there, then run `sales-platform run {domain}`.",
        )
    return catalog.feeds[name]


def _columns(catalog: Catalog, feed: str, received: Collection[str]) -> list[str]:
    """The contract's columns first; what no record could be made of stands last."""
    spoken = kinds_of_columns(catalog, feed)
    first = list(spoken) if feed in catalog.feeds else [name for name in spoken if name in received]
    others = sorted(name for name in received if name not in spoken and name != _BYTES)
    return [
        *first,
        *(name for name in others if name != "_line"),
        *(name for name in others if name == "_line"),
    ]


def _in_order(catalog: Catalog, feed: str, record: dict[str, object]) -> dict[str, object]:
    return {name: record[name] for name in _columns(catalog, feed, record) if name in record}
