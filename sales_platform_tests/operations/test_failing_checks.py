"""What status says of failing checks is what Dagster's own record says, read without Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest
from pydantic import SecretStr

from sales_platform.operations.environment import dagster_home, storage_url
from sales_platform.operations.failing_checks import FailingCheck, failing_checks
from sales_platform.settings import Settings


@pytest.fixture
def recorded(settings: Settings, database_url: str) -> Settings:
    """Settings with a record of Dagster's that nobody has written yet."""
    return settings.model_copy(update={"dagster_pg_url": SecretStr(storage_url(database_url))})


@pytest.fixture
def instance(
    recorded: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_PG_URL", storage_url(database_url))
    with dg.DagsterInstance.from_config(str(dagster_home(recorded))) as instance:
        yield instance


def evaluate(instance: dg.DagsterInstance, **verdicts: tuple[bool, dg.AssetCheckSeverity]) -> None:
    """Run the checks of one table, each with this verdict."""
    names = list(verdicts)

    @dg.multi_asset_check(
        specs=[dg.AssetCheckSpec(name, asset=["staging", "retail_sales"]) for name in names], name="checks"
    )
    def checks() -> Iterator[dg.AssetCheckResult]:
        for name, (passed, severity) in verdicts.items():
            yield dg.AssetCheckResult(
                asset_key=["staging", "retail_sales"],
                check_name=name,
                passed=passed,
                severity=severity,
                description=f"what {name} found",
            )

    job = dg.define_asset_job("j", selection=dg.AssetSelection.all_asset_checks())
    definitions = dg.Definitions(asset_checks=[checks], jobs=[job])
    definitions.resolve_job_def("j").execute_in_process(instance=instance)


WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def test_without_a_record_no_check_fails(recorded: Settings, settings: Settings) -> None:
    assert failing_checks(recorded) == []
    assert failing_checks(settings) == []


def test_the_newest_evaluation_of_each_check_counts_and_errors_come_first(
    recorded: Settings, instance: dg.DagsterInstance
) -> None:
    evaluate(instance, late=(False, WARN), wrong=(False, ERROR), sound=(True, ERROR), mended=(False, ERROR))
    evaluate(instance, mended=(True, ERROR))

    found = failing_checks(recorded)

    assert [(check.table, check.name, check.severity) for check in found] == [
        ("staging.retail_sales", "wrong", "ERROR"),
        ("staging.retail_sales", "late", "WARN"),
    ]
    keys = [dg.AssetCheckKey(dg.AssetKey(["staging", "retail_sales"]), check.name) for check in found]
    for check, key in zip(found, keys, strict=True):
        assert check == of_dagster(instance, key)


def of_dagster(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> FailingCheck:
    """The same by Dagster's own reading."""
    (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    evaluation = record.event.asset_check_evaluation
    assert evaluation is not None
    assert not evaluation.passed
    return FailingCheck(
        ".".join(evaluation.asset_key.path),
        evaluation.check_name,
        evaluation.severity.value,
        evaluation.description or "",
        datetime.fromtimestamp(record.event.timestamp, UTC),
    )
