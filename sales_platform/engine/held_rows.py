"""Rows that were held only because they lay in the future: which of them no longer do (S-38). Publishes
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sales_platform.engine import quarantine
from sales_platform.engine.landing import landing_time
from sales_platform.engine.load_call import LoadCall
from sales_platform.engine.loads import LoadState


def released_lines(call: LoadCall, states: Mapping[str, LoadState]) -> dict[str, list[int]]:
    """Partition → lines whose time has come; only partitions that raw still holds."""
    due: dict[str, list[int]] = {}
    for partition, lines in quarantine.held_for_the_future(call.connection, call.feed).items():
        landed_by = states[partition].landed_load_id if partition in states else None
        if landed_by is None:
            continue
        call.judge([landed_by], snapshot_at=landing_time(partition), source_rows=lines)
        rows = call.connection.execute(
            "select _source_row from judged where not coalesce('FUTURE_TIMESTAMP' = any(_reasons), false)"
        ).fetchall()
        if rows:
            due[partition] = [row[0] for row in rows]
    return due


def resolve_released(call: LoadCall, partition: str, lines: Sequence[int]) -> None:
    call.connection.execute(
        """
        update quality.rejected_record set resolved_at = clock_timestamp(), resolution = 'its time has come'
        where feed = %s and partition = %s and source_row = any(%s) and reasons = '{FUTURE_TIMESTAMP}'
            and resolved_at is null
        """,
        [call.feed.name, partition, list(lines)],
    )
