"""Axes of charts: how values, days and names stand at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from math import ceil, floor, log10
from textwrap import wrap
from typing import Any

from sales_platform.metrics.declared import Unit
from sales_platform.metrics.query import Grain
from sales_platform.serving.dashboard.wording import symbol, unit_text

TITLE_SIZE = 13
SUFFIXES: dict[str, str] = {"percent": "%", "seconds": " s"}
# from a million on a tick reads $1.5M, so that two axes leave room for the bars on a phone
MILLIONS, FULL_DIGITS = "B", 5
PLOTLY_MINUS = "\N{MINUS SIGN}"
TICKS_AT_MOST = 20
HOVERED: dict[Grain, str] = {
    "day": "%d-%b-%Y",
    "week": "Week of %d-%b-%Y",
    "month": "%b-%Y",
    "quarter": "Q%q %Y",
    "year": "%Y",
}
TICKED: dict[Grain, str] = {
    "day": "%d-%b\n%Y",
    "week": "%d-%b\n%Y",
    "month": "%b\n%Y",
    "quarter": "Q%q\n%Y",
    "year": "%Y",
}
DAYS_BY_ZOOM = [
    {"dtickrange": [None, "M1"], "value": TICKED["day"]},
    {"dtickrange": ["M1", "M12"], "value": TICKED["month"]},
    {"dtickrange": ["M12", None], "value": TICKED["year"]},
]
# as many as a phone has room for
TICKS = 6
NAME_WIDTH, NAME_LINES = 22, 3


def value_axis(unit: Unit, currency: str | None) -> dict[str, Any]:
    """With the unit as its title and at every tick."""
    return {
        "title": {"text": unit_text(unit, currency), "font": {"size": TITLE_SIZE}},
        "tickprefix": symbol(currency) if unit == "money" else "",
        "ticksuffix": SUFFIXES.get(unit, ""),
        "separatethousands": True,
        "exponentformat": MILLIONS,
        "minexponent": FULL_DIGITS,
    }


def signs_first(values: Iterable[float], currency: str | None) -> dict[str, str]:
    """Tick labels of negative money as Plotly writes them, the sign within, and as a person does: `-$1,000`. Those of
    every round step that Plotly may choose for the range of the values.
    """
    known = [*values, 0.0]
    lowest, span = min(known), max(known) - min(known)
    if lowest >= 0:
        return {}
    sign = symbol(currency)
    found = {}
    for step in _steps(span):
        for number in range(1, floor((-lowest + span / TICKS_AT_MOST) / step) + 1):
            for text in _tick_texts(number * step):
                found[f"{sign}{PLOTLY_MINUS}{text}"] = f"-{sign}{text}"
    return found


def day_axis(grain: Grain, periods: Sequence[date]) -> dict[str, Any]:
    """Days as everywhere on the pages, the year below where it begins or changes. periods: the first day of each, in
    their order. Those longer than a day, and few days, are named where they stand: ticks of Plotly's would lie between.
    """
    if grain == "day" and len(periods) > TICKS:
        return {"hoverformat": HOVERED[grain], "tickformatstops": DAYS_BY_ZOOM}
    every = ceil(len(periods) / TICKS) or 1
    return {
        "hoverformat": HOVERED[grain],
        "tickformat": TICKED[grain],
        "tickvals": list(periods[::every]),
    }


def broken(name: str) -> list[str]:
    """The lines of a name beside its bar, so that it leaves the bar some room on a phone."""
    return wrap(name, NAME_WIDTH, max_lines=NAME_LINES, placeholder=" …") or [""]


def literal(text: str) -> str:
    """Text in which Plotly finds neither markup nor a placeholder."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("%{", "%&#123;")


def _steps(span: float) -> Sequence[float]:
    top = floor(log10(span))
    candidates = [base * 10.0**power for power in range(top - 2, top + 1) for base in (1, 2, 5)]
    return [step for step in candidates if span / TICKS_AT_MOST <= step <= span]


def _tick_texts(amount: float) -> list[str]:
    """All that may stand for an amount: in full, in millions, in billions."""
    return [f"{amount:,.10g}", f"{amount / 1e6:,.10g}M", f"{amount / 1e9:,.10g}B"]
