"""What Dagster's own programs are told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sales_platform.operations.doctor import plain_url
from sales_platform.operations.environment import dagster_home, exported, storage_url
from sales_platform.settings import Settings


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h:1/d",
        "postgres://u:p@h:1/d",
        "postgresql+psycopg2://u:p@h:1/d",
        "postgresql+psycopg://u:p@h:1/d",
    ],
)
def test_dagster_storage_gets_the_driver_that_can_notify(url: str) -> None:
    assert storage_url(url) == "postgresql+psycopg2://u:p@h:1/d"


def test_psycopg_gets_a_url_without_driver() -> None:
    assert plain_url("postgresql+psycopg2://u:p@h:1/d") == "postgresql://u:p@h:1/d"
    assert plain_url("postgresql://u:p@h:1/d") == "postgresql://u:p@h:1/d"


def test_the_dagster_home_holds_the_project_s_dagster_yaml_even_after_it_changed(tmp_path: Path) -> None:
    home = dagster_home(Settings(home=tmp_path))
    (home / "dagster.yaml").write_text("telemetry: {enabled: true}")

    assert dagster_home(Settings(home=tmp_path)) == home
    assert "DAGSTER_PG_URL" in (home / "dagster.yaml").read_text()


def test_variables_are_taken_back_after_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "before")

    with exported({"WAREHOUSE_URL": "inside", "DAGSTER_HOME": "new"}):
        assert os.environ["WAREHOUSE_URL"] == "inside"

    assert os.environ["WAREHOUSE_URL"] == "before"
    assert "DAGSTER_HOME" not in os.environ
