"""What a client of the accounts system does: one call of the ledger after the other, drawn at random. No threads."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import psycopg

from sales_platform.sources.accounts.ledger import create_account, create_customer, transaction
from sales_platform.sources.accounts.ledger_errors import InsufficientFunds

LOWEST_CENTS, HIGHEST_CENTS = 1_000, 50_000
HELD_SECONDS = (1.0, 3.0)
"""How long a slow transaction stays open, at least and at most."""
# no account of the simulation ever holds as much
_BEYOND_EVERY_BALANCE = 99_999_999_999_900


class Deed(StrEnum):
    """What came of one call."""

    POSTED = "posted"
    FAILED = "failed for funds"
    JOINED = "new customers"
    RENAMED = "renamed customers"
    VISITED = "customers with nothing yet"
    LEFT = "deleted customers"
    ROLLED_BACK = "rolled back"
    COMMITTED_LATE = "committed late"
    ROLLED_BACK_LATE = "rolled back late"


@dataclass(frozen=True)
class KnownRows:
    """What the clients know of the source; lists that all of them lengthen, none shortens."""

    emails: list[str]
    accounts: list[tuple[int, str]]
    """account_id and currency"""
    visitors: list[int] = field(default_factory=list)
    """customer_ids of those with an account that is never used: whoever takes one out may delete it"""

    @classmethod
    def read(cls, connection: psycopg.Connection) -> KnownRows:
        emails = connection.execute("select email from accounts.customers order by customer_id")
        accounts = connection.execute(
            "select account_id, currency from accounts.accounts order by account_id"
        )
        return cls([email for (email,) in emails.fetchall()], accounts.fetchall())


class Calls:
    """The calls of one client; the numbers it draws follow from seed and client."""

    def __init__(self, known: KnownRows, seed: int | None, client: int) -> None:
        # Faker is slow to import, and not safe to share between threads.
        from faker import Faker

        self._known = known
        self._rng = np.random.default_rng(None if seed is None else [seed, client])
        self._fake = Faker("en_US")
        self._fake.seed_instance(int(self._rng.integers(2**32)))
        self._shares: list[tuple[float, Callable[[psycopg.Connection], Deed]]] = [
            (0.70, self._move_money),
            (0.06, self._overdraw),
            (0.06, self._join),
            (0.06, self._rename),
            (0.06, self._visit_or_leave),
            (0.06, self._roll_back),
        ]

    def call(self, connection: psycopg.Connection) -> Deed:
        """Do one thing and commit it; raises what the ledger raises, InsufficientFunds excepted."""
        if not self._known.accounts:
            return self._join(connection)
        chances = [share for share, _ in self._shares]
        return self._shares[self._rng.choice(len(chances), p=chances)][1](connection)

    def call_slowly(self, connection: psycopg.Connection, halt: threading.Event) -> Deed:
        """Do one thing in a transaction that stays open for seconds, or until `halt`, and commits or not.

        One account is locked meanwhile, and nothing is waited for: a client that held one account and wanted
        another could wait in a circle.
        """
        commits = self._rng.random() < 2 / 3
        joins = not self._known.accounts or self._rng.random() < 1 / 2
        with connection.transaction(force_rollback=not commits):
            if joins:
                customer = create_customer(connection, _fresh_email(), self._fake.name())
                account = create_account(connection, customer)
                transaction(connection, account, self._amount() / 100)
            else:
                self._move_money(connection)
            halt.wait(self._rng.uniform(*HELD_SECONDS))
        return Deed.COMMITTED_LATE if commits else Deed.ROLLED_BACK_LATE

    def _move_money(self, connection: psycopg.Connection) -> Deed:
        ttype = "credit" if self._rng.random() < 1 / 2 else "debit"
        return self._transact(connection, self._amount(), ttype)

    def _overdraw(self, connection: psycopg.Connection) -> Deed:
        return self._transact(connection, _BEYOND_EVERY_BALANCE, "debit")

    def _transact(self, connection: psycopg.Connection, cents: int, ttype: str) -> Deed:
        account_id, currency = self._known.accounts[self._rng.integers(len(self._known.accounts))]
        try:
            transaction(connection, account_id, cents / 100, currency, ttype, {"note": "live"})
        except InsufficientFunds:
            return Deed.FAILED
        return Deed.POSTED

    def _join(self, connection: psycopg.Connection) -> Deed:
        """A new customer, with one account or both, and money on each."""
        email = _fresh_email()
        types = ("checking", "savings")[: self._rng.integers(1, 3)]
        with connection.transaction():
            customer = create_customer(connection, email, self._fake.name())
            opened = [create_account(connection, customer, account_type) for account_type in types]
            for account_id in opened:
                transaction(connection, account_id, self._amount() / 100)
        self._known.emails.append(email)
        self._known.accounts.extend((account_id, "USD") for account_id in opened)
        return Deed.JOINED

    def _rename(self, connection: psycopg.Connection) -> Deed:
        email = self._known.emails[self._rng.integers(len(self._known.emails))]
        create_customer(connection, email, self._fake.name())
        return Deed.RENAMED

    def _visit_or_leave(self, connection: psycopg.Connection) -> Deed:
        """A customer who never pays in is deleted later, the account first."""
        try:
            customer = self._known.visitors.pop()
        except IndexError:
            with connection.transaction():
                customer = create_customer(connection, _fresh_email(), self._fake.name())
                create_account(connection, customer)
            self._known.visitors.append(customer)
            return Deed.VISITED
        with connection.transaction():
            connection.execute("delete from accounts.accounts where customer_id = %s", [customer])
            connection.execute("delete from accounts.customers where customer_id = %s", [customer])
        return Deed.LEFT

    def _roll_back(self, connection: psycopg.Connection) -> Deed:
        with connection.transaction(force_rollback=True):
            self._move_money(connection)
        return Deed.ROLLED_BACK

    def _amount(self) -> int:
        """Cents, as the generator draws them."""
        return int(self._rng.integers(LOWEST_CENTS, HIGHEST_CENTS + 1))


def _fresh_email() -> str:
    """An address that no earlier traffic with the same seed has used."""
    return f"live-{uuid.uuid4().hex}@example.com"
