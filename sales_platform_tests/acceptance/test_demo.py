"""The demo as a new user runs it, in real processes on a machine that holds nothing yet."""

from __future__ import annotations

import json
import re

from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.acceptance.conftest import Command


def test_a_demo_fills_every_table_a_second_one_starts_nothing_and_the_commands_agree(
    command: Command,
) -> None:
    first = command("demo", "--no-serve", "--days", "3")

    assert "3 days to do (3 never loaded)" in first
    assert "834" in first  # 278 sales a day
    for words in (
        "revenue by tier in force",
        "gross of 1,500 invoices",
        "posted, by currency",
        "slowest steps",
    ):
        assert words in first
    passed = re.search(r"(\d+) of (\d+) checks passed", first)
    assert passed is not None
    assert passed[1] == passed[2]
    data = command.home / "demo-data"
    assert f"export SALES_PLATFORM_DATA={data}" in first
    assert not (command.folder / "data").exists()

    second = command("demo", "--no-serve", "--days", "3")

    assert "retail: nothing to do, 3 days stand" in second
    assert not EmbeddedServer(command.home).running

    command.settings["SALES_PLATFORM_DATA"] = str(data)
    feeds = {feed["feed"]: feed for feed in json.loads(command("status", "--json"))["feeds"]}
    assert feeds["retail_sales"]["fates"]["read"] == 834
    assert feeds["retail_sales"]["next"] is None
    assert feeds["invoicing_invoices"]["next"] is None
    assert feeds["accounts_transactions"]["source"]["position"]
    assert json.loads(command("rebuild", "--verify", "--json")) == []


def test_an_error_is_one_line_and_its_exit_code(command: Command) -> None:
    command("run", "retail", "--from", "2026-02-02", "--to", "2026-02-01", code=2)
    command("sql", "analytics/dim_custmer", code=2)
    command.settings["BUSINESS_TIME_ZONE"] = "Nowhere/At_All"
    command("status", code=2)
