"""The programs that a benchmark of the API speaks to: `serve` itself, and the same SELECT by the driver alone."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.processes import LOOPBACK, free_port
from sales_platform.metrics.query import MetricQuery, metric_of
from sales_platform.metrics.reading import as_reader
from sales_platform.metrics.registry import read_registry
from sales_platform.metrics.selects import MetricSelect
from sales_platform.serving.options import ROWS_MOST

# Asks one question and takes the whole answer in; gives the number of its rows.
Ask = Callable[[MetricQuery], int]
START_SECONDS = 60
_LONGEST = 30


class Served(NamedTuple):
    """Where a server listens, and its process."""

    port: int
    pid: int


@contextmanager
def served(url: str, home: Path) -> Iterator[Served]:
    """`sales-platform serve` on a warehouse, in a process of its own."""
    port = free_port()
    command: list[str | Path] = [
        Path(sys.executable).with_name("sales-platform"),
        "serve",
        "--port",
        str(port),
    ]
    environment = {**os.environ, "WAREHOUSE_URL": url, "SALES_PLATFORM_HOME": str(home)}
    home.mkdir(parents=True, exist_ok=True)
    log = home / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(port, process, log)
        yield Served(port, process.pid)
    finally:
        process.terminate()
        process.wait(_LONGEST)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if _get(HTTPConnection(LOOPBACK, port), "/readyz")[0] == HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"`sales-platform serve` did not become ready: {log.read_text(encoding='utf-8')}")


@contextmanager
def caller(port: int) -> Iterator[Ask]:
    """A client of the API that keeps its connection and takes compressed answers, as clients do."""
    connection = HTTPConnection(LOOPBACK, port)
    connection.connect()

    def ask(query: MetricQuery) -> int:
        status, body = _get(connection, _path(query))
        if status != HTTPStatus.OK:
            raise RuntimeError(body.decode())
        return len(json.loads(body)["rows"])

    try:
        yield ask
    finally:
        connection.close()


@contextmanager
def reader(url: str) -> Iterator[Ask]:
    """The registry's own SELECT on a session like those of the API. It is put together once, not for every question."""
    registry = read_registry()
    prepared: dict[str, MetricSelect] = {}
    texts: dict[str, bytes] = {}
    with Warehouse(url).connect(autocommit=True) as connection:
        as_reader(connection, _LONGEST)

        def ask(query: MetricQuery) -> int:
            limit = query.limit or ROWS_MOST + 1
            name = _path(replace(query, limit=None))
            if name not in prepared:
                prepared[name] = MetricSelect(
                    replace(query, limit=limit), metric_of(query, registry), registry
                )
                texts[name] = prepared[name].sql.as_bytes(connection)
            parameters = {**prepared[name].parameters, "limit": limit}
            return len(connection.execute(texts[name], parameters).fetchall())

        yield ask


def _get(connection: HTTPConnection, path: str) -> tuple[int, bytes]:
    connection.request("GET", path, headers={"accept-encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, gzip.decompress(body) if answer.headers["content-encoding"] == "gzip" else body


def _path(query: MetricQuery) -> str:
    said = {
        "from": query.from_,
        "to": query.to,
        "grain": query.grain,
        "by": ",".join(query.by),
        "compare": query.compare,
        "limit": query.limit,
        **query.filters,
    }
    pairs = {name: value for name, value in said.items() if value}
    return f"/api/metrics/{query.metric}?{urlencode(pairs, doseq=True)}"
