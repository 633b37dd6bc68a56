"""The sessions in which pages read: few at once, and kept from one drawing to the next while a server runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Event
from time import monotonic

from psycopg.pq import TransactionStatus

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import ServerUnavailable
from sales_platform.metrics.reading import as_reader
from sales_platform.serving.pool import has_word

SESSIONS = 8
WAIT_SECONDS = 20.0
STATEMENT_SECONDS = 20.0
# To begin a session takes as long as several of a page's queries. One that nobody used for longer is not trusted.
KEPT_SECONDS = 30.0

_turns = BoundedSemaphore(SESSIONS)
_idle: deque[tuple[str, Connection, float]] = deque()
_keeping = Event()


@contextmanager
def page_session(warehouse: Warehouse) -> Iterator[Connection]:
    """A session of the reader role, in autocommit. Raises ServerUnavailable at once where the warehouse does not
    answer, or after a while where too many pages ask.
    """
    if not _turns.acquire(timeout=WAIT_SECONDS):
        raise ServerUnavailable("too many pages ask at once.", remedy="Try again in a moment.")
    try:
        with translated(warehouse.where):
            session = _kept(warehouse) or _begun(warehouse)
            try:
                yield session
            finally:
                _leave(warehouse, session)
    finally:
        _turns.release()


@contextmanager
def kept_sessions() -> Iterator[None]:
    """Sessions stay open between drawings until the block ends."""
    _keeping.set()
    try:
        yield
    finally:
        _keeping.clear()
        while _idle:
            _idle.pop()[1].close()


def _begun(warehouse: Warehouse) -> Connection:
    session = warehouse.connect(autocommit=True)
    try:
        as_reader(session, STATEMENT_SECONDS)
    except BaseException:
        session.close()
        raise
    return session


def _kept(warehouse: Warehouse) -> Connection | None:
    """The one used last; all that are of no use any more are closed on the way to it."""
    while True:
        try:
            url, session, since = _idle.pop()
        except IndexError:
            return None
        if url == warehouse.url and monotonic() - since < KEPT_SECONDS and not has_word(session):
            return session
        session.close()


def _leave(warehouse: Warehouse, session: Connection) -> None:
    if _keeping.is_set() and session.info.transaction_status is TransactionStatus.IDLE:
        _idle.append((warehouse.url, session, monotonic()))
    else:
        session.close()
