"""`sales-platform metrics` as a person and a program read it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from sales_platform.cli import build_app
from sales_platform.cli.tables import WIDTH
from sales_platform.errors import UnknownMetric

RUNNER = CliRunner()


def test_all_metrics_are_listed_in_100_columns_and_as_json() -> None:
    shown = RUNNER.invoke(build_app(), ["metrics"])
    told = json.loads(RUNNER.invoke(build_app(), ["metrics", "--json"]).output)

    assert shown.exit_code == 0
    assert max(len(line.rstrip()) for line in shown.output.splitlines()) <= WIDTH
    assert [metric["name"] for metric in told] == [
        line.split()[0] for line in shown.output.splitlines()[3:] if line.strip()
    ]


def test_one_metric_is_told_with_its_formula_and_an_unknown_one_with_the_nearest() -> None:
    shown = RUNNER.invoke(build_app(), ["metrics", "payment_volume"])
    assert "Payment volume (INR)." in shown.output
    assert "sum(successful_payment_volume)" in shown.output
    with pytest.raises(UnknownMetric, match="Did you mean payment_volume"):
        RUNNER.invoke(build_app(), ["metrics", "payment_volum"], catch_exceptions=False)
