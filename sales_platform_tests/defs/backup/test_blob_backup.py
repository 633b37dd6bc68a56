"""The asset of the nightly backup with its checks and its rehearsal, on two small sources and an empty warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import psycopg
import pytest

from sales_platform.components.launching import RANGE
from sales_platform.defs.backup.blob_backup import KEY, require_today
from sales_platform.defs.backup.proofs import READS_BACK, REHEARSAL, TOO_OLD, judge_age
from sales_platform.defs.backup.schedules import defs
from sales_platform.errors import WrongUse
from sales_platform.resources import (
    BlobStoreResource,
    SourceDatabasesResource,
    WarehouseResource,
)
from sales_platform.sources.accounts.ledger import create_account, create_customer, transaction
from sales_platform.sources.schema import ensure_schema

NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)


@pytest.fixture
def databases(database_url: str, warehouse_url: str) -> dict[str, str]:
    """Accounts with one customer and invoicing without a row, in one database; a warehouse that was never loaded."""
    for name in ("accounts", "invoicing"):
        ensure_schema(database_url, name)
    with psycopg.connect(database_url, autocommit=True) as session:
        customer = create_customer(session, "ann@example.com", "Ann")
        transaction(session, create_account(session, customer), 100)
    return {"accounts": database_url, "invoicing": database_url, "warehouse": warehouse_url}


class Nights:
    """The assets of backups over these databases and a folder, with Dagster's record in memory."""

    def __init__(self, urls: dict[str, str], folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder = folder
        self.instance = instance
        sources = {name: urls[name] for name in ("accounts", "invoicing")}
        resources = {
            "warehouse": WarehouseResource(url=urls["warehouse"]),
            "source_databases": SourceDatabasesResource(urls=sources),
            "blob_store": BlobStoreResource(folder=str(folder)),
        }
        self.definitions = dg.Definitions.merge(defs(), dg.Definitions(resources=resources))

    def back_up(self, first: date, last: date | None = None) -> dg.ExecuteInProcessResult:
        """Materialize these days as the nightly job does."""
        days = dict(zip(RANGE, (str(first), str(last or first)), strict=True))
        return self._run("backup_daily", days)

    def rehearse(self) -> dg.ExecuteInProcessResult:
        return self._run(self.definitions.resolve_schedule_def("backup_rehearsal").job_name)

    def _run(self, job: str, tags: dict[str, str] | None = None) -> dg.ExecuteInProcessResult:
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, tags=tags, raise_on_error=False
        )

    def spoken(self) -> str:
        """Everything that Dagster keeps of its runs."""
        runs = self.instance.get_runs()
        return "\n".join(str(entry) for run in runs for entry in self.instance.all_logs(run.run_id))


@pytest.fixture
def nights(databases: dict[str, str], tmp_path: Path) -> Iterator[Nights]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Nights(databases, tmp_path / "kept", instance)


def today() -> date:
    return datetime.now(UTC).date()


def metadata_of(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> dict[str, Any]:
    (made,) = [event for event in result.get_asset_materialization_events() if event.asset_key == key]
    return {name: found.value for name, found in made.materialization.metadata.items()}


def records_of(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> list[dict[str, Any]]:
    (made,) = [event for event in result.get_asset_materialization_events() if event.asset_key == key]
    table = made.materialization.metadata["backups"]
    assert isinstance(table, dg.TableMetadataValue)
    return [dict(record.data) for record in table.records]


def test_k_28_k_30_a_night_backs_up_every_database_reads_it_back_and_a_sunday_restores_it(
    nights: Nights, databases: dict[str, str]
) -> None:
    done = nights.back_up(today())

    assert done.success
    records = records_of(done, KEY)
    # accounts and invoicing stand in one database here, so both are copied for each of them
    counts = {"accounts": 3 + 6, "invoicing": 3 + 6}
    assert {one["source"]: one["tables"] for one in records if one["source"] in counts} == counts
    assert [one["source"] for one in records] == ["accounts", "invoicing", "warehouse"]
    assert all(one["restorable"] for one in records)
    found = metadata_of(done, KEY)
    assert found["rows"] == sum(one["rows"] for one in records) > 0
    (check,) = done.get_asset_check_evaluations()
    assert (check.check_name, check.passed) == (READS_BACK, True)
    files = {path.name for path in nights.folder.rglob("raw/*.csv")}
    assert {"customers.csv", "transactions.csv", "invoice_items.csv", "ops.load.csv"} <= files

    proven = nights.rehearse()

    assert proven.success
    assert all(one["verified"].startswith("restored") for one in records_of(proven, REHEARSAL))
    password = urlsplit(databases["accounts"]).password
    assert password
    assert password not in nights.spoken()
    assert not [
        path for path in nights.folder.rglob("*.json") if password in path.read_text(encoding="utf-8")
    ]


def test_a_past_day_is_refused_with_the_reason_and_nothing_is_written(nights: Nights) -> None:
    done = nights.back_up(today() - timedelta(days=3), today() - timedelta(days=1))

    assert not done.success
    (failed,) = [event for event in done.all_events if event.is_step_failure]
    told = failed.step_failure_data.user_failure_data
    assert told is not None
    assert "is not today" in str(told.description)
    assert not list(nights.folder.rglob("*.csv"))
    assert not [event for event in done.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]


@pytest.mark.slow
def test_a_changed_blob_fails_the_check_which_names_it(nights: Nights) -> None:
    assert nights.back_up(today()).success
    (blob,) = nights.folder.glob("accounts/*/*/raw/*customers.csv")
    content = bytearray(blob.read_bytes())
    content[-3] ^= 1
    blob.write_bytes(content)
    job = dg.define_asset_job("look", selection=dg.AssetSelection.checks(dg.AssetCheckKey(KEY, READS_BACK)))
    definitions = dg.Definitions.merge(nights.definitions, dg.Definitions(jobs=[job]))

    done = definitions.resolve_job_def("look").execute_in_process(
        instance=nights.instance, raise_on_error=False
    )

    (check,) = done.get_asset_check_evaluations()
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert blob.name in str(check.description)


def test_k_29_a_database_out_of_reach_fails_the_run_which_names_it_and_the_others_are_backed_up(
    databases: dict[str, str], tmp_path: Path
) -> None:
    unknown = {**databases, "accounts": "postgresql://nobody:hidden@host:1/x?not_an_option=1"}
    with dg.DagsterInstance.ephemeral() as instance:
        nights = Nights(unknown, tmp_path / "kept", instance)

        done = nights.back_up(today())

        assert not done.success
        (failed,) = [event for event in done.all_events if event.is_step_failure]
        assert "2 of 3 databases were backed up. accounts: " in str(failed.step_failure_data)
        assert "hidden" not in nights.spoken()
    kept = sorted(path.parent.parent.parent.name for path in (tmp_path / "kept").rglob("manifest.json"))
    assert kept == ["invoicing", "warehouse"]


def test_the_age_is_that_of_the_database_whose_verified_backup_is_the_oldest() -> None:
    young, old = NOW - timedelta(hours=9), NOW - TOO_OLD - timedelta(hours=1)

    assert judge_age({"a": young, "b": young}, NOW).passed
    late = judge_age({"a": young, "b": old}, NOW)
    assert (late.passed, late.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "b: 1 d 13 h ago" in str(late.description)
    some = judge_age({"a": young, "b": None}, NOW)
    assert (some.passed, some.severity) == (False, dg.AssetCheckSeverity.ERROR)
    none = judge_age({"a": None, "b": None}, NOW)
    assert (none.passed, none.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_only_today_can_be_backed_up() -> None:
    require_today(["2026-09-10"], NOW.date())
    require_today(None, NOW.date())
    with pytest.raises(WrongUse, match="2026-09-08 to 2026-09-09 is not today"):
        require_today(["2026-09-08", "2026-09-09", "2026-09-10"], NOW.date())
