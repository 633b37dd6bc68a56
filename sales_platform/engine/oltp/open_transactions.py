"""Which transactions are open in a source: what they stamped is not to be seen yet. Reads the server's views only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.oltp.source import READER, SourceSession


@dataclass(frozen=True)
class OpenTransaction:
    """key: its transaction id, or process and start while it has none. since: None for one first seen prepared."""

    key: str
    since: datetime | None
    pid: int | None


@dataclass(frozen=True)
class Listing:
    """What was open at a moment of the source's clock. blind: why the list cannot be trusted, None if it can."""

    at: datetime
    open: tuple[OpenTransaction, ...]
    blind: str | None = None


def list_open_transactions(lister: SourceSession) -> Listing:
    """Call it before the snapshot is taken, on a session outside a transaction, or the views stay as first read.

    First the sessions, then the prepared: a transaction moves from the first list to the second.
    """
    with translated(lister.where):
        return _listing(lister)


def _listing(lister: SourceSession) -> Listing:
    row = lister.execute(
        """
        select clock_timestamp(), pg_is_in_recovery(), pg_has_role(current_user, 'pg_read_all_stats', 'usage')
        """
    ).fetchone()
    assert row is not None
    at, replica, sees_all = row
    sessions = lister.execute(
        """
        select coalesce(backend_xid::text, pid || ' since ' || xact_start), xact_start, pid
        from pg_stat_activity
        where datname = current_database() and backend_type = 'client backend' and xact_start is not null
            and pid <> pg_backend_pid() and application_name <> %s
        """,
        [READER],
    ).fetchall()
    prepared = lister.execute(
        "select transaction::text from pg_prepared_xacts where database = current_database()"
    ).fetchall()
    found = [OpenTransaction(key, since, pid) for key, since, pid in sessions]
    found += [OpenTransaction(key, None, None) for (key,) in prepared]
    return Listing(at, tuple(found), _blindness(replica=replica, sees_all=sees_all))


def _blindness(*, replica: bool, sees_all: bool) -> str | None:
    if replica:
        return "the source is a replica, which does not show the primary's transactions"
    return None if sees_all else "the account lacks pg_read_all_stats"
