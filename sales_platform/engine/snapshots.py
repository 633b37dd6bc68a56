"""When each snapshot of a feed was true, and which landing speaks for that time: the record in `ops.snapshot`.

What follows from the rows of a snapshot is `staged_versions`' business.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.rows import class_row

from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.landing import landing_time
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import SnapshotRefused


@dataclass(frozen=True)
class Snapshot:
    """One landing and its time. complete: absence from it means something, because every line of it was read."""

    at: datetime
    complete: bool
    load_id: int
    partition: str


@dataclass(frozen=True)
class Meant:
    """What the person who loads has declared beforehand. allow_deletes: however many keys a complete snapshot lacks,
    they were deleted (S-33). correction: another content for a time that stands takes its place (S-73).
    """

    allow_deletes: bool = False
    correction: bool = False


def known_time(connection: Connection, feed: FileFeedContract, partition: str) -> datetime | None:
    """When a landing was true, as far as its partition tells; None where its lines say it, or have their own times."""
    if not feed.is_dated:
        return landing_time(partition)
    if feed.snapshot_at:
        return None
    row = connection.execute(
        "select %s::date::timestamp at time zone ops.business_zone()", [partition]
    ).fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def recorded_time(feed: FileFeedContract, snapshot: Snapshot) -> datetime | None:
    """The time of a snapshot that stands: as it was written down, whatever its lines or the zone would say today."""
    return snapshot.at if feed.is_dated else landing_time(snapshot.partition)


def told_time(connection: Connection, where: str) -> datetime:
    """The one time that the clean rows of `judged` tell. Raises SnapshotRefused where they tell none, or several."""
    row = connection.execute(
        "select min(_snapshot_at), max(_snapshot_at) from judged where _reasons is null"
    ).fetchone()
    first, last = row or (None, None)
    if first is None or first != last:
        raise SnapshotRefused(
            "no row that the contract takes says when this snapshot was true."
            if first is None
            else "the lines tell several times, and a snapshot has one.",
            where=where,
            remedy="Mend the column that `snapshot_at` names, one snapshot per file.",
        )
    moment: datetime = first
    return moment


def refuse_future(
    connection: Connection, feed: FileFeedContract, snapshot: Snapshot, newest: datetime
) -> None:
    """Raise SnapshotRefused for a time beyond the newest load (S-38); the file can be loaded once it has come."""
    row = connection.execute(
        "select %s::timestamptz > %s::timestamptz + %s::interval",
        [snapshot.at, newest, feed.future_tolerance],
    ).fetchone()
    if row and row[0]:
        raise SnapshotRefused(
            "the snapshot is dated in the future.",
            where=f"{feed.name}, {snapshot.at.isoformat()}",
            remedy="Load it once its time has come, or mend its time.",
        )


def standing_at(connection: Connection, feed: FileFeedContract, at: datetime) -> Snapshot | None:
    """The snapshot that speaks for this very time."""
    return next((found for found in all_snapshots(connection, feed) if found.at == at), None)


def all_snapshots(connection: Connection, feed: FileFeedContract) -> list[Snapshot]:
    """By the time for which they speak, not by that at which they landed."""
    with connection.cursor(row_factory=class_row(Snapshot)) as cursor:
        return cursor.execute(
            """
            select s.snapshot_at as at, s.complete, s.load_id, l.partition
            from ops.snapshot as s inner join ops.load as l using (load_id)
            where s.feed = %s order by s.snapshot_at
            """,
            [feed.name],
        ).fetchall()


def standing_loads(connection: Connection, feed: FileFeedContract) -> set[int]:
    """The loads whose rows speak for some time."""
    return {snapshot.load_id for snapshot in all_snapshots(connection, feed)}


def record_snapshot(connection: Connection, feed: FileFeedContract, snapshot: Snapshot) -> None:
    """Write a snapshot down, in the place of another content of the same time."""
    connection.execute(
        """
        insert into ops.snapshot (feed, snapshot_at, complete, load_id) values (%s, %s, %s, %s)
        on conflict (feed, snapshot_at) do update set complete = excluded.complete, load_id = excluded.load_id
        """,
        [feed.name, snapshot.at, snapshot.complete, snapshot.load_id],
    )


def closing_limit(feed: FileFeedContract, catalog: Catalog) -> Decimal:
    """The largest share of live keys that one snapshot may close: the least that a dimension which reads it says."""
    said = [
        dimension.max_close
        for dimension in catalog.dimensions.values()
        if any(events.table == feed.name for events in dimension.events)
    ]
    return min(said, default=Decimal("0.2"))
