"""The connections on which figures are read: few, kept, tried before use, opened again after the server was down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from select import POLLIN, poll
from time import monotonic
from weakref import WeakKeyDictionary

from psycopg import Connection as AnyConnection
from psycopg_pool import ConnectionPool, PoolTimeout

from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import SalesPlatformError, ServerUnavailable
from sales_platform.metrics.reading import as_reader
from sales_platform.serving.options import ServingOptions

# A request that comes while the server is known to be down asks again, but hardly waits.
_WAIT_WHEN_DOWN = 0.5
# A session that was answered so many seconds ago is asked nothing before its next use, unless its server has said
# something unasked since, as it does when it ends. Longer ago, the network may have lost it without a word.
_FRESH_SECONDS = 10.0


class ReaderPool:
    """Sessions of the reader role, in autocommit: each statement sees what is committed when it begins.

    A pool of the driver's own makers, because the registry's queries take the driver's connections as they are.
    """

    def __init__(self, options: ServingOptions) -> None:
        self._options = options
        self._fault: SalesPlatformError | None = None
        self._is_down = False
        self._answered: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            options.warehouse.url,
            kwargs={**options.warehouse.session, "autocommit": True},
            min_size=1,
            max_size=options.connections,
            open=False,
            configure=self._configure,
            check=self._check,
            timeout=options.wait_seconds,
            reconnect_timeout=0,  # the next request tries again, so the pool itself need not
            reconnect_failed=self._failed,
            name="reader",
        )

    def open(self) -> None:
        """Does not wait: the server may come up later than we."""
        self._pool.open(wait=False)

    def close(self) -> None:
        self._pool.close(timeout=2)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A session for the length of the block. Raises ServerUnavailable where none is to be had in time, and driver
        errors of the block as errors of ours.
        """
        with translated("warehouse"):
            try:
                session = self._pool.getconn(_WAIT_WHEN_DOWN if self._is_down else None)
            except PoolTimeout:
                raise self._why() from None
            try:
                yield session
            finally:
                self._answered[session] = monotonic()
                self._pool.putconn(session)

    def _check(self, session: Connection) -> None:
        """Raises the driver's error where the session is lost; the pool then opens another."""
        fresh = monotonic() - self._answered.get(session, 0.0) < _FRESH_SECONDS
        if not fresh or has_word(session):
            ConnectionPool.check_connection(session)

    def _configure(self, session: AnyConnection[tuple[object, ...]]) -> None:
        try:
            as_reader(session, self._options.statement_seconds)
        except SalesPlatformError as fault:
            self._fault = fault
            raise
        self._fault, self._is_down = None, False
        self._answered[session] = monotonic()

    def _failed(self, _pool: object) -> None:
        self._is_down = True

    def _why(self) -> SalesPlatformError:
        if self._fault:
            return self._fault
        what = "does not answer" if self._is_down else "is busy with other requests"
        return ServerUnavailable(f"The warehouse {what}.", remedy="Try again in a moment.")


def has_word(session: Connection) -> bool:
    """Whether there is something to read from a server that was asked nothing: its farewell, or that it is gone."""
    waiting = poll()
    waiting.register(session.fileno(), POLLIN)
    return bool(waiting.poll(0))
