"""Loading the definitions, as every process of Dagster does, against importing Dagster alone."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measuring import Measured, Result, seconds

_ENGINE = "from sales_platform.definitions import defs; defs()"
_FLOOR = "import dagster"


def measure(rounds: int) -> list[Result]:
    """Whole processes, in turns; the first of each fills the caches of the machine and is not counted."""
    engine, floor = [], []
    for counted in (False, *[True] * rounds):
        spent = _process(_ENGINE), _process(_FLOOR)
        if counted:
            engine.append(spent[0])
            floor.append(spent[1])
    return [Measured("loading definitions, against importing Dagster", engine, floor, 1.5)]


def _process(code: str) -> float:
    return seconds(subprocess.run, [sys.executable, "-W", "ignore", "-c", code], check=True)
