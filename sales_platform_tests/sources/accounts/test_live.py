"""Live traffic does everything that it promises, keeps the books true, and ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path

import psycopg
import pytest

from sales_platform.errors import ServerUnavailable, WrongUse
from sales_platform.local.server import EmbeddedServer
from sales_platform.sources.accounts.generator import fill
from sales_platform.sources.accounts.ledger import create_customer
from sales_platform.sources.accounts.live import TrafficReport, run_traffic
from sales_platform.sources.accounts.live_calls import Calls, Deed, KnownRows
from sales_platform.sources.schema import ensure_schema
from sales_platform_tests.sources.accounts.books import assert_books_are_true, deadlocks, rows, statuses

KEYS = "select transaction_id from accounts.transactions order by transaction_id"


@pytest.fixture
def filled_url(source_url: str) -> str:
    fill(
        source_url,
        customers=10,
        accounts_per_customer=2,
        transactions_per_account=5,
        seed=1,
        end=date(2026, 3, 31),
    )
    return source_url


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server that nobody else uses, so that a test may stop it."""
    server = EmbeddedServer(tmp_path / "home", fsync="off", shared_buffers="16MB", autovacuum="off")
    with server.in_use():
        yield server
    assert server.remove_if_unused()


def test_traffic_does_everything_and_keeps_the_books_true(conn: psycopg.Connection, filled_url: str) -> None:
    names = rows(conn, "select name from accounts.customers where customer_id <= 10 order by customer_id")
    before = statuses(conn)
    # a slow transaction takes three seconds at most
    done = run_traffic(filled_url, rate=60, seconds=5, seed=3)
    assert set(done.done) >= {
        Deed.POSTED,
        Deed.FAILED,
        Deed.JOINED,
        Deed.RENAMED,
        Deed.LEFT,
        Deed.ROLLED_BACK,
    }
    assert done.done.get(Deed.COMMITTED_LATE, 0) + done.done.get(Deed.ROLLED_BACK_LATE, 0) >= 1
    assert done.cut_off == 0
    after = statuses(conn)
    assert after["posted"] - before["posted"] >= done.done[Deed.POSTED] + done.done[Deed.JOINED]
    assert after["failed"] - before["failed"] >= done.done[Deed.FAILED]
    assert (
        rows(conn, "select name from accounts.customers where customer_id <= 10 order by customer_id")
        != names
    )
    assert_books_are_true(conn)
    assert deadlocks(conn) == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_slow_transaction_shows_its_rows_after_younger_ones_or_never(
    conn: psycopg.Connection, filled_url: str, seed: int
) -> None:
    halt = threading.Event()
    calls = Calls(KnownRows.read(conn), seed=seed, client=0)
    before = rows(conn, KEYS)
    with psycopg.connect(filled_url, autocommit=True) as client, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(calls.call_slowly, client, halt)
        while not rows(
            conn,
            "select pid from pg_stat_activity where pid = %s and state = 'idle in transaction'",
            client.info.backend_pid,
        ):
            assert not slow.done()
        assert rows(conn, KEYS) == before
        create_customer(conn, "younger@example.com", "Younger")
        halt.set()
        deed = slow.result()
    shown = rows(
        conn,
        """
        select t.created_at < c.created_at
        from accounts.transactions as t, accounts.customers as c
        where t.transaction_id > %s and c.email = 'younger@example.com'
        """,
        before[-1][0],
    )
    assert shown == ([] if deed is Deed.ROLLED_BACK_LATE else [(True,)])


def test_traffic_on_an_empty_source_begins_with_customers(conn: psycopg.Connection, source_url: str) -> None:
    done = run_traffic(source_url, rate=50, seconds=1, writers=1)
    assert done.done[Deed.JOINED] >= 1
    assert_books_are_true(conn)


def test_traffic_ends_when_it_is_told_to(conn: psycopg.Connection, filled_url: str) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(run_traffic, filled_url, rate=50, stop=stop)
        wait_for_transactions(conn, 110, traffic)
        stop.set()
        assert traffic.result().calls > 0


def test_a_writer_that_is_cut_off_comes_back(conn: psycopg.Connection, filled_url: str) -> None:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(run_traffic, filled_url, rate=100, stop=stop)
        wait_for_transactions(conn, 110, traffic)
        conn.execute(
            """
            select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and query <> ''
            """
        )
        wait_for_transactions(conn, 160, traffic)
        stop.set()
        assert traffic.result().cut_off >= 1
    assert_books_are_true(conn)


def test_traffic_on_a_server_that_goes_is_a_typed_error(own_server: EmbeddedServer) -> None:
    own_server.create_database("accounts")
    url = own_server.url("accounts")
    ensure_schema(url, "accounts")
    with ThreadPoolExecutor(1) as pool:
        traffic = pool.submit(run_traffic, url, rate=50, seconds=100_000)
        with psycopg.connect(url, autocommit=True) as conn:
            wait_for_transactions(conn, 10, traffic)
        own_server.stop()
        with pytest.raises(ServerUnavailable):
            traffic.result()


@pytest.mark.parametrize(
    ("rate", "seconds", "writers"),
    [(0, 1, 1), (-1, 1, 1), (float("nan"), 1, 1), (1, 0, 1), (1, float("inf"), 1), (1, 1, 0)],
)
def test_an_impossible_pace_is_wrong_use(source_url: str, rate: float, seconds: float, writers: int) -> None:
    with pytest.raises(WrongUse):
        run_traffic(source_url, rate=rate, seconds=seconds, writers=writers)


def test_traffic_without_an_end_is_wrong_use(source_url: str) -> None:
    with pytest.raises(WrongUse):
        run_traffic(source_url, rate=1)


def wait_for_transactions(conn: psycopg.Connection, count: int, traffic: Future[TrafficReport]) -> None:
    while rows(conn, "select count(*) from accounts.transactions") < [(count,)]:
        assert not traffic.done()
