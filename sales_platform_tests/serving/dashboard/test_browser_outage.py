"""The warehouse's server goes away while a page is open, and comes back. The browser's clock is put forward."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest
from playwright.sync_api import expect

from sales_platform.engine.migrations import migrate
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.acceptance.browser import opened
from sales_platform_tests.metrics.conftest import MARTS
from sales_platform_tests.serving.dashboard.conftest import patient
from sales_platform_tests.serving.dashboard.served import served, settled, value_of, visit

pytestmark = pytest.mark.slow
FIGURE = "/api/metrics/payments?from=2026-02-01&to=2026-02-28"
PAGE = "payments?filters=Date&from=2026-02-01&to=2026-02-28"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server that nobody else uses, with a few rows of figures."""
    server = EmbeddedServer(tmp_path / "home", fsync="off", shared_buffers="16MB", autovacuum="off")
    with server.in_use():
        server.create_database("warehouse")
        migrate(server.url("warehouse"))
        with psycopg.connect(server.url("warehouse")) as connection:
            connection.execute(MARTS)
        yield server
    assert server.remove_if_unused()


def payments_of(address: str) -> str:
    with urlopen(f"{address}{FIGURE}", timeout=30) as answer:
        return str(json.load(answer)["rows"][0]["value"])


def test_an_open_page_says_that_the_warehouse_is_away_and_comes_back_by_itself(
    own_server: EmbeddedServer, tmp_path: Path
) -> None:
    with (
        served(own_server.url("warehouse"), tmp_path / "log") as address,
        opened(address) as page,
    ):
        patient(page).clock.install()
        visit(page, PAGE)
        assert value_of(page, "Total revenue") == "₹201.50"
        assert payments_of(address) == "8"
        page.evaluate("() => { window.sameDocument = true }")

        own_server.stop()
        page.clock.fast_forward("10:10")
        told = page.get_by_test_id("stAlert").filter(has_text="The warehouse does not answer.")
        expect(told).to_be_visible()
        assert not any(word in told.inner_text() for word in ("@", "127.0.0.1", "port "))
        expect(page.get_by_text("tries again every 10 seconds")).to_be_visible()
        with pytest.raises(HTTPError) as refused:
            payments_of(address)
        assert (refused.value.code, refused.value.headers["retry-after"]) == (503, "5")
        refused.value.close()
        # it tries again, and still says so
        page.clock.fast_forward("00:15")
        settled(page)
        expect(told).to_be_visible()

        own_server.start()
        page.clock.fast_forward("00:15")
        expect(page.get_by_test_id("stMetricValue").first).to_have_text("₹201.50")
        expect(told).to_be_hidden()
        assert page.evaluate("() => window.sameDocument")
        assert payments_of(address) == "8"
    assert "Traceback" not in (tmp_path / "log").read_text()
