"""How Dagster shows what a publication found before its commit: the check `audit` of the table itself."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from sales_platform.components.sql_table import SqlTable
from sales_platform.contracts.catalog import read_catalog
from sales_platform.contracts.table import SqlTableContract
from sales_platform.resources import WarehouseResource
from sales_platform_tests.components.judged import samples
from sales_platform_tests.defs.channels_road import ChannelsRoad, line

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

FACT = read_catalog().tables["analytics.fact_transaction"]
DAYS = ("2026-03-01", "2026-03-02")


@pytest.fixture
def channels(warehouse_url: str, tmp_path: Path) -> ChannelsRoad:
    """Two days of two payments of INR 200.00."""
    road = ChannelsRoad(warehouse_url, tmp_path / "data")
    for day in DAYS:
        road.put(day, [line(f"{day}-{number}", day) for number in range(2)])
    road.run()
    return road


def _run(road: ChannelsRoad, table: SqlTableContract) -> dg.ExecuteInProcessResult:
    """A range of both days as a run of Dagster."""
    built = SqlTable(table).build_defs(None)  # type: ignore[arg-type]
    job = dg.define_asset_job("publish", selection=dg.AssetSelection.assets(table.name.split(".")))
    definitions = dg.Definitions.merge(
        built, dg.Definitions(jobs=[job], resources={"warehouse": WarehouseResource(url=road.warehouse.url)})
    )
    tags = {"dagster/asset_partition_range_start": DAYS[0], "dagster/asset_partition_range_end": DAYS[1]}
    return definitions.resolve_job_def("publish").execute_in_process(tags=tags, raise_on_error=False)


def _audit(run: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    (found,) = [found for found in run.get_asset_check_evaluations() if found.check_name == "audit"]
    return found


def test_a_publication_that_is_sound_says_what_it_compared(channels: ChannelsRoad) -> None:
    run = _run(channels, FACT)
    assert run.success
    audit = _audit(run)
    assert (audit.passed, audit.asset_key.to_user_string()) == (True, "analytics/fact_transaction")
    assert audit.description == (
        "as in staging.channels_transactions: rows 4, amount 800.00, successful_amount 800.00, processing_time 6.00"
    )


def test_q_17_a_publication_that_is_wrong_fails_the_audit_with_figures_and_days_and_is_not_tried_again(
    channels: ChannelsRoad,
) -> None:
    (equality,) = FACT.equals
    figures = {"amount": equality.figures["amount"].model_copy(update={"theirs": "sum(amount + 1)"})}
    wrong = FACT.model_copy(update={"equals": (equality.model_copy(update={"figures": figures}),)})
    before = channels.rows("select xmin::text from analytics.fact_transaction order by 1")

    run = _run(channels, wrong)

    audit = _audit(run)
    assert (audit.passed, audit.severity) == (False, dg.AssetCheckSeverity.ERROR)
    said = "amount 800.00, but 804.00 in staging.channels_transactions (-4.00), in 2026-03-01, 2026-03-02."
    assert (audit.description or "").startswith(said)
    assert audit.metadata["offenders"].value == 2
    assert audit.metadata["partitions"].value == {day: {"amount": "-2.00"} for day in DAYS}
    shown = samples(dg.AssetCheckResult(passed=False, metadata=audit.metadata))
    assert [row["_partition"] for row in shown] == list(DAYS)
    (failure,) = [event for event in run.all_events if event.is_step_failure]
    assert said in str(failure.step_failure_data.user_failure_data)
    assert not [event for event in run.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    assert not run.get_asset_materialization_events()
    assert channels.rows("select xmin::text from analytics.fact_transaction order by 1") == before
