"""What came of a run, read from its events into plain values. What that means for anyone is not decided here."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from sales_platform import errors

# Under this name a check tells of each partition that failed it, and of no other.
BY_PARTITION = "by_partition"
WILL_RETRY = "dagster/will_retry"
OURS = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
READ = {
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.STEP_SUCCESS,
    dg.DagsterEventType.STEP_FAILURE,
}

# Partitions; None: the whole of it.
Scope = frozenset[str] | None


@dataclass(frozen=True)
class EndedStep:
    """tables: that it makes; none for a step of checks. passed: None when the run ended before the step did. why: the
    error in a sentence, where it failed.
    """

    step: str
    tables: tuple[str, ...]
    scope: Scope
    passed: bool | None
    at: datetime
    why: str = ""


@dataclass(frozen=True)
class EndedCheck:
    """alarming: failed at error severity. bad: the partitions that failed it, where the check names them."""

    step: str
    table: str
    name: str
    scope: Scope
    alarming: bool
    at: datetime
    told: str = ""
    bad: frozenset[str] = frozenset()


@dataclass(frozen=True)
class EndedRun:
    """A run that succeeded or failed. will_retry: Dagster starts it once more by itself."""

    run_id: str
    failed: bool
    will_retry: bool
    at: datetime
    steps: tuple[EndedStep, ...]
    checks: tuple[EndedCheck, ...]


def newest_end(instance: dg.DagsterInstance) -> int:
    """The storage id of the newest end of a run; 0 when none ended yet."""
    return max((end.storage_id for kind in _ENDS for end in _ends(instance, kind, limit=1)), default=0)


def ended_runs(
    instance: dg.DagsterInstance, after: int, before: datetime, limit: int
) -> list[tuple[int, EndedRun]]:
    """Runs that ended after a storage id and before a moment, in the order of their ends; at most `limit`."""
    found = [
        (end.storage_id, kind, end)
        for kind in _ENDS
        for end in _ends(instance, kind, limit=limit, after=after, before=before)
    ]
    found.sort(key=lambda end: end[0])
    return [(storage_id, _outcome(instance, kind, end)) for storage_id, kind, end in found[:limit]]


_ENDS = (dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE)


def _ends(
    instance: dg.DagsterInstance,
    kind: Any,
    *,
    limit: int,
    after: int | None = None,
    before: datetime | None = None,
) -> Iterable[dg.EventLogRecord]:
    wanted = dg.RunStatusChangeRecordsFilter(
        event_type=kind,
        after_storage_id=after,
        before_timestamp=before.timestamp() if before else None,
    )
    return instance.fetch_run_status_changes(wanted, limit=limit, ascending=after is not None).records


def _outcome(instance: dg.DagsterInstance, kind: dg.DagsterEventType, end: dg.EventLogRecord) -> EndedRun:
    run = instance.get_run_by_id(end.run_id)
    seen = _Seen()
    for record in instance.get_records_for_run(end.run_id, of_type=READ).records:
        seen.take(record.event_log_entry)
    at = _moment(end.timestamp)
    return EndedRun(
        end.run_id,
        failed=kind is dg.DagsterEventType.RUN_FAILURE,
        will_retry=run is not None and run.tags.get(WILL_RETRY) == "true",
        at=at,
        steps=tuple(seen.steps(at)),
        checks=tuple(seen.checks()),
    )


@dataclass
class _Seen:
    """The events of one run, by step and by table."""

    planned: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    made: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    tables: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    made_tables: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    checked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ended: dict[str, tuple[bool, datetime, str]] = field(default_factory=dict)
    evaluated: list[tuple[str, Any, datetime]] = field(default_factory=list)

    def take(self, entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is None:
            return
        step, at = event.step_key or "", _moment(entry.timestamp)
        data: Any = event.event_specific_data
        match event.event_type:
            case dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED:
                self._plan(step, data)
            case dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                subset = data.partitions_subset
                self.planned[step] |= set(subset.get_partition_keys()) if subset else {None}
                self.checked[step].add(_table(data.asset_key))
            case dg.DagsterEventType.ASSET_MATERIALIZATION:
                made = data.materialization
                self.made[step].add(made.partition)
                self.made_tables[_table(made.asset_key)].add(made.partition)
            case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                self.evaluated.append((step, data, at))
            case dg.DagsterEventType.STEP_SUCCESS:
                self.ended[step] = (True, at, "")
            case dg.DagsterEventType.STEP_FAILURE:
                self.ended[step] = (False, at, _why(data))

    def steps(self, run_end: datetime) -> Iterator[EndedStep]:
        for step in dict.fromkeys([*self.planned, *self.ended]):
            passed, at, why = self.ended.get(step, (None, run_end, ""))
            checked = {part for table in self.checked[step] for part in self.made_tables[table]}
            scope = _scope(self.made[step] or checked or self.planned[step])
            yield EndedStep(step, tuple(self.tables[step]), scope, passed, at, why)

    def checks(self) -> Iterator[EndedCheck]:
        for step, evaluation, at in self.evaluated:
            table = _table(evaluation.asset_key)
            own = {evaluation.partition} if evaluation.partition else set()
            bad = evaluation.metadata.get(BY_PARTITION)
            yield EndedCheck(
                step,
                table,
                evaluation.check_name,
                scope=_scope(own or self.made_tables[table] or self.planned[step]),
                alarming=not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.ERROR,
                at=at,
                told=evaluation.description or "",
                bad=frozenset(map(str, bad.value)) if bad else frozenset(),
            )

    def _plan(self, step: str, data: Any) -> None:
        subset = data.partitions_subset
        self.planned[step] |= set(subset.get_partition_keys()) if subset else {data.partition}
        if (table := _table(data.asset_key)) not in self.tables[step]:
            self.tables[step].append(table)


def _scope(partitions: set[str | None]) -> Scope:
    """A run over days also makes tables that have none; those are made whole."""
    named = frozenset(partition for partition in partitions if partition is not None)
    return None if len(named) < len(partitions) or not named else named


def _table(key: dg.AssetKey) -> str:
    return key.to_user_string()


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def _why(data: Any) -> str:
    """The sentence of a failure that names itself, or of an error of ours; of any other only its type, because its
    text may hold values of rows or a password.
    """
    if data.user_failure_data and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    error = data.error
    while error is not None:
        if error.cls_name in OURS:
            return str(error.message.partition(": ")[2].strip())
        if error.cause is None:
            return f"an error of the type {error.cls_name}."
        error = error.cause
    return "its step failed."
