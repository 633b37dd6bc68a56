"""dagster.yaml, workspace.yaml and .env.example, each read by the program that uses it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import yaml

from sales_platform.settings import Settings
from sales_platform_tests.project.compose import ROOT, read_compose, variables


@pytest.fixture
def instance(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An instance as `dagster.yaml` describes it, in a database of its own."""
    shutil.copy(ROOT / "sales_platform/local/dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_PG_URL", database_url.replace("postgresql://", "postgresql+psycopg2://", 1))
    with dg.DagsterInstance.from_config(str(tmp_path)) as found:
        yield found


def test_a_run_is_recorded_in_postgresql(instance: dg.DagsterInstance, database_url: str) -> None:
    @dg.job
    def nothing() -> None:
        """A run without steps still has events."""

    done = nothing.execute_in_process(instance=instance)

    assert done.success
    with psycopg.connect(database_url) as connection:
        runs = connection.execute("select run_id, status from runs").fetchall()
        events = connection.execute(
            "select count(*) from event_logs where run_id = %s", [done.run_id]
        ).fetchone()
    assert runs == [(done.run_id, "SUCCESS")]
    assert events is not None
    assert events[0] > 0


def test_only_a_crashed_worker_is_run_again(instance: dg.DagsterInstance) -> None:
    retries = instance.get_settings("run_retries")

    assert instance.run_monitoring_enabled
    assert retries == {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False}


def test_nothing_is_reported_to_the_outside(instance: dg.DagsterInstance) -> None:
    assert instance.telemetry_enabled is False


def test_the_workspace_names_the_one_code_location() -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text(encoding="utf-8"))

    assert workspace == {"load_from": [{"python_module": "sales_platform.definitions"}]}


def test_the_example_names_every_setting_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    documented = set(re.findall(r"^# ([A-Z_]+)=", example, flags=re.MULTILINE))

    known = {str(field.validation_alias) for field in Settings.model_fields.values()}

    assert documented == known | set(variables(read_compose()))


def test_the_example_sets_nothing_by_itself() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == []
