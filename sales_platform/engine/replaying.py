"""Rejected rows judged again as raw has them, by the contract and the reference tables of now. Corrects nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sales_platform.contracts.feed import FileFeedContract
from sales_platform.engine.arrivals import Arrivals
from sales_platform.engine.feeds import combined, publish_call
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.loads import LoadState
from sales_platform.engine.quarantine import count_attempts
from sales_platform.engine.reports import LoadReport
from sales_platform.engine.warehouse import Warehouse


@dataclass(frozen=True)
class Replayed:
    """Open rejections before, and those of them that are open still."""

    judged: int
    refused: int
    loads: tuple[LoadReport, ...]


def replay(warehouse: Warehouse, feed: FileFeedContract, reason: str | None = None) -> Replayed:
    """Judge the partitions again in which rows stand rejected, from raw: by the contract and the reference tables
    of now. reason: only partitions with records whose first reason this is.

    What no record could be made of stays as it is. Raises DataRefused for partitions beyond the reject_limit, after
    the others were published.
    """
    waiting: list[int] = []
    refused = 0

    def arrive(call: LoadCall, states: Mapping[str, LoadState]) -> Arrivals:
        rows = call.connection.execute(_REPLAYABLE, {"feed": feed.name, "reason": reason}).fetchall()
        rows = [row for row in rows if row[1] in states]
        waiting.extend(row[0] for row in rows)
        return Arrivals(outdated=sorted({row[1] for row in rows}))

    def finish(call: LoadCall) -> None:
        nonlocal refused
        refused = count_attempts(call.connection, waiting)

    call = publish_call(warehouse, feed, "", arrive, finish)
    if call.faults:
        raise combined(call.faults)
    return Replayed(len(waiting), refused, tuple(call.reports))


_REPLAYABLE = """
    select rejected_id, partition from quality.rejected_record
    where feed = %(feed)s and resolved_at is null and origin <> 'reader'
        and (%(reason)s::text is null or reason = %(reason)s)
"""
