"""Timing and the table of results. A benchmark gives pairs of engine and floor; only their ratio is judged."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """Seconds of the engine and of the floor, one of each per round; limit: the largest ratio that is good enough."""

    name: str
    engine: list[float]
    floor: list[float]
    limit: float

    @property
    def ratio(self) -> float:
        return statistics.median(self.engine) / statistics.median(self.floor)

    @property
    def holds(self) -> bool:
        return self.ratio <= self.limit


@dataclass(frozen=True)
class Memory:
    """Peak resident memory of the client process, in MB."""

    name: str
    megabytes: float
    limit: float

    @property
    def holds(self) -> bool:
        return self.megabytes <= self.limit


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def show(results: list[Measured | Memory]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("benchmark", "engine s", "floor s", "ratio", "limit", "")
    for column in (1, 2, 3, 4):
        table.columns[column].justify = "right"
    for result in results:
        verdict = "[green]holds[/]" if result.holds else "[red]too slow[/]"
        if isinstance(result, Measured):
            table.add_row(
                result.name,
                _spread(result.engine),
                _spread(result.floor),
                f"{result.ratio:.2f}",
                f"{result.limit:.2f}",
                verdict,
            )
        else:
            verdict = "[green]holds[/]" if result.holds else "[red]too much[/]"
            table.add_row(
                result.name, f"{result.megabytes:.0f} MB", "", "", f"{result.limit:.0f} MB", verdict
            )
    Console().print(table)


def _spread(values: list[float]) -> str:
    middle = statistics.median(values)
    return f"{middle:.2f} ({min(values):.2f}–{max(values):.2f})" if len(values) > 1 else f"{middle:.2f}"
