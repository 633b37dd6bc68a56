"""Materializing assets in this process, over a range of days or none. What is due is not decided here.

One run can hold daily and unpartitioned assets together: Dagster's implicit job of all assets takes the
range as the two tags below, gives it to every partitioned asset and check as `context.partition_keys`, and
runs the unpartitioned ones once. A partitioned asset fails without such a range, so without one only the
unpartitioned assets run.
"""

from __future__ import annotations

import os
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg

from sales_platform import errors
from sales_platform.components.launching import RANGE
from sales_platform.errors import WrongUse
from sales_platform.operations.dead_runs import living

OnEvent = Callable[[dg.DagsterEvent], None]


@dataclass(frozen=True)
class StepOutcome:
    """One step of a run: its assets as `schema/table`, its seconds, and the error's text when it failed."""

    name: str
    assets: tuple[str, ...]
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class CheckOutcome:
    """One evaluated check. severity: `ERROR` or `WARN`; only a failed one matters."""

    asset: str
    name: str
    passed: bool
    severity: str
    description: str


@dataclass(frozen=True)
class RunOutcome:
    """What a run did. not_run: selected assets that were held back because something before them failed."""

    run_id: str
    success: bool
    steps: tuple[StepOutcome, ...]
    checks: tuple[CheckOutcome, ...]
    not_run: tuple[str, ...]

    @property
    def failed_steps(self) -> tuple[StepOutcome, ...]:
        return tuple(step for step in self.steps if step.error is not None)

    @property
    def failed_checks(self) -> tuple[CheckOutcome, ...]:
        return tuple(check for check in self.checks if not check.passed)

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds per asset; the assets of one step share its time."""
        return {asset: step.seconds for step in self.steps for asset in step.assets}


def materialize(
    selection: str,
    first: str | None,
    last: str | None,
    *,
    instance: dg.DagsterInstance,
    warehouse_url: str,
    on_event: OnEvent | None = None,
) -> RunOutcome:
    """Materialize what `selection` names, with its checks, as one run.

    selection: a group, or Dagster's selection syntax. first, last: ISO days, both included, or both None:
    then only unpartitioned assets. Raises WrongUse for a selection that is empty or cannot be read.
    """
    from sales_platform.definitions import defs

    with _environment("WAREHOUSE_URL", warehouse_url):
        return materialize_in(defs(), selection, first, last, instance=instance, on_event=on_event)


@contextmanager
def _without_dagsters_own_warnings() -> Iterator[None]:
    """Dagster uses these beta parameters itself, so that nobody who calls us can act on the warnings."""
    with warnings.catch_warnings():
        for parameter in ("include_sources", "execution_type"):
            warnings.filterwarnings("ignore", f"Parameter `{parameter}`", dg.BetaWarning)
        yield


@_without_dagsters_own_warnings()
def materialize_in(
    definitions: dg.Definitions,
    selection: str,
    first: str | None,
    last: str | None,
    *,
    instance: dg.DagsterInstance,
    on_event: OnEvent | None = None,
    tags: Mapping[str, str] | None = None,
) -> RunOutcome:
    """The same over definitions that are at hand. tags: further ones of the run."""
    keys = select_assets(definitions, selection, partitioned=first is not None)
    graph = definitions.resolve_asset_graph()
    steps_of = {key: graph.get(key).assets_def.op.name for key in keys}
    run_id = str(uuid.uuid4())
    if not keys:
        return RunOutcome(run_id, success=True, steps=(), checks=(), not_run=())
    if on_event is not None:
        instance.add_event_listener(run_id, _listener(on_event))
    with living(instance, run_id):
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            run_id=run_id,
            asset_selection=keys,
            tags={
                **(tags or {}),
                **({} if first is None else dict(zip(RANGE, (first, last or first), strict=True))),
            },
            run_config=QUIET,
            raise_on_error=False,
        )
    return _outcome(result, steps_of)


# Progress and errors are told by whoever called; Dagster's console log would print tracebacks between them.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@_without_dagsters_own_warnings()
def select_assets(
    definitions: dg.Definitions, selection: str, *, partitioned: bool = True
) -> list[dg.AssetKey]:
    """Keys of the materializable assets that a group's name or a Dagster selection stands for.

    Assets that are written together are taken together. partitioned: whether daily assets belong to it.
    """
    graph = definitions.resolve_asset_graph()
    is_group = selection in {graph.get(key).group_name for key in graph.get_all_asset_keys()}
    try:
        chosen = dg.AssetSelection.groups(selection) if is_group else dg.AssetSelection.from_string(selection)
        keys = chosen.required_multi_asset_neighbors().materializable().resolve(graph)
    except dg.DagsterError:
        keys = set()
    if not keys:
        raise WrongUse(
            "the selection names no asset that can be materialized.",
            where=selection,
            remedy="Name a group (retail) or assets (key:analytics/fact_sales, +key:analytics/dim_customer); "
            "`dg list defs` shows them all.",
        )
    return sorted(key for key in keys if partitioned or not graph.get(key).is_partitioned)


def _outcome(result: dg.ExecuteInProcessResult, steps_of: Mapping[dg.AssetKey, str]) -> RunOutcome:
    ended = [event for event in result.all_events if event.is_step_success or event.is_step_failure]
    steps = tuple(_step(event, steps_of) for event in ended)
    reached = {asset for step in steps for asset in step.assets}
    not_run = tuple(key.to_user_string() for key in steps_of if key.to_user_string() not in reached)
    checks = tuple(_check(found) for found in result.get_asset_check_evaluations())
    return RunOutcome(result.run_id, result.success, steps, checks, not_run)


def _step(event: dg.DagsterEvent, steps_of: Mapping[dg.AssetKey, str]) -> StepOutcome:
    assets = tuple(key.to_user_string() for key, step in steps_of.items() if step == event.step_key)
    name = str(event.step_key)
    if event.is_step_success:
        return StepOutcome(name, assets, event.step_success_data.duration_ms / 1000)
    return StepOutcome(name, assets, 0.0, None if _only_a_check_failed(event) else _error_text(event))


def _only_a_check_failed(event: dg.DagsterEvent) -> bool:
    """Dagster fails the step of a blocking check as well; the check itself says why, so that it is told once."""
    error = event.step_failure_data.error
    return error is not None and error.cls_name == "DagsterAssetCheckFailedError"


def _error_text(event: dg.DagsterEvent) -> str:
    """Our own message where there is one, else the first line of what was raised."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None:
        if hasattr(errors, error.cls_name or ""):
            return error.message.strip().partition(": ")[2]
        if error.cause is None:
            return (error.message.strip() or str(error.cls_name)).splitlines()[0]
        error = error.cause
    return "the step failed without a word; its log in the Dagster UI has more."


def _check(found: dg.AssetCheckEvaluation) -> CheckOutcome:
    asset = found.asset_key.to_user_string()
    return CheckOutcome(asset, found.check_name, found.passed, found.severity.value, found.description or "")


def _listener(on_event: OnEvent) -> Callable[[dg.EventLogEntry], None]:
    def listen(entry: dg.EventLogEntry) -> None:
        if entry.dagster_event is not None:
            on_event(entry.dagster_event)

    return listen


@contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    """Set a variable for a while: a resource reads it when it is first used, so that it is stored nowhere."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
