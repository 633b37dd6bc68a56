"""What a page is narrowed to: values of dimensions, chosen by the visitor, kept in the address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from sales_platform.serving.dashboard.asking import Asking
from sales_platform.serving.dashboard.periods import (
    CUSTOM,
    DEFAULT,
    Period,
    chosen_days,
    chosen_grain,
    chosen_range,
    period_of,
)

Filters = dict[str, list[str]]
COLUMNS = 4


def chosen_period(ask: Asking, metrics: Sequence[str], default: str = DEFAULT) -> Period | None:
    """The row of fields on top of a page. metrics: whose days are shown. None where nothing is known of any."""
    span = ask.span(*metrics)
    if span is None:
        return None
    places = st.columns([2, 2, 2, 2])
    with places[0]:
        chosen = chosen_range(default)
    with places[1]:
        grain = chosen_grain()
    custom = None
    if chosen == CUSTOM:
        known = period_of(DEFAULT, span, ask.today(), None, "day")
        with places[2]:
            custom = chosen_days(known.first, known.last)
    return period_of(chosen, span, ask.today(), custom, grain)


def chosen_members(ask: Asking, dimensions: Sequence[str]) -> Filters:
    """A field for each dimension. Each offers what the others let through, and what is chosen in it already, so that a
    shared address shows its choice even where nothing is found.
    """
    names = {name: _names(ask, name) for name in dimensions}
    texts = {name: _remembered(name) for name in dimensions}
    with st.expander(_heading(texts), icon=":material/filter_alt:", expanded=any(texts.values())):
        places = st.columns(min(COLUMNS, len(dimensions)))
        for number, name in enumerate(dimensions):
            with places[number % len(places)]:
                texts[name] = _field(ask, name, names, texts)
    return _values(names, texts)


def _field(ask: Asking, name: str, names: Mapping[str, Mapping[str, str]], texts: Filters) -> list[str]:
    dimension = ask.registry.dimensions[name]
    others = {other: values for other, values in _values(names, texts).items() if other != name}
    let_through = {one.value for one in ask.values(name, others)} if others else set(names[name].values())
    offered = [text for text, value in names[name].items() if value in let_through]
    return st.multiselect(
        dimension.title,
        list(dict.fromkeys([*offered, *texts[name]])),
        key=name,
        help=dimension.description or None,
        placeholder="All",
        bind="query-params",
    )


def _names(ask: Asking, dimension: str) -> dict[str, str]:
    """What a field shows, which is what the address holds → the value. Members of the same name bear their key too."""
    found = ask.values(dimension)
    count = Counter(one.label for one in found)
    return {f"{one.label} ({one.value})" if count[one.label] > 1 else one.label: one.value for one in found}


def _values(names: Mapping[str, Mapping[str, str]], texts: Filters) -> Filters:
    return {
        name: [names[name].get(text, text) for text in chosen] for name, chosen in texts.items() if chosen
    }


def _remembered(name: str) -> list[str]:
    """What is chosen now: in the session, or in the address with which the page was opened."""
    if name in st.session_state:
        return list(st.session_state[name])
    return [text for text in st.query_params.get_all(name) if text and "\0" not in text]


def _heading(texts: Filters) -> str:
    count = sum(map(len, texts.values()))
    return f"Filters · {count} chosen" if count else "Filters"
