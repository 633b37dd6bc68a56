"""The customers of the payment channels, each made from its key alone. Where they are kept is not decided here.

The shipped `customers.csv` holds what this rule gives for the keys of the simulated company.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta

import pandas as pd

from sales_platform.sources.channels.layout import CUSTOMERS

CUSTOMER_COUNT = 1000
SEGMENTS = ("Retail", "Corporate", "SMB", "Enterprise")
SIGNED_UP_FROM = date(2021, 1, 1)
SIGNED_UP_WITHIN_DAYS = 1826
"""Five years; the replaced system counted them back from today, so that every date moved each day (SOURCES 5.7)."""


def customers(keys: Iterable[int]) -> pd.DataFrame:
    """One row per key in the columns of `customers.csv`, as SOURCES 5.4 draws them.

    Python's generator is seeded with the key; drawn in this order: the digits of customer_id, the segment, the days
    from SIGNED_UP_FROM to signup_date. The source knows no names, so a name only says which customer it is.
    """
    return pd.DataFrame([_customer(key) for key in keys], columns=list(CUSTOMERS))


def _customer(key: int) -> tuple[int, str, str, str, str]:
    drawn = random.Random(key)
    customer_id = f"CUST-{drawn.randint(100000, 999999)}"
    segment = drawn.choice(SEGMENTS)
    signup_date = SIGNED_UP_FROM + timedelta(days=drawn.randrange(SIGNED_UP_WITHIN_DAYS))
    return key, customer_id, f"Customer {key}", segment, signup_date.isoformat()
