"""What went wrong and until when: noting it, and noting that it is mended. Telling people is the outbox's part.

An incident is made of parts: a step, check or feed, for one partition or for its whole table. Everything that fails
while one of its parts is broken belongs to it; it is over when none is. Each part keeps when it last failed and when
it was mended, so that the same news twice, or late, changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from sales_platform.engine.locks import lock_tables
from sales_platform.engine.warehouse import Connection
from sales_platform.logs import mask

RUN_FAILURE = "run_failure"
CHECK_FAILURE = "check_failure"
REJECT_LIMIT = "reject_limit"
OVERDUE = "overdue"
TITLES = {
    RUN_FAILURE: "Run failure",
    CHECK_FAILURE: "Check failure",
    REJECT_LIMIT: "Reject limit",
    OVERDUE: "Overdue",
}
LONGEST_MESSAGE = 1_000


@dataclass(frozen=True)
class Part:
    """name: a step, a check as table:check, or a feed. partition: '' for the whole of it.

    exact: False when it is one of several partitions of which nobody said which one failed.
    """

    name: str
    partition: str = ""
    exact: bool = True


@dataclass(frozen=True)
class Trouble:
    """Something that failed. subject: where, in words. message: what and what to do, without row values.

    link: a page on it. at: when it failed.
    """

    kind: str
    subject: str
    message: str
    parts: tuple[Part, ...]
    at: datetime
    link: str | None = None


@dataclass(frozen=True)
class Recovery:
    """Something that passed. partitions: which of it; None for the whole of it. at: when it passed."""

    kinds: tuple[str, ...]
    name: str
    partitions: frozenset[str] | None
    at: datetime


@dataclass(frozen=True)
class OpenIncident:
    """An incident that is not over. times: how often it was seen so far."""

    kind: str
    subject: str
    message: str
    link: str | None
    times: int
    opened_at: datetime
    last_seen_at: datetime

    @property
    def title(self) -> str:
        return TITLES[self.kind]


def overdue(feed: str, partition: str, path: str, at: datetime) -> Trouble:
    """A file that should be there by now. It is over when one was taken up, whatever came of it."""
    message = f"no file at {path}. Put it there: it is loaded when it arrives."
    return Trouble(OVERDUE, f"{feed} for {partition}", message, (Part(feed, partition),), at)


def note(connection: Connection, trouble: Trouble) -> None:
    """Open an incident, or count on in those that the parts belong to. News older than what is known are dropped."""
    lock_tables(connection, ["ops.incident"])
    known = _known(connection, trouble)
    fresh = [part for part in trouble.parts if known.get(_key(part), _NEW).is_older_than(trouble.at)]
    if not fresh:
        return
    going_on = {state.incident_id for part in fresh if (state := known.get(_key(part))) and state.broken}
    for incident_id in going_on:
        _count_on(connection, incident_id, trouble)
    incident_id = min(going_on) if going_on else _open(connection, trouble)
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into ops.incident_part as p (kind, name, partition, incident_id, exact, failed_at)
            values (%s, %s, %s, %s, %s, %s)
            on conflict (kind, name, partition) do update set
                incident_id = case when p.mended_at is null then p.incident_id else excluded.incident_id end,
                exact = excluded.exact or (p.exact and p.mended_at is null),
                failed_at = excluded.failed_at, mended_at = null
            """,
            [(trouble.kind, p.name, p.partition, incident_id, p.exact, trouble.at) for p in fresh],
        )


def recover(connection: Connection, recoveries: Collection[Recovery]) -> None:
    """Mend the parts that passed after they failed, and close the incidents of which no part is left."""
    if not recoveries or not connection.execute(_ANY_BROKEN).fetchone():
        return
    lock_tables(connection, ["ops.incident"])
    passed = [
        (kind, recovery.name, partition, recovery.at)
        for recovery in recoveries
        for kind in recovery.kinds
        for partition in (recovery.partitions if recovery.partitions is not None else [None])
    ]
    columns: list[Sequence[object]] = list(map(list, zip(*passed, strict=True))) or [[], [], [], []]
    connection.execute(_MEND, columns)
    _close_mended(connection)


def recover_overdue(connection: Connection) -> None:
    """Mend overdue parts whose file arrived: a load of it ended."""
    if connection.execute(_MEND_ARRIVED, [OVERDUE]).rowcount:
        lock_tables(connection, ["ops.incident"])
        _close_mended(connection)


def open_incidents(connection: Connection) -> list[OpenIncident]:
    """What is not over, the oldest first."""
    with connection.cursor(row_factory=class_row(OpenIncident)) as cursor:
        return cursor.execute(
            """
            select kind, subject, message, link, times, opened_at, last_seen_at from ops.incident
            where closed_at is null order by opened_at, incident_id
            """
        ).fetchall()


def duration(seconds: float) -> str:
    """The two largest units of a time that passed: 2 h 5 min."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {rest} min" if hours else f"{rest} min"


@dataclass(frozen=True)
class _State:
    name: str
    partition: str
    incident_id: int
    failed_at: datetime | None
    mended_at: datetime | None

    @property
    def broken(self) -> bool:
        return self.mended_at is None

    def is_older_than(self, moment: datetime) -> bool:
        return all(known is None or known < moment for known in (self.failed_at, self.mended_at))


_NEW = _State("", "", 0, None, None)
_ANY_BROKEN = "select true from ops.incident_part where mended_at is null limit 1"
_MEND = """
with passed as (
    select * from unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) as r (kind, name, partition, at)
),
mended as (
    select p.kind, p.name, p.partition, p.incident_id, p.exact, max(r.at) as at
    from ops.incident_part as p
    inner join passed as r on p.kind = r.kind and p.name = r.name
        and (r.partition is null or p.partition = r.partition)
    where p.mended_at is null
    group by p.kind, p.name, p.partition
)
update ops.incident_part as p set mended_at = m.at
from mended as m
where p.mended_at is null and p.kind = m.kind and p.name = m.name and p.failed_at < m.at
    and (
        p.partition = m.partition
        or (not p.exact and not m.exact and p.incident_id = m.incident_id)
    )
"""
_MEND_ARRIVED = """
update ops.incident_part as p set mended_at = greatest(arrived.at, p.failed_at)
from ops.incident_part as b
cross join lateral (
    select max(finished_at) as at from ops.load
    where feed = b.name and partition = b.partition and status <> 'running'
) as arrived
where b.kind = %s and b.mended_at is null and arrived.at is not null
    and p.kind = b.kind and p.name = b.name and p.partition = b.partition
"""
_CLOSE = """
update ops.incident as i set closed_at = greatest(i.last_seen_at, m.at)
from (
    select incident_id, max(mended_at) as at, bool_and(exact) as exact from ops.incident_part
    group by incident_id having bool_and(mended_at is not null)
) as m
where i.incident_id = m.incident_id and i.closed_at is null
returning i.incident_id, i.kind, i.subject, i.times, extract(epoch from i.closed_at - i.opened_at)::float,
    m.exact
"""


def _key(part: Part) -> tuple[str, str]:
    return part.name, part.partition


def _known(connection: Connection, trouble: Trouble) -> dict[tuple[str, str], _State]:
    with connection.cursor(row_factory=class_row(_State)) as cursor:
        found = cursor.execute(
            """
            select name, partition, incident_id, failed_at, mended_at from ops.incident_part
            where kind = %s and (name, partition) in (select * from unnest(%s::text[], %s::text[]))
            """,
            [trouble.kind, [part.name for part in trouble.parts], [part.partition for part in trouble.parts]],
        )
        return {(state.name, state.partition): state for state in found}


def _open(connection: Connection, trouble: Trouble) -> int:
    row = connection.execute(
        """
        insert into ops.incident (kind, subject, message, link, opened_at, last_seen_at)
        values (%s, %s, %s, %s, %s, %s) returning incident_id
        """,
        [trouble.kind, mask(trouble.subject), _fit(trouble.message), trouble.link, trouble.at, trouble.at],
    ).fetchone()
    assert row is not None
    since = f"{trouble.at:%Y-%m-%d %H:%M} UTC"
    text = f"{TITLES[trouble.kind]}: {mask(trouble.subject)}, since {since}. {_fit(trouble.message)}"
    _tell(connection, row[0], "opened", " ".join(filter(None, (text, trouble.link))))
    return int(row[0])


def _count_on(connection: Connection, incident_id: int, trouble: Trouble) -> None:
    connection.execute(
        """
        update ops.incident set times = times + 1, last_seen_at = greatest(last_seen_at, %s), message = %s, link = %s
        where incident_id = %s
        """,
        [trouble.at, _fit(trouble.message), trouble.link, incident_id],
    )


def _close_mended(connection: Connection) -> None:
    for incident_id, kind, subject, times, seconds, exact in connection.execute(_CLOSE).fetchall():
        often = f", seen {times} times" if times > 1 else ""
        rest = "" if exact else " `sales-platform status` names what may still be missing of the range."
        text = f"Over: {TITLES[kind]}: {subject}, after {duration(seconds)}{often}.{rest}"
        _tell(connection, incident_id, "closed", text)


def _tell(connection: Connection, incident_id: int, event: str, text: str) -> None:
    connection.execute(
        "insert into ops.alert (incident_id, event, text) values (%s, %s, %s)", [incident_id, event, text]
    )


def _fit(message: str) -> str:
    masked = mask(message)
    return masked if len(masked) <= LONGEST_MESSAGE else f"{masked[:LONGEST_MESSAGE]} …"
