"""Figures of Plotly from rows of an answer. Knows neither pages nor the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import ceil
from typing import Any

from sales_platform.metrics.declared import Unit
from sales_platform.metrics.query import Grain
from sales_platform.serving.dashboard.axes import (
    TITLE_SIZE,
    broken,
    day_axis,
    literal,
    signs_first,
    value_axis,
)
from sales_platform.serving.dashboard.plain_figure import PlainFigure
from sales_platform.serving.dashboard.theme import DASHES, MARKERS, Look
from sales_platform.serving.dashboard.wording import Figure, figure_text, period_text, unit_text

Point = tuple[Any, Figure]
HEIGHT = 340
SMOOTH_OVER = 7
# beyond as many points a marker on each would hide the line
MARKED_POINTS = 45
# appended to a colour: how much of it is seen
PALE = "66"
# of names below bars, the first at which none covers another
SLOPES = (-35, -90)
# in pixels: a row of a legend, the room that it has on a phone, what a name takes beside its letters, and a letter
LEGEND_ROW, LEGEND_WIDTH, LEGEND_MARK, LETTER = 20, 270, 45, 6
# in pixels: what a lying bar takes, what each further line of its name adds, what lies around them; few are thicker
BAR, NAME_LINE, AROUND_BARS = 30, 14, 50
FEW_BARS, THICK_BAR = 5, 42


@dataclass(frozen=True)
class Series:
    """A line or a set of bars. points: day or category, and value. dashed: an average of another series. whole: what
    the other series are parts of. right: against the axis on the right.
    """

    name: str
    points: Sequence[Point]
    dashed: bool = False
    whole: bool = False
    right: bool = False


@dataclass(frozen=True)
class Measure:
    """What the values are, on every axis of a chart."""

    unit: Unit
    currency: str | None = None

    def text(self, value: Figure) -> str:
        return figure_text(value, self.unit, self.currency)


@dataclass
class Drawing:
    """A figure under construction, in one look."""

    look: Look
    measure: Measure
    height: int = HEIGHT
    figure: Any = field(init=False)

    def __post_init__(self) -> None:
        self.figure = PlainFigure(layout=_layout(self.look, self.measure, self.height))

    def line(self, series: Series, place: int) -> None:
        colour = self.look.ink if series.whole else self.look.series[place % len(self.look.series)]
        marked = len(series.points) <= MARKED_POINTS and not series.dashed
        dash = "dash" if series.dashed else "solid" if series.whole else DASHES[place % 7]
        self.figure.add_scatter(
            **self._common(series),
            mode="lines+markers" if marked else "lines",
            line={"color": colour, "width": 2, "dash": dash},
            marker={"symbol": MARKERS[place % 7], "size": 7},
        )

    def bars(self, series: Series, place: int, *, labels: bool = False, pale: bool = False) -> None:
        """pale: so that a line before them is seen."""
        colour = self.look.series[place % len(self.look.series)]
        self.figure.add_bar(
            **self._common(series),
            marker={
                "color": f"{colour}{PALE}" if pale else colour,
                "line": {"color": colour, "width": 1.5 if pale else 0},
            },
            text=self._texts(series) if labels else None,
            textposition="outside" if labels else None,
            cliponaxis=False,
        )

    def lying_bars(self, series: Series, place: int) -> None:
        """For names too long to stand below a bar; the first is on top. Each says its value, so no axis does."""
        common = self._common(series)
        common["x"], common["y"] = common["y"], common["x"]
        self.figure.add_bar(
            **common,
            orientation="h",
            marker={"color": self.look.series[place % len(self.look.series)]},
            text=self._texts(series),
            textposition="auto",
            insidetextanchor="end",
            insidetextfont={"color": self.look.surface},
            cliponaxis=False,
        )
        self.figure.update_yaxes(
            autorange="reversed",
            type="category",
            title=None,
            showgrid=False,
            tickvals=common["y"],
            ticktext=["<br>".join(map(literal, broken(str(name)))) for name in common["y"]],
            tickprefix="",
            ticksuffix="",
        )
        self.figure.update_xaxes(visible=False)
        self.named(series)

    def named(self, series: Series) -> None:
        """Hovering a bar tells whose it is."""
        self.figure.update_traces(
            hovertemplate=[
                f"<b>{literal(str(name))}</b><br>{literal(series.name)}: %{{customdata}}<extra></extra>"
                for name, _ in series.points
            ]
        )
        self.figure.update_layout(hovermode="closest", showlegend=False)

    def _common(self, series: Series) -> dict[str, Any]:
        return {
            "name": series.name,
            "x": [point[0] for point in series.points],
            "y": [None if point[1] is None else float(point[1]) for point in series.points],
            "customdata": self._texts(series),
            "hovertemplate": f"{literal(series.name)}: %{{customdata}}<extra></extra>",
            **({"yaxis": "y2"} if series.right else {}),
        }

    def _texts(self, series: Series) -> list[str]:
        return [self.measure.text(value) for _, value in series.points]


def lines(look: Look, measure: Measure, series: Sequence[Series], grain: Grain = "day") -> Any:
    """An average has the colour of the series before it. grain: of the days of the points."""
    drawing = Drawing(look, measure)
    place = -1
    for one in series:
        place += not one.dashed
        drawing.line(one, max(place, 0))
    return _with_legend(_over_days(drawing, series, grain), series)


def bars(
    look: Look, measure: Measure, series: Sequence[Series], grain: Grain = "day", *, stacked: bool = False
) -> Any:
    """grain: of the days of the points."""
    drawing = Drawing(look, measure)
    for place, one in enumerate(series):
        drawing.bars(one, place)
    drawing.figure.update_layout(barmode="stack" if stacked else "group", bargap=0.25)
    return _with_legend(_over_days(drawing, series, grain), series)


def labelled_bars(look: Look, measure: Measure, series: Series, axis: str) -> Any:
    """Few bars with their value above; the axis leaves room for it."""
    drawing = Drawing(look, measure)
    drawing.bars(series, 0, labels=True)
    highest = max((float(value) for _, value in series.points if value is not None), default=0)
    drawing.figure.update_xaxes(type="category", title_text=axis, showgrid=False, autotickangles=[0, *SLOPES])
    drawing.figure.update_yaxes(range=[0, 1.15 * highest or 1])
    drawing.figure.update_layout(bargap=0.35)
    drawing.named(series)
    return drawing.figure


def ranked(look: Look, measure: Measure, series: Series) -> Any:
    """One lying bar for each member, so high that all names can be read."""
    count = len(series.points)
    further = sum(len(broken(str(name))) - 1 for name, _ in series.points)
    bar = THICK_BAR if count <= FEW_BARS else BAR
    drawing = Drawing(look, measure, AROUND_BARS + bar * count + NAME_LINE * further)
    drawing.lying_bars(series, 0)
    return drawing.figure


def bars_with_sum(look: Look, measure: Measure, amounts: Series, added: Series, axis: str) -> Any:
    """Bars against the left axis, their running sum as a line against the right one."""
    drawing = Drawing(look, measure, 420)
    drawing.bars(amounts, 0, pale=True)
    drawing.line(Series(added.name, added.points, right=True), 1)
    unit = unit_text(measure.unit, measure.currency)
    drawing.figure.update_layout(
        yaxis_title_text=f"{axis}, {unit}",
        yaxis2={
            **value_axis(measure.unit, measure.currency),
            "title_text": f"{added.name}, {unit}",
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "rangemode": "tozero",
            "tickmode": "auto",
            "automargin": True,
        },
    )
    _signed(drawing, [amounts, added])
    drawing.figure.update_xaxes(type="category", autotickangles=SLOPES, showgrid=False)
    return _with_legend(drawing.figure, [amounts, added])


def smoothed(series: Series, name: str = "7 Day Avg") -> Series:
    """The mean of each value and the six before it, fewer at the beginning; what is not known counts as nothing."""
    points: list[Point] = []
    for end in range(1, len(series.points) + 1):
        window = [value for _, value in series.points[max(0, end - SMOOTH_OVER) : end] if value is not None]
        points.append((series.points[end - 1][0], sum(map(float, window)) / len(window) if window else None))
    return Series(name, points, dashed=True)


def by_member(records: Sequence[Mapping[str, Any]], member: str, names: Sequence[str]) -> list[Series]:
    """One series for each of the members, in their order, over the periods of the records."""
    found: dict[str, list[Point]] = {name: [] for name in names}
    for row in records:
        if row[member] in found:
            found[row[member]].append((row["period"], row["value"]))
    return [Series(name, points) for name, points in found.items()]


def periods(records: Sequence[Mapping[str, Any]]) -> list[tuple[date, Figure]]:
    return [(row["period"], row["value"]) for row in records]


def _layout(look: Look, measure: Measure, height: int) -> dict[str, Any]:
    axis = {
        "gridcolor": look.grid,
        "linecolor": look.grid,
        "zerolinecolor": look.faint,
        "automargin": True,
        "title": {"font": {"size": TITLE_SIZE}},
    }
    return {
        "height": height,
        "margin": {"l": 10, "r": 10, "t": 30, "b": 10},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": look.ink, "family": '"Source Sans", sans-serif', "size": 13},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": look.surface, "bordercolor": look.faint, "font": {"color": look.ink}},
        "modebar": {"color": look.faint, "activecolor": look.ink, "bgcolor": "rgba(0,0,0,0)"},
        "separators": ".,",
        "xaxis": axis,
        "yaxis": {**axis, **value_axis(measure.unit, measure.currency), "rangemode": "tozero"},
    }


def _over_days(drawing: Drawing, series: Sequence[Series], grain: Grain) -> Any:
    """A single period has no neighbour from which an axis of days would take its steps, so it stands there by name."""
    days = sorted({x for one in series for x, _ in one.points})
    if len(days) == 1:
        drawing.figure.update_traces(x=[period_text(days[0], grain)])
        drawing.figure.update_xaxes(type="category", showgrid=False)
        drawing.figure.update_layout(bargap=0.75)
    else:
        drawing.figure.update_xaxes(**day_axis(grain, days))
    _signed(drawing, series)
    return drawing.figure


def _signed(drawing: Drawing, series: Sequence[Series]) -> None:
    if drawing.measure.unit == "money":
        values = [float(value) for one in series for _, value in one.points if value is not None]
        drawing.figure.update_yaxes(labelalias=signs_first(values, drawing.measure.currency))


def _with_legend(figure: Any, series: Sequence[Series]) -> Any:
    """Above the lines, below the buttons, because beside them it would take the width of a phone. There it breaks into
    as many rows as its longest name asks for, unless all stand in one.
    """
    widths = [LEGEND_MARK + LETTER * len(one.name) for one in series]
    in_a_row = len(series) if sum(widths) <= LEGEND_WIDTH else max(1, LEGEND_WIDTH // max(widths))
    rows = ceil(len(series) / in_a_row) if len(series) > 1 else 0
    figure.update_layout(
        showlegend=len(series) > 1,
        legend={
            "orientation": "h",
            "traceorder": "normal",
            "x": 0,
            "y": 1.01,
            "yanchor": "bottom",
            "bgcolor": "rgba(0,0,0,0)",
        },
        margin_t=36 + LEGEND_ROW * rows,
        height=figure.height + LEGEND_ROW * rows,
    )
    return figure
