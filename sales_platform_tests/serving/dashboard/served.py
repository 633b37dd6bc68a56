"""The dashboard in a process of its own, and a page of it as a browser opens it. Judges nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Page

from sales_platform.local.processes import free_port
from sales_platform_tests.acceptance.test_up import eventually

DRAWN = """() => document.querySelector('[data-testid=stApp]').dataset.testScriptState == 'notRunning'
    && !document.querySelector('[data-testid=stSpinner], [data-testid=stSkeleton], [data-stale=true]')
    && document.querySelectorAll('[data-testid=stPlotlyChart]').length
        == document.querySelectorAll('[data-testid=stPlotlyChart] .modebar').length"""


@contextmanager
def served(warehouse_url: str, log: Path) -> Iterator[str]:
    """The address, for the length of the block. log: the file of what the process says."""
    port = free_port(8765)
    factory = "sales_platform.serving.dashboard.asgi:standalone"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", factory, "--port", str(port), "--no-access-log"],
            env={**os.environ, "WAREHOUSE_URL": warehouse_url},
            stdout=out,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            eventually(lambda: _answers(port), 60, lambda: log.read_text(errors="replace"))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def visit(page: Page, path: str) -> None:
    """Open a page and wait until it stands still."""
    page.goto(f"/{path}")
    # a figure, or what is said where there is none
    page.locator("[data-testid=stMetric], [data-testid=stAlert]").first.wait_for()
    page.wait_for_function(DRAWN)


def _answers(port: int) -> bool:
    try:
        return bool(urlopen(f"http://127.0.0.1:{port}/_stcore/health").status == 200)
    except OSError:
        return False
