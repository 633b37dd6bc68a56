"""The fates of rows as `ops.load` and `quality.rejected_record` tell them. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class FeedFates:
    """Rows of one feed over several loads. files: loads that read; unchanged_files: that found what stood."""

    feed: str
    files: int
    unchanged_files: int
    read: int
    loaded: int
    unchanged: int
    duplicate: int
    superseded: int
    rejected: int


_OF_RUNS = """
    select
        feed,
        count(*) filter (where status = 'succeeded') as files,
        count(*) filter (where status = 'unchanged') as unchanged_files,
        sum(rows_read)::bigint as read, sum(rows_loaded)::bigint as loaded,
        sum(rows_unchanged)::bigint as unchanged, sum(rows_duplicate)::bigint as duplicate,
        sum(rows_superseded)::bigint as superseded, sum(rows_rejected)::bigint as rejected
    from ops.load
    where run_id = any(%s) and status in ('succeeded', 'unchanged')
    group by feed
    order by feed
"""


def fates_of_runs(connection: Connection, run_ids: Sequence[str]) -> list[FeedFates]:
    """What the loads of some runs did, per feed."""
    with connection.cursor(row_factory=class_row(FeedFates)) as cursor:
        return cursor.execute(_OF_RUNS, [list(run_ids)]).fetchall()


def refused_runs(connection: Connection, run_ids: Sequence[str]) -> list[str]:
    """Those of some runs in which a limit refused a load."""
    found = connection.execute(
        "select distinct run_id from ops.load where run_id = any(%s) and status = 'refused'", [list(run_ids)]
    )
    return [run_id for (run_id,) in found.fetchall()]


def table_exists(connection: Connection, name: str) -> bool:
    """Whether a table such as `marts.retail_sales_daily` was made yet."""
    found = connection.execute("select to_regclass(%s) is not null", [name]).fetchone()
    return bool(found and found[0])


def rejected_by_reason(connection: Connection) -> dict[str, int]:
    """First reason → rows that are refused and not resolved."""
    found = connection.execute(
        """
        select reason, count(*) from quality.rejected_record
        where resolved_at is null group by reason order by count(*) desc, reason
        """
    )
    return dict(found.fetchall())
