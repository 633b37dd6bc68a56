"""Figures as text, averages, palettes and addresses, without a warehouse."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sales_platform.metrics.declared import Good, Unit
from sales_platform.metrics.query import Grain
from sales_platform.serving.dashboard import charts
from sales_platform.serving.dashboard.axes import broken, signs_first
from sales_platform.serving.dashboard.charts import Measure, Series, smoothed
from sales_platform.serving.dashboard.panels import csv_text, slug
from sales_platform.serving.dashboard.periods import period_of
from sales_platform.serving.dashboard.theme import DARK, LIGHT, Look
from sales_platform.serving.dashboard.wording import Change, change_between, figure_text, period_text, plural

MONEY = Measure("money", "USD")


@pytest.mark.parametrize(
    ("value", "unit", "currency", "text"),
    [
        (Decimal("1234.565"), "money", "INR", "₹1,234.57"),
        (Decimal("-1234.5"), "money", "USD", "-$1,234.50"),
        (5, "money", "CHF", "CHF 5.00"),
        (Decimal("8"), "percent", None, "8.00%"),
        (Decimal("2.774"), "seconds", None, "2.77 sec"),
        (1234567, "count", None, "1,234,567"),
        (None, "money", "INR", "–"),
    ],
)
def test_a_figure_has_one_format(value: Decimal | None, unit: Unit, currency: str | None, text: str) -> None:
    assert figure_text(value, unit, currency) == text


@pytest.mark.parametrize(
    ("now", "before", "unit", "good", "change"),
    [
        (110, 100, "count", "up", Change("+10.0%", True)),
        (110, 100, "count", "down", Change("+10.0%", False)),
        (-50, -100, "money", "up", Change("+50.0%", True)),
        (Decimal("8.5"), 8, "percent", "down", Change("+0.50 pp", False)),
        (90, 100, "count", "neither", Change("-10.0%", None)),
        (1, 0, "count", "up", None),
        (1, None, "count", "up", None),
    ],
)
def test_a_change_says_how_much_and_whether_it_is_welcome(
    now: int, before: int | None, unit: Unit, good: Good, change: Change | None
) -> None:
    assert change_between(now, before, unit, good) == change


def test_an_average_takes_seven_values_or_what_there_is() -> None:
    days = [(date(2026, 1, n), Decimal(n)) for n in range(1, 10)]
    assert [value for _, value in smoothed(Series("x", days)).points] == [1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6]
    assert [value for _, value in smoothed(Series("x", [(1, None), (2, Decimal(4))])).points] == [None, 4]


def test_a_range_ends_with_the_newest_day_but_not_in_the_future() -> None:
    span = date(2026, 1, 1), date(2026, 6, 30)
    period = period_of("Last 30 days", span, date(2026, 3, 31), None, "Automatic")
    assert (period.first, period.last, period.grain) == (date(2026, 3, 2), date(2026, 3, 31), "day")
    whole = period_of("All days", span, date(2026, 3, 31), None, "Automatic")
    assert (whole.first, whole.last, whole.grain) == (*span, "week")


@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_every_colour_can_be_seen_on_its_ground(look: Look) -> None:
    assert contrast(look.ink, look.surface) >= 7
    assert contrast(look.faint, look.page) >= 4.5
    assert [colour for colour in look.series if contrast(colour, look.surface) < 3] == []


@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_the_value_within_a_bar_can_be_read(look: Look) -> None:
    [bars] = drawn(charts.ranked(look, MONEY, Series("Revenue", [("Delhi", 5)])))["data"]
    assert contrast(bars["insidetextfont"]["color"], bars["marker"]["color"]) >= 4.5


def test_the_sign_of_an_amount_at_an_axis_stands_before_its_currency() -> None:
    assert signs_first([-1684.2, 3400], "USD")["$\u22121,000"] == "-$1,000"
    assert signs_first([-1_300_000, 10], "INR")["₹\u22120.5M"] == "-₹0.5M"
    assert signs_first([0, 3400], "USD") == {}
    days = [(date(2026, 1, 1), Decimal(-1500)), (date(2026, 1, 2), Decimal(2500))]
    axis = drawn(charts.bars(LIGHT, MONEY, [Series("Net flow", days)]))["layout"]["yaxis"]
    assert axis["labelalias"]["$\u2212500"] == "-$500"


def test_long_periods_are_named_where_they_stand_and_days_as_everywhere() -> None:
    mondays = [(date(2026, 1, 5) + timedelta(weeks=n), n) for n in range(10)]
    axis = drawn(charts.lines(LIGHT, MONEY, [Series("Revenue", mondays)], "week"))["layout"]["xaxis"]
    assert set(axis["tickvals"]) < {day for day, _ in mondays}
    assert axis["hoverformat"] == "Week of %d-%b-%Y"
    single = drawn(charts.bars(LIGHT, MONEY, [Series("Revenue", mondays[:1])], "month"))
    assert single["layout"]["xaxis"]["type"] == "category"
    assert list(single["data"][0]["x"]) == ["Jan-2026"]


@pytest.mark.parametrize("grain", ["day", "month"])
def test_a_chart_of_nothing_can_be_made(grain: Grain) -> None:
    for make in (charts.lines, charts.bars):
        assert drawn(make(LIGHT, MONEY, [Series("Revenue", [])], grain))["data"]


def test_a_single_bar_does_not_fill_its_chart() -> None:
    day = Series("Revenue", [(date(2026, 1, 5), 3)])
    assert drawn(charts.bars(LIGHT, MONEY, [day]))["layout"]["bargap"] > 0.5


@pytest.mark.parametrize("look", [LIGHT, DARK])
def test_a_running_sum_can_be_seen_before_its_bars(look: Look) -> None:
    months = Series("Sales", [("2026-01", 3), ("2026-02", 5)])
    bars, line = drawn(charts.bars_with_sum(look, MONEY, months, months, "Sales"))["data"]
    filled = bars["marker"]["color"]
    assert contrast(line["line"]["color"], over(filled, look.surface)) >= 2.5
    assert contrast(bars["marker"]["line"]["color"], look.surface) >= 3


@pytest.mark.parametrize(
    ("grain", "text"),
    [
        ("day", "17-Aug-2026"),
        ("week", "Week of 17-Aug-2026"),
        ("month", "Aug-2026"),
        ("quarter", "Q3 2026"),
        ("year", "2026"),
    ],
)
def test_a_period_has_one_name(grain: Grain, text: str) -> None:
    assert period_text(date(2026, 8, 17), grain) == text


def test_a_long_name_breaks_beside_its_bar_and_the_bar_says_whose_it_is() -> None:
    name = "Synchronized <b>actuating implementation of everything there is or will be"
    figure = drawn(charts.ranked(LIGHT, MONEY, Series("Revenue", [(name, 5), ("Delhi", 3)])))
    shown = figure["layout"]["yaxis"]["ticktext"][0]
    lines = broken(name)
    assert (len(lines), max(map(len, lines)) <= 22, lines[-1].endswith("…")) == (3, True, True)
    assert (shown.count("<br>"), "<b>" in shown) == (2, False)
    assert figure["data"][0]["hovertemplate"][1].startswith("<b>Delhi</b><br>Revenue: ")
    short = drawn(charts.ranked(LIGHT, MONEY, Series("Revenue", [("Pune", 5), ("Delhi", 3)])))
    assert figure["layout"]["height"] > short["layout"]["height"]


def test_a_total_differs_from_its_parts() -> None:
    days = [(date(2026, 1, n), n) for n in (1, 2)]
    series = [Series("Delhi", days), Series("Total", days, whole=True)]
    part, total = (one["line"] for one in drawn(charts.lines(LIGHT, MONEY, series))["data"])
    assert (total["dash"], total["color"]) == ("solid", LIGHT.ink)
    assert part["color"] != LIGHT.ink


def drawn(figure: Any) -> dict[str, Any]:
    """As the browser gets it."""
    found: dict[str, Any] = figure.to_dict()
    return found


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def over(colour: str, ground: str) -> str:
    """`#rrggbbaa` as it is seen on a ground."""
    share = int(colour[7:9], 16) / 255
    return "#" + "".join(
        f"{round(share * int(colour[i : i + 2], 16) + (1 - share) * int(ground[i : i + 2], 16)):02x}"
        for i in (1, 3, 5)
    )


def luminance(colour: str) -> float:
    """Relative, as WCAG 2 defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_a_csv_cannot_run_in_a_spreadsheet_and_keeps_every_digit() -> None:
    rows: list[dict[str, object]] = [
        {"city": "=1+1", "value": Decimal("-1.005")},
        {"city": 'a"b,c', "value": None},
    ]
    assert csv_text(rows) == 'city,value\r\n\'=1+1,-1.005\r\n"a""b,c",\r\n'
    assert csv_text([]) == ""


def test_names_become_addresses_and_plurals() -> None:
    assert slug("Revenue Trend - Top 4 Cities") == "revenue-trend-top-4-cities"
    assert [plural(word) for word in ("City", "State", "day")] == ["Cities", "States", "days"]
