"""What `sales-platform simulate channels` does: choose the days, let the generator write them. Draws no rows itself."""

from __future__ import annotations

from datetime import date, timedelta

from sales_platform.errors import WrongUse
from sales_platform.operations.simulating import DEFAULT_DAYS, DEFAULT_SEED, Simulation, yesterday
from sales_platform.settings import Settings


def simulate_channels(
    settings: Settings, *, first: date | None = None, last: date | None = None, seed: int = DEFAULT_SEED
) -> Simulation:
    """Write the payment files of the days `first` to `last`: by default 30 days up to yesterday.

    Raises WrongUse for a range without a day and for a negative seed.
    """
    from sales_platform.sources.channels.generator import generate

    end = last or yesterday(settings)
    if first is None and end.toordinal() < DEFAULT_DAYS:
        raise WrongUse(
            "the range begins before the calendar does.",
            where="--to",
            remedy="Say the first day with --from.",
        )
    begin = first or end - timedelta(days=DEFAULT_DAYS - 1)
    return Simulation(begin, end, (generate(settings.data, first=begin, last=end, seed=seed),))
