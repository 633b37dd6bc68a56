"""Every command has help, every listing speaks JSON, and what people read fits 100 columns."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sales_platform.cli import COMMANDS, build_app
from sales_platform.cli.check import print_checks
from sales_platform.cli.progress import LiveProgress, PlainProgress, print_missing
from sales_platform.cli.reconcile import print_tables
from sales_platform.cli.run import print_failures
from sales_platform.cli.tables import WIDTH, number
from sales_platform.engine.incidents import OpenIncident
from sales_platform.operations.checking import CheckFigures
from sales_platform.operations.doctor import Finding
from sales_platform.operations.failing_checks import FailingCheck
from sales_platform.operations.materializing import RunOutcome, StepOutcome
from sales_platform.operations.reconciling import TableReconciled
from sales_platform.operations.running import RunSummary
from sales_platform.operations.source_status import SourceStatus
from sales_platform.operations.status import Fates, FeedAge, FeedStatus, LastLoad, PlatformStatus, first_act

RUNNER = CliRunner()
LISTINGS = ("status", "check", "reconcile", "rebuild", "doctor", "settings", "metrics")


@pytest.mark.parametrize("name", [name for name, _, _ in COMMANDS])
def test_every_command_says_what_it_does(name: str) -> None:
    shown = RUNNER.invoke(build_app(), [name, "--help"])

    assert shown.exit_code == 0
    assert "Usage" in shown.output


@pytest.mark.parametrize("name", LISTINGS)
def test_every_listing_speaks_json(name: str) -> None:
    assert "--json" in RUNNER.invoke(build_app(), [name, "--help"], env={"COLUMNS": "100"}).output


def show(
    monkeypatch: pytest.MonkeyPatch,
    feeds: list[FeedStatus],
    incidents: Sequence[OpenIncident] = (),
    failing: Sequence[FailingCheck] = (),
) -> None:
    """Let the command find these."""
    found = PlatformStatus(feeds, [*incidents], [*failing], first_act(feeds, [*failing]))
    monkeypatch.setattr("sales_platform.operations.status.platform_status", lambda _settings: found)


def test_status_fits_100_columns_with_a_million_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    million = Fates(1, 1_000_000, 1_000_000, 1_000, 1_000, 1_000, 50_000)
    load = LastLoad("failed", "2026-01-01", datetime(2026, 1, 1, tzinfo=UTC), "no such file")
    age = FeedAge("too old", 40 * 86_400)
    feed = FeedStatus(
        *("retail_customer_updates", load, million, ("a", "b", "c"), {"failed": 1}, 50_000, "act"), age=age
    )
    show(monkeypatch, [feed])

    shown = RUNNER.invoke(build_app(), ["status"])

    assert shown.exit_code == 0
    assert max(len(line.rstrip()) for line in shown.output.splitlines()) <= WIDTH
    assert "✗ 40 d" in shown.output
    assert "no file: a, b and 1 more" in shown.output
    assert "do this next: act" in shown.output


def test_status_names_what_is_wrong_since_when_and_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2026, 1, 1, 2, tzinfo=UTC)
    incident = OpenIncident("overdue", "retail_sales [x]", "no file.", "http://ui/runs/1", 3, at, at)
    show(monkeypatch, [], [incident])

    shown = " ".join(RUNNER.invoke(build_app(), ["status"]).output.split())

    told = "Overdue: retail_sales [x], since 2026-01-01 02:00 UTC, seen 3 times. no file. http://ui/runs/1"
    assert told in shown


def test_status_names_failing_checks_errors_first_and_says_how_to_look_at_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    failing = [FailingCheck("analytics.fact_sales", "keys_resolve", "ERROR", "3 of 9 rows [x]", at)]
    failing += [FailingCheck("staging.retail_sales", f"check_{n}", "WARN", "odd", at) for n in range(11)]
    show(
        monkeypatch,
        [FeedStatus("retail_sales", None, Fates(), ("a",), {}, 0, "put a file there")],
        (),
        failing,
    )

    shown = RUNNER.invoke(build_app(), ["status"]).output

    assert "analytics.fact_sales keys_resolve: 3 of 9 rows [x]" in shown
    assert "and 2 more failing checks" in shown
    assert "do this next: sales-platform check key:analytics/fact_sales" in shown


def test_what_is_due_comes_before_a_failing_check_and_a_warning_is_no_act() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    broken = [FailingCheck("marts.a", "b", "ERROR", "", at)]
    due = FeedStatus("f", None, Fates(), (), {"failed": 1}, 0, "run it")

    assert first_act([due], broken) == "run it"
    assert first_act([], [FailingCheck("marts.a", "b", "WARN", "", at)]) is None


def test_status_of_source_tables_fits_100_columns_and_says_a_note_of_many_tables_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    note = "1 transaction open in the source, the oldest for 40 s (process 7); its rows come when it ends"
    load = LastLoad("succeeded", "", at, note)
    read = SourceStatus(at, at, 7_300.0, 2, at, unfinished=False)
    compared = SourceStatus(None, at, 12.0, 0, None, unfinished=False)
    feeds = [
        FeedStatus("invoicing_invoice_items", load, Fates(), (), {}, 0, None, read),
        FeedStatus("invoicing_clients", load, Fates(), (), {}, 0, None, read),
        FeedStatus("accounts_customers", None, Fates(), (), {"never loaded": 1}, 0, "act", compared),
    ]
    show(monkeypatch, feeds)

    shown = RUNNER.invoke(build_app(), ["status"]).output

    tables = shown.partition("invoicing_invoice_items and 1 more")[0]
    assert max(len(line.rstrip()) for line in tables.splitlines()) <= WIDTH
    assert shown.count(note) == 1
    assert "2 h ago" in shown
    assert "2 open transactions, since 00:00:00" in shown
    assert "all compared" in shown
    assert "do this next: act" in shown


def test_reconcile_shows_each_table_and_the_reason_of_one_that_failed() -> None:
    console, written = output_of()

    print_tables(
        console,
        "invoicing",
        [
            TableReconciled("invoices", 1_000_000, 12, 3, 4, 5),
            TableReconciled("invoice_items", error="a column is gone."),
        ],
    )

    said = written.getvalue()
    assert max(len(line.rstrip()) for line in said.splitlines()) <= WIDTH
    assert "1,000,000" in said
    assert "✗ invoice_items a column is gone." in said
    assert "12 rows that no stamp had shown were repaired" in said


def test_faults_of_several_tables_stand_one_per_line() -> None:
    console, written = output_of()
    error = "2 tables could not be loaded: a: gone. | b: gone too [x]."
    step = StepOutcome("shop_source", ("raw/a", "raw/b"), 0.0, error)
    outcome = RunOutcome("1", success=False, steps=(step,), checks=(), not_run=())

    print_failures(console, RunSummary((outcome,), (), (), 0, ranged=False, refused=False))

    assert written.getvalue().splitlines() == [
        "✗ shop_source 2 tables could not be loaded:",
        "    a: gone.",
        "    b: gone too [x].",
    ]


def test_doctor_exits_with_1_when_something_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [Finding("warehouse", "failed", "does not answer", "Start it.")]
    monkeypatch.setattr("sales_platform.operations.doctor.examine", lambda _settings: broken)

    shown = RUNNER.invoke(build_app(), ["doctor"])

    assert shown.exit_code == 1
    assert "Start it." in shown.output


def output_of(width: int = WIDTH, *, terminal: bool = False) -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    return Console(file=written, width=width, force_terminal=terminal, highlight=False), written


def test_checks_are_counted_by_what_they_mean() -> None:
    console, written = output_of()
    found = [
        CheckFigures("staging/a", "unique", passed=False, severity="ERROR", description="2 of 3", figures={}),
        CheckFigures(
            "staging/a", "reference", passed=False, severity="WARN", description="1 of 3", figures={}
        ),
        CheckFigures(
            "staging/a", "required", passed=True, severity="ERROR", description="0 of 3", figures={}
        ),
    ]

    print_checks(console, found)

    assert "3 checks: 1 failed, 1 warnings" in written.getvalue()


def test_a_long_list_of_missing_files_is_cut_and_counted() -> None:
    console, written = output_of(width=200)

    print_missing(console, [f"day{n}.csv" for n in range(10)])

    assert written.getvalue().strip().endswith("day0.csv, day1.csv, day2.csv and 7 more")


@pytest.mark.parametrize("kind", [PlainProgress, LiveProgress])
def test_progress_tells_each_step_and_whether_it_failed(
    kind: type[PlainProgress] | type[LiveProgress],
) -> None:
    console, written = output_of(terminal=kind is LiveProgress)
    progress = kind(console)

    progress.run_started("retail", ["staging/retail_sales"])
    progress.step_started("retail_sales")
    progress.step_ended("retail_sales", failed=False)
    progress.step_started("analytics/fact_sales")
    progress.step_ended("analytics/fact_sales", failed=True)
    progress.run_ended()

    assert "✓" in written.getvalue()
    assert "✗" in written.getvalue()


def test_figures_have_thousands() -> None:
    assert number(1234567) == "1,234,567"
