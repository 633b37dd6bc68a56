"""A page that stays open: it draws itself again every ten minutes, which the visitor may stop. The browser's clock is
put forward; nothing waits for it.
"""

from __future__ import annotations

import psycopg
import pytest
from playwright.sync_api import Page, WebSocket, expect

from sales_platform_tests.serving.dashboard.conftest import Sql
from sales_platform_tests.serving.dashboard.served import settled, visit

pytestmark = pytest.mark.slow


@pytest.fixture
def asked(browser: Page) -> list[object]:
    """What the page sent to the server so far: something for each drawing that it asked for."""
    sent: list[object] = []

    def note(frame: object) -> None:
        sent.append(frame)

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", note)

    browser.on("websocket", watch)
    return sent


def add_a_rupee(url: str, facts: Sql) -> str:
    """To every row of the mart, as a load changes it. Returns the payment volume of the newest day now."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "update marts.channels_daily set successful_payment_volume = successful_payment_volume + 1"
        )
        connection.execute("update ops.table_version set version = version + 1")
    [(volume,)] = facts(
        "select sum(successful_payment_volume) from marts.channels_daily"
        " where day = (select max(day) from marts.channels_daily)"
    )
    return f"₹{volume:,.2f}"


def test_a_page_draws_itself_again_every_ten_minutes_unless_it_is_paused(
    browser: Page, asked: list[object], company_url: str, facts: Sql
) -> None:
    browser.clock.install()
    visit(browser, "payments")
    revenue = browser.get_by_test_id("stMetric").filter(has_text="Total revenue")
    before = add_a_rupee(company_url, facts)
    expect(revenue).not_to_contain_text(before)
    drawings = len(asked)
    browser.clock.fast_forward("09:30")
    assert len(asked) == drawings
    browser.clock.fast_forward("00:40")
    expect(revenue).to_contain_text(before)
    settled(browser)
    # and so on
    again = add_a_rupee(company_url, facts)
    browser.clock.fast_forward("10:10")
    expect(revenue).to_contain_text(again)
    settled(browser)

    browser.get_by_text("Refresh every 10 minutes").click()
    expect(browser.get_by_text("paused")).to_be_visible()
    settled(browser)
    paused = add_a_rupee(company_url, facts)
    drawings = len(asked)
    browser.clock.fast_forward("30:00")
    assert len(asked) == drawings
    expect(revenue).not_to_contain_text(paused)
    browser.get_by_text("Refresh every 10 minutes").click()
    expect(revenue).to_contain_text(paused)
