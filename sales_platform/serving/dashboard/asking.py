"""What a page asks of the warehouse: metrics, values of filters, and when a table changed. An answer is kept until a
table that it was made from changes.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import streamlit as st

from sales_platform.engine.business_days import business_zone, day_of
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import ConfigurationError
from sales_platform.metrics.query import MetricQuery, MetricResult
from sales_platform.metrics.registry import Metric, Registry, read_registry
from sales_platform.metrics.running import (
    DimensionValue,
    TableVersion,
    dimension_values,
    last_changed,
    run_query,
)
from sales_platform.serving.dashboard.sessions import page_session

KEPT_ANSWERS = 2000
T = TypeVar("T")


@dataclass(frozen=True)
class Source:
    """What the pages show. dagster_url: where runs can be looked at, or None."""

    warehouse: Warehouse
    dagster_url: str | None = None


def configured_source() -> Source:
    """As `dashboard_app` was told. Raises ConfigurationError where it was told nothing."""
    if "warehouse_url" not in st.secrets:
        raise ConfigurationError(
            "the dashboard was started without a warehouse.", remedy="Start it by `sales-platform serve`."
        )
    return Source(Warehouse(st.secrets["warehouse_url"]), st.secrets.get("dagster_url") or None)


class Asking:
    """The questions of one drawing of a page. They share a session of the reader role, opened with the first one that
    nobody has asked before; whether tables changed is looked at once for all of them.
    """

    def __init__(self, source: Source, registry: Registry, opened: ExitStack) -> None:
        self.source = source
        self.registry = registry
        self._opened = opened
        self._connection: Connection | None = None
        self._versions: dict[tuple[str, ...], TableVersion | None] = {}

    def answer(self, query: MetricQuery) -> MetricResult:
        """Raises what `run_query` raises."""
        metric = self.registry.metrics.get(query.metric)
        version = self.version_of(metric) if metric else None
        return self._kept(repr(query), version, lambda: run_query(self.connection, query, self.registry))

    def values(
        self, dimension: str, filters: Mapping[str, Collection[str]] | None = None
    ) -> list[DimensionValue]:
        """What a filter offers: values of rows that the other filters let through."""
        marts = [name for name, mart in self.registry.marts.items() if dimension in mart.dimensions]
        asked = f"{dimension} {sorted((filters or {}).items())}"
        return self._kept(
            asked,
            self.version(*marts),
            lambda: dimension_values(
                self.connection, dimension, filters=filters, limit=1000, registry=self.registry
            ),
        )

    def span(self, *metrics: str) -> tuple[date, date] | None:
        """The first and the last day of which anything is known of any of them; None where nothing is."""
        spans = [span for span in map(self._span, metrics) if span]
        return (min(first for first, _ in spans), max(last for _, last in spans)) if spans else None

    def _span(self, metric: str) -> tuple[date, date] | None:
        months = [row["period"] for row in self.answer(MetricQuery(metric, grain="month")).records()]
        if not months:
            return None
        oldest = self.answer(MetricQuery(metric, to=_last_of(months[0]), grain="day")).records()
        newest = self.answer(MetricQuery(metric, from_=months[-1], grain="day")).records()
        return oldest[0]["period"], newest[-1]["period"]

    def version_of(self, metric: Metric) -> TableVersion | None:
        return self.version(*metric.tables(self.registry))

    def version(self, *tables: str) -> TableVersion | None:
        if tables not in self._versions:
            self._versions[tables] = last_changed(self.connection, *tables)
        return self._versions[tables]

    def today(self) -> date:
        """Of the business."""
        return day_of(datetime.now(UTC), business_zone(self.connection))

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            self._connection = self._opened.enter_context(page_session(self.source.warehouse))
        return self._connection

    def _kept(self, asked: str, version: TableVersion | None, ask: Callable[[], T]) -> T:
        if version is None:
            return ask()
        kept: T = _answer(self.source.warehouse.where, asked, version.number, ask)
        return kept


@contextmanager
def asking() -> Iterator[Asking]:
    with ExitStack() as opened:
        yield Asking(configured_source(), read_registry(), opened)


@st.cache_data(max_entries=KEPT_ANSWERS, show_spinner=False)
def _answer(where: str, asked: str, version: int, _ask: Callable[[], Any]) -> Any:
    """The first three are what an answer is found again by."""
    return _ask()


def _last_of(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])
