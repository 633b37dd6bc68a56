"""Columns of a source that its contract does not know, or that it knows and the source lacks. Refuses nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import TableFeed
from sales_platform.engine.landing import spellings
from sales_platform.engine.oltp.log import logged_columns
from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class Drift:
    """unknown: that the contract does not know. lacking: that it knows. returned: that it calls dropped and that are
    there.
    """

    unknown: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.unknown or self.lacking or self.returned)

    @property
    def sentence(self) -> str:
        parts = {
            "not in the contract": self.unknown,
            "lacking": self.lacking,
            "there, though dropped by the contract": self.returned,
        }
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)


def drifts(
    connection: Connection, feed: FileFeedContract | TableFeed, wanted: Collection[str] | None
) -> tuple[int, dict[str, Drift]]:
    """How many headers were looked at, and partition → drift where there is any.

    wanted: partitions, each by its newest header; None: the newest header of all, be its file refused or not. A table
    is looked at under ''.
    """
    if isinstance(feed, TableFeed):
        found = connection.execute(_ENDS_OF_TABLE, {"feed": feed.name}).fetchone()
        if found is None or found[0] is None:
            return 0, {}
        drift = drift_of_table(feed, found[0], found[1], [*logged_columns(connection, feed)])
        return 1, {"": drift} if drift else {}
    some = list(wanted) if wanted is not None else None
    rows = connection.execute(_HEADERS, {"feed": feed.name, "wanted": some}).fetchall()
    told = {partition: drift_of_file(feed, partition, columns) for partition, columns in rows}
    return len(told), {partition: drift for partition, drift in told.items() if drift}


def drift_of_file(feed: FileFeedContract, partition: str, header: Sequence[str]) -> Drift:
    """What a default stands for, or what was not there before a day, is not lacking."""
    known = {spelling for name in feed.columns for spelling in spellings(feed, name)}
    there = {name for name in feed.columns if {*spellings(feed, name)} & {*header}}
    return Drift(
        tuple(name for name in header if name not in known),
        tuple(name for name in feed.columns if name not in there and _must_be_there(feed, name, partition)),
        tuple(name for name, column in feed.columns.items() if column.dropped and name in there),
    )


def drift_of_table(
    feed: TableFeed, newest: Sequence[str], first: Sequence[str], standing: Sequence[str]
) -> Drift:
    """A contract need not name a table's columns, so that only those are unknown that came after the first look.

    newest, first: columns of the source table at these looks. standing: of raw.
    """
    dropped = {name for name, column in feed.columns.items() if column.dropped}
    return Drift(
        tuple(name for name in newest if name not in {*first, *feed.columns}),
        tuple(name for name in standing if name not in {*newest, *dropped}),
        tuple(name for name in newest if name in dropped),
    )


def _must_be_there(feed: FileFeedContract, name: str, partition: str) -> bool:
    column = feed.columns[name]
    if column.dropped or (column.default and name not in feed.key):
        return False
    since = column.absent_before
    return since is None or feed.partitions != "daily" or date.fromisoformat(partition) >= since


_HEADERS = """
select partition, columns from (
    select distinct on (case when %(wanted)s::text[] is null then '' else partition end) partition, columns
    from ops.load
    where feed = %(feed)s and columns is not null
        and (%(wanted)s::text[] is null or partition = any(%(wanted)s::text[]))
    order by case when %(wanted)s::text[] is null then '' else partition end, load_id desc
) as newest
order by ops.natural_order(partition)
"""
_ENDS_OF_TABLE = """
select
    (select columns from ops.load where feed = %(feed)s and columns is not null order by load_id desc limit 1),
    (select columns from ops.load where feed = %(feed)s and columns is not null order by load_id limit 1)
"""
