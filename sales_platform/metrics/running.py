"""Asking the warehouse: a metric, the values of a dimension, and when a mart last changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import MartMissing, WrongParameter
from sales_platform.metrics.query import (
    MetricQuery,
    MetricResult,
    compared_range,
    judge_values,
    metric_of,
)
from sales_platform.metrics.registry import Mart, Registry, read_registry
from sales_platform.metrics.selects import (
    MetricSelect,
    Parameters,
    filter_condition,
    label_of,
    relation_of,
    value_of,
)


@dataclass(frozen=True)
class DimensionValue:
    """value: what a filter takes. label: what people read."""

    value: str
    label: str


@dataclass(frozen=True)
class TableVersion:
    """number rises with every publication that changed one of the tables."""

    number: int
    changed_at: datetime


def run_query(connection: Connection, query: MetricQuery, registry: Registry | None = None) -> MetricResult:
    """Ask one question. registry: the project's own unless given.

    Raises UnknownMetric and WrongParameter for a question that makes no sense, MartMissing where the mart was not made
    yet, and what the server says as an error of ours (a statement that takes too long is a TransientError).
    """
    known = registry or read_registry()
    metric = metric_of(query, known)
    compared = compared_range(query)
    select = MetricSelect(query, metric, known)
    rows = _rows(connection, select.sql, select.parameters, metric.mart)
    return MetricResult(metric, select.columns, rows, metric.currency, compared)


def dimension_values(
    connection: Connection,
    dimension: str,
    *,
    search: str = "",
    limit: int = 100,
    filters: Mapping[str, Collection[str]] | None = None,
    registry: Registry | None = None,
) -> list[DimensionValue]:
    """The values of a dimension that any row has, in the order of their labels.

    search: text within the label, whatever its case. filters: as in a query; only values of rows that they let through.
    Raises WrongParameter for a dimension that no mart has together with those of the filters.
    """
    known = registry or read_registry()
    chosen = {name: list(values) for name, values in (filters or {}).items() if values}
    marts = _marts_with(known, dimension, chosen)
    judge_values("search", [search])
    parameters: Parameters = {"search": f"%{_literally(search)}%", "limit": limit}
    parts = [_values(known, mart, dimension, chosen, parameters) for mart in marts]
    statement = sql.SQL(
        "select value, max(label) as label from ({}) as v where label ilike %(search)s"
        " group by value order by label, value limit %(limit)s"
    ).format(sql.SQL(" union all ").join(parts))
    return [DimensionValue(*row) for row in _rows(connection, statement, parameters, marts[0])]


def last_changed(connection: Connection, *tables: str) -> TableVersion | None:
    """Of `marts.channels_daily` and others together; None before any was made. Costs a look by key and reads no mart.

    What an answer depends on is `metric.tables(registry)`.
    """
    with translated("ops.table_version"):
        # the sum, because of two publications side by side the one with the lower number may commit last
        row = connection.execute(
            "select sum(version)::bigint, max(published_at) from ops.table_version where table_name = any(%s)",
            [list(tables)],
        ).fetchone()
    return TableVersion(*row) if row and row[0] is not None else None


def _marts_with(registry: Registry, dimension: str, filters: Mapping[str, list[str]]) -> list[Mart]:
    if dimension not in registry.dimensions:
        raise WrongParameter(
            "no dimension has this name.", parameter="dimension", allowed=list(registry.dimensions)
        )
    having = [mart for mart in registry.marts.values() if dimension in mart.dimensions]
    for name, values in filters.items():
        judge_values(name, values)
        allowed = list(dict.fromkeys(other for mart in having for other in mart.dimensions))
        having = [mart for mart in having if name in mart.dimensions]
        if not having:
            raise WrongParameter(
                f"{name}: no mart has it together with {dimension}.", parameter=name, allowed=allowed
            )
    return having


def _values(
    registry: Registry,
    mart: Mart,
    dimension: str,
    filters: Mapping[str, list[str]],
    parameters: Parameters,
) -> sql.Composed:
    shown = registry.dimensions[dimension]
    conditions = [
        filter_condition(registry.dimensions[name], values, parameters) for name, values in filters.items()
    ]
    where = sql.SQL("where {}").format(sql.SQL(" and ").join(conditions)) if conditions else sql.SQL("")
    used = (shown, *(registry.dimensions[name] for name in filters))
    return sql.SQL("select distinct {} as value, {} as label from {} {}").format(
        value_of(shown), label_of(shown), relation_of(mart.name, used), where
    )


def _literally(text: str) -> str:
    """The text with nothing that LIKE would take for a wildcard."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _rows(
    connection: Connection, statement: sql.Composed, parameters: Parameters, mart: Mart
) -> list[tuple[Any, ...]]:
    with translated(mart.name), _mart_there(mart):
        return connection.execute(statement, parameters).fetchall()


@contextmanager
def _mart_there(mart: Mart) -> Iterator[None]:
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        raise MartMissing(
            "the mart was not made yet, or by an older contract.",
            where=mart.name,
            remedy=f"Materialize {mart.name.replace('.', '/')}: `sales-platform run {mart.domain}`.",
        ) from None
