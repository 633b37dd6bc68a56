"""The loads that refused rows, for people who look for the run. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection


@dataclass(frozen=True)
class RefusingLoad:
    """A load of which rows were rejected. run_id: of the orchestrator, where it was made by one."""

    load_id: int
    feed: str
    partition: str
    finished_at: datetime
    rows_read: int
    rows_rejected: int
    run_id: str | None


def refusing_loads(connection: Connection, feed: str | None = None, limit: int = 50) -> list[RefusingLoad]:
    """The newest first."""
    with translated("ops.load"), connection.cursor(row_factory=class_row(RefusingLoad)) as cursor:
        return cursor.execute(
            """
            select load_id, feed, partition, finished_at, rows_read, rows_rejected, run_id from ops.load
            where rows_rejected > 0 and finished_at is not null and (%(feed)s::text is null or feed = %(feed)s)
            order by load_id desc limit %(limit)s
            """,
            {"feed": feed, "limit": limit},
        ).fetchall()
