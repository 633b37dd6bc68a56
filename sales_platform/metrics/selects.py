"""The SELECT of a judged question. Names come from the registry through psycopg.sql, values are parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from psycopg import sql

from sales_platform.engine.tables import TableName
from sales_platform.metrics.query import UNKNOWN, MetricQuery, compared_range, months_in
from sales_platform.metrics.registry import Dimension, Metric, Registry

Parameters = dict[str, Any]


def value_of(dimension: Dimension) -> sql.Composed:
    """The text by which a dimension's value is shown and filtered."""
    return _text_of(f"_{dimension.name}" if dimension.today else dimension.column)


def label_of(dimension: Dimension) -> sql.Composed:
    """What people read; the value where there is no label."""
    return _text_of(dimension.label) if dimension.label else value_of(dimension)


def _text_of(column: str) -> sql.Composed:
    return sql.SQL("coalesce({}::text, {})").format(sql.Identifier(column), sql.Literal(UNKNOWN))


def relation_of(mart: str, dimensions: Iterable[Dimension]) -> sql.Composed:
    """The mart, and beside each row what the dimensions look up. Added columns begin with an underscore."""
    relation = sql.SQL("{}").format(TableName.parse(mart).sql)
    for dimension in dict.fromkeys(one for one in dimensions if one.today):
        relation += _lookup(dimension)
    return relation


def _lookup(dimension: Dimension) -> sql.Composed:
    today = dimension.today
    assert today is not None
    return sql.SQL(
        " left join (select {key} as {found_by}, {column} as {name} from {table}{current}) as {found}"
        " on {by} = {found_by}"
    ).format(
        key=sql.Identifier(today.key),
        found=sql.Identifier(f"_{dimension.name}_now"),
        found_by=sql.Identifier(f"_{dimension.name}_key"),
        column=sql.Identifier(today.column),
        name=sql.Identifier(f"_{dimension.name}"),
        table=TableName.parse(today.table).sql,
        current=sql.SQL(" where is_current" if today.current else ""),
        by=sql.Identifier(dimension.column),
    )


def filter_condition(dimension: Dimension, values: Sequence[str], into: Parameters) -> sql.Composed:
    """True for the rows of these values, which are put among the parameters."""
    into[f"filter_{dimension.name}"] = list(values)
    return sql.SQL("{} = any({}::text [])").format(
        value_of(dimension), sql.Placeholder(f"filter_{dimension.name}")
    )


class MetricSelect:
    """sql, parameters and columns: what runs, with what, and the names of what comes back."""

    def __init__(self, query: MetricQuery, metric: Metric, registry: Registry) -> None:
        self._query, self._metric = query, metric
        names = dict.fromkeys((*query.by, *metric.apart))
        self._dimensions = [registry.dimensions[name] for name in names]
        self._filters = [
            (registry.dimensions[name], list(values)) for name, values in query.filters.items() if values
        ]
        self._keys = [*(["period"] if query.grain else []), *(d.name for d in self._dimensions)]
        self._named = [*(["period"] if query.grain else [])]
        for dimension in self._dimensions:
            self._named += [dimension.name, *([f"{dimension.name}_label"] if dimension.label else [])]
        self.columns = (*self._named, "value", *(["compared"] if query.compare else []))
        self.parameters: Parameters = {"limit": query.limit}
        self.sql = self._whole()

    def _whole(self) -> sql.Composed:
        asked = self._grouped((self._query.from_, self._query.to), sql.SQL("{}"))
        compared = compared_range(self._query)
        rows = self._joined(asked, self._grouped(compared, self._forward(compared))) if compared else asked
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        return sql.SQL("select {} from ({}) as answer order by {} limit {}").format(
            columns, rows, self._order(), sql.Placeholder("limit")
        )

    def _grouped(self, days: tuple[date | None, date | None], forward: sql.SQL) -> sql.Composed:
        """One row per key. forward: from a day of the mart to the day of the asked range that it stands beside."""
        time = self._metric.mart.time
        selected: list[sql.Composable] = []
        if self._query.grain and time:
            selected.append(sql.SQL("{} as period").format(self._period(time, forward)))
        for dimension in self._dimensions:
            selected.append(self._aliased(value_of(dimension), dimension.name))
        keys = sql.SQL(", ").join(sql.SQL(str(n + 1)) for n in range(len(selected)))
        for dimension in self._dimensions:
            if dimension.label:
                selected.append(self._aliased(self._newest_label(dimension), f"{dimension.name}_label"))
        formula = sql.SQL(self._metric.formula.sql.replace("%", "%%"))
        selected.append(self._aliased(formula, "value"))
        conditions = [filter_condition(one, values, self.parameters) for one, values in self._filters]
        conditions += self._within(days, forward)
        return sql.SQL("select {} from {}{}{}").format(
            sql.SQL(", ").join(selected), self._relation, _where(conditions), _clause("group by", keys)
        )

    def _joined(self, asked: sql.Composed, compared: sql.Composed) -> sql.Composed:
        """Both answers side by side; a key that only one of them has keeps its row."""
        keys = [sql.Identifier(key) for key in self._keys]
        how = sql.SQL("using ({})").format(sql.SQL(", ").join(keys)) if keys else sql.SQL("on true")
        columns: list[sql.Composable] = [
            self._aliased(sql.SQL("coalesce(a.{0}, c.{0})").format(sql.Identifier(name)), name)
            for name in self._named
        ]
        columns += [sql.SQL("a.value"), sql.SQL("c.value as compared")]
        return sql.SQL("select {} from ({}) as a full join ({}) as c {}").format(
            sql.SQL(", ").join(columns), asked, compared, how
        )

    def _order(self) -> sql.Composable:
        keys = [sql.Identifier(key) for key in self._keys]
        highest = [] if self._query.grain else [sql.SQL("value desc nulls last")]
        return sql.SQL(", ").join([*highest, *keys])

    def _within(self, days: tuple[date | None, date | None], forward: sql.SQL) -> list[sql.Composed]:
        """The rows of a range; of a level those of the last day, of the range or of each period in it."""
        time = self._metric.mart.time
        if time is None:
            return []
        of_level = self._metric.mart.over_time == "last"
        ends = list(zip((">=", "<="), days, ("from", "to"), strict=True))
        if of_level and not self._query.grain:
            ends = ends[1:]  # what stood at the end, though it last changed before the range
        conditions = [self._end(time, sign, day, f"{word}_{day}") for sign, day, word in ends if day]
        if not of_level:
            return conditions
        each = _clause("group by", self._period(time, forward)) if self._query.grain else sql.SQL("")
        last = sql.SQL("{} in (select max({}) from {}{}{})").format(
            sql.Identifier(time), sql.Identifier(time), self._mart, _where(conditions), each
        )
        return [last]

    def _end(self, time: str, sign: str, day: date, name: str) -> sql.Composed:
        name = name.replace("-", "_")
        self.parameters[name] = day
        return sql.SQL("{} {} {}::date").format(
            sql.Identifier(time), sql.SQL(">=" if sign == ">=" else "<="), sql.Placeholder(name)
        )

    def _period(self, time: str, forward: sql.SQL) -> sql.Composed:
        day = forward.format(sql.Identifier(time))
        if self._query.grain == "day":
            return sql.SQL("({})::date").format(day)
        return sql.SQL("date_trunc({}, ({})::timestamp)::date").format(sql.Literal(self._query.grain), day)

    def _forward(self, compared: tuple[date, date]) -> sql.SQL:
        """A day that whole months would bring past its month's end becomes the last of it."""
        first, last = self._query.from_, self._query.to
        assert first is not None
        assert last is not None
        months = 12 if self._query.compare == "year_ago" else months_in(first, last)
        if months is None:
            return sql.SQL(f"{{}} + {(first - compared[0]).days}")
        return sql.SQL(f"{{}} + make_interval(months => {months})")

    def _newest_label(self, dimension: Dimension) -> sql.Composed:
        """Names change."""
        time = self._metric.mart.time
        label = label_of(dimension)
        if time is None:
            return sql.SQL("max({})").format(label)
        return sql.SQL("(array_agg({} order by {} desc))[1]").format(label, sql.Identifier(time))

    @property
    def _relation(self) -> sql.Composed:
        used = (*self._dimensions, *(dimension for dimension, _ in self._filters))
        return relation_of(self._metric.mart.name, used)

    @property
    def _mart(self) -> sql.Identifier:
        return TableName.parse(self._metric.mart.name).sql

    @staticmethod
    def _aliased(expression: sql.Composable, name: str) -> sql.Composed:
        return sql.SQL("{} as {}").format(expression, sql.Identifier(name))


def _where(conditions: Sequence[sql.Composable]) -> sql.Composable:
    return _clause("where", sql.SQL(" and ").join(conditions)) if conditions else sql.SQL("")


def _clause(word: str, content: sql.Composed) -> sql.Composable:
    """Nothing where the content is empty."""
    return sql.SQL(f" {word} {{}}").format(content) if list(content) else sql.SQL("")
