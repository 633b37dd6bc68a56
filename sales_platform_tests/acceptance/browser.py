"""The Dagster UI as a person uses it: pages opened, buttons clicked in the system's Chromium. No judgement is here."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# without a sandbox of its own, which needs rights that a container does not give
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PATIENCE = 120_000.0
DOMAINS = ("retail", "billing", "channels", "invoicing", "accounts")


@contextmanager
def opened(address: str, *, height: int = 1000, scale: float = 1.0) -> Iterator[Page]:
    """A page of the UI at `address`, 1600 pixels wide. scale: how large a picture shows each of them. Skips the test
    where Chromium is not installed.
    """
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium: install the system's package `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        page = browser.new_page(
            base_url=address, viewport={"width": 1600, "height": height}, device_scale_factor=scale
        )
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page
        browser.close()


def open_graph(page: Page, *, expanded: str | None = None) -> None:
    """The asset graph of the five domains from staging on. expanded: the domain that shows its tables."""
    groups = " or ".join(f"group:{name}" for name in DOMAINS)
    layers = " or ".join(f'key:"{name}/*"' for name in ("staging", "analytics", "marts"))
    unfolded = f"?expanded={quote(f'global@global:{expanded}')}" if expanded else ""
    page.goto(f"/asset-groups~{quote(f'({groups}) and ({layers})', safe='')}/{unfolded}")


def in_graph(page: Page, name: str) -> Locator:
    """A domain as the graph shows it, not the list beside."""
    return page.locator("svg").get_by_text(name, exact=True)


def launch_backfill(page: Page, group: str, first: str, last: str) -> None:
    """Materialize every table of a group for a range of days, by clicks from its page."""
    page.goto(f"/locations/sales_platform.definitions/asset-groups/{group}")
    page.get_by_role("button", name="Materialize all").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Show all partitions").click()
    days = dialog.locator("input").first
    days.fill(f"[{first}...{last}]")
    days.press("Enter")
    # of one day it says: Launch 1 run
    dialog.get_by_role("button", name=re.compile("^Launch")).click()
    expect(dialog).to_be_hidden()


def open_backfill(page: Page, backfill: str) -> None:
    page.goto(f"/runs/b/{backfill}")


def open_check(page: Page, table: str, name: str) -> None:
    page.goto(f"/assets/{table.replace('.', '/')}?view=checks&checkDetail={name}")
