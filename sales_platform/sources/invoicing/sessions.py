"""How code of ours opens a session of the invoicing database. No statement on its tables here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from sales_platform.engine.driver_errors import translated

DOMAIN = "invoicing"
APPLICATION = "simulated invoicing"
CONNECT_SECONDS = 10
# a lock that somebody holds for longer is reported or tried again, so that no session waits for ever
LOCK_TIMEOUT = "5s"


@contextmanager
def session(url: str) -> Iterator[psycopg.Connection]:
    """An autocommit session that writes UTC, closed at the end of the block; the driver's errors are ours."""
    with (
        translated(DOMAIN),
        psycopg.connect(
            url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name=APPLICATION
        ) as connection,
    ):
        connection.execute("select set_config('timezone', 'UTC', false)")
        connection.execute("select set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        yield connection
