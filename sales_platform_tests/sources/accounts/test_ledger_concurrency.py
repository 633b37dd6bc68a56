"""The books stay true when many clients call at once, are cut off, or are killed."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from sales_platform.sources.accounts.ledger import create_account, create_customer, transaction
from sales_platform.sources.accounts.ledger_errors import InsufficientFunds
from sales_platform_tests.sources.accounts.books import (
    assert_books_are_true,
    balance,
    deadlocks,
    rows,
    statuses,
)
from sales_platform_tests.sources.accounts.clients import (
    Told,
    all_at_once,
    endless_process,
    holding_process,
    move_at_random,
)

CLIENTS = 8
CALLS = 150


def open_accounts(conn: psycopg.Connection, count: int) -> list[int]:
    return [
        create_account(conn, create_customer(conn, f"{number}@example.com", "Someone"))
        for number in range(count)
    ]


def test_clients_of_one_account_lose_no_update_and_never_deadlock(
    conn: psycopg.Connection, source_url: str
) -> None:
    accounts = open_accounts(conn, 1)
    told = all_at_once(CLIENTS, lambda n: move_at_random(source_url, accounts, CALLS, n))
    assert told.cut_off == 0
    assert statuses(conn) == {"posted": len(told.posted), "failed": len(told.failed)}
    assert len(told.posted) + len(told.failed) == CLIENTS * CALLS
    assert_books_are_true(conn)
    assert deadlocks(conn) == 0


def test_of_many_debits_of_the_last_cent_one_is_posted(conn: psycopg.Connection, source_url: str) -> None:
    [account] = open_accounts(conn, 1)
    transaction(conn, account, 0.01)

    def debit(_: int) -> Told:
        with psycopg.connect(source_url, autocommit=True) as client:
            try:
                return Told(posted=[transaction(client, account, 0.01, ttype="debit")])
            except InsufficientFunds as refused:
                return Told(failed=[refused.transaction_id])

    told = all_at_once(CLIENTS, debit)
    assert (len(told.posted), len(told.failed)) == (1, CLIENTS - 1)
    assert balance(conn, account) == 0


def test_clients_that_open_the_same_account_at_once_get_the_same(
    conn: psycopg.Connection, source_url: str
) -> None:
    def open_both(_: int) -> Told:
        with psycopg.connect(source_url, autocommit=True) as client:
            customer = create_customer(client, "bob@example.com", "Bob")
            return Told(posted=[create_account(client, customer, each) for each in ("checking", "savings")])

    told = all_at_once(CLIENTS, open_both)
    assert sorted(told.posted) == sorted(
        CLIENTS * [key for (key,) in rows(conn, "select account_id from accounts")]
    )
    assert len(set(told.posted)) == 2
    assert deadlocks(conn) == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_balances_follow_from_opening_credits_and_debits_however_many_clients_are_killed(
    conn: psycopg.Connection, source_url: str, seed: int
) -> None:
    accounts = open_accounts(conn, 5)
    conn.execute("update accounts.accounts set balance = 10 * account_id")
    opening = dict(rows(conn, "select account_id, balance from accounts.accounts"))
    finished: queue.SimpleQueue[None] = queue.SimpleQueue()
    with ThreadPoolExecutor(1) as pool, endless_process(source_url, accounts, lines=20) as child:
        clients = pool.submit(
            all_at_once,
            CLIENTS,
            lambda n: move_at_random(source_url, accounts, CALLS, seed * 100 + n, lambda: finished.put(None)),
        )
        for kill in range(12):
            for _ in range(40):
                finished.get(timeout=60)
            cut_one_off(conn)
            if kill == 5:
                child.kill()
        told = clients.result()
    assert told.cut_off > 0
    kept = dict(rows(conn, "select transaction_id, status from accounts.transactions"))
    assert {kept[key] for key in told.posted} == {"posted"}
    assert {kept[key] for key in told.failed} == {"failed"}
    assert set(kept.values()) == {"posted", "failed"}
    flows = dict(
        rows(
            conn,
            """
            select account_id, sum(case type when 'credit' then amount else -amount end)
            from accounts.transactions where status = 'posted' group by account_id
            """,
        )
    )
    standing = dict(rows(conn, "select account_id, balance from accounts.accounts"))
    assert standing == {key: opening[key] + flows.get(key, 0) for key in accounts}
    assert min(standing.values()) >= 0
    assert deadlocks(conn) == 0


def cut_one_off(conn: psycopg.Connection) -> None:
    conn.execute(
        """
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'ledger client'
        order by random() limit 1
        """
    )


def test_a_process_killed_in_its_transaction_leaves_nothing_and_holds_up_nobody(
    conn: psycopg.Connection, source_url: str
) -> None:
    accounts = open_accounts(conn, 2)
    with holding_process(source_url, accounts) as process:
        process.kill()
    for account in accounts:
        transaction(conn, account, 5)
    assert [balance(conn, account) for account in accounts] == [5, 5]
    assert statuses(conn) == {"posted": 2}
    assert_books_are_true(conn)
