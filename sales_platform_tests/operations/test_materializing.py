"""Runs in process over small definitions, on an ephemeral instance: what a run holds and tells."""

import dagster as dg
import pytest

from sales_platform.components.policy import beta_accepted, failures_named
from sales_platform.errors import FileMissing, ServerUnavailable, WrongUse
from sales_platform.operations.materializing import RunOutcome, materialize_in, select_assets

DAYS = dg.DailyPartitionsDefinition(start_date="2026-01-01", end_offset=1)


def _toy(
    seen: dict[str, list[str]], error: Exception | None = None, *, check_passes: bool = True
) -> dg.Definitions:
    with beta_accepted():

        @dg.asset(key_prefix="staging", group_name="shop")
        def customers() -> dg.MaterializeResult[None]:
            seen["customers"] = []
            return dg.MaterializeResult()

        @dg.multi_asset(
            name="sales",
            specs=[
                dg.AssetSpec(["raw", "sales"]),
                dg.AssetSpec(["staging", "sales"], deps=[["raw", "sales"]]),
            ],
            group_name="shop",
            partitions_def=DAYS,
            backfill_policy=dg.BackfillPolicy.single_run(),
            retry_policy=dg.RetryPolicy(max_retries=2),
        )
        def sales(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]
            seen["sales"] = list(context.partition_keys)
            seen.setdefault("tries", []).append("sales")
            with failures_named():
                if error is not None:
                    raise error
            yield dg.MaterializeResult(asset_key=["raw", "sales"])
            yield dg.MaterializeResult(asset_key=["staging", "sales"])

        @dg.asset(
            key_prefix="analytics",
            group_name="shop",
            deps=[["staging", "sales"], ["staging", "customers"]],
            partitions_def=DAYS,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def fact(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
            seen["fact"] = list(context.partition_keys)
            return dg.MaterializeResult()

        @dg.asset_check(asset=["staging", "sales"], blocking=True)
        def no_gap() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=check_passes, description="a gap in the numbers")

    return dg.Definitions(
        assets=[customers, sales, fact], asset_checks=[no_gap], executor=dg.in_process_executor
    )


def _run(definitions: dg.Definitions, *days: str, selection: str = "shop") -> RunOutcome:
    with dg.DagsterInstance.ephemeral() as instance:
        first, last = (days[0], days[-1]) if days else (None, None)
        return materialize_in(definitions, selection, first, last, instance=instance)


def test_one_run_holds_daily_and_unpartitioned_assets_over_a_range() -> None:
    seen: dict[str, list[str]] = {}
    events: list[str] = []
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = materialize_in(
            _toy(seen), "shop", "2026-01-02", "2026-01-04", instance=instance,
            on_event=lambda event: events.append(event.event_type_value),
        )  # fmt: skip
        days = instance.get_materialized_partitions(dg.AssetKey(["analytics", "fact"]))
        runs = instance.get_runs_count()
    assert outcome.success
    assert sorted(days) == ["2026-01-02", "2026-01-03", "2026-01-04"]
    assert seen == {"customers": [], "sales": sorted(days), "fact": sorted(days), "tries": ["sales"]}
    assert runs == 1
    assert set(outcome.seconds) == {"staging/customers", "raw/sales", "staging/sales", "analytics/fact"}
    assert [check.name for check in outcome.checks] == ["no_gap"]
    assert events.count("STEP_SUCCESS") == 4


def test_without_a_range_only_unpartitioned_assets_run() -> None:
    seen: dict[str, list[str]] = {}
    assert _run(_toy(seen)).success
    assert seen == {"customers": []}


def test_a_selection_may_be_written_in_dagsters_own_words() -> None:
    keys = select_assets(_toy({}), "group:shop and key:staging/*", partitioned=False)
    assert [key.to_user_string() for key in keys] == ["staging/customers"]


def test_an_asset_that_is_written_with_another_brings_it_along() -> None:
    keys = select_assets(_toy({}), "key:staging/sales")
    assert [key.to_user_string() for key in keys] == ["raw/sales", "staging/sales"]


@pytest.mark.parametrize("selection", ["key:staging/nothing", "group:", "nobody"])
def test_a_selection_of_nothing_is_wrong_use_that_names_it(selection: str) -> None:
    with pytest.raises(WrongUse) as caught:
        select_assets(_toy({}), selection)
    assert caught.value.where == selection


def test_a_lasting_error_is_tried_once_and_told_in_its_own_words() -> None:
    seen: dict[str, list[str]] = {}
    outcome = _run(
        _toy(seen, FileMissing("no file.", where="sales.csv", remedy="Put it there.")), "2026-01-02"
    )
    (failed,) = outcome.failed_steps
    assert (failed.name, failed.assets) == ("sales", ("raw/sales", "staging/sales"))
    assert failed.error == "sales.csv: no file. Put it there."
    assert outcome.not_run == ("analytics/fact",)
    assert seen["tries"] == ["sales"]


def test_an_error_that_nobody_expected_is_tried_once_and_names_its_kind_without_its_text() -> None:
    seen: dict[str, list[str]] = {}
    outcome = _run(_toy(seen, KeyError("a value")), "2026-01-02")
    (failed,) = outcome.failed_steps
    assert failed.error == "an error that the platform does not know: KeyError."
    assert seen["tries"] == ["sales"]


def test_a_passing_error_is_tried_again_and_keeps_its_own_words() -> None:
    seen: dict[str, list[str]] = {}
    outcome = _run(_toy(seen, ServerUnavailable("down.", where="localhost")), "2026-01-02")
    assert [step.error for step in outcome.failed_steps] == ["localhost: down."]
    assert seen["tries"] == ["sales", "sales", "sales"]


def test_a_failed_blocking_check_holds_back_what_follows() -> None:
    outcome = _run(_toy({}, check_passes=False), "2026-01-02")
    (check,) = outcome.failed_checks
    assert (check.asset, check.name, check.severity) == ("staging/sales", "no_gap", "ERROR")
    assert outcome.not_run == ("analytics/fact",)
    assert outcome.failed_steps == ()
    assert not outcome.success
