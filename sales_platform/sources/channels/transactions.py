"""The payments of one simulated day; the parameters are SOURCES 5.2's. Writes no file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from sales_platform.sources.channels.customers import CUSTOMER_COUNT
from sales_platform.sources.channels.layout import TRANSACTIONS

TRANSACTIONS_A_DAY = 500
CHANNELS = (1, 2, 3, 4)
SHARE_OF_SUCCESS = 0.9
AMOUNT_CENTS = (1_000, 100_000)
PROCESSING_HUNDREDTHS = (50, 500)
_STREAM = 5
"""Sets these draws apart from those of other simulated systems with the same seed."""


def transactions_of(seed: int, day: date, cities: Mapping[int, int]) -> pd.DataFrame:
    """The 500 payments of `day` in the columns of its file; they depend on seed, day and `cities` only.

    cities: customer_key → city_key; a customer without one has no city. amount: INR, two decimals.
    processing_time: seconds, two decimals. transaction_id: T, the day, and five digits that count from 0.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, _STREAM, day.toordinal()]))
    count = TRANSACTIONS_A_DAY
    customers = rng.integers(1, CUSTOMER_COUNT + 1, count)
    frame = pd.DataFrame(
        {
            "transaction_id": [f"T{day:%Y%m%d}{number:05}" for number in range(count)],
            "date_key": int(f"{day:%Y%m%d}"),
            "customer_key": customers,
            "channel_key": rng.choice(CHANNELS, count),
            "city_key": pd.Series(customers).map(cities).astype("Int64"),
            "amount": _hundredths(rng, AMOUNT_CENTS, count),
            "status": np.where(rng.random(count) < SHARE_OF_SUCCESS, "success", "failed"),
            "processing_time": _hundredths(rng, PROCESSING_HUNDREDTHS, count),
        }
    )
    return frame[list(TRANSACTIONS)]


def _hundredths(rng: np.random.Generator, bounds: tuple[int, int], count: int) -> pd.Series[float]:
    """Uniform between the bounds, both included, in hundredths."""
    return pd.Series(rng.integers(bounds[0], bounds[1] + 1, count) / 100)
