"""The dashboard as a person has it before them: the system's Chromium on what `sales-platform serve` serves."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from sales_platform_tests.serving.dashboard.conftest import Sql, patient
from sales_platform_tests.serving.dashboard.served import choose, rows_of, settled, value_of, visit

pytestmark = pytest.mark.slow

PATHS = ("", "retail", "invoicing", "billing", "payments?filters=Date&filters=City", "accounts", "quality")
AXE = Path(__file__).resolve().parents[3] / "node_modules/axe-core/axe.min.js"
# the marks of the small charts in Streamlit's own st.metric, which takes no text for them
NOT_OURS = {"svg-img-alt"}
WIDER = (
    "() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth }"
)


def test_filters_cascade_and_a_chosen_view_survives_its_address(browser: Page, facts: Sql) -> None:
    [(state,)] = facts("select min(state) from analytics.dim_city where city_key > 0")
    cities = facts("select city_name from analytics.dim_city where state = %s order by 1", state)
    visit(browser, "payments?filters=State&filters=City")
    before = value_of(browser, "Total revenue")
    choose(browser, "State", state)
    expect(browser.get_by_role("heading", level=2).first).to_contain_text(state)
    browser.get_by_role("combobox", name="City").click()
    offered = browser.get_by_role("option")
    expect(offered).to_have_text(["All", *(city for (city,) in cities)])
    browser.keyboard.press("Escape")
    chosen = value_of(browser, "Total revenue")
    assert chosen != before
    assert parse_qs(urlsplit(browser.url).query)["state"] == [state]
    visit(browser, browser.url.removeprefix(f"{browser.url.split('/payments')[0]}/"))
    assert value_of(browser, "Total revenue") == chosen


def test_a_downloaded_csv_is_what_sql_says_and_the_keyboard_gets_it(browser: Page, facts: Sql) -> None:
    visit(browser, "billing")
    button = browser.get_by_role("button", name="CSV").first
    button.focus()
    with browser.expect_download() as download:
        browser.keyboard.press("Enter")
    assert download.value.suggested_filename == "sales-historic-trend-monthly-vs-accumulative.csv"
    rows = rows_of(download.value)
    expected = facts(
        "select to_char(issue_date, 'YYYY-MM'), sum(total)::text, (sum(sum(total)) over (order by 1))::text"
        " from analytics.fact_billing_invoice group by to_char(issue_date, 'YYYY-MM') order by 1",
    )
    assert [(row["period"], row["sales"]) for row in rows] == [
        (month, amount) for month, amount, _ in expected
    ]
    assert float(rows[-1]["accumulative"]) == sum(float(amount) for _, amount, _ in expected)


def test_what_one_visitor_chooses_no_other_sees(browser: Page, facts: Sql) -> None:
    found: list[tuple[str, Decimal]] = facts(
        "select state, sum(amount) from analytics.fact_transaction join analytics.dim_city using (city_key)"
        " where status = 'success' and city_key > 0"
        " and transaction_date = (select max(transaction_date) from analytics.fact_transaction)"
        " group by 1 order by 1 limit 2"
    )
    revenues = dict(found)
    visit(browser, "payments?filters=State")
    assert browser.context.browser is not None
    elsewhere = browser.context.browser.new_context()
    stranger, tab = (patient(elsewhere.new_page()) for _ in range(2))
    for page in (stranger, tab):
        page.goto(browser.url)
        settled(page)
    whole = value_of(tab, "Total revenue")
    for page, state in ((browser, min(revenues)), (stranger, max(revenues))):
        choose(page, "State", state)
        expect(page.get_by_role("heading", level=2).first).to_contain_text(state)
    # each is drawn again after the other has chosen
    for page in (browser, stranger, tab):
        page.get_by_text("Refresh every 10 minutes").click()
        expect(page.get_by_text("paused")).to_be_visible()
        settled(page)
    for page, state in ((browser, min(revenues)), (stranger, max(revenues))):
        assert value_of(page, "Total revenue") == f"₹{revenues[state]:,.2f}"
        assert parse_qs(urlsplit(page.url).query)["state"] == [state]
    assert value_of(tab, "Total revenue") == whole
    assert "state" not in parse_qs(urlsplit(tab.url).query)


@pytest.mark.parametrize("width", [390, 2560])
def test_no_page_is_wider_than_its_window(browser: Page, width: int) -> None:
    browser.set_viewport_size({"width": width, "height": 844})
    for path in PATHS:
        visit(browser, path)
        assert browser.evaluate(WIDER) <= 0, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier_that_is_ours_and_nothing_is_asked_of_other_hosts(
    browser: Page, scheme: Any
) -> None:
    if not AXE.is_file():
        pytest.skip("no axe-core: install Node, then run `npm ci`")
    strangers: list[str] = []
    browser.on(
        "request", lambda asked: strangers.append(asked.url) if _is_strange(asked.url, browser.url) else None
    )
    browser.emulate_media(color_scheme=scheme)
    for path in PATHS:
        visit(browser, path)
        assert _is_dark(browser) == (scheme == "dark")
        browser.evaluate(AXE.read_text(encoding="utf-8"))
        found = browser.evaluate("() => axe.run(document, {resultTypes: ['violations']})")["violations"]
        ours = {
            one["id"]: [node["html"][:200] for node in one["nodes"]]
            for one in found
            if one["impact"] in {"serious", "critical"} and one["id"] not in NOT_OURS
        }
        assert (path, ours) == (path, {})
    assert strangers == []


def _is_strange(asked: str, here: str) -> bool:
    return not asked.startswith(("data:", "blob:")) and urlsplit(asked).hostname != (
        urlsplit(here).hostname or "127.0.0.1"
    )


def _is_dark(page: Page) -> bool:
    colour: str = page.evaluate("() => getComputedStyle(document.querySelector('h1')).color")
    channels = [int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")[:3]]
    return sum(channels) > 3 * 128
