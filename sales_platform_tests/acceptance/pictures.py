"""Makes the pictures of the documentation anew: `python -m sales_platform_tests.acceptance.pictures`, some minutes.

A demo in a folder of its own, the UI over it, and what a person would look at first. Nothing is judged here.
"""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import FloatRect, Page, ViewportSize, expect

from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.acceptance.browser import (
    in_graph,
    launch_backfill,
    open_backfill,
    open_check,
    open_graph,
    opened,
)
from sales_platform_tests.acceptance.conftest import Command
from sales_platform_tests.acceptance.spoiling import file_of, without_revenue
from sales_platform_tests.acceptance.test_up import Up, eventually
from sales_platform_tests.serving.dashboard.served import served, visit

IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
WIDTH = 1600
# How wide the tables of one domain are drawn.
GRAPH = 1095
DASHBOARD: ViewportSize = {"width": 1440, "height": 1000}
PHONE: ViewportSize = {"width": 390, "height": 844}
DASHBOARD_PAGES = {
    "overview": "",
    "retail": "retail",
    "invoicing": "invoicing",
    "billing": "billing",
    "payments": "payments?filters=City",
    "accounts": "accounts",
    "quality": "quality",
}
LINES_DRAWN = (
    "() => [...document.querySelectorAll('[data-testid=stMetricChart]')].every(e => e.querySelector('path'))"
)
RUNS = "{ runsOrError { ... on Runs { results { status } } } }"
BACKFILLS = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { id status } } } }"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = Command(
            Path(folder) / "home", Path(folder), {"AUTOMATION": "off", "SALES_PLATFORM_DATA": "data"}
        )
        command("demo", "--days", "31", "--no-serve", wait=1200)
        running = Up(command.start("up"))
        try:
            eventually(lambda: "Dagster UI: " in running.text, 240, lambda: running.text)
            _draw(running, Path(folder) / "data/retail/sales")
            draw_dashboard(command("url", "warehouse").strip(), Path(folder))
        finally:
            running.process.terminate()
            running.process.wait(90)
        EmbeddedServer(command.home).remove_if_unused()


def _draw(running: Up, data: Path) -> None:
    yesterday = date.today() - timedelta(days=1)
    first, last = str(yesterday - timedelta(days=29)), str(yesterday)
    with opened(running.address, scale=WIDTH / GRAPH, height=1800) as page:
        open_graph(page, expanded="retail")
        _graph(page)
    with opened(running.address) as page:
        launch_backfill(page, "retail", first, last)
        eventually(lambda: _backfill(running)["status"] == "COMPLETED_SUCCESS", 600, lambda: running.text)
        open_backfill(page, _backfill(running)["id"])
        expect(page.get_by_text("100% completed").first).to_be_visible()
        _save(page, "backfill")
        with without_revenue(file_of(data, last), range(5, 25)):
            launch_backfill(page, "retail", last, last)
            eventually(lambda: _ended(running), 300, lambda: running.text)
        open_check(page, "staging.retail_sales", "reject_limit")
        expect(page.get_by_text("MISSING_REVENUE", exact=True)).to_have_count(5)
        _save(page, "checks", {"x": 0, "y": 0, "width": WIDTH, "height": 930})


def draw_dashboard(warehouse_url: str, folder: Path) -> None:
    """Every page of the dashboard; the first one in the dark and on a phone too. folder: of the log."""
    with served(warehouse_url, folder / "dashboard.log") as address, opened(address) as page:
        page.set_viewport_size(DASHBOARD)
        for name, path in DASHBOARD_PAGES.items():
            _save_page(page, path, f"dashboard-{name}")
        page.emulate_media(color_scheme="dark")
        _save_page(page, DASHBOARD_PAGES["payments"], "dashboard-dark")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        _save_page(page, "", "dashboard-phone")


def _save_page(page: Page, path: str, name: str) -> None:
    visit(page, path)
    # what draws the small lines of the figures comes after all else
    page.wait_for_load_state("networkidle")
    page.wait_for_function(LINES_DRAWN)
    _save(page, name)


def _graph(page: Page) -> None:
    """The domains alone, without the menus around them."""
    page.get_by_text("Hide navigation").click()
    expect(in_graph(page, "accounts")).to_be_visible()
    for still in ("Loading", "fetching statuses"):
        expect(page.get_by_text(still)).to_have_count(0)
    top, bottom = (in_graph(page, name).bounding_box() for name in ("retail", "accounts"))
    assert top
    assert bottom
    height = bottom["y"] - top["y"] + 80
    _save(page, "asset-graph", {"x": top["x"] - 28, "y": top["y"] - 26, "width": GRAPH, "height": height})


def _save(page: Page, name: str, clip: FloatRect | None = None) -> None:
    page.mouse.move(0, 0)
    page.screenshot(path=IMAGES / f"{name}.png", clip=clip)


def _backfill(running: Up) -> dict[str, str]:
    newest: dict[str, str] = running.ask(BACKFILLS)["partitionBackfillsOrError"]["results"][0]
    return newest


def _ended(running: Up) -> bool:
    runs = running.ask(RUNS)["runsOrError"]["results"]
    return bool(runs[0]["status"] == "FAILURE")


if __name__ == "__main__":
    main()
