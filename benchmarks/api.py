"""Five typical questions to the API, one client and sixteen, against the same SELECT on as many sessions."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from itertools import count, repeat
from pathlib import Path
from threading import Barrier

from benchmarks.api_serving import Ask, caller, reader, served
from benchmarks.bench_server import fresh_server, new_warehouse
from benchmarks.mart_rows import fill
from benchmarks.measuring import Latency, Result, seconds
from sales_platform.local.server import EmbeddedServer
from sales_platform.metrics.query import MetricQuery
from sales_platform.serving.options import ROWS_MOST

CLIENTS = (1, 16)
WHO = ("engine", "floor")
# Turns in a round, and questions of each client in a turn: enough for a percentile with either number of clients.
TURNS = 4
# Questions before the warm ones are counted: every session of the server's pool has had its own by then.
WARMING = 3
QUESTIONS = {1: 3, 16: 1}
MEDIAN_LIMIT, TAIL_LIMIT = 1.5, 2.0
NAME = "warehouse"

_YEAR = date(2025, 1, 1), date(2025, 12, 31)
_QUARTER = date(2025, 10, 1), date(2025, 12, 31)
_MONTH = date(2025, 12, 1), date(2025, 12, 31)
TYPICAL = {
    "revenue of a quarter by day": MetricQuery("retail_revenue", *_QUARTER, "day"),
    "revenue of a year by month and category": MetricQuery("retail_revenue", *_YEAR, "month", ("category",)),
    "sales of a month, best ten stores, against the month before": MetricQuery(
        "retail_sales", *_MONTH, by=("store",), compare="previous", limit=10
    ),
    "payments of a quarter by day and channel in two states": MetricQuery(
        "payment_volume", *_QUARTER, "day", ("channel",), {"state": ["State 1", "State 2"]}
    ),
    "average sale of a quarter by month and tier in a region": MetricQuery(
        "average_sale", *_QUARTER, "month", ("tier",), {"store_region": ["Region 1"]}
    ),
}


def measure(rows: int, rounds: int) -> list[Result]:
    """Rounds of: the server begun anew, with nothing in its memory, for the first questions to a program just begun;
    then all questions warm, each once as nobody has asked it before and once as it was asked before, which the API
    answers from memory. Engine and floor take turns in who comes first, and warm ones after every few questions,
    so that what else the machine does meets both; what the operating system keeps, both have.
    """
    results: dict[str, Latency] = {}
    with fresh_server() as (server, folder):
        fill(new_warehouse(server, NAME), rows)
        url = server.url(NAME)
        _compare(url, folder)
        gc.freeze()  # or the clients' own search for garbage, a tenth of a second, meets whoever is being asked
        for number in range(rounds):
            for clients in CLIENTS:
                order = WHO if number % 2 == 0 else WHO[::-1]
                for who in order:
                    _restart(server)
                    _cold(url, folder, clients, who, results)
                _warm(url, folder, clients, order, results)
    return [results[name] for name in sorted(results, key=_order)]


def _cold(url: str, home: Path, clients: int, who: str, results: dict[str, Latency]) -> None:
    with ExitStack() as opened:
        asks = _open(who, url, home, clients, opened)
        for query in TYPICAL.values():
            _of(results, _name("cold, all five", clients)).add(who, _asked(asks, repeat(query), 1))


def _warm(url: str, home: Path, clients: int, order: Sequence[str], results: dict[str, Latency]) -> None:
    with ExitStack() as opened:
        asks = {who: _open(who, url, home, clients, opened) for who in order}
        for kind, query in TYPICAL.items():
            new = {who: _never_the_same(query) for who in order}
            for who in order:
                _asked(asks[who], new[who], WARMING)
                _asked(asks[who], repeat(query), 1)
            for turn in range(TURNS):
                for who in order if turn % 2 == 0 else order[::-1]:
                    first = _asked(asks[who], new[who], QUESTIONS[clients])
                    again = _asked(asks[who], repeat(query), QUESTIONS[clients])
                    _of(results, _name(kind, clients)).add(who, first)
                    _of(results, _name(f"{kind}, asked before", clients)).add(who, again)


def _open(who: str, url: str, home: Path, clients: int, opened: ExitStack) -> list[Ask]:
    """As many clients, of the API or of the database."""
    if who == "floor":
        return [opened.enter_context(reader(url)) for _ in range(clients)]
    port = opened.enter_context(served(url, home)).port
    return [opened.enter_context(caller(port)) for _ in range(clients)]


def _never_the_same(query: MetricQuery) -> Iterator[MetricQuery]:
    """The question with a limit of its own each time. Only the ten best stores become a few more by it."""
    return map(lambda number: replace(query, limit=(query.limit or ROWS_MOST // 2) + number), count())


def _asked(asks: list[Ask], queries: Iterator[MetricQuery], times: int) -> list[float]:
    """Seconds of each question, put by all clients at once."""
    together = Barrier(len(asks))

    def one(ask: Ask) -> list[float]:
        together.wait()
        return [seconds(ask, next(queries)) for _ in range(times)]

    with ThreadPoolExecutor(len(asks)) as pool:
        return [second for spent in pool.map(one, asks) for second in spent]


def _compare(url: str, home: Path) -> None:
    """API and SELECT must give the same number of rows, or the figures say nothing."""
    with served(url, home) as server, caller(server.port) as api, reader(url) as floor:
        for kind, query in TYPICAL.items():
            counts = api(query), floor(query)
            if counts[0] != counts[1] or not counts[0]:
                raise AssertionError(f"{kind}: API and SELECT have {counts} rows")


def _of(results: dict[str, Latency], name: str) -> Latency:
    return results.setdefault(name, Latency(name, [], [], MEDIAN_LIMIT, TAIL_LIMIT))


def _name(kind: str, clients: int) -> str:
    return f"API, {clients} {'client' if clients == 1 else 'clients'}, p50 / p95: {kind}"


def _order(name: str) -> tuple[bool, bool]:
    return "16" in name, "cold" in name


def _restart(server: EmbeddedServer) -> None:
    server.stop()
    server.start()
