"""Clients of the ledger that keep account of what they were told, for tests that run many at once or kill them."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from sales_platform.errors import ServerUnavailable
from sales_platform.sources.accounts.ledger import transaction
from sales_platform.sources.accounts.ledger_errors import InsufficientFunds

_ENDLESS = """
import random, sys
import psycopg
from sales_platform.sources.accounts.ledger import transaction
from sales_platform.sources.accounts.ledger_errors import InsufficientFunds

with psycopg.connect(sys.argv[1], autocommit=True) as conn:
    while True:
        try:
            transaction(conn, int(random.choice(sys.argv[2:])), 1,
                        ttype=random.choice(["credit", "debit"]))
        except InsufficientFunds:
            pass
        print("called", flush=True)
"""
_HOLDING = """
import sys
import psycopg
from sales_platform.sources.accounts.ledger import transaction

with psycopg.connect(sys.argv[1], autocommit=True) as conn, conn.transaction():
    for account_id in sys.argv[2:]:
        transaction(conn, int(account_id), 1)
    print("holding", flush=True)
    sys.stdin.read()
"""


@dataclass
class Told:
    """Keys of the transactions that a client was told of."""

    posted: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    cut_off: int = 0


def move_at_random(
    url: str, accounts: Sequence[int], calls: int, seed: int, after_each: Callable[[], None] = lambda: None
) -> Told:
    """Credit and debit random accounts; a call whose connection is cut counts, whatever became of it."""
    rng, told = random.Random(seed), Told()
    while calls:
        with psycopg.connect(url, autocommit=True, application_name="ledger client") as conn:
            try:
                while calls:
                    calls -= 1
                    cents, ttype = rng.randint(1, 9_999), rng.choice(["credit", "debit"])
                    try:
                        told.posted.append(transaction(conn, rng.choice(accounts), cents / 100, ttype=ttype))
                    except InsufficientFunds as refused:
                        told.failed.append(refused.transaction_id)
                    after_each()
            except ServerUnavailable:
                told.cut_off += 1
    return told


def all_at_once(count: int, client: Callable[[int], Told]) -> Told:
    """What `count` clients, each in a thread and given its number, were told together."""
    with ThreadPoolExecutor(count) as pool:
        every = list(pool.map(client, range(count)))
    return Told(
        [key for told in every for key in told.posted],
        [key for told in every for key in told.failed],
        sum(told.cut_off for told in every),
    )


@contextmanager
def endless_process(url: str, accounts: Sequence[int], lines: int) -> Iterator[subprocess.Popen[str]]:
    """A process that calls without end and has done so `lines` times; killed, if it still lives, in the end."""
    with _process(_ENDLESS, url, accounts, lines) as process:
        yield process


@contextmanager
def holding_process(url: str, accounts: Sequence[int]) -> Iterator[subprocess.Popen[str]]:
    """A process that has credited the accounts in a transaction which it holds open."""
    with _process(_HOLDING, url, accounts, 1) as process:
        yield process


@contextmanager
def _process(code: str, url: str, accounts: Sequence[int], lines: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", code, url, *map(str, accounts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            for _ in range(lines):
                assert process.stdout.readline()
            yield process
        finally:
            process.kill()
