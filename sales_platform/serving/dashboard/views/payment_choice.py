"""What a visitor of the payments page may choose: which filters stand there, and what each is set to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import streamlit as st

from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.filters import Filters
from sales_platform.serving.dashboard.periods import chosen_days

ALL = "All"
DATE = "Date"
# in the order in which one of them breaks a chart down
DIMENSIONS = {
    "City": "city",
    "State": "state",
    "Region": "region",
    "Channel": "channel",
    "Segment": "segment",
}
PLACES = ("city", "state", "region")
DEFAULT_COMPARED = "channel"
FIELDS_IN_A_ROW = 4


@dataclass(frozen=True)
class Choice:
    """days: of the single figures. dated: whether they were chosen. filters: those set to a value. on_all: dimensions
    whose filter stands there, set to all.
    """

    days: tuple[date, date]
    dated: bool
    filters: Filters
    on_all: tuple[str, ...]

    @property
    def broken_down(self) -> str | None:
        """The dimension that a trend is told by."""
        return self.on_all[0] if self.on_all else None

    @property
    def compared(self) -> str:
        """The dimension of the bars: one of the filters set to all, but channels unless another is."""
        return next((name for name in self.on_all if name != DEFAULT_COMPARED), DEFAULT_COMPARED)


def chosen_filters(ask: Asking, newest: date) -> Choice:
    """newest: the day that is shown while none is chosen."""
    _, right = st.columns([1, 1])
    with right:
        standing = st.multiselect(
            "Select Filters",
            [DATE, *DIMENSIONS],
            key="filters",
            bind="query-params",
            placeholder="Date, City, State, …",
        )
    shown = [title for title in (DATE, *DIMENSIONS) if title in standing]
    places = iter(_places(shown))
    days = (newest, newest)
    values = {}
    for title in shown:
        with next(places):
            if title == DATE:
                days = chosen_days(newest, newest)
            else:
                values[DIMENSIONS[title]] = _field(ask, title, standing)
    return Choice(
        days,
        DATE in standing,
        {name: [value] for name, value in values.items() if value != ALL},
        tuple(name for name, value in values.items() if value == ALL),
    )


def _places(shown: list[str]) -> list[Any]:
    """On the right, too, where few are shown. Two fields stand for the date."""
    widths = [2 if title == DATE else 1 for title in shown]
    spare = FIELDS_IN_A_ROW - sum(widths)
    if not shown:
        return []
    return st.columns([spare, *widths])[1:] if spare > 0 else st.columns(widths)


def _field(ask: Asking, title: str, standing: list[str]) -> str:
    """A city, state or region offers what the two others let through."""
    name = DIMENSIONS[title]
    others = {}
    if name in PLACES:
        others = {
            DIMENSIONS[other]: [value]
            for other in standing
            if DIMENSIONS.get(other) in PLACES and other != title
            for value in [_remembered(DIMENSIONS[other])]
            if value != ALL
        }
    offered = [ALL, *(one.value for one in ask.values(name, others))]
    now = _remembered(name)
    if now not in offered:
        offered.append(now)
    return str(st.selectbox(title, offered, key=name, bind="query-params", persist_state="page"))


def _remembered(name: str) -> str:
    value = str(st.session_state.get(name) or st.query_params.get(name) or ALL)
    return ALL if "\0" in value else value
