"""What is read from the events of real runs: which partitions of a table, a step or a check a run speaks of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from sales_platform.components import policy
from sales_platform.components.run_outcomes import EndedRun, Scope, ended_runs, newest_end

THREE_DAYS = frozenset(["2026-03-01", "2026-03-02", "2026-03-03"])


def shop(crash: str) -> dg.JobDefinition:
    """Days of sales, a table of customers without days, and a check of each; the step named `crash` fails."""

    def work(name: str) -> None:
        if name == crash:
            raise ValueError(name)

    with policy.beta_accepted():

        @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-03-01"), backfill_policy=policy.ONE_RUN)
        def sales() -> dg.MaterializeResult[None]:
            work("sales")
            return dg.MaterializeResult()

    @dg.asset(deps=[sales])
    def customers() -> dg.MaterializeResult[None]:
        work("customers")
        return dg.MaterializeResult()

    @dg.asset_check(asset=sales, name="sound")
    def sales_sound() -> dg.AssetCheckResult:
        work("sales_sound")
        return dg.AssetCheckResult(passed=True)

    @dg.asset_check(asset=customers, name="sound")
    def customers_sound() -> dg.AssetCheckResult:
        work("customers_sound")
        return dg.AssetCheckResult(passed=True)

    return dg.Definitions(
        [sales, customers],
        asset_checks=[sales_sound, customers_sound],
        jobs=[dg.define_asset_job("shop")],
        executor=dg.in_process_executor,
    ).resolve_job_def("shop")


def ended(crash: str = "") -> EndedRun:
    """A run over three days, as it is read after its end."""
    span = {
        "dagster/asset_partition_range_start": "2026-03-01",
        "dagster/asset_partition_range_end": "2026-03-03",
    }
    with dg.DagsterInstance.ephemeral() as instance:
        shop(crash).execute_in_process(instance=instance, tags=span, raise_on_error=False)
        ((storage_id, run),) = ended_runs(instance, 0, datetime.now(UTC) + timedelta(days=1), limit=5)
        assert newest_end(instance) == storage_id
        assert ended_runs(instance, storage_id, datetime.now(UTC) + timedelta(days=1), limit=5) == []
    return run


def test_days_belong_to_what_has_days_and_what_has_none_is_made_whole() -> None:
    run = ended()
    scopes: dict[str, Scope] = {step.step: step.scope for step in run.steps}
    assert scopes == {
        "sales": THREE_DAYS,
        "sales_sound": THREE_DAYS,
        "customers": None,
        "customers_sound": None,
    }
    assert {check.table: check.scope for check in run.checks} == {"sales": THREE_DAYS, "customers": None}
    assert (run.failed, {step.passed for step in run.steps}) == (False, {True})


@pytest.mark.parametrize(
    ("crash", "scope"), [("sales", THREE_DAYS), ("sales_sound", THREE_DAYS), ("customers_sound", None)]
)
def test_a_step_that_failed_speaks_of_the_same_partitions_as_one_that_passes(
    crash: str, scope: Scope
) -> None:
    (failed,) = [step for step in ended(crash).steps if step.passed is False]
    assert (failed.step, failed.scope, failed.why) == (crash, scope, "an error of the type ValueError.")
