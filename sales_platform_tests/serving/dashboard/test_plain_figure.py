"""Figures that nobody judges while they are made hold what Plotly's own would, and nothing that it does not know."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]
import plotly.io  # type: ignore[import-untyped]
import pytest

from sales_platform.serving.dashboard import charts
from sales_platform.serving.dashboard.charts import Measure, Series
from sales_platform.serving.dashboard.plain_figure import PlainFigure
from sales_platform.serving.dashboard.theme import DARK, LIGHT

RUPEES, SHARE = Measure("money", "INR"), Measure("percent")
DAYS = Series("UPI", [(date(2026, 2, day), 10.5 * day) for day in range(1, 20)])
GAPS = Series("Cards <b>", [(date(2026, 2, day), None if day == 3 else -day) for day in range(1, 20)])
DAY = Series("One day", [(date(2026, 2, 1), 7)])
CITIES = Series("Volume", [(f"A city with quite a long name {n}", 100.0 * n) for n in range(7)])
DRAWN: dict[str, Callable[[], Any]] = {
    "lines": lambda: charts.lines(LIGHT, RUPEES, [DAYS, charts.smoothed(DAYS), GAPS]),
    "one day": lambda: charts.lines(DARK, SHARE, [DAY]),
    "bars": lambda: charts.bars(LIGHT, RUPEES, [DAYS, GAPS], stacked=True),
    "labelled bars": lambda: charts.labelled_bars(DARK, SHARE, CITIES, "City"),
    "ranked": lambda: charts.ranked(LIGHT, RUPEES, CITIES),
    "bars with sum": lambda: charts.bars_with_sum(LIGHT, RUPEES, CITIES, CITIES, "Sales"),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_a_chart_is_what_plotly_takes_and_understands(kind: str) -> None:
    """Plotly raises for a property or a value that it does not know, and writes shorthands out."""
    drawn = _as_sent(DRAWN[kind]())
    assert _as_sent(go.Figure(drawn)) == drawn
    assert drawn["data"]


def test_changes_of_a_figure_arrive_where_plotly_would_put_them() -> None:
    made: list[Any] = [PlainFigure(layout={"height": 300}), go.Figure(layout={"height": 300})]
    for figure in made:
        figure.add_scatter(x=[1, 2], y=[3, None], line={"color": "#123456", "width": 2}, text=None)
        figure.add_bar(x=["a"], y=[1], marker_color="#654321", orientation="h")
        figure.update_traces(hovertemplate="%{customdata}", marker={"opacity": 0.5})
        figure.update_layout(margin_t=20, paper_bgcolor="#ffffff", yaxis={"title": "Amount"}, xaxis={})
        figure.update_layout(yaxis2={"title": {"text": "Sum"}, "side": "right"}, yaxis_title_text="₹")
        figure.update_yaxes(tickprefix="₹", title_font_size=13)
        figure.update_xaxes(title="Day", type="category", tickangle=30)
        figure.update_xaxes(tickangle=None)
    plain, whole = map(_as_sent, made)
    assert plain == whole


def _as_sent(figure: Any) -> dict[str, Any]:
    """What Streamlit makes of it for the browser."""
    found: dict[str, Any] = json.loads(plotly.io.to_json(figure.to_dict(), validate=False))
    return found
