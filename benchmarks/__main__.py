"""`python -m benchmarks [sales|customers] [--rows N] [--rounds N]`: run, print the table, exit 1 beyond a limit."""

from __future__ import annotations

import argparse
import sys

from benchmarks import customers, sales
from benchmarks.measuring import Measured, Memory, show


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("which", nargs="*", choices=["sales", "customers", []], default=[])
    parser.add_argument("--rows", type=int, default=1_000_000, help="sales, and customers")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    results: list[Measured | Memory] = []
    if not asked.which or "sales" in asked.which:
        results += sales.measure(asked.rows, asked.rounds)
    if not asked.which or "customers" in asked.which:
        results += customers.measure(asked.rows, max(asked.rows * 3 // 100, 1), asked.rounds)
    show(results)
    return 0 if all(result.holds for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
