"""A figure of Plotly as plain data, with those of its methods that charts use. Knows no chart."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped]
from plotly.basedatatypes import BaseFigure  # type: ignore[import-untyped]

Properties = dict[str, Any]
# what has an underscore in its own name; everywhere else it leads to a property of a property
_WHOLE_NAMES = frozenset(("paper_bgcolor", "plot_bgcolor"))


class PlainFigure(BaseFigure):  # type: ignore[misc]
    """Plotly's own judges every value when it is set, which takes longer than all the queries of a page. Here nothing
    is judged: tests do that with whole figures. A BaseFigure by name alone, so that Streamlit does not judge it either.
    """

    def __init__(self, layout: Mapping[str, Any]) -> None:
        # the base would begin to judge
        properties = {"data": [], "layout": {"template": _template()}}
        object.__setattr__(self, "properties", properties)
        self.update_layout(**layout)

    def to_dict(self) -> Properties:
        found: Properties = object.__getattribute__(self, "properties")
        return found

    @property
    def height(self) -> int:
        return int(self.to_dict()["layout"]["height"])

    def add_scatter(self, **properties: Any) -> None:
        self._add("scatter", properties)

    def add_bar(self, **properties: Any) -> None:
        self._add("bar", properties)

    def update_traces(self, **properties: Any) -> None:
        for trace in self.to_dict()["data"]:
            _update(trace, properties)

    def update_layout(self, **properties: Any) -> None:
        _update(self.to_dict()["layout"], properties)

    def update_xaxes(self, **properties: Any) -> None:
        self._update_axes("xaxis", properties)

    def update_yaxes(self, **properties: Any) -> None:
        self._update_axes("yaxis", properties)

    def _add(self, kind: str, properties: Properties) -> None:
        trace: Properties = {"type": kind}
        _update(trace, properties)
        self.to_dict()["data"].append(trace)

    def _update_axes(self, kind: str, properties: Properties) -> None:
        layout = self.to_dict()["layout"]
        for name in [name for name in layout if name.startswith(kind)]:
            _update(layout[name], properties)


def _update(into: Properties, properties: Mapping[str, Any]) -> None:
    """As Plotly does it: `title_text` is the text of the title, None takes a property away, a text for a title is its
    text.
    """
    for name, value in properties.items():
        first, _, rest = (name, "", "") if name in _WHOLE_NAMES else name.partition("_")
        if rest:
            _update(into.setdefault(first, {}), {rest: value})
        elif value is None:
            into.pop(name, None)
        elif isinstance(value, Mapping):
            _update(into.setdefault(name, {}), value)
        else:
            into[name] = {"text": value} if name == "title" and isinstance(value, str) else value


@cache
def _template() -> Properties:
    """The look that every figure of Plotly begins with; charts change nothing within."""
    found: Properties = deepcopy(go.Figure().to_dict()["layout"]["template"])
    return found
