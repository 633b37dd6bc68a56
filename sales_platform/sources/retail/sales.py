"""The sales of one simulated day, all of them clean; what spoils them stands in `dirt`."""

from __future__ import annotations

from datetime import date

import numpy as np

from sales_platform.sources.retail.layout import Row
from sales_platform.sources.retail.master_data import SECONDS_OF_A_DAY, MasterData, amount
from sales_platform.sources.retail.randomness import Purpose, stream

SALES_A_DAY = 278
"""SOURCES 4.2: 50,000 sales in 180 days."""
MOST_SALES_A_DAY = 999_999
HIGHEST_QUANTITY = 5


def sales_of(seed: int, day: date, known: MasterData, count: int = SALES_A_DAY) -> list[Row]:
    """The sales of `day` in the order they happen; they depend on seed and day only.

    sale_id is YYYYMMDD followed by six digits that count the day's sales, so it is unique over all days.
    sale_timestamp is naive, inside the day. revenue = unit_price × quantity, exactly.
    """
    rng = stream(seed, Purpose.SALES, day)
    seconds = np.sort(rng.integers(0, SECONDS_OF_A_DAY, count))
    customers = rng.integers(1, len(known.customers) + 1, count)
    products = rng.integers(1, len(known.products) + 1, count)
    stores = rng.integers(1, len(known.stores) + 1, count)
    quantities = rng.integers(1, HIGHEST_QUANTITY + 1, count)
    prices = np.array([product.unit_price_cents for product in known.products], dtype=np.int64)
    columns = (
        _sale_ids(day, count),
        customers,
        products,
        stores,
        np.datetime_as_string(np.datetime64(day, "s") + seconds.astype("timedelta64[s]")),
        quantities,
        [amount(cents) for cents in (prices[products - 1] * quantities).tolist()],
    )
    return list(zip(*(map(str, column) for column in columns), strict=True))


def _sale_ids(day: date, count: int) -> range:
    if count > MOST_SALES_A_DAY:
        raise ValueError(f"at most {MOST_SALES_A_DAY} sales a day have an identifier of their own")
    first = int(f"{day:%Y%m%d}") * (MOST_SALES_A_DAY + 1) + 1
    return range(first, first + count)
