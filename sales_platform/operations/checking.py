"""What `sales-platform check` does: evaluate asset checks over what stands, or over some of its partitions. Changes no
table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sales_platform.engine.selects import LAYERS
from sales_platform.errors import WrongUse
from sales_platform.operations.fates import table_exists
from sales_platform.operations.opening import Platform, open_platform
from sales_platform.operations.selecting import Selected, select
from sales_platform.settings import Settings

if TYPE_CHECKING:
    import dagster as dg

EVERYTHING = "*"
JOB = "checks_of_the_command"
LONGEST_FIGURE = 40


@dataclass(frozen=True)
class CheckFigures:
    """One evaluated check. severity: `ERROR` or `WARN`. figures: what it counted, by name. samples: a few offending
    rows by column, personal values masked. offenders_sql: lists every offender, in psql.
    """

    asset: str
    name: str
    passed: bool
    severity: str
    description: str
    figures: dict[str, int | float | str]
    samples: list[dict[str, object]] = field(default_factory=list)
    offenders_sql: str = ""

    @property
    def failed(self) -> bool:
        """Whether it failed with the severity that fails a command."""
        return not self.passed and self.severity == "ERROR"


def check(
    settings: Settings, selection: str = EVERYTHING, partitions: Sequence[str] | None = None
) -> list[CheckFigures]:
    """Evaluate the checks of the selected assets, over everything that stands or these days or files alone.

    Raises WrongUse for a selection that is empty or cannot be read, and for partitions that nobody ever loaded.
    """
    with open_platform(settings) as platform:
        return check_on(platform, selection, partitions)


def check_on(
    platform: Platform, selection: str = EVERYTHING, partitions: Sequence[str] | None = None
) -> list[CheckFigures]:
    """The same on a platform that is open. Checks of tables that are not there yet are left out.

    Dagster's record of runs is left as it is: writing it down there takes many times as long as the checks themselves,
    and a verdict on a few partitions would pass for one on the whole table.
    """
    import dagster as dg

    from sales_platform.components.partitions import CHECKED

    keys = _check_keys(platform, selection, partitions)
    if not keys:
        return []
    job = dg.define_asset_job(JOB, selection=dg.AssetSelection.checks(*keys))
    definitions = dg.Definitions.merge(platform.definitions, dg.Definitions(jobs=[job]))
    asked = {} if partitions is None else {CHECKED: json.dumps(list(partitions))}
    with dg.DagsterInstance.ephemeral() as unrecorded:
        return _evaluated(definitions, unrecorded, asked)


def as_partitions(text: str) -> list[str]:
    """`2026-03-02`, `2026-03-02..2026-03-05` (both included, or with the UI's three dots) or a file's name → the
    partitions that are meant.

    Raises WrongUse for a range that ends before it begins.
    """
    first, dots, last = text.partition("..." if "..." in text else "..")
    begin, end = _day(first), _day(last)
    if not dots or begin is None or end is None:
        return [text]
    if end < begin:
        raise WrongUse(
            "the range ends before it begins.",
            where=f"--partition {text}",
            remedy="Write the earlier day first.",
        )
    return [(begin + timedelta(days=number)).isoformat() for number in range((end - begin).days + 1)]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _evaluated(
    definitions: dg.Definitions, instance: dg.DagsterInstance, tags: dict[str, str]
) -> list[CheckFigures]:
    from sales_platform.operations.materializing import QUIET

    result = definitions.resolve_job_def(JOB).execute_in_process(
        instance=instance, run_config=QUIET, tags=tags, raise_on_error=False
    )
    evaluated = [_figures(found) for found in result.get_asset_check_evaluations()]
    failures = [event for event in result.all_events if event.is_step_failure]
    crashed = [_crash(event) for event in failures if not _is_verdict(event)]
    return sorted(
        [*evaluated, *crashed], key=lambda found: (found.passed, not found.failed, found.asset, found.name)
    )


def _check_keys(
    platform: Platform, selection: str, partitions: Sequence[str] | None
) -> list[dg.AssetCheckKey]:
    """Checks that can run by themselves; those that a load evaluates with its own figures stay with it. What is asked
    about some partitions is not how old the newest is.
    """
    from sales_platform.components.load_checks import BROKEN_BY_TIME

    selected = select(platform.definitions, selection)
    chosen = {name for domain in selected for name in domain.all}
    if partitions is not None:
        chosen = _cut_alike(selected, partitions)
        _refuse_unknown(platform, chosen, partitions)
    specs = [spec for checks in platform.definitions.asset_checks or () for spec in checks.check_specs]
    named = {name for spec in specs for name in (spec.asset_key.to_user_string(), *_read_by(spec))}
    with platform.warehouse.transaction() as connection:
        standing = {name for name in named if table_exists(connection, name.replace("/", "."))}
    elsewhere = set() if partitions is None else BROKEN_BY_TIME
    return sorted(
        spec.key for spec in specs if spec.name not in elsewhere and _applies(spec, chosen, standing)
    )


def _cut_alike(selected: Sequence[Selected], partitions: Sequence[str]) -> set[str]:
    """Assets that are cut into days or, where a file is meant, into files."""
    days = all(_day(partition) for partition in partitions)
    return {name for domain in selected for name in (domain.daily if days else domain.by_file)}


def _refuse_unknown(platform: Platform, chosen: set[str], partitions: Sequence[str]) -> None:
    """A misspelt file would pass every check."""
    feeds = [name.removeprefix("staging/") for name in chosen if name.startswith("staging/")]
    loaded = "select exists (select from ops.load where partition = any(%s) and (feed = any(%s) or %s))"
    with platform.warehouse.transaction() as connection:
        row = connection.execute(loaded, [list(partitions), feeds, not feeds]).fetchone()
    if not chosen or row is None or not row[0]:
        raise WrongUse(
            "no selected table has a load of this partition.",
            where=f"--partition {partitions[0]}" + (f"..{partitions[-1]}" if len(partitions) > 1 else ""),
            remedy="Name a day (2026-03-02), days (2026-03-02..2026-03-05) or a file; `sales-platform status` "
            "shows what was loaded.",
        )


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
    shown, listing = found.metadata.get("samples"), found.metadata.get("offenders_sql")
    return CheckFigures(
        asset=found.asset_key.to_user_string(),
        name=found.check_name,
        passed=found.passed,
        severity=found.severity.value,
        description=found.description or "",
        figures=figures,
        samples=[dict(record.data) for record in getattr(shown, "records", [])],
        offenders_sql=_unfenced(str(listing.value)) if listing else "",
    )


def _unfenced(markdown: str) -> str:
    """The statement alone; Dagster's UI has it as a block of code."""
    return markdown.strip().removeprefix("```sql").removesuffix("```").strip()


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
