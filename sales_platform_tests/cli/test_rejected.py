"""`rejected` as typed: what a person and a program read, and the exit codes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sales_platform.cli.rejected import rejected
from sales_platform.cli.tables import WIDTH
from sales_platform.engine.purging import Purged
from sales_platform.engine.rejected_rows import RejectedCount
from sales_platform.engine.replaying import Replayed
from sales_platform.engine.resubmission import Resubmitted
from sales_platform.errors import DataRefused, WrongUse
from sales_platform.operations.rejected import Exported, FeedReplayed, FeedResubmitted, ShownRow

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
COUNT = RejectedCount(
    "accounts_account_transactions", date(2026, 1, 2), "UNKNOWN_CUSTOMER", 1_000_000, 2, AT, AT
)


def answer(monkeypatch: pytest.MonkeyPatch, name: str, found: Any) -> dict[str, Any]:
    """Let an operation give this; returns the options it was called with."""
    called: dict[str, Any] = {}

    def operation(*_arguments: object, **options: object) -> Any:
        called.update(options)
        return found

    monkeypatch.setattr(f"sales_platform.operations.rejected.{name}", operation)
    return called


def run(*words: str) -> Any:
    return CliRunner().invoke(rejected, list(words))


def test_the_list_fits_100_columns_and_speaks_json(monkeypatch: pytest.MonkeyPatch) -> None:
    called = answer(monkeypatch, "list_rejected", [COUNT])

    shown = run("list", "--all")

    assert shown.exit_code == 0
    assert called == {"resolved": True}
    assert max(len(text.rstrip()) for text in shown.output.splitlines()) <= WIDTH
    assert "1,000,000" in shown.output
    (item,) = json.loads(run("list", "--json").output)
    assert (item["reason"], item["day"], item["open"]) == ("UNKNOWN_CUSTOMER", "2026-01-02", 1_000_000)


def test_nothing_rejected_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "list_rejected", [])
    answer(monkeypatch, "show_rejected", [])

    assert "nothing stands rejected" in run("list").output
    assert "nothing stands rejected" in run("show", "billing_invoices").output


def test_show_prints_each_row_with_its_place_and_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ShownRow(
        7, "a[1].csv", 3, ["INVALID_X", "BAD"], 2, AT, AT, {"x": "[red]", "name": "***", "y": None}
    )
    called = answer(monkeypatch, "show_rejected", [row])

    shown = run("show", "billing_invoices", "--limit", "5").output

    assert called == {"reason": None, "limit": 5, "reveal": False}
    assert "7 a[1].csv, line 3: INVALID_X BAD, tried again 2 times" in shown
    assert "  x = '[red]'\n  name = '***'\n  y = None" in shown


def test_export_says_where_the_file_is_and_what_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "export_rejected", Exported(Path("mine.csv"), 12))

    shown = run("export", "billing_invoices", "--out", "mine.csv").output

    assert "12 rows in mine.csv" in shown
    assert "sales-platform rejected resubmit mine.csv" in shown


def test_resubmit_says_what_became_of_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    done = FeedResubmitted("billing_invoices", "billing", Resubmitted(3, {"INVALID_X": 2}, 4, 5))
    answer(monkeypatch, "resubmit_file", done)

    shown = run("resubmit", "mine.csv").output

    for said in (
        "3 rows accepted", "still refused INVALID_X: 2", "left as they were: 4", "not taken again: 5",
        "sales-platform run billing",
    ):  # fmt: skip
        assert said in shown
    assert json.loads(run("resubmit", "mine.csv", "--json").output)[0]["done"]["accepted"] == 3


def test_replay_says_how_many_rows_are_still_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "replay_rejected", FeedReplayed("billing_invoices", "billing", Replayed(3, 3, ())))

    shown = run("replay", "billing_invoices", "--reason", "INVALID_X").output

    assert "0 of 3 rows accepted, 3 still refused" in shown
    assert "Next" not in shown


def test_purge_says_what_went_and_what_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, "purge_rejected", [Purged("billing_invoices", 1200, 3)])

    assert (
        "billing_invoices 1,200 deleted, 3 still stand rejected and stay"
        in run("purge", "--before", "2026-01-01").output
    )
    assert json.loads(run("purge", "--before", "2026-01-01", "--json").output)[0]["deleted"] == 1200

    answer(monkeypatch, "purge_rejected", [])
    assert "nothing was resolved before 2026-01-01" in run("purge", "--before", "2026-01-01").output
    assert run("purge").exit_code == 2


def test_wrong_use_exits_2_and_beyond_the_limit_3(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("show").exit_code == 2
    assert run("show", "billing_invoices", "--limit", "0").exit_code == 2
    assert (WrongUse.exit_code, DataRefused.exit_code) == (2, 3)
