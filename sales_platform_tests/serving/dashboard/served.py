"""API and dashboard in a process of their own, and a page as a browser opens and uses it. Judges nothing."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Download, Page

from sales_platform.local.processes import free_port
from sales_platform_tests.acceptance.test_up import eventually

PROGRAM = str(Path(sys.executable).with_name("sales-platform"))
DRAWN = """() => document.querySelector('[data-testid=stApp]').dataset.testScriptState == 'notRunning'
    && !document.querySelector('[data-testid=stSpinner], [data-testid=stSkeleton], [data-stale=true]')
    && document.querySelectorAll('[data-testid=stPlotlyChart]').length
        == document.querySelectorAll('[data-testid=stPlotlyChart] .modebar').length"""


@contextmanager
def served(warehouse_url: str, log: Path) -> Iterator[str]:
    """The address, for the length of the block. log: the file of what the process says."""
    port = free_port()
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [PROGRAM, "serve", "--port", str(port)],
            env={
                **os.environ,
                "WAREHOUSE_URL": warehouse_url,
                "SALES_PLATFORM_HOME": str(log.parent / "home"),
            },
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            eventually(
                lambda: _answers(port) or process.poll() is not None,
                60,
                lambda: log.read_text(errors="replace"),
            )
            assert process.poll() is None, log.read_text(errors="replace")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def visit(page: Page, path: str) -> None:
    """Open a page and wait until it stands still."""
    page.goto(f"/{path}")
    settled(page)


def settled(page: Page) -> None:
    # a figure, or what is said where there is none
    page.locator("[data-testid=stMetric], [data-testid=stAlert]").first.wait_for()
    page.wait_for_function(DRAWN)


def value_of(page: Page, title: str) -> str:
    card = page.get_by_test_id("stMetric").filter(has=page.get_by_text(title, exact=True)).first
    return card.get_by_test_id("stMetricValue").inner_text()


def choose(page: Page, field: str, value: str) -> None:
    page.get_by_role("combobox", name=field).click()
    page.get_by_role("option", name=value, exact=True).click()


def rows_of(download: Download) -> list[dict[str, str]]:
    """The rows of a CSV file that the browser was given."""
    return as_rows(Path(download.path()).read_text(encoding="utf-8"))


def as_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
