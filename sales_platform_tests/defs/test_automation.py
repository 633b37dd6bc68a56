"""What starts by itself: all of it behind one switch, each with a sentence; and which tables follow which change."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from sales_platform.contracts.catalog import read_catalog
from sales_platform.definitions import defs
from sales_platform.defs.automation.conditions import domains_of
from sales_platform.defs.automation.freshness import hourly

FIRST = date(2025, 1, 1)
FACT, MART = dg.AssetKey(["analytics", "fact_sales"]), dg.AssetKey(["marts", "retail_sales_daily"])
SALES = dg.AssetKey(["staging", "retail_sales"])
LISTS = ("customers", "customer_updates", "products", "stores")
DIMENSIONS = ("dim_customer", "dim_product", "dim_store")
NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


def instigators(definitions: dg.Definitions) -> list[dg.SensorDefinition | dg.ScheduleDefinition]:
    repository = definitions.get_repository_def()
    return [*repository.sensor_defs, *repository.schedule_defs]


def test_every_sensor_and_schedule_is_on_and_says_in_one_sentence_what_it_watches(
    definitions: dg.Definitions,
) -> None:
    found = instigators(definitions)

    assert len(found) > 20
    assert [one.name for one in found if one.default_status.value != "RUNNING"] == []
    told = {one.name: one.description or "" for one in found}
    assert [name for name, text in told.items() if not text.endswith(".") or ". " in text] == []


def test_one_setting_switches_all_of_them_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOMATION", "off")

    assert [one.name for one in instigators(defs()) if one.default_status.value != "STOPPED"] == []


def test_schedules_tick_in_the_business_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUSINESS_TIME_ZONE", "Europe/Berlin")
    definitions = defs()
    found = {one.name: one for one in definitions.get_repository_def().schedule_defs}

    assert {one.execution_timezone for one in found.values()} == {"Europe/Berlin"}
    daily = {"retail_daily": "0 2 * * *", "channels_daily": "0 2 * * *"}
    compared = {"invoicing_reconciliation": "0 4 * * *", "accounts_reconciliation": "0 4 * * *"}
    backups = {"backup_daily": "0 3 * * *", "backup_rehearsal": "0 6 * * 0"}
    expected = daily | compared | backups | {"maintenance": "0 5 * * 0"}
    assert {name: found[name].cron_schedule for name in expected} == expected
    hourly_job = definitions.resolve_job_def(found["freshness"].job_name)
    looked_at = hourly_job.asset_layer.asset_graph.asset_check_keys
    assert {key.name for key in looked_at if key.asset_key.path[0] == "backup"} == {"freshness"}


def test_each_domain_has_its_own_sensor_of_conditions_so_that_it_can_be_paused_alone(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    following = {
        key for key in graph.materializable_asset_keys if graph.get(key).automation_condition is not None
    }
    watched: list[dg.AssetKey] = []
    for domain in domains_of(read_catalog()):
        sensor = definitions.resolve_sensor_def(f"{domain}_conditions")
        assert isinstance(sensor, dg.AutomationConditionSensorDefinition)
        keys = sensor.asset_selection.resolve(graph) & following
        assert {graph.get(key).group_name for key in keys} == {domain}
        watched += keys

    assert sorted(watched) == sorted(following)


@dataclass
class Domain:
    """A domain as Dagster's record shows it, without a warehouse: what was made is told, conditions are asked."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    name: str = "retail"
    cursor: dg.AssetDaemonCursor | None = None

    def made(self, *keys: dg.AssetKey, days: list[date] | None = None) -> None:
        for key in keys:
            for partition in [str(day) for day in days] if days else [None]:
                told = dg.AssetMaterialization(key, partition=partition)
                self.instance.report_runless_asset_event(told)

    def loaded(self, *days: date) -> None:
        """A run of the whole domain for these days."""
        lists = [dg.AssetKey([layer, f"retail_{name}"]) for layer in ("raw", "staging") for name in LISTS]
        self.made(*lists, *(dg.AssetKey(["analytics", name]) for name in DIMENSIONS))
        self.made(dg.AssetKey(["raw", "retail_sales"]), SALES, FACT, MART, days=list(days))

    def checked(self, *, passed: bool = True) -> None:
        """Every blocking check of the domain passed, but for one of the sales in staging."""
        graph = self.definitions.resolve_asset_graph()
        for key in graph.asset_check_keys:
            spec = graph.get_check_spec(key)
            if spec.blocking and graph.get(spec.asset_key).group_name == self.name:
                spoiled = spec.asset_key == SALES and spec.name == "conservation"
                told = dg.AssetCheckEvaluation(
                    asset_key=spec.asset_key,
                    check_name=spec.name,
                    passed=passed or not spoiled,
                    metadata={},
                    blocking=True,
                )
                self.instance.report_runless_asset_event(told)

    def asked(self) -> dict[str, AbstractSet[str | None]]:
        """Table → partitions that the conditions ask for now."""
        result = dg.evaluate_automation_conditions(
            self.definitions,
            self.instance,
            asset_selection=dg.AssetSelection.groups(self.name),
            evaluation_time=NOW,
            cursor=self.cursor,
        )
        self.cursor = result.cursor
        graph = self.definitions.resolve_asset_graph()
        keys = dg.AssetSelection.groups(self.name).resolve(graph)
        found = {key.path[-1]: result.get_requested_partitions(key) for key in keys}
        return {name: partitions for name, partitions in found.items() if partitions}


@pytest.fixture
def retail(definitions: dg.Definitions) -> Iterator[Domain]:
    """A domain that holds ten days, all of them followed already."""
    with dg.DagsterInstance.ephemeral() as instance:
        domain = Domain(definitions, instance)
        domain.loaded(*(FIRST + timedelta(days=n) for n in range(10)))
        domain.checked()
        assert domain.asked() == {}
        yield domain


def test_after_a_run_of_the_whole_domain_the_conditions_ask_for_nothing(retail: Domain) -> None:
    retail.loaded(FIRST + timedelta(days=3), FIRST + timedelta(days=10))

    assert retail.asked() == {}
    assert retail.asked() == {}


def test_a_late_day_of_staging_is_followed_by_that_day_of_fact_and_mart_alone(retail: Domain) -> None:
    late = FIRST + timedelta(days=3)
    retail.made(SALES, days=[late])

    assert retail.asked() == {"fact_sales": {str(late)}, "retail_sales_daily": {str(late)}}
    assert retail.asked() == {}


def test_four_hundred_late_days_are_asked_for_at_once_and_once(retail: Domain) -> None:
    days = [FIRST + timedelta(days=n) for n in range(400)]
    retail.made(SALES, days=days)

    expected = {day.isoformat() for day in days}
    assert retail.asked() == {"fact_sales": expected, "retail_sales_daily": expected}
    assert retail.asked() == {}


def test_a_dimension_alone_does_not_ask_for_every_day_that_ever_was(retail: Domain) -> None:
    retail.made(dg.AssetKey(["analytics", "dim_customer"]))

    assert retail.asked() == {}


def test_the_companys_revenue_follows_a_day_of_one_domain_once_every_domain_is_there(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    inputs = graph.get(dg.AssetKey(["marts", "revenue_daily"])).parent_keys
    daily = {key for key in inputs if graph.get(key).is_partitioned}
    with dg.DagsterInstance.ephemeral() as instance:
        company = Domain(definitions, instance, "company")
        company.made(*(inputs - daily))
        company.made(MART, days=[FIRST])
        for name in {graph.get(key).group_name for key in inputs}:
            Domain(definitions, instance, str(name)).checked()
        assert company.asked() == {}
        company.made(*(daily - {MART}), days=[FIRST])
        assert company.asked() == {"revenue_daily": {None}}
        assert company.asked() == {}
        company.made(dg.AssetKey(["marts", "revenue_daily"]))
        assert company.asked() == {}
        company.made(MART, days=[FIRST + timedelta(days=3)])
        assert company.asked() == {"revenue_daily": {None}}
        assert company.asked() == {}


def test_a_failed_blocking_check_holds_its_followers_until_it_passes(retail: Domain) -> None:
    late = FIRST + timedelta(days=3)
    retail.made(SALES, days=[late])
    retail.checked(passed=False)
    assert retail.asked() == {}

    retail.checked()

    assert retail.asked() == {"fact_sales": {str(late)}, "retail_sales_daily": {str(late)}}


def test_what_reconciliation_repairs_in_staging_is_followed_once_and_a_whole_run_is_not(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    order = [key for level in graph.toposorted_asset_keys_by_level for key in level]
    with dg.DagsterInstance.ephemeral() as instance:
        accounts = Domain(definitions, instance, "accounts")
        accounts.made(*(key for key in order if graph.get(key).group_name == "calendar"))
        own = [key for key in order if graph.get(key).group_name == "accounts" and key.path[0] != "source"]
        accounts.made(*own)
        accounts.checked()
        assert accounts.asked() == {}
        accounts.made(*own)
        assert accounts.asked() == {}

        accounts.made(dg.AssetKey(["staging", "accounts_transactions"]))

        assert "fact_account_transaction" in accounts.asked()
        assert accounts.asked() == {}


def test_the_checks_that_time_alone_can_break_are_looked_at_every_hour() -> None:
    @dg.asset
    def feed() -> None:
        """A table."""

    @dg.asset_check(asset=feed, name="freshness")
    def old() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    @dg.asset_check(asset=feed)
    def unique() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    found = dg.Definitions(assets=[feed], asset_checks=[old, unique])
    merged = dg.Definitions.merge(found, hourly(found))

    schedule = merged.resolve_schedule_def("freshness")
    assert schedule.cron_schedule == "0 * * * *"
    job = merged.resolve_job_def(schedule.job_name)
    assert {key.name for key in job.asset_layer.asset_graph.asset_check_keys} == {"freshness"}
    assert job.execute_in_process().success
