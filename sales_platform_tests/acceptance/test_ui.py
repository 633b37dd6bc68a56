"""The UI in a browser: the graph of all domains, a backfill by clicks, a failed check with its rows, and its end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

import psycopg
import pytest
from playwright.sync_api import Page, expect

from sales_platform_tests.acceptance.browser import (
    DOMAINS,
    in_graph,
    launch_backfill,
    open_check,
    open_graph,
    opened,
)
from sales_platform_tests.acceptance.conftest import Command
from sales_platform_tests.acceptance.spoiling import Sold, file_of, sold, without_revenue
from sales_platform_tests.acceptance.test_automation import ENDED, runs
from sales_platform_tests.acceptance.test_up import Up, eventually, up

__all__ = ["up"]

FIRST, LAST, NEXT = "2026-01-01", "2026-01-30", "2026-01-31"
BACKFILLS = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { status numPartitions } } } }"
TICK = """
mutation ($at: Float!) {
  scheduleDryRun(
    selectorData: {
      repositoryLocationName: "sales_platform.definitions", repositoryName: "__repository__",
      scheduleName: "retail_daily"
    },
    timestamp: $at
  ) {
    ... on DryRunInstigationTick { evaluationResult { skipReason runRequests { runKey } error { message } } }
  }
}"""
SOLD = """
select day::text, sum(sales)::int, sum(quantity)::int, sum(revenue)
from marts.retail_sales_daily group by day order by day
"""


def figures(warehouse: str) -> dict[str, Sold]:
    """Day → what the mart says of it; nothing before the mart stands."""
    with psycopg.connect(warehouse) as connection, suppress(psycopg.errors.UndefinedTable):
        return {day: (sales, pieces, amount) for day, sales, pieces, amount in connection.execute(SOLD)}
    return {}


def day_by_clicks(page: Page, running: Up, day: str) -> str:
    """Materialize retail for one day from its page; returns how the run ended."""
    before = len(runs(running))
    launch_backfill(page, "retail", day, day)
    eventually(
        lambda: len(runs(running)) > before and runs(running)[-1][0] in ENDED, 300, lambda: running.text
    )
    return runs(running)[-1][0]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_thirty_days_by_clicks_reach_the_marts_and_a_bad_file_is_seen_with_its_rows_until_it_is_mended(
    command: Command, up: Callable[..., Up]
) -> None:
    command("simulate", "retail", "--days", "31", "--end", NEXT)
    data = command.folder / "data/retail/sales"
    expected = sold(data)
    command.settings["AUTOMATION"] = "off"
    running = up()
    warehouse = command("url", "warehouse").strip()

    with opened(running.address) as page:
        open_graph(page)
        for domain in DOMAINS:
            expect(in_graph(page, domain)).to_be_visible()

        assert at_two(running, NEXT) == LAST
        launch_backfill(page, "retail", FIRST, LAST)
        eventually(lambda: ended_backfill(running), 600, lambda: f"{runs(running)} {running.text}")
        assert {status for status, _ in runs(running)} == {"SUCCESS"}
        assert figures(warehouse) == {day: each for day, each in expected.items() if day <= LAST}
        assert at_two(running, NEXT) == f"{LAST} is loaded already."
        assert at_two(running, "2026-02-01") == NEXT
        assert at_two(running, "2026-02-02").startswith("No file for 2026-02-01 yet: ")

        with without_revenue(file_of(data, NEXT), range(5, 25)):
            assert day_by_clicks(page, running, NEXT) == "FAILURE"
        open_check(page, "staging.retail_sales", "reject_limit")
        expect(page.get_by_text("20 of ")).to_be_visible()
        expect(page.get_by_text("MISSING_REVENUE", exact=True)).to_have_count(5)
        assert NEXT not in figures(warehouse)

        assert day_by_clicks(page, running, NEXT) == "SUCCESS"
        open_check(page, "staging.retail_sales", "reject_limit")
        expect(page.get_by_text("Passed", exact=True)).to_be_visible()
        assert figures(warehouse) == expected

    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0


def at_two(running: Up, day: str) -> str:
    """What the schedule of retail decides at 02:00 of a day: the day that it asks for, or why it asks for none."""
    moment = datetime.fromisoformat(f"{day}T02:00:00+00:00").timestamp()
    found = running.ask(TICK, at=moment)["scheduleDryRun"]["evaluationResult"]
    assert found["error"] is None
    return str(found["skipReason"] or ", ".join(request["runKey"] for request in found["runRequests"]))


def ended_backfill(running: Up) -> bool:
    (backfill,) = running.ask(BACKFILLS)["partitionBackfillsOrError"]["results"]
    assert backfill["numPartitions"] == 30
    assert backfill["status"] not in {"FAILED", "COMPLETED_FAILED", "CANCELED"}
    return bool(backfill["status"] == "COMPLETED_SUCCESS")
