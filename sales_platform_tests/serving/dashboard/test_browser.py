"""The dashboard as a person has it before them: the system's Chromium on the application, served alone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from playwright.sync_api import Page, expect

from sales_platform_tests.acceptance.browser import opened
from sales_platform_tests.serving.dashboard.served import served, visit

pytestmark = pytest.mark.slow

PATHS = ("", "retail", "invoicing", "billing", "payments?filters=Date&filters=City", "accounts", "quality")
AXE = Path(__file__).resolve().parents[3] / "node_modules/axe-core/axe.min.js"
# the marks of the small charts in Streamlit's own st.metric, which takes no text for them
PATIENCE = 20_000.0
NOT_OURS = {"svg-img-alt"}
WIDER = (
    "() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth }"
)


@pytest.fixture(scope="module")
def address(company_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(company_url, tmp_path_factory.mktemp("served") / "log") as url:
        yield url


@pytest.fixture
def browser(address: str) -> Iterator[Page]:
    with opened(address) as page:
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page


def value_of(page: Page, title: str) -> str:
    card = page.get_by_test_id("stMetric").filter(has=page.get_by_text(title, exact=True)).first
    return card.get_by_test_id("stMetricValue").inner_text()


def choose(page: Page, field: str, value: str) -> None:
    page.get_by_role("combobox", name=field).click()
    page.get_by_role("option", name=value, exact=True).click()


def facts(url: str, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode(), parameters).fetchall()


def test_filters_cascade_and_a_chosen_view_survives_its_address(browser: Page, company_url: str) -> None:
    [(state,)] = facts(company_url, "select min(state) from analytics.dim_city where city_key > 0")
    cities = facts(company_url, "select city_name from analytics.dim_city where state = %s order by 1", state)
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


def test_a_downloaded_csv_is_what_sql_says_and_the_keyboard_gets_it(browser: Page, company_url: str) -> None:
    visit(browser, "billing")
    button = browser.get_by_role("button", name="CSV").first
    button.focus()
    with browser.expect_download() as download:
        browser.keyboard.press("Enter")
    assert download.value.suggested_filename == "sales-historic-trend-monthly-vs-accumulative.csv"
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    expected = facts(
        company_url,
        "select to_char(issue_date, 'YYYY-MM'), sum(total)::text, (sum(sum(total)) over (order by 1))::text"
        " from analytics.fact_billing_invoice group by to_char(issue_date, 'YYYY-MM') order by 1",
    )
    assert [(row["period"], row["sales"]) for row in rows] == [
        (month, amount) for month, amount, _ in expected
    ]
    assert float(rows[-1]["accumulative"]) == sum(float(amount) for _, amount, _ in expected)


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
