"""A page of the dashboard in this process, drawn by Streamlit's own test driver. Judges nothing."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest

PATIENCE = 60
SCRIPT = """
from sales_platform.serving.dashboard.frame import drawn
from sales_platform.serving.dashboard.views import PAGES
[drawn(page) for page in PAGES if page.path == {path!r}][0]()
"""


def page(url: str, path: str, **address: str | list[str]) -> AppTest:
    """The page at a path, not drawn yet. address: parameters of its address."""
    app = AppTest.from_string(SCRIPT.format(path=path), default_timeout=PATIENCE)
    app.secrets["warehouse_url"] = url
    app.secrets["dagster_url"] = "http://dagster"
    for name, value in address.items():
        app.query_params[name.rstrip("_")] = value
    return app


def kpis(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def charts(app: AppTest) -> dict[str, Any]:
    """Title and unit → the figure of Plotly, as the browser gets it."""
    return {chart.proto.alt: json.loads(chart.proto.spec) for chart in app.get("plotly_chart")}


def titles(app: AppTest) -> list[str]:
    """Of the charts, without what Markdown needs."""
    return [one.value[4:].replace("\\", "") for one in app.markdown if one.value.startswith("### ")]


def said(app: AppTest) -> str:
    """Every message in a box."""
    return "\n".join(one.value for kind in (app.error, app.warning, app.info, app.success) for one in kind)
