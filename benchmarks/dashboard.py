"""A filter changed on three pages, against its queries alone; and the memory of a server with fifty open pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path

from streamlit.testing.v1 import AppTest

from benchmarks.api_serving import served
from benchmarks.bench_server import fresh_server, new_warehouse
from benchmarks.dashboard_pages import drawn, page, questions, visited
from benchmarks.mart_rows import fill
from benchmarks.measuring import Measured, Memory, Result, resident_megabytes, seconds
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.metrics.query import MetricQuery, metric_of
from sales_platform.metrics.reading import as_reader
from sales_platform.metrics.registry import read_registry
from sales_platform.metrics.selects import MetricSelect
from sales_platform.serving.dashboard.sessions import kept_sessions

LIMIT = 3.0
OPEN_PAGES = 50
CHANGES_PER_ROUND = 3
NAME = "warehouse"
_PATHS = ("payments", "retail", "")
_LONGEST = 30

Change = Callable[[AppTest, int], object]
# page → its path and address, how a filter gets another value, and how many values there are that it did not have yet
CHANGES: dict[str, tuple[str, dict[str, str], Change, int]] = {
    "Payments, another city": (
        "payments",
        {"filters": "City"},
        lambda app, number: app.selectbox(key="city").set_value(f"City {number}"),
        20,
    ),
    "Retail, another category": (
        "retail",
        {},
        lambda app, number: app.multiselect(key="category").set_value([f"Category {number}"]),
        12,
    ),
    "Overview, another range": (
        "",
        {},
        lambda app, number: app.selectbox(key="range").set_value(
            ("Last 7 days", "Last 90 days", "Last 365 days", "All days")[number]
        ),
        4,
    ),
}


def measure(rows: int, rounds: int) -> list[Result]:
    """Rounds of: a filter set to a value that nobody had chosen; then the same questions by the driver alone, one after
    the other, on a session that is open already.
    """
    with fresh_server() as (server, folder):
        fill(new_warehouse(server, NAME), rows)
        url = server.url(NAME)
        return [*(_changes(url, name, rounds) for name in CHANGES), *_open_pages(url, folder)]


def _changes(url: str, name: str, rounds: int) -> Measured:
    path, address, change, values = CHANGES[name]
    result = Measured(f"filter changed: {name}", [], [], LIMIT)
    # as a server does
    with kept_sessions(), Warehouse(url).connect(autocommit=True) as connection:
        as_reader(connection, _LONGEST)
        app = page(url, path, **address)
        for number in range(min(rounds * CHANGES_PER_ROUND, values)):
            change(app, number)
            with questions() as asked:
                result.engine.append(seconds(drawn, app))
            result.floor.append(_alone(connection, asked))
    return result


def _alone(connection: Connection, asked: Sequence[MetricQuery]) -> float:
    """Seconds of the SELECTs, which are put together before."""
    registry = read_registry()
    selects = [MetricSelect(query, metric_of(query, registry), registry) for query in asked]
    texts = [select.sql.as_bytes(connection) for select in selects]
    if not texts:
        raise AssertionError("the page asked nothing, so the change was none")

    def run() -> None:
        for text, select in zip(texts, selects, strict=True):
            connection.execute(text, select.parameters).fetchall()

    return seconds(run)


def _open_pages(url: str, home: Path) -> list[Memory]:
    """Pages by turns. What the first of each kind brings along, modules and kept answers, is no page's own."""
    with served(url, home) as server, ExitStack() as opened:
        bare = resident_megabytes(server.pid)
        for path in _PATHS:
            opened.enter_context(visited(server.port, path))
        first = resident_megabytes(server.pid)
        for path in islice(cycle(_PATHS), OPEN_PAGES - len(_PATHS)):
            opened.enter_context(visited(server.port, path))
        all_open = resident_megabytes(server.pid)
    each = (all_open - first) / (OPEN_PAGES - len(_PATHS))
    return [
        Memory("memory of the server, no page open", bare, None),
        Memory(f"memory of the server, {len(_PATHS)} pages open", first, None),
        Memory(f"memory of the server, {OPEN_PAGES} pages open", all_open, None),
        Memory("memory of one more open page", each, None),
    ]
