"""Corrected rows in place of the rejected ones. Reads no file; what is judged again as it is lies in `replaying`.

A corrected row lands in raw as a load of its own, at the line of the record that it corrects. Whoever judges
the partition from then on, a changed contract or a rebuild too, takes it instead of that line. It lies in the
past where its line lies: what came later still counts before it (Q-11, Q-13). New content of a file is the
newer truth and takes the corrections of the content before with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql
from psycopg.rows import class_row

from sales_platform.contracts.feed import PLATFORM_COLUMNS, FileFeedContract
from sales_platform.engine.arrivals import Arrivals
from sales_platform.engine.feeds import publish_call
from sales_platform.engine.landing import raw_name
from sales_platform.engine.load_call import LoadCall, Resubmission
from sales_platform.engine.loads import LoadState, OpenLoad
from sales_platform.engine.quarantine import count_attempts
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.tables import columns_of, identifiers
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import WrongUse


@dataclass(frozen=True)
class Correction:
    """A rejected record as it should have been. values: column → text; a column that is not named stays as it was."""

    rejected_id: int
    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Resubmitted:
    """What became of corrections: accepted, still refused (first reason → records), the same as before, or of records
    that were resolved already. loads: of the corrected rows, and of their partitions judged again.
    """

    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    untouched: int = 0
    resolved_before: int = 0
    loads: tuple[LoadReport, ...] = ()


@dataclass(frozen=True)
class _Rejected:
    rejected_id: int
    partition: str
    source_row: int
    occurrence: int
    raw_record: dict[str, str | None] = field(repr=False)
    origin: str
    open: bool


@dataclass(frozen=True)
class _Corrected:
    rejected: _Rejected
    record: dict[str, str | None] = field(repr=False)


def resubmit(
    warehouse: Warehouse, feed: FileFeedContract, corrections: Sequence[Correction], source: str
) -> Resubmitted:
    """Take corrected records in place of the rejected ones, all in one transaction.

    One that the contract still refuses stays rejected, and the attempt is counted (Q-14). A record that was
    corrected before, or that a load has meanwhile resolved, is left alone (Q-12). source: what the load record names.
    Raises WrongUse for a record that is none of this feed's or a column it has not, DataRefused when a partition
    is beyond its reject_limit; nothing has changed then.
    """
    found = _Resubmitting(feed, corrections, source)
    call = publish_call(warehouse, feed, "", found.arrive)
    refused: Counter[str] = Counter()
    for item in found.still_refused.values():
        refused[item] += 1
    return Resubmitted(
        found.accepted, dict(refused), found.untouched, found.resolved_before, tuple(call.reports)
    )


class _Resubmitting:
    """One resubmission while its feed is locked."""

    def __init__(self, feed: FileFeedContract, corrections: Sequence[Correction], source: str) -> None:
        self.feed = feed
        self.corrections = corrections
        self.source = source
        self.untouched = self.resolved_before = self.accepted = 0
        self.still_refused: dict[int, str] = {}

    def arrive(self, call: LoadCall, states: Mapping[str, LoadState]) -> Arrivals:
        """Land the corrected rows, keep those that the contract takes, and have their partitions judged again."""
        corrected = self._corrected(call.connection)
        targets = self._targets(call.connection, corrected, states)
        loads = {
            partition: call.open_resubmission(states[partition], self.source)
            for partition in sorted({partition for partition, _ in targets})
        }
        self._land(call.connection, targets, loads)
        self.still_refused = _refused(call, targets, loads)
        count_attempts(call.connection, self.still_refused)
        self._forget_refused(call.connection, targets, loads)
        taken = [item for item in corrected if item.rejected.rejected_id not in self.still_refused]
        self.accepted = len(taken)
        _resolve(call.connection, self.feed, taken, loads)
        self._note(call, targets, loads)
        return Arrivals(outdated=sorted(loads))

    def _corrected(self, connection: Connection) -> list[_Corrected]:
        """The corrections that change a record which is open; counts the others."""
        rejected = self._read(connection)
        known = {*columns_of(connection, raw_name(self.feed))} - set(PLATFORM_COLUMNS)
        corrected = []
        for correction in self.corrections:
            item = rejected[correction.rejected_id]
            self._refuse_unknown(correction.values.keys() - known)
            changed = {
                name: text or None
                for name, text in correction.values.items()
                if text != (item.raw_record.get(name) or "")
            }
            if not item.open:
                self.resolved_before += 1
            elif not changed:
                self.untouched += 1
            else:
                received = {name: item.raw_record.get(name) for name in sorted(known)}
                corrected.append(_Corrected(item, received | changed))
        return corrected

    def _read(self, connection: Connection) -> dict[int, _Rejected]:
        ids = [correction.rejected_id for correction in self.corrections]
        with connection.cursor(row_factory=class_row(_Rejected)) as cursor:
            rows = cursor.execute(
                """
                select rejected_id, partition, source_row, occurrence, raw_record, origin, resolved_at is null as open
                from quality.rejected_record where feed = %s and rejected_id = any(%s)
                """,
                [self.feed.name, ids],
            ).fetchall()
        found = {row.rejected_id: row for row in rows}
        lacking = sorted(set(ids) - found.keys())
        if lacking:
            raise WrongUse(
                f"{len(lacking)} of the rows are no rejected records of {self.feed.name}, such as number {lacking[0]}.",
                where=self.source,
                remedy="Export the feed's rejected rows from this warehouse and correct those.",
            )
        return found

    def _refuse_unknown(self, columns: Iterable[str]) -> None:
        unknown = sorted(columns)
        if unknown:
            raise WrongUse(
                f"{self.feed.name} has no column {unknown[0]}.",
                where=self.source,
                remedy="Take the added column out, and leave the names in the first line as they were exported.",
            )

    def _targets(
        self, connection: Connection, corrected: Sequence[_Corrected], states: Mapping[str, LoadState]
    ) -> dict[tuple[str, int], _Corrected]:
        """Partition and line → the record that takes its place.

        A file that is overwritten may hold one record in many landings: it is corrected in each, so that history
        begins when it first came.
        """
        targets = {(item.rejected.partition, item.rejected.source_row): item for item in corrected}
        if self.feed.partitions == "none" and corrected:
            by_id = {item.rejected.rejected_id: item for item in corrected}
            statement = sql.SQL(_SAME_RECORD).format(raw=raw_name(self.feed).sql)
            landed = [state.landed_load_id for state in states.values() if state.landed_load_id is not None]
            rows = connection.execute(
                statement, {"ids": list(by_id), "landed": landed, "platform": list(PLATFORM_COLUMNS)}
            )
            targets |= {(partition, line): by_id[rejected_id] for partition, line, rejected_id in rows}
        return targets

    def _land(
        self,
        connection: Connection,
        targets: Mapping[tuple[str, int], _Corrected],
        loads: Mapping[str, OpenLoad],
    ) -> None:
        received = sorted(columns_of(connection, raw_name(self.feed)).keys() - set(PLATFORM_COLUMNS))
        statement = sql.SQL("copy {} ({}) from stdin").format(
            raw_name(self.feed).sql, identifiers((*received, "_load_id", "_partition", "_source_row"))
        )
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for (partition, line), item in targets.items():
                place = (loads[partition].load_id, partition, line)
                copy.write_row((*(item.record[name] for name in received), *place))

    def _forget_refused(
        self,
        connection: Connection,
        targets: Mapping[tuple[str, int], _Corrected],
        loads: Mapping[str, OpenLoad],
    ) -> None:
        """What is still refused leaves raw: the record as it was received stays the one that is rejected."""
        statement = sql.SQL("delete from {} where _load_id = %s and _source_row = %s").format(
            raw_name(self.feed).sql
        )
        places = [
            (loads[partition].load_id, line)
            for (partition, line), item in targets.items()
            if item.rejected.rejected_id in self.still_refused
        ]
        with connection.cursor() as cursor:
            cursor.executemany(statement, places)

    def _note(
        self,
        call: LoadCall,
        targets: Mapping[tuple[str, int], _Corrected],
        loads: Mapping[str, OpenLoad],
    ) -> None:
        for partition, load in loads.items():
            ids = [item.rejected.rejected_id for (where, _), item in targets.items() if where == partition]
            refused = Counter(self.still_refused[i] for i in ids if i in self.still_refused)
            call.resubmitted.append(Resubmission(load, len(ids) - refused.total(), dict(refused)))


# Of several identical lines the n-th record means the n-th that nobody has corrected yet. A column that came into the
# table later makes no other record.
_SAME_RECORD = """
    select r._partition, r._source_row, q.rejected_id
    from (
        select r._partition, r._source_row, jsonb_strip_nulls(to_jsonb(r) - %(platform)s::text[]) as record,
            row_number() over (
                partition by r._load_id, jsonb_strip_nulls(to_jsonb(r) - %(platform)s::text[]) order by r._source_row
            ) as occurrence
        from {raw} as r
        where r._load_id = any(%(landed)s) and not exists (
            select from {raw} as c
            where c._partition = r._partition and c._source_row = r._source_row and c._load_id > r._load_id
        )
    ) as r
    inner join quality.rejected_record as q
        on jsonb_strip_nulls(q.raw_record) = r.record and q.occurrence = r.occurrence
    where q.rejected_id = any(%(ids)s) and q.origin <> 'reader' and q.reasons <> '{{FUTURE_TIMESTAMP}}'
"""


def _refused(
    call: LoadCall, targets: Mapping[tuple[str, int], _Corrected], loads: Mapping[str, OpenLoad]
) -> dict[int, str]:
    """Rejected record → first reason why its correction is refused too."""
    if not loads:
        return {}
    call.judge([load.load_id for load in loads.values()])
    partitions = {load.load_id: partition for partition, load in loads.items()}
    rows = call.connection.execute(
        "select _load_id, _source_row, _reasons[1] from judged where _reasons is not null"
    ).fetchall()
    return {targets[partitions[load_id], line].rejected.rejected_id: reason for load_id, line, reason in rows}


def _resolve(
    connection: Connection,
    feed: FileFeedContract,
    taken: Sequence[_Corrected],
    loads: Mapping[str, OpenLoad],
) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            update quality.rejected_record set resolved_at = clock_timestamp(), resolution = %s where rejected_id = %s
            """,
            [
                (f"resubmitted as load {loads[item.rejected.partition].load_id}", item.rejected.rejected_id)
                for item in taken
            ],
        )
    # Identical lines are told apart by their number alone: those that stay rejected keep the first ones.
    ids = [item.rejected.rejected_id for item in taken]
    for statement in _NUMBER_COPIES_ANEW:
        connection.execute(statement, {"feed": feed.name, "ids": ids})


_NUMBER_COPIES_ANEW = (
    """
    update quality.rejected_record as q set occurrence = -q.occurrence
    where q.feed = %(feed)s and (q.scope, q.record_hash) in (
        select scope, record_hash from quality.rejected_record
        where feed = %(feed)s and (scope, record_hash) in (
            select scope, record_hash from quality.rejected_record where rejected_id = any(%(ids)s)
        )
        group by scope, record_hash having count(*) > 1
    )
    """,
    """
    update quality.rejected_record as q set occurrence = n.place
    from (
        select rejected_id, row_number() over (
            partition by scope, record_hash order by resolved_at is not null, occurrence desc
        ) as place
        from quality.rejected_record where feed = %(feed)s and occurrence < 0
    ) as n
    where n.rejected_id = q.rejected_id
    """,
)
