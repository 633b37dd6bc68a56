"""How simulated customers change: a chain of states per customer, grown day by day, without any fault in it.

SOURCES 4.2 changes 18 % of the customers once (0.27 updates a day, at most one per customer). Here it is one
a day on average without a limit per customer, so that a demo has something to show and customers have several
versions. The chances of a new e-mail and of a new tier, and the form of the e-mail, are the original's: an
update may change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np

from sales_platform.sources.retail.layout import Row
from sales_platform.sources.retail.master_data import FIRST_DAY, SECONDS_OF_A_DAY, TIERS, Customer
from sales_platform.sources.retail.randomness import Purpose, stream

UPDATES_A_DAY = 1.0
NEW_EMAIL_CHANCE = 0.70
NEW_TIER_CHANCE = 0.65


def updates_by_day(seed: int, customers: tuple[Customer, ...], end: date) -> Iterator[tuple[date, list[Row]]]:
    """Each day from the company's first to `end` with its updates, in the order of updated_at.

    A row is the customer's whole state after the update; full_name never changes. The chain always starts
    at the first day, so a row is the same whatever `end` is, and a later `end` only appends days.
    """
    states = {customer.customer_id: customer for customer in customers}
    for offset in range((end - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(days=offset)
        yield day, list(_updates_of(stream(seed, Purpose.UPDATES, day), day, states))


def _updates_of(rng: np.random.Generator, day: date, states: dict[int, Customer]) -> Iterator[Row]:
    count = int(rng.poisson(UPDATES_A_DAY))
    changed = rng.choice(len(states), count, replace=False) + 1
    seconds = np.sort(rng.integers(0, SECONDS_OF_A_DAY, count))
    for customer_id, second in zip(changed.tolist(), seconds.tolist(), strict=True):
        state = states[customer_id] = _changed(rng, states[customer_id])
        updated_at = datetime.combine(day, time()) + timedelta(seconds=second)
        yield (*state.row()[:-1], updated_at.isoformat())


def _changed(rng: np.random.Generator, customer: Customer) -> Customer:
    email, tier = customer.email, customer.loyalty_tier
    if rng.random() < NEW_EMAIL_CHANCE:
        email = f"{customer.full_name.split()[0].strip('.').lower()}.{customer.customer_id}@example.com"
    if rng.random() < NEW_TIER_CHANCE:
        tier = TIERS[int(rng.integers(len(TIERS)))]
    return replace(customer, email=email, loyalty_tier=tier)
