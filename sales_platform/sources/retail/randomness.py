"""The one place where the retail generator gets its chance from: a stream for a seed, a purpose and a day.

No stream depends on another, so a day's rows are the same however many days are generated around it.
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is drawn for. Changing a number changes every file that was generated with it."""

    MASTER_DATA = 1
    SALES = 2
    UPDATES = 3
    CUSTOMER_DIRT = 4
    SALES_DIRT = 5
    UPDATE_DIRT = 6
    LATE_REGISTRATION = 7


def stream(seed: int, purpose: Purpose, day: date | None = None) -> np.random.Generator:
    """The random numbers of one purpose, of one day where it has days."""
    return np.random.default_rng(np.random.SeedSequence([seed, purpose, day.toordinal() if day else 0]))
