"""Sending what waits in ops.alert, each once. What an alert says was decided when it was made.

One session sends at a time and marks each alert when the receiver took it. So an alert comes twice only when the
answer, or the commit after it, was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg.rows import class_row

from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import TransientError

# even if each takes as long as its time-out allows, a tick of the sensor that sends them is not cut off
AT_ONCE = 10


@dataclass(frozen=True)
class Alert:
    """text: what, where, since when and what to do. event: 'opened' or 'closed'. tries: made in vain."""

    incident_id: int
    event: str
    text: str
    tries: int = 0


def send_waiting(warehouse: Warehouse, send: Callable[[Alert], None]) -> tuple[int, TransientError | None]:
    """Send the oldest alerts that wait, up to AT_ONCE. Returns how many went out, and why the rest waits.

    send: raises TransientError when the receiver did not take it; nothing more is sent then. Sends nothing while
    another session does.
    """
    with warehouse.transaction() as connection:
        row = connection.execute(
            "select pg_try_advisory_lock(hashtextextended('sales_platform:ops.alert', 0))"
        ).fetchone()
        if row != (True,):
            return 0, None
        return _send_all(connection, send)


def _send_all(connection: Connection, send: Callable[[Alert], None]) -> tuple[int, TransientError | None]:
    for sent in range(AT_ONCE):
        alert = _next(connection)
        # nothing stays locked while a receiver is slow
        connection.commit()
        if alert is None:
            return sent, None
        try:
            send(alert)
        except TransientError as error:
            _mark(connection, alert, sent=False)
            return sent, error
        _mark(connection, alert, sent=True)
    return AT_ONCE, None


def _next(connection: Connection) -> Alert | None:
    """One that was never tried comes first, so that none that is always refused holds up the others."""
    with connection.cursor(row_factory=class_row(Alert)) as cursor:
        return cursor.execute(
            """
            select a.incident_id, a.event, a.text, a.tries from ops.alert as a
            where a.sent_at is null and not (a.event = 'closed' and exists (
                select from ops.alert as o
                where o.incident_id = a.incident_id and o.event = 'opened' and o.sent_at is null
            ))
            order by a.tries, a.made_at, a.incident_id limit 1
            """
        ).fetchone()


def _mark(connection: Connection, alert: Alert, *, sent: bool) -> None:
    connection.execute(
        """
        update ops.alert set tries = tries + 1, sent_at = case when %s then clock_timestamp() end
        where incident_id = %s and event = %s
        """,
        [sent, alert.incident_id, alert.event],
    )
    connection.commit()
