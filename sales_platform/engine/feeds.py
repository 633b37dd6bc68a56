"""Loading the files of a feed: land, judge, publish and reject in one transaction. The door of the engine for file feeds.

A load is opened in a journal session that commits at once, so that a crash leaves a trace; everything else of a call
commits together. Files that cannot be loaded do not hold up the others: those are published, then the error is raised.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg import sql

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine import loads, quarantine
from sales_platform.engine.fates import Fates, Outcome
from sales_platform.engine.files import SourceFile
from sales_platform.engine.judging import judge
from sales_platform.engine.landing import Landed, ensure_raw_table, forget_load, land_file
from sales_platform.engine.loads import LoadState, OpenLoad, load_states
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.staged_landings import note_changed_keys, publish_landing
from sales_platform.engine.staged_partitions import publish_partitions
from sales_platform.engine.staging import staging_name
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import DataRefused, SalesPlatformError, SourceError, SourceNotReady

__all__ = ["LoadState", "load_files", "load_states"]


def load_files(
    warehouse: Warehouse, feed: FileFeedContract, files: Sequence[SourceFile], *, run_id: str = ""
) -> list[LoadReport]:
    """Load files, one per partition, in one transaction; content that already stands is not read again.

    Rows that were held only for their date, and partitions judged by an older contract, are judged again on the way.
    Raises, after the others were published, the error of a file that cannot be read (SourceError) or that was refused
    beyond the contract's reject_limit (DataRefused, Q-09).
    """
    with warehouse.connect(autocommit=True) as journal, warehouse.transaction() as connection:
        lock_tables(connection, [str(staging_name(feed))])
        loads.bury_dead_loads(journal, feed.name)
        work = _Work(connection, journal, feed, run_id)
        try:
            work.run(files)
        except BaseException as error:
            loads.fail_loads(journal, work.open_ids(), "failed", _message(error))
            raise
    for report in work.reports:
        loads.log_load(report)
    if work.faults:
        raise _combined(work.faults)
    return [*work.unchanged, *work.reports]


@dataclass
class _Work:
    """One call of `load_files`: what was opened, what came of it, and which files failed."""

    connection: Connection
    journal: Connection
    feed: FileFeedContract
    run_id: str
    unchanged: list[LoadReport] = field(default_factory=list)
    reports: list[LoadReport] = field(default_factory=list)
    faults: list[SalesPlatformError] = field(default_factory=list)
    opened: list[OpenLoad] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    def open_ids(self) -> list[int]:
        return [load.load_id for load in self.opened]

    def run(self, files: Sequence[SourceFile]) -> None:
        ensure_raw_table(self.connection, self.feed)
        states = load_states(self.connection, self.feed)
        landed, again = self._land_changed(files, states)
        if self.feed.partitions == "none":
            self._publish_landings(landed, again, states)
        else:
            self._publish_partitions(landed, again, states)

    def _land_changed(
        self, files: Sequence[SourceFile], states: Mapping[str, LoadState]
    ) -> tuple[list[Landed], list[str]]:
        """Land what is new or changed; returns it with the partitions that only have to be judged again."""
        landed: list[Landed] = []
        again: list[str] = []
        for file in files:
            state = _standing(self.feed, states, file)
            try:
                content_hash = file.content_hash()
                if state and state.content_hash == content_hash:
                    self.unchanged.append(
                        loads.record_unchanged(
                            self.journal, self.feed, state.partition, file.path, self.run_id
                        )
                    )
                    if not state.judged_by_current_contract:
                        again.append(state.partition)
                else:
                    landed.append(self._land(file, content_hash))
            except (SourceError, SourceNotReady) as error:
                self._fault(file, error)
        return landed, again

    def _land(self, file: SourceFile, content_hash: str) -> Landed:
        partition = file.partition
        if self.feed.partitions == "none":
            partition = f"{file.partition}@{self._next_snapshot().isoformat()}"
        load = self._open(partition, file.path, content_hash)
        with self.connection.transaction():
            landed = land_file(self.connection, self.feed, file, load)
        return landed

    def _open(
        self, partition: str, source: str, content_hash: str | None, *, landed: bool = True
    ) -> OpenLoad:
        load = loads.open_load(
            self.journal, self.feed, partition, source, content_hash, self.run_id, landed=landed
        )
        self.opened.append(load)
        return load

    def _fault(self, file: SourceFile, error: SalesPlatformError) -> None:
        """A file that cannot be loaded: recorded as a failed load of its partition, raised at the end."""
        mine = [load for load in self.opened if load.source == file.path]
        load = mine[-1] if mine else self._open(file.partition, file.path, None)
        loads.fail_loads(self.journal, [load.load_id], "failed", str(error))
        self.opened.remove(load)
        self.faults.append(error)

    def _next_snapshot(self) -> datetime:
        """The time of a landing: the clock, but always after the landing before it (S-65)."""
        row = self.connection.execute(
            """
            select greatest(clock_timestamp(), max(snapshot_at) + interval '1 microsecond')
            from ops.snapshot where feed = %s
            """,
            [self.feed.name],
        ).fetchone()
        assert row is not None
        moment: datetime = row[0]
        return moment

    def _publish_partitions(
        self, landed: list[Landed], again: list[str], states: Mapping[str, LoadState]
    ) -> None:
        due = self._due(states)
        stale = sorted({*again, *(p for p in due if p in states)} - {item.load.partition for item in landed})
        rejudged = {p: state.landed_load_id for p in stale if (state := states[p]).landed_load_id is not None}
        raw_loads = [item.load.load_id for item in landed] + list(rejudged.values())
        if not raw_loads:
            return
        self._judge(raw_loads)
        refused = self._refuse_beyond_limit(landed)
        landed = [item for item in landed if item.load.load_id not in refused]
        replaced = [
            old
            for item in landed
            if (s := states.get(item.load.partition)) and (old := s.landed_load_id) is not None
        ]
        forget_load(self.connection, self.feed, [*replaced, *refused])
        again_loads = {p: self._open(p, "raw", states[p].content_hash, landed=False) for p in rejudged}
        kept = [item.load.partition for item in landed]
        if not kept and not rejudged:
            return
        outcome = self._stage(
            landed, lambda: publish_partitions(self.connection, self.feed, [*kept, *rejudged])
        )
        quarantine.refuse_judged(self.connection, self.feed)
        reasons = quarantine.refused_reasons(self.connection)
        quarantine.record_refusals(self.connection, self.feed, kept, relanded=True)
        self._forget_numbers()
        if rejudged:
            quarantine.record_refusals(self.connection, self.feed, list(rejudged), relanded=False)
        quarantine.finish_refusals(self.connection)
        self._publish(outcome, outcome.touched)
        self._report(landed, outcome.fates, reasons)
        self._report_again(
            again_loads, {p: load for p, load in rejudged.items() if load}, outcome.fates, reasons
        )

    def _publish_landings(
        self, landed: list[Landed], again: list[str], states: Mapping[str, LoadState]
    ) -> None:
        """Landings of one file follow one another: each is compared with what the ones before it left."""
        if again:
            self._restage(states)
        self._release_due(states)
        for item in landed:
            self._publish_landing(item)

    def _publish_landing(self, item: Landed) -> None:
        moment = _landing_time(item.load.partition)
        self.connection.execute(
            "insert into ops.snapshot (feed, snapshot_at, complete, load_id) values (%s, %s, false, %s)",
            [self.feed.name, moment, item.load.load_id],
        )
        self._judge([item.load.load_id], snapshot_at=moment)
        if self._refuse_beyond_limit([item]):
            self.connection.execute("delete from ops.snapshot where load_id = %s", [item.load.load_id])
            forget_load(self.connection, self.feed, [item.load.load_id])
            return
        outcome = self._stage([item], lambda: publish_landing(self.connection, self.feed))
        quarantine.refuse_judged(self.connection, self.feed)
        reasons = quarantine.refused_reasons(self.connection)
        quarantine.record_refusals(self.connection, self.feed, [item.load.partition], relanded=True)
        quarantine.finish_refusals(self.connection)
        self._publish_keys(outcome)
        self._report([item], outcome.fates, reasons)

    def _release_due(self, states: Mapping[str, LoadState]) -> None:
        """Rows held only for their date whose time has come enter as if they had never been held (S-38, Q-11)."""
        for partition, lines in self._due(states).items():
            state = states[partition]
            if state.landed_load_id is None:
                continue
            load = self._open(partition, "raw", state.content_hash, landed=False)
            self._judge([state.landed_load_id], snapshot_at=_landing_time(partition), source_rows=lines)
            quarantine.start_refusals(self.connection)
            outcome = publish_landing(self.connection, self.feed)
            quarantine.refuse_judged(self.connection, self.feed)
            reasons = quarantine.refused_reasons(self.connection)
            quarantine.finish_refusals(self.connection)
            self.connection.execute(
                """
                update quality.rejected_record set resolved_at = clock_timestamp(), resolution = 'its time has come'
                where feed = %s and partition = %s and source_row = any(%s) and reasons = '{FUTURE_TIMESTAMP}'
                    and resolved_at is null
                """,
                [self.feed.name, partition, lines],
            )
            self._publish_keys(outcome)
            self._report_again({partition: load}, {partition: state.landed_load_id}, outcome.fates, reasons)

    def _restage(self, states: Mapping[str, LoadState]) -> None:
        """Judge every landing again, oldest first, into an emptied table: the contract changed (Q-18)."""
        restage_landings(self.connection, self.feed, self._newest_load())
        newest = max(states.values(), key=lambda state: state.landed_load_id or 0)
        if newest.landed_load_id is None:
            return
        load = self._open(newest.partition, "raw", newest.content_hash, landed=False)
        self._judge([newest.landed_load_id], snapshot_at=_landing_time(newest.partition))
        quarantine.start_refusals(self.connection)
        outcome = publish_landing(self.connection, self.feed)
        quarantine.refuse_judged(self.connection, self.feed)
        reasons = quarantine.refused_reasons(self.connection)
        quarantine.record_refusals(self.connection, self.feed, [newest.partition], relanded=False)
        quarantine.finish_refusals(self.connection)
        outcome.changed = True
        self._publish_keys(outcome, everything=True)
        self._report_again(
            {newest.partition: load}, {newest.partition: newest.landed_load_id}, outcome.fates, reasons
        )

    def _due(self, states: Mapping[str, LoadState]) -> dict[str, list[int]]:
        """Partition → lines held for the future that no longer are; only partitions that raw still holds."""
        held = quarantine.held_for_the_future(self.connection, self.feed)
        if not held:
            return {}
        due: dict[str, list[int]] = {}
        for partition, lines in held.items():
            load_id = states[partition].landed_load_id if partition in states else None
            if load_id is None:
                continue
            self._judge([load_id], snapshot_at=_landing_time(partition), source_rows=lines)
            rows = self.connection.execute(
                "select _source_row from judged where not coalesce('FUTURE_TIMESTAMP' = any(_reasons), false)"
            ).fetchall()
            if rows:
                due[partition] = [row[0] for row in rows]
        return due

    def _judge(
        self,
        load_ids: Sequence[int],
        *,
        snapshot_at: datetime | None = None,
        source_rows: Sequence[int] | None = None,
    ) -> None:
        judge(
            self.connection,
            self.feed,
            load_ids,
            self._newest_load(),
            snapshot_at=snapshot_at,
            source_rows=source_rows,
        )

    def _newest_load(self) -> datetime:
        return loads.newest_load_time(self.journal, self.feed.name)

    def _refuse_beyond_limit(self, landed: Iterable[Landed]) -> list[int]:
        """Loads with a larger share of rejected rows than the contract allows; their rows leave `judged` (Q-09)."""
        rejected = dict(
            self.connection.execute(
                "select _load_id, count(*) from judged where _reasons is not null group by _load_id"
            ).fetchall()
        )
        refused = []
        for item in landed:
            bad = rejected.get(item.load.load_id, 0) + len(item.bad)
            total = item.rows + len(item.bad)
            if total and bad / total > self.feed.reject_limit:
                error = self._limit_error(item, bad, total)
                loads.fail_loads(self.journal, [item.load.load_id], "refused", str(error))
                self.faults.append(error)
                refused.append(item.load.load_id)
        if refused:
            self.connection.execute("delete from judged where _load_id = any(%s)", [refused])
        return refused

    def _limit_error(self, item: Landed, bad: int, total: int) -> DataRefused:
        reasons = self.connection.execute(
            """
            select _reasons[1], count(*), (array_agg(_source_row order by _source_row))[:5]
            from judged where _load_id = %s and _reasons is not null group by 1 order by 2 desc
            """,
            [item.load.load_id],
        ).fetchall()
        named = [f"{reason} {count} (lines {', '.join(map(str, lines))})" for reason, count, lines in reasons]
        if item.bad:
            named.append(f"unreadable {len(item.bad)}")
        return DataRefused(
            f"{bad} of {total} rows were rejected, more than the {self.feed.reject_limit:.0%} that the contract allows:"
            f" {'; '.join(named)}. Nothing was published; what stood still stands.",
            where=item.load.source,
            remedy="Mend the file or the contract and run again.",
        )

    def _stage(self, landed: Iterable[Landed], publish: object) -> Outcome:
        quarantine.start_refusals(self.connection)
        for item in landed:
            if len(item.bad):
                quarantine.refuse_unreadable(self.connection, item)
        assert callable(publish)
        outcome: Outcome = publish()
        return outcome

    def _forget_numbers(self) -> None:
        self.connection.execute("drop table if exists pg_temp.numbered")

    def _publish(self, outcome: Outcome, partitions: Iterable[str]) -> None:
        if outcome.changed:
            publish_versions(self.connection, str(staging_name(self.feed)), partitions)

    def _publish_keys(self, outcome: Outcome, *, everything: bool = False) -> None:
        if outcome.changed:
            publish_versions(self.connection, str(staging_name(self.feed)))
            if everything:
                self.connection.execute(
                    "delete from ops.consumed_version where input = %s", [str(staging_name(self.feed))]
                )
            note_changed_keys(self.connection, self.feed)
        self.connection.execute("drop table if exists pg_temp.changed_now")

    def _report(
        self, landed: Iterable[Landed], fates: Mapping[int, Fates], reasons: Mapping[int, dict[str, int]]
    ) -> None:
        reports = [
            _report(
                item.load,
                item.rows + len(item.bad),
                fates.get(item.load.load_id, Fates()),
                len(item.bad),
                reasons.get(item.load.load_id, {}),
                time.monotonic() - self.started,
                item,
            )
            for item in landed
        ]
        loads.close_loads(self.connection, reports)
        self.reports += reports

    def _report_again(
        self,
        opened: Mapping[str, OpenLoad],
        raw_loads: Mapping[str, int],
        fates: Mapping[int, Fates],
        reasons: Mapping[int, dict[str, int]],
    ) -> None:
        """Loads that only judged raw rows again; what the reader refused is not counted a second time."""
        reports = []
        for partition, load in opened.items():
            raw_load = raw_loads[partition]
            found = fates.get(raw_load, Fates())
            read = found.loaded + found.unchanged + found.duplicate + found.superseded + found.rejected
            reports.append(
                _report(
                    load, read, found, 0, reasons.get(raw_load, {}), time.monotonic() - self.started, None
                )
            )
        loads.close_loads(self.connection, reports)
        self.reports += reports


def restage_landings(connection: Connection, feed: FileFeedContract, newest_load: datetime) -> None:
    """Empty staging and take over every landing from raw, oldest first. Writes neither loads nor rejections."""
    landings = connection.execute(
        "select load_id, partition from ops.load where feed = %s and status = 'succeeded' and landed order by load_id",
        [feed.name],
    ).fetchall()
    connection.execute(sql.SQL("delete from {}").format(staging_name(feed).sql))
    for load_id, partition in landings:
        judge(connection, feed, [load_id], newest_load, snapshot_at=_landing_time(partition))
        quarantine.start_refusals(connection)
        publish_landing(connection, feed)
        quarantine.finish_refusals(connection)


def _standing(feed: FileFeedContract, states: Mapping[str, LoadState], file: SourceFile) -> LoadState | None:
    """What is published of this file: its partition, or the newest landing of a file without partitions."""
    if feed.partitions != "none":
        return states.get(file.partition)
    landings = [
        s
        for s in states.values()
        if s.landed_load_id and quarantine.scope_of(feed, s.partition) == file.partition
    ]
    return max(landings, key=lambda state: state.landed_load_id or 0, default=None)


def _landing_time(partition: str) -> datetime | None:
    return datetime.fromisoformat(partition.rsplit("@", 1)[1]) if "@" in partition else None


def _report(
    load: OpenLoad,
    read: int,
    fates: Fates,
    unreadable: int,
    reasons: dict[str, int],
    seconds: float,
    landed: Landed | None,
) -> LoadReport:
    return LoadReport(
        load.feed,
        load.partition,
        load.source,
        "succeeded",
        load.load_id,
        read=read,
        loaded=fates.loaded,
        unchanged=fates.unchanged,
        duplicate=fates.duplicate,
        superseded=fates.superseded,
        rejected=fates.rejected + unreadable,
        bytes_read=landed.bytes_read if landed else 0,
        seconds=seconds,
        reasons=reasons,
        new_columns=landed.new_columns if landed else (),
    )


def _message(error: BaseException) -> str:
    return (
        str(error)
        if isinstance(error, SalesPlatformError)
        else f"the load ended early ({type(error).__name__})"
    )


def _combined(faults: Sequence[SalesPlatformError]) -> SalesPlatformError:
    """One error for all files that failed: the first one's kind, every one's message."""
    if len(faults) == 1:
        return faults[0]
    return type(faults[0])(
        f"{len(faults)} files could not be loaded: " + " | ".join(str(fault) for fault in faults)
    )
