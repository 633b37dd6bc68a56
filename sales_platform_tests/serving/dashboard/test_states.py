"""What pages say when there is nothing to show, and that they come back by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.conftest import _fresh_database
from sales_platform_tests.metrics.conftest import MARTS
from sales_platform_tests.serving.dashboard.pages import kpis, page, said

PATHS = ("", "retail", "invoicing", "billing", "payments", "accounts")


@pytest.fixture
def marts_url(postgres_server: EmbeddedServer, migrated_template: str) -> Iterator[str]:
    for url in _fresh_database(postgres_server, migrated_template):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(MARTS)
        yield url


def test_without_marts_a_page_says_what_to_materialize(warehouse_url: str) -> None:
    for path in PATHS:
        app = page(warehouse_url, path).run()
        assert not app.exception
        assert "sales-platform run" in said(app), path
        assert "Materialize marts/" in said(app), path
    assert "No row was ever rejected" in said(page(warehouse_url, "quality").run())


def test_while_the_warehouse_is_down_a_page_says_so_and_then_recovers(marts_url: str) -> None:
    app = page(marts_url.rsplit("@", 1)[0] + "@127.0.0.1:1/none", "payments").run()
    assert not app.exception
    assert "does not answer" in said(app)
    assert "@" not in said(app)
    app.secrets["warehouse_url"] = marts_url
    app.run()
    assert "does not answer" not in said(app)
    assert app.metric


def test_a_figure_is_kept_until_its_mart_changes(marts_url: str) -> None:
    address = {"filters": "Date", "from_": "2026-02-01", "to": "2026-02-28"}
    app = page(marts_url, "payments", **address).run()
    assert kpis(app)["Total revenue"] == "₹201.50"
    with psycopg.connect(marts_url, autocommit=True) as connection:
        connection.execute("update marts.channels_daily set successful_payment_volume = 1")
        assert kpis(app.run())["Total revenue"] == "₹201.50"
        connection.execute("update ops.table_version set version = version + 1")
        assert kpis(app.run())["Total revenue"] == "₹4.00"
