"""A chart on a page: its title and unit, its rows as CSV, its picture as PNG, and how its figures come about."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from sales_platform.engine.sheet_cells import guarded
from sales_platform.metrics.registry import Metric
from sales_platform.serving.dashboard import states
from sales_platform.serving.dashboard.asking import Asking

Records = Sequence[Mapping[str, Any]]


def panel(
    ask: Asking,
    figure: Any,
    records: Records,
    *,
    title: str,
    unit: str,
    metrics: Iterable[str],
    note: str = "",
) -> None:
    """Draw a chart in a card. records: the rows that it shows, as CSV gives them. metrics: what it is made of.
    note: one more sentence of explanation.
    """
    name = slug(title)
    with st.container(key=f"card-{name}", height="stretch"):
        _head(title, unit)
        if not records:
            states.empty()
            return
        st.plotly_chart(figure, theme=None, key=f"chart-{name}", config=_config(name), alt=f"{title}, {unit}")
        with st.container(horizontal=True, gap="small"):
            csv_button(records, name)
            explanation(ask, metrics, note, key=name)


def csv_button(records: Records, name: str) -> None:
    st.download_button(
        "CSV",
        csv_text(records),
        f"{name}.csv",
        "text/csv",
        key=f"csv-{name}",
        icon=":material/download:",
        on_click="ignore",
        help=f"The figures of this chart as {name}.csv; its picture is the camera above it.",
    )


def explanation(ask: Asking, metrics: Iterable[str], note: str = "", *, key: str) -> None:
    with st.popover("How is this computed?", icon=":material/functions:", key=f"how-{key}"):
        for name in dict.fromkeys(metrics):
            _explain(ask, ask.registry.metrics[name])
        if note:
            st.markdown(note)


def csv_text(records: Records) -> str:
    """Columns as the API names them, figures unrounded; text that a spreadsheet would run is guarded."""
    if not records:
        return ""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(records[0])
    writer.writerows([_safe(value) for value in row.values()] for row in records)
    return text.getvalue()


def slug(title: str) -> str:
    """`Revenue Trend - Top 4 Cities` → `revenue-trend-top-4-cities`."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _head(title: str, unit: str) -> None:
    st.markdown(f"### {escaped(title)}")
    st.caption(f"Unit: {escaped(unit)}")


def _explain(ask: Asking, metric: Metric) -> None:
    version = ask.version_of(metric)
    st.markdown(f"**{metric.title}** · `{metric.name}`\n\n{metric.description} {metric.caveat}")
    st.code(f"{metric.formula_text}\n-- of {metric.mart.name}", language="sql", wrap_lines=True)
    if version:
        st.caption(f"The mart last changed on {version.changed_at:%d-%b-%Y at %H:%M} UTC.")


def escaped(text: str) -> str:
    """Text in which Markdown finds no markup."""
    return re.sub(r"([\\`*_{}\[\]()#+!|<>~$:-])", r"\\\1", text)


def _safe(value: Any) -> Any:
    return guarded(value) if isinstance(value, str) else value


def _config(name: str) -> dict[str, Any]:
    return {
        "displayModeBar": True,
        "displaylogo": False,
        "responsive": True,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
        "toImageButtonOptions": {"format": "png", "filename": name, "scale": 2},
    }
