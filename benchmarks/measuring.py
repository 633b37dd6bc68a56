"""Timing and the table of results. A benchmark gives pairs of engine and floor; only their ratio is judged."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec


@dataclass(frozen=True)
class Measured:
    """Seconds of the engine and of the floor, one of each per round; limit: the largest ratio that is good enough,
    None where none is promised.
    """

    name: str
    engine: list[float]
    floor: list[float]
    limit: float | None

    @property
    def ratio(self) -> float:
        return statistics.median(self.engine) / statistics.median(self.floor)

    @property
    def holds(self) -> bool:
        return self.limit is None or self.ratio <= self.limit


@dataclass(frozen=True)
class Latency:
    """Seconds of each question, to the engine and to the floor; median and 95th percentile are judged, each by the
    largest ratio that is good enough.
    """

    name: str
    engine: list[float]
    floor: list[float]
    median_limit: float
    tail_limit: float

    def add(self, who: str, values: list[float]) -> None:
        (self.engine if who == "engine" else self.floor).extend(values)

    @property
    def ratios(self) -> tuple[float, float]:
        """Of the medians, and of the 95th percentiles."""
        of_engine, of_floor = median_and_tail(self.engine), median_and_tail(self.floor)
        return of_engine[0] / of_floor[0], of_engine[1] / of_floor[1]

    @property
    def holds(self) -> bool:
        median, tail = self.ratios
        return median <= self.median_limit and tail <= self.tail_limit


@dataclass(frozen=True)
class Rate:
    """Things done per second, by the engine and by the floor; the ratio is that of the time one of them takes."""

    name: str
    engine: list[float]
    floor: list[float]

    @property
    def ratio(self) -> float:
        return statistics.median(self.floor) / statistics.median(self.engine)

    @property
    def holds(self) -> bool:
        return True


@dataclass(frozen=True)
class Memory:
    """Resident memory of a process, in MB: of the client its peak. limit: None where none is promised."""

    name: str
    megabytes: float
    limit: float | None

    @property
    def holds(self) -> bool:
        return self.limit is None or self.megabytes <= self.limit


Result = Measured | Latency | Rate | Memory
Arguments = ParamSpec("Arguments")


def seconds(
    work: Callable[Arguments, object], *positional: Arguments.args, **named: Arguments.kwargs
) -> float:
    start = time.perf_counter()
    work(*positional, **named)
    return time.perf_counter() - start


def median_and_tail(values: Sequence[float]) -> tuple[float, float]:
    """p50 and p95."""
    return statistics.median(values), statistics.quantiles(values, n=20, method="inclusive")[-1]


def peak_megabytes() -> float:
    """Linux's high-water mark of this very program; getrusage would count the parent's before it became this one."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell the peak memory of a process")


def resident_megabytes(pid: int) -> float:
    """What a process of this machine holds in memory now."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell the memory of a process")


def show(results: Sequence[Result]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("benchmark", "engine", "floor", "ratio", "limit", "")
    for column in (1, 2, 3, 4):
        table.columns[column].justify = "right"
    for result in results:
        table.add_row(result.name, *_cells(result))
    Console().print(table)


def _cells(result: Result) -> tuple[str, ...]:
    match result:
        case Memory(limit=None):
            return f"{result.megabytes:.1f} MB", "", "", "", ""
        case Memory():
            verdict = "[green]holds[/]" if result.holds else "[red]too much[/]"
            return f"{result.megabytes:.0f} MB", "", "", f"{result.limit:.0f} MB", verdict
        case Latency():
            verdict = "[green]holds[/]" if result.holds else "[red]too slow[/]"
            limits = _pair((result.median_limit, result.tail_limit), ".2f")
            return (
                _latency(result.engine),
                _latency(result.floor),
                _pair(result.ratios, ".2f"),
                limits,
                verdict,
            )
        case Rate():
            return _rates(result.engine), _rates(result.floor), f"{result.ratio:.2f}", "", ""
    times = (_times(result.engine), _times(result.floor), f"{result.ratio:.2f}")
    if result.limit is None:
        return *times, "", ""
    return *times, f"{result.limit:.2f}", "[green]holds[/]" if result.holds else "[red]too slow[/]"


def _latency(values: list[float]) -> str:
    median, tail = median_and_tail(values)
    return f"{median * 1000:.1f} / {tail * 1000:.1f} ms"


def _pair(values: tuple[float, float], form: str) -> str:
    return " / ".join(f"{value:{form}}" for value in values)


def _times(values: list[float]) -> str:
    return _spread(values, ".2f", " s")


def _rates(values: list[float]) -> str:
    return _spread(values, ",.0f", "/s")


def _spread(values: list[float], form: str, unit: str) -> str:
    middle = f"{statistics.median(values):{form}}{unit}"
    return f"{middle} ({min(values):{form}}–{max(values):{form}})" if len(values) > 1 else middle
