"""`python -m benchmarks [NAME ...] [--rows N] [--rounds N]`: run all or the named ones, print the table, exit 1 beyond
a limit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks import (
    api,
    backfill,
    backups,
    billing,
    checks,
    customers,
    definitions,
    ledger,
    marts,
    order_ticks,
    orders,
    replace,
    sales,
    snapshot,
    ticks,
)
from benchmarks.measuring import Result, show

Measure = Callable[[int, int], list[Result]]


def _dashboard(rows: int, rounds: int) -> list[Result]:
    # brings all of Streamlit along, which would count as memory of the others
    from benchmarks import dashboard

    return dashboard.measure(rows, rounds)


# Name → what measures it, given rows and rounds.
ALL: dict[str, Measure] = {
    "sales": sales.measure,
    "customers": lambda rows, rounds: customers.measure(rows, _share(rows, 0.03), rounds),
    "orders": lambda rows, rounds: [
        *orders.measure(rows, _share(rows, 0.06), rounds),
        *order_ticks.measure(rows, _share(rows, 0.001), rounds),
    ],
    "ledger": lambda _, rounds: ledger.measure(rounds),
    "billing": billing.measure,
    "snapshot": lambda rows, rounds: snapshot.measure(rows, _share(rows, 0.03), rounds),
    "backfill": lambda _, rounds: backfill.measure(rounds),
    "replace": replace.measure,
    "backups": backups.measure,
    "marts": marts.measure,
    "api": api.measure,
    "dashboard": _dashboard,
    "checks": lambda _, rounds: checks.measure(rounds),
    "definitions": lambda _, rounds: definitions.measure(rounds),
    "tick": lambda _, rounds: ticks.measure(rounds),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("which", nargs="*", choices=[*ALL, []], default=[])
    parser.add_argument(
        "--rows",
        type=int,
        default=1_000_000,
        help="of those that are measured by rows",
    )
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    results: list[Result] = []
    for name in asked.which or ALL:
        results += ALL[name](asked.rows, asked.rounds)
    show(results)
    return 0 if all(result.holds for result in results) else 1


def _share(rows: int, share: float) -> int:
    return max(round(rows * share), 1)


if __name__ == "__main__":
    sys.exit(main())
