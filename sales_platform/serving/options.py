"""What serving is told, and the limits that it keeps. Reads no environment."""

from __future__ import annotations

from dataclasses import dataclass, field

from sales_platform.engine.warehouse import Warehouse

RETRY_SECONDS = 5
ROWS_DEFAULT = 1_000
ROWS_MOST = 10_000
CSV_ROWS_MOST = 1_000_000
DAYS_MOST = 36_600
REQUESTS_AT_ONCE = 400
SOCKETS_AT_ONCE = 200
QUERY_BYTES = 48_000


@dataclass(frozen=True)
class ServingOptions:
    """warehouse: its URL's user must be a member of the reader role. time_zone: of the business days. api_key: without
    one only this machine is answered. statement_seconds: the longest that a query may take. connections: to the
    warehouse at once, at most. wait_seconds: how long a request waits for one.
    """

    warehouse: Warehouse
    time_zone: str = "UTC"
    api_key: str | None = field(default=None, repr=False)
    statement_seconds: float = 15
    connections: int = 8
    wait_seconds: float = 5
