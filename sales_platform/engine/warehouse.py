"""Connections to the warehouse: one session setting for all, one place where a driver's error becomes ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from sales_platform.engine.driver_errors import translated

Connection = psycopg.Connection[tuple[Any, ...]]

_SESSION = "-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=postgres -c search_path=public"
# A transaction waits while the source of its rows works.
_PATIENCE = "-c idle_in_transaction_session_timeout=0"
# A load works in temporary tables and joins few changed keys with large tables on disks that seek in no time.
_PLANNING = "-c work_mem=64MB -c hash_mem_multiplier=3 -c temp_buffers=64MB -c random_page_cost=1.1"


@dataclass(frozen=True)
class Warehouse:
    """A PostgreSQL database that holds the layers. lock_timeout_seconds: how long a run waits for another
    one's table.
    """

    url: str
    lock_timeout_seconds: int = 60

    def connect(self, *, autocommit: bool = False) -> Connection:
        """A session in UTC and ISO dates, whatever the server's defaults (S-62)."""
        with translated(self.where):
            return psycopg.connect(self.url, autocommit=autocommit, **self.session)

    @property
    def session(self) -> dict[str, Any]:
        """What a session is opened with, beside the URL; for a pool too."""
        options = f"{_SESSION} {_PATIENCE} {_PLANNING} -c lock_timeout={self.lock_timeout_seconds * 1000}"
        return {"options": options, "application_name": "sales_platform", "connect_timeout": 10}

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction: committed when the block ends, rolled back when it raises. Driver errors are
        translated.
        """
        with translated(self.where), self.connect() as connection:
            yield connection

    @property
    def where(self) -> str:
        """Host, port and database, for messages; never the password."""
        parts = conninfo_to_dict(self.url)
        return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
