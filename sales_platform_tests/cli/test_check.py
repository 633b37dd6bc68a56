"""How `sales-platform check` tells its verdicts. What they are, operations know."""

from __future__ import annotations

import io
import json
from xml.etree import ElementTree

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sales_platform.cli import build_app
from sales_platform.cli.check import print_checks
from sales_platform.operations.checking import CheckFigures

FAILED = CheckFigures(
    "staging/retail_sales",
    "range",
    passed=False,
    severity="ERROR",
    description="2 of 3 rows: quantity > 0, on 2026-03-02",
    figures={"offenders": 2},
    samples=[{"sale_id": 7, "email": "***"}, {"sale_id": 8, "email": "***"}],
    offenders_sql="select 1",
)
WARNED = CheckFigures("staging/retail_sales", "volume", False, "WARN", "[few] rows", {})


class Asked:
    """Stands in for the evaluation; remembers what it was asked for."""

    def __init__(self, *found: CheckFigures) -> None:
        self.found = list(found)
        self.asked: tuple[str, list[str] | None] | None = None

    def __call__(
        self, _settings: object, selection: str, partitions: list[str] | None = None
    ) -> list[CheckFigures]:
        self.asked = (selection, partitions)
        return self.found


def run(monkeypatch: pytest.MonkeyPatch, evaluate: Asked, *words: str) -> tuple[int, str]:
    monkeypatch.setattr("sales_platform.operations.checking.check", evaluate)
    shown = CliRunner().invoke(build_app(), ["check", *words])
    return shown.exit_code, shown.stdout


@pytest.mark.parametrize("words", [("--json",), ("--format", "json")])
def test_json_holds_every_verdict_whole(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    code, shown = run(monkeypatch, Asked(FAILED, WARNED), *words)
    assert code == 1
    assert [each["name"] for each in json.loads(shown)] == ["range", "volume"]
    assert json.loads(shown)[0]["samples"] == FAILED.samples


def test_junit_is_the_whole_output(monkeypatch: pytest.MonkeyPatch) -> None:
    code, shown = run(monkeypatch, Asked(FAILED, WARNED), "--format", "junit")
    assert code == 1
    assert ElementTree.fromstring(shown.encode()).get("failures") == "1"


def test_warnings_alone_do_not_fail_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    code, shown = run(monkeypatch, Asked(WARNED))
    assert code == 0
    assert "1 checks: 0 failed, 1 warnings" in shown


def test_the_days_of_a_range_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate = Asked()
    run(monkeypatch, evaluate, "retail", "--partition", "2026-03-02..2026-03-04")
    assert evaluate.asked == ("retail", ["2026-03-02", "2026-03-03", "2026-03-04"])


@pytest.mark.parametrize("width", [100, 140])
def test_a_failed_check_shows_its_samples_below_the_table_within_the_width(width: int) -> None:
    written = io.StringIO()
    print_checks(Console(file=written, width=width, highlight=False), [FAILED, WARNED])
    table, _, samples = written.getvalue().partition("staging/retail_sales range, for example:")
    assert "[few] rows" in table
    assert all(str(row["sale_id"]) in samples for row in FAILED.samples)
    assert max(map(len, written.getvalue().splitlines())) <= width
