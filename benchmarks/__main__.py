"""`python -m benchmarks [sales|customers|orders|ledger] [--rows N] [--rounds N]`: run, print the table, exit 1 beyond
a limit.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import customers, ledger, order_ticks, orders, sales
from benchmarks.measuring import Result, show

ALL = ("sales", "customers", "orders", "ledger")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("which", nargs="*", choices=[*ALL, []], default=[])
    parser.add_argument(
        "--rows",
        type=int,
        default=1_000_000,
        help="sales, customers, and orders; the ledger has its own measure",
    )
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    results: list[Result] = []
    for name in asked.which or ALL:
        results += _measure(name, asked.rows, asked.rounds)
    show(results)
    return 0 if all(result.holds for result in results) else 1


def _measure(name: str, rows: int, rounds: int) -> list[Result]:
    match name:
        case "sales":
            return sales.measure(rows, rounds)
        case "customers":
            return customers.measure(rows, max(rows * 3 // 100, 1), rounds)
        case "ledger":
            return ledger.measure(rounds)
        case _:
            return [
                *orders.measure(rows, max(rows * 6 // 100, 1), rounds),
                *order_ticks.measure(rows, max(rows // 1_000, 1), rounds),
            ]


if __name__ == "__main__":
    sys.exit(main())
