"""What `sales-platform simulate` does: choose the days, let a generator write them. Draws no rows itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sales_platform.errors import WrongUse
from sales_platform.settings import Settings

if TYPE_CHECKING:
    from sales_platform.sources.placing import PlacedFiles

DEFAULT_DAYS = 30
DEFAULT_SEED = 42


@dataclass(frozen=True)
class Simulation:
    """What a simulation left below the data folder: one entry per table, for the days `first` to `last`."""

    first: date
    last: date
    written: tuple[PlacedFiles, ...]


def simulate_retail(
    settings: Settings,
    *,
    days: int = DEFAULT_DAYS,
    end: date | None = None,
    seed: int = DEFAULT_SEED,
    dirt: bool = False,
) -> Simulation:
    """Write the retail files of `days` days up to `end`, by default yesterday in the business time zone.

    Raises WrongUse for a range without a day, a negative seed and days before the simulated company's first.
    """
    from sales_platform.sources.retail.generator import generate

    if days < 1:
        raise WrongUse("at least one day is needed.", where="--days")
    last = end or yesterday(settings)
    if days > last.toordinal():
        raise WrongUse(
            "the range begins before the calendar does.", where="--days", remedy="Ask for fewer days."
        )
    first = last - timedelta(days=days - 1)
    written = generate(settings.data, first=first, last=last, seed=seed, dirt=dirt)
    return Simulation(first, last, tuple(written))


def yesterday(settings: Settings) -> date:
    """The last business day that is over."""
    return datetime.now(settings.zone).date() - timedelta(days=1)
