"""What a page is narrowed to: values of dimensions, chosen by the visitor, kept in the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.periods import (
    CUSTOM,
    Period,
    chosen_days,
    chosen_grain,
    chosen_range,
    period_of,
)

Filters = dict[str, list[str]]
COLUMNS = 4


def chosen_period(ask: Asking, metrics: Sequence[str], default: str = "30d") -> Period | None:
    """The row of fields on top of a page. metrics: whose days are shown. None where nothing is known of any."""
    spans = [span for span in map(ask.span, metrics) if span]
    if not spans:
        return None
    span = min(first for first, _ in spans), max(last for _, last in spans)
    places = st.columns([2, 2, 2, 2])
    with places[0]:
        chosen = chosen_range(default)
    with places[1]:
        grain = chosen_grain()
    custom = None
    if chosen == CUSTOM:
        known = period_of("30d", span, ask.today(), None, "day")
        with places[2]:
            custom = chosen_days(known.first, known.last)
    return period_of(chosen, span, ask.today(), custom, grain)


def chosen_members(ask: Asking, dimensions: Sequence[str]) -> Filters:
    """A field for each dimension. Each offers what the others let through, and what is chosen in it already, so that a
    shared address shows its choice even where nothing is found.
    """
    chosen = {name: _remembered(name) for name in dimensions}
    with st.expander(_heading(chosen), icon=":material/filter_alt:", expanded=any(chosen.values())):
        places = st.columns(min(COLUMNS, len(dimensions)))
        for number, name in enumerate(dimensions):
            with places[number % len(places)]:
                chosen[name] = _field(ask, name, chosen)
    return {name: values for name, values in chosen.items() if values}


def _field(ask: Asking, name: str, chosen: Filters) -> list[str]:
    dimension = ask.registry.dimensions[name]
    others = {other: values for other, values in chosen.items() if values and other != name}
    offered = {one.value: one.label for one in ask.values(name, others)}
    for value in chosen[name]:
        offered.setdefault(value, value)
    return st.multiselect(
        dimension.title,
        list(offered),
        format_func=offered.__getitem__,
        key=name,
        help=dimension.description or None,
        placeholder="All",
        bind="query-params",
    )


def _remembered(name: str) -> list[str]:
    """What is chosen now: in the session, or in the address with which the page was opened."""
    if name in st.session_state:
        return list(st.session_state[name])
    return [value for value in st.query_params.get_all(name) if value and "\0" not in value]


def _heading(chosen: Filters) -> str:
    count = sum(len(values) for values in chosen.values())
    return f"Filters · {count} chosen" if count else "Filters"
