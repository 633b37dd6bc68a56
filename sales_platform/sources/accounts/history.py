"""Draws the history of the simulated accounts system, by the ledger's rule, for all rows at once. No database.

Amounts and counts are those of SOURCES 2.3, with its faults mended: every customer gets every account that was
asked for, every account its transactions, and a debit without cover stays as a failed transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DAYS = 90
"""How many days of history there are."""
JOINING_DAYS = 60
"""Within how many of them all customers join, so that the last has time for transactions."""
LOWEST_CENTS, HIGHEST_CENTS = 1_000, 50_000

_DAY = (
    86_400_000_000  # microseconds, the unit of every moment here, counted from the beginning of the history
)
_OPENING = 600_000_000  # an account is opened within ten minutes after its customer joined, or its sibling

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Accounts:
    """One entry per account, the n-th with account_id n + 1; owner: index of the customer; kind: of the type."""

    owner: Integers
    kind: Integers
    opened: Integers


@dataclass(frozen=True)
class Transactions:
    """One entry per transaction in order of time, the n-th with transaction_id n + 1.

    account: index of the account. number: which one of its account, from 0. cents: the amount.
    """

    account: Integers
    number: Integers
    moment: Integers
    cents: Integers
    credit: Flags
    posted: Flags


@dataclass(frozen=True)
class History:
    """A whole history in memory; joined: the moment of each customer; balances: cents of each account."""

    names: Sequence[str]
    joined: Integers
    accounts: Accounts
    transactions: Transactions
    balances: Integers


def draw_history(
    customers: int, accounts_per_customer: int, transactions_per_account: int, seed: int
) -> History:
    """The same history for the same arguments; none of the counts is negative, accounts per customer at most 2."""
    rng = np.random.default_rng(seed)
    joined = np.sort(rng.integers(0, JOINING_DAYS * _DAY, customers))
    accounts = _accounts(rng, joined, accounts_per_customer)
    transactions, balances = _transactions(rng, accounts, transactions_per_account)
    return History(_names(customers, seed), joined, accounts, transactions, balances)


def _names(count: int, seed: int) -> list[str]:
    # Faker is slow to import, and no other command needs it.
    from faker import Faker

    fake = Faker("en_US")
    fake.seed_instance(seed)
    return [fake.name() for _ in range(count)]


def _accounts(rng: np.random.Generator, joined: Integers, per_customer: int) -> Accounts:
    waits = rng.integers(1, _OPENING, (len(joined), per_customer)).cumsum(axis=1)
    opened = (joined[:, None] + waits).ravel()
    owner = np.repeat(np.arange(len(joined)), per_customer)
    kind = np.tile(np.arange(per_customer), len(joined))
    order = np.argsort(opened, kind="stable")
    return Accounts(owner[order], kind[order], opened[order])


def _transactions(
    rng: np.random.Generator, accounts: Accounts, per_account: int
) -> tuple[Transactions, Integers]:
    """Transactions of all accounts in order of time, and the balances that they leave."""
    shape = (len(accounts.opened), per_account)
    left = DAYS * _DAY - accounts.opened[:, None]
    moments = np.sort(
        accounts.opened[:, None] + 1 + (rng.random(shape) * (left - 1)).astype(np.int64), axis=1
    )
    cents = rng.integers(LOWEST_CENTS, HIGHEST_CENTS + 1, shape)
    credit = rng.integers(0, 2, shape).astype(bool)
    posted, balances = _posted(cents, credit)
    account, number = np.indices(shape)
    order = np.argsort(moments.ravel(), kind="stable")
    made = Transactions(
        account=account.ravel()[order],
        number=number.ravel()[order],
        moment=moments.ravel()[order],
        cents=cents.ravel()[order],
        credit=credit.ravel()[order],
        posted=posted.ravel()[order],
    )
    return made, balances


def _posted(cents: Integers, credit: Flags) -> tuple[Flags, Integers]:
    """Which transactions post, given one row per account in order of time, and the cents that remain on each."""
    balances = np.zeros(len(cents), dtype=np.int64)
    posted = np.zeros(cents.shape, dtype=bool)
    for turn in range(cents.shape[1]):
        posted[:, turn] = credit[:, turn] | (cents[:, turn] <= balances)
        change = np.where(credit[:, turn], cents[:, turn], -cents[:, turn])
        balances += np.where(posted[:, turn], change, 0)
    return posted, balances
