"""A worker that runs invoicing once and is killed at a named moment, by itself, as `kill -9` does. A program.

Its moments are calls of functions: just before or after one is run, or while it hands out its items.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sales_platform_tests.faults.oltp_scene import Scene

ENGINE = "sales_platform.engine"


@dataclass(frozen=True)
class Moment:
    """The n-th call of a function, counting only those `of` a table if one is named. when: before, after, or
    `within`, which is the n-th item that a generator hands out.
    """

    module: str
    function: str
    when: str
    number: int = 1
    of: str | None = None
    comparing: bool = False


MOMENTS = {
    "after_the_listing": Moment("oltp.feeds", "list_open_transactions", "after"),
    "after_the_snapshot": Moment("oltp.feeds", "load_table", "before"),
    "while_rows_are_copied": Moment("oltp.piping", "_batches", "within", 3),
    "after_the_log_is_written": Moment("oltp.table_load", "log_arrived", "after", of="invoicing_invoices"),
    "in_staging": Moment("oltp.staged", "record_refusals", "before", of="invoicing_products"),
    "before_the_mark": Moment("oltp.table_load", "write_watermark", "before", of="invoicing_clients"),
    "before_the_commit": Moment("oltp.table_load", "write_watermark", "after", of="invoicing_invoices"),
    "after_the_commit_of_a_table": Moment("loads", "log_load", "before", 3),
    "in_a_comparison": Moment(
        "oltp.comparing", "log_deletes", "after", of="invoicing_payments", comparing=True
    ),
    "in_a_dimension": Moment("history", "consume_tables", "before", of="analytics.dim_client"),
    "in_a_fact": Moment("publish", "consume_tables", "before", of="analytics.fact_invoice"),
    "in_a_mart": Moment("publish", "consume_tables", "before", of="marts.invoicing_daily"),
}
FIRST_LOAD_MOMENTS = {
    "within_a_range_of_keys": Moment(
        "oltp.first_load", "write_watermark", "before", 2, of="invoicing_invoices"
    ),
    "between_two_ranges": Moment("oltp.first_load", "_next_chunk", "before", 3, of="invoicing_invoices"),
    "after_the_last_range": Moment("oltp.feeds", "load_table", "before", of="invoicing_invoices"),
}


def be_killed_at(moment: Moment) -> None:
    """Put a trap into this process."""
    module = importlib.import_module(f"{ENGINE}.{moment.module}")
    inner: Callable[..., Any] = getattr(module, moment.function)
    passed = 0

    def comes(arguments: tuple[Any, ...]) -> bool:
        nonlocal passed
        passed += moment.of is None or moment.of in [getattr(a, "name", a) for a in arguments]
        return passed == moment.number

    def call(*arguments: Any, **named: Any) -> Any:
        ours = comes(arguments)
        if ours and moment.when == "before":
            _die()
        result = inner(*arguments, **named)
        if ours:
            _die()
        return result

    def hand_out(*arguments: Any) -> Iterator[Any]:
        for item in inner(*arguments):
            if comes(()):
                _die()
            yield item

    setattr(module, moment.function, hand_out if moment.when == "within" else call)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(source_url: str, warehouse_url: str, name: str) -> None:
    scene = Scene("invoicing", source_url, warehouse_url)
    moment = {**MOMENTS, **FIRST_LOAD_MOMENTS}[name]
    if name in FIRST_LOAD_MOMENTS:
        scene.read_in_ranges()
    # so that a few rows are many batches
    vars(importlib.import_module(f"{ENGINE}.oltp.piping"))["_BATCH_BYTES"] = 100
    be_killed_at(moment)
    scene.run(comparing=moment.comparing)


if __name__ == "__main__":
    main(*sys.argv[1:])
