"""A plan names every window that the run then takes, and writes nothing (B-24)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from psycopg import sql
from typer.testing import CliRunner

from sales_platform.cli import build_app
from sales_platform.errors import WrongUse
from sales_platform.operations import previewing
from sales_platform.operations.opening import Platform
from sales_platform.operations.previewing import DomainPreview, Window, preview, preview_on
from sales_platform.operations.progress import Silent
from sales_platform.operations.running import run_on
from sales_platform.operations.simulating import simulate_retail, yesterday
from sales_platform.settings import Settings
from sales_platform_tests.defs.billing_road import HEADER, line


def counts(platform: Platform) -> dict[str, int]:
    """Every table of the warehouse with its rows."""
    with platform.warehouse.transaction() as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema in ('raw', 'staging', 'analytics', 'marts', 'ops', 'quality')"
        ).fetchall()
        found = {}
        for name in names:
            count = sql.SQL("select count(*) from {}").format(sql.Identifier(*name))
            found[".".join(name)] = connection.execute(count).fetchall()[0][0]
        return found


def test_b_24_a_plan_lists_the_windows_and_their_reasons_and_writes_nothing(
    platform: Platform, settings: Settings
) -> None:
    last = yesterday(settings)
    days = [last - timedelta(days=n) for n in range(5)][::-1]
    simulate_retail(settings, days=5)
    path = Path(settings.data) / f"retail/sales/{days[3]:%Y/%m/%d}/sales.csv"
    content = path.read_bytes()
    path.unlink()
    before = counts(platform)

    (planned,) = preview_on(platform, "retail", first=days[0], last=last)

    assert planned.windows == (
        Window(str(days[0]), str(days[2]), 3, "never loaded"),
        Window(str(days[4]), str(days[4]), 1, "never loaded"),
    )
    assert planned.missing_paths == (f"retail/sales/{days[3]:%Y/%m/%d}/sales.csv",)
    assert "raw/retail_customers" in planned.undated
    assert counts(platform) == before
    assert platform.instance.get_run_records() == []

    run_on(platform, "retail", first=days[0], last=last, progress=Silent())
    path.write_bytes(content)
    changed = Path(settings.data) / f"retail/sales/{days[4]:%Y/%m/%d}/sales.csv"
    changed.write_bytes(b"".join(changed.read_bytes().splitlines(keepends=True)[:-1]))
    (planned,) = preview_on(platform, "retail")
    assert planned.windows == (
        Window(str(days[3]), str(days[3]), 1, "never loaded"),
        Window(str(days[4]), str(days[4]), 1, "file changed"),
    )
    assert (planned.standing, planned.undated) == (3, ())


def test_b_24_files_are_planned_in_their_order_and_not_registered(
    platform: Platform, settings: Settings
) -> None:
    folder = Path(settings.data) / "billing"
    folder.mkdir(parents=True)
    for name in ("a10.csv", "a9.csv"):
        (folder / name).write_text(f"{HEADER}\n{line(1)}\n")

    (planned,) = preview_on(platform, "billing")

    assert planned.windows == (Window("a9.csv", "a10.csv", 2, "never loaded", "billing_invoices"),)
    assert list(platform.instance.get_dynamic_partitions("billing_invoices")) == []


def test_b_24_a_range_that_can_hold_nothing_is_wrong_use_for_a_plan_too(settings: Settings) -> None:
    with pytest.raises(WrongUse, match="comes after"):
        preview(settings, "retail", first=date(2026, 1, 2), last=date(2026, 1, 1))


def test_run_with_plan_shows_windows_and_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        DomainPreview("retail", (Window("2026-01-01", "2026-01-03", 3, "file changed"),), (), ("x.csv",), 4),
        DomainPreview("billing", (), (), (), 0),
    ]
    monkeypatch.setattr(previewing, "preview", lambda *_arguments, **_options: found)

    shown = CliRunner().invoke(build_app(), ["run", "retail", "--plan"])

    assert shown.exit_code == 0
    for said in ("4 days or files stand", "2026-01-03", "file changed", "x.csv", "nothing to do"):
        assert said in shown.output
