"""What one call of `load_files` shares: its two sessions, the loads it opened, what came of them. No row
moves here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine import loads, quarantine
from sales_platform.engine.fates import Fates, Outcome
from sales_platform.engine.files import SourceFile
from sales_platform.engine.judging import JudgedRows, judge
from sales_platform.engine.landing import Landed
from sales_platform.engine.loads import Arriving, LoadState, OpenLoad
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.snapshots import Meant
from sales_platform.engine.warehouse import Connection
from sales_platform.engine.warned import count_warned, warning_notes
from sales_platform.errors import SalesPlatformError, SourceError, SourceNotReady


@dataclass(frozen=True)
class Resubmission:
    """A load of corrected rows. accepted: rows that the contract takes. refused: first reason → rows it does not."""

    load: OpenLoad
    accepted: int
    refused: dict[str, int]


@dataclass
class LoadCall:
    """connection: the transaction that publishes. journal: commits each statement, so that a crash leaves a
    trace.

    faults: the errors of files that could not be loaded while the others were. corrections: load of resubmitted rows
    → the load whose lines they take the place of. resubmitted: those of this call. meant: what was declared of its
    snapshots. closing_limit: the share of live keys that one of them may close. judged: what was judged last.
    """

    connection: Connection
    journal: Connection
    feed: FileFeedContract
    run_id: str
    unchanged: list[LoadReport] = field(default_factory=list)
    reports: list[LoadReport] = field(default_factory=list)
    faults: list[SalesPlatformError] = field(default_factory=list)
    opened: list[OpenLoad] = field(default_factory=list)
    corrections: dict[int, int] = field(default_factory=dict)
    resubmitted: list[Resubmission] = field(default_factory=list)
    meant: Meant = field(default_factory=Meant)
    closing_limit: Decimal = Decimal(0)
    judged: JudgedRows = field(default_factory=lambda: JudgedRows({}))
    started: float = field(default_factory=time.monotonic)

    def open(self, partition: str, source: str, content_hash: str | None, *, landed: bool = True) -> OpenLoad:
        """Record that a load begins."""
        load = loads.open_load(
            self.journal, self.feed, partition, source, content_hash, self.run_id, landed=landed
        )
        self.opened.append(load)
        return load

    def open_all(self, arriving: Sequence[Arriving]) -> list[OpenLoad]:
        """Record that the loads of files begin, before any of them is read into raw."""
        opened = loads.open_loads(self.journal, self.feed, arriving, self.run_id)
        self.opened += opened
        return opened

    def open_again(self, state: LoadState) -> OpenLoad:
        """Record a load that only judges once more what raw holds of a partition."""
        return self.open(state.partition, "raw", state.content_hash, landed=False)

    def open_resubmission(self, state: LoadState, source: str) -> OpenLoad:
        """Record a load of corrected rows; from now on they are judged in place of the lines they correct.

        Nothing is said of the partition's file: its content still stands.
        """
        load = loads.open_load(
            self.journal,
            self.feed,
            state.partition,
            source,
            state.content_hash,
            self.run_id,
            resubmission=True,
        )
        self.opened.append(load)
        assert state.landed_load_id is not None
        self.corrections[load.load_id] = state.landed_load_id
        return load

    def corrections_to(self, load_ids: Collection[int]) -> list[int]:
        """The loads of resubmitted rows that take the place of lines of these loads."""
        return sorted(load_id for load_id, landed_by in self.corrections.items() if landed_by in load_ids)

    def note_unchanged(self, state: LoadState, file: SourceFile) -> None:
        """A file whose content already stands."""
        report = loads.record_unchanged(self.journal, self.feed, state.partition, file.path, self.run_id)
        self.unchanged.append(report)

    @contextmanager
    def noting_faults(self, file: SourceFile) -> Iterator[None]:
        """A file that cannot be read is noted as a fault and holds up no other."""
        try:
            yield
        except (SourceError, SourceNotReady) as error:
            self.note_fault(file, error)

    def note_fault(self, file: SourceFile, error: SalesPlatformError) -> None:
        """A file that cannot be loaded: a failed load of its partition, and an error to raise at the end."""
        mine = [load for load in self.opened if load.source == file.path]
        load = mine[-1] if mine else self.open(file.partition, file.path, None)
        self.opened.remove(load)
        self.fail([load.load_id], "failed", error)

    def fail(self, load_ids: Sequence[int], status: str, error: SalesPlatformError) -> None:
        """End loads that publish nothing while others of the call do. status: `failed` or `refused`."""
        loads.fail_loads(self.journal, load_ids, status, str(error))
        self.faults.append(error)

    def fail_open_loads(self, message: str) -> None:
        """End every load of a call that publishes nothing at all."""
        loads.fail_loads(self.journal, [load.load_id for load in self.opened], "failed", message)

    def newest_load(self) -> datetime:
        """What is dated beyond it lies in the future (S-38)."""
        return loads.newest_load_time(self.journal, self.feed.name)

    def judge(
        self,
        load_ids: Sequence[int],
        *,
        snapshot_at: datetime | None = None,
        source_rows: Sequence[int] | None = None,
    ) -> None:
        """Fill `judged` from raw rows of these loads, as they were corrected."""
        self.judged = judge(
            self.connection,
            self.feed,
            load_ids,
            self.newest_load(),
            corrections=self.corrections_to(load_ids),
            snapshot_at=snapshot_at,
            source_rows=source_rows,
        )

    def stage(self, publish: Callable[[], Outcome], landed: Iterable[Landed] = ()) -> Outcome:
        """Publish `judged` into staging; `refused` then holds every refused record, the reader's too."""
        quarantine.start_refusals(self.connection)
        for item in landed:
            if len(item.bad):
                quarantine.refuse_unreadable(self.connection, item)
        warned = count_warned(self.connection, self.feed.rules, "judged")
        outcome = publish()
        outcome.warned = warned
        if any(fates.rejected for fates in outcome.fates.values()):
            quarantine.refuse_judged(self.connection, self.feed)
        outcome.reasons = quarantine.refused_reasons(self.connection)
        mine = {load.load_id for load in self.opened}
        for load_id, landed_by in self.corrections.items():
            if load_id not in mine:
                outcome.fold(load_id, landed_by)
        return outcome

    def close(self, landed: Iterable[Landed], outcome: Outcome) -> None:
        """Write down the fates of files that landed."""
        self._close([self._report(item.load, item.load.load_id, outcome, item) for item in landed])

    def close_again(self, opened: Mapping[int, OpenLoad], outcome: Outcome) -> None:
        """Write down the fates of raw rows judged again. opened: the load that landed them → the one that
        judged.

        What the reader refused stays with the load that read it.
        """
        self._close([self._report(load, landed_by, outcome) for landed_by, load in opened.items()])

    def close_resubmitted(self, outcome: Outcome) -> None:
        """Write down the fates of corrected rows; where the outcome knows none, what was accepted is loaded."""
        reports = []
        for item in self.resubmitted:
            fates = outcome.fates.get(item.load.load_id, Fates(loaded=item.accepted))
            reasons = dict(item.refused)
            for reason, count in outcome.reasons.get(item.load.load_id, {}).items():
                reasons[reason] = reasons.get(reason, 0) + count
            refused = sum(item.refused.values())
            report = self._fates(item.load, fates, reasons)
            reports.append(replace(report, read=report.read + refused, rejected=report.rejected + refused))
        self._close(reports)

    def _close(self, reports: list[LoadReport]) -> None:
        loads.close_loads(self.connection, reports)
        self.reports += reports

    def _report(
        self, load: OpenLoad, landed_by: int, outcome: Outcome, landed: Landed | None = None
    ) -> LoadReport:
        fates = outcome.fates.get(landed_by, Fates())
        warned = outcome.warned.get(landed_by, {})
        report = self._fates(load, fates, outcome.reasons.get(landed_by, {}))
        report = replace(report, warned=warned, notes=warning_notes(warned))
        if landed is None:
            return report
        return replace(
            report,
            read=landed.records,
            rejected=fates.rejected + len(landed.bad),
            bytes_read=landed.bytes_read,
            new_columns=landed.new_columns,
            notes=(*_notes(landed), *report.notes),
        )

    def _fates(self, load: OpenLoad, fates: Fates, reasons: dict[str, int]) -> LoadReport:
        return LoadReport(
            load.feed,
            load.partition,
            load.source,
            "succeeded",
            load.load_id,
            read=fates.total,
            loaded=fates.loaded,
            unchanged=fates.unchanged,
            duplicate=fates.duplicate,
            superseded=fates.superseded,
            rejected=fates.rejected,
            seconds=time.monotonic() - self.started,
            reasons=reasons,
        )


def _notes(landed: Landed) -> tuple[str, ...]:
    """What a person should know of a file whose columns are not those of the contract."""
    if not landed.new_columns:
        return ()
    return (f"columns that the contract does not know, kept in raw: {', '.join(landed.new_columns)}",)
