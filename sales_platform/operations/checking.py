"""What `sales-platform check` does: evaluate asset checks over everything that stands. Changes no table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sales_platform.engine.selects import LAYERS
from sales_platform.operations.fates import table_exists
from sales_platform.operations.opening import Platform, open_platform
from sales_platform.operations.selecting import select
from sales_platform.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

EVERYTHING = "*"
JOB = "checks_of_the_command"
LONGEST_FIGURE = 40


@dataclass(frozen=True)
class CheckFigures:
    """One evaluated check. severity: `ERROR` or `WARN`. figures: what it counted, by name."""

    asset: str
    name: str
    passed: bool
    severity: str
    description: str
    figures: dict[str, int | float | str]

    @property
    def failed(self) -> bool:
        """Whether it failed with the severity that fails a command."""
        return not self.passed and self.severity == "ERROR"


def check(settings: Settings, selection: str = EVERYTHING) -> list[CheckFigures]:
    """Evaluate the checks of the selected assets, daily ones over every day that stands.

    Raises WrongUse for a selection that is empty or cannot be read.
    """
    with open_platform(settings) as platform:
        return check_on(platform, selection)


def check_on(platform: Platform, selection: str = EVERYTHING) -> list[CheckFigures]:
    """The same on a platform that is open. Checks of tables that are not there yet are left out."""
    import dagster as dg

    from sales_platform.operations.materializing import QUIET

    keys = _check_keys(platform, selection)
    if not keys:
        return []
    job = dg.define_asset_job(JOB, selection=dg.AssetSelection.checks(*keys))
    definitions = dg.Definitions.merge(platform.definitions, dg.Definitions(jobs=[job]))
    result = definitions.resolve_job_def(JOB).execute_in_process(
        instance=platform.instance, run_config=QUIET, raise_on_error=False
    )
    evaluated = [_figures(found) for found in result.get_asset_check_evaluations()]
    failures = [event for event in result.all_events if event.is_step_failure]
    crashed = [_crash(event) for event in failures if not _is_verdict(event)]
    return sorted([*evaluated, *crashed], key=lambda found: (found.passed, found.asset, found.name))


def _check_keys(platform: Platform, selection: str) -> list[dg.AssetCheckKey]:
    """Checks that can run by themselves; those that a load evaluates with its own figures stay with it."""
    selected = select(platform.definitions, selection)
    chosen = {name for domain in selected for name in domain.all}
    specs = [spec for checks in platform.definitions.asset_checks or () for spec in checks.check_specs]
    named = {name for spec in specs for name in (spec.asset_key.to_user_string(), *_read_by(spec))}
    with platform.warehouse.transaction() as connection:
        standing = {name for name in named if table_exists(connection, name.replace("/", "."))}
    return sorted(spec.key for spec in specs if _applies(spec, chosen, standing))


def _applies(spec: dg.AssetCheckSpec, chosen: set[str], standing: set[str]) -> bool:
    """Whether all that a check reads stands and its asset is chosen. Where that is no table, as of a comparison with a
    source, it is enough that a table is chosen which it reads.
    """
    own, read = spec.asset_key.to_user_string(), _read_by(spec)
    if own.split("/")[0] in LAYERS:
        return own in chosen and standing.issuperset([own, *read])
    return bool(read) and standing.issuperset(read) and not chosen.isdisjoint([own, *read])


def _read_by(spec: dg.AssetCheckSpec) -> list[str]:
    """The tables that a check reads beside its own."""
    return [dep.asset_key.to_user_string() for dep in spec.additional_deps]


def _figures(found: dg.AssetCheckEvaluation) -> CheckFigures:
    figures: dict[str, int | float | str] = {}
    for name, metadata in found.metadata.items():
        value = metadata.value
        if isinstance(value, int | float) or (isinstance(value, str) and len(value) <= LONGEST_FIGURE):
            figures[name] = value
    return CheckFigures(
        asset=found.asset_key.to_user_string(),
        name=found.check_name,
        passed=found.passed,
        severity=found.severity.value,
        description=found.description or "",
        figures=figures,
    )


def _is_verdict(event: dg.DagsterEvent) -> bool:
    """Whether the step failed because a blocking check said no; its evaluation tells more."""
    failure = event.step_failure_data.error
    return failure is not None and failure.cls_name == "DagsterAssetCheckFailedError"


def _crash(event: dg.DagsterEvent) -> CheckFigures:
    failure = event.step_failure_data.error
    kind = failure.cls_name if failure else "an unknown error"
    asset, _, name = (event.step_key or "?").replace("__", "/").rpartition("/")
    return CheckFigures(
        asset,
        name,
        passed=False,
        severity="ERROR",
        description=f"the check itself failed: {kind}",
        figures={},
    )
