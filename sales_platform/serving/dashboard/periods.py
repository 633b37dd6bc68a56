"""Which days a page shows, and by what they are added up: chosen by the visitor, kept in the address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import streamlit as st

from sales_platform.errors import WrongParameter
from sales_platform.metrics.query import Grain

# what stands in the address too → days
RANGES = {"Last 7 days": 7, "Last 30 days": 30, "Last 90 days": 90, "Last 365 days": 365}
DEFAULT, ALL_DAYS, CUSTOM = "Last 30 days", "All days", "From … to …"
GRAINS = ("Automatic", "Day", "Week", "Month", "Quarter", "Year")
# up to so many days a chart shows days, then weeks, then months
DAYS_SHOWN, WEEKS_SHOWN = 92, 400
EARLIEST, LATEST = date(1990, 1, 1), date(2100, 12, 31)


@dataclass(frozen=True)
class Period:
    """first, last: both included. grain: of its charts. known_from: the first day of which anything is known."""

    first: date
    last: date
    grain: Grain
    known_from: date | None = None


def chosen_range(default: str = DEFAULT, *, custom: bool = True) -> str:
    """One of RANGES, ALL_DAYS or CUSTOM. custom: days of one's own may be chosen too."""
    offered = [*RANGES, ALL_DAYS, *([CUSTOM] if custom else [])]
    return str(st.selectbox("Range", offered, offered.index(default), key="range", bind="query-params"))


def chosen_grain() -> str:
    return str(st.selectbox("Add up by", GRAINS, key="grain", bind="query-params"))


def chosen_days(first: date, last: date) -> tuple[date, date]:
    """Two fields. Raises WrongParameter for a range that ends before it begins."""
    with st.container(horizontal=True):
        return _two_days(first, last)


def _two_days(first: date, last: date) -> tuple[date, date]:
    begin = st.date_input("From", first, EARLIEST, LATEST, "from", format="YYYY-MM-DD", bind="query-params")
    end = st.date_input("To", last, EARLIEST, LATEST, "to", format="YYYY-MM-DD", bind="query-params")
    if begin > end:
        raise WrongParameter("the day in From is after the one in To.", parameter="from")
    return begin, end


def period_of(
    chosen: str, span: tuple[date, date], today: date, custom: tuple[date, date] | None, grain: str
) -> Period:
    """span: the days of which anything is known. A range of so many days ends with the newest of them, but no later
    than today, because an invoice may bear a date to come.
    """
    newest = max(min(span[1], today), span[0])
    if custom:
        first, last = custom
    elif chosen == ALL_DAYS:
        first, last = span
    else:
        first, last = newest - timedelta(days=RANGES[chosen] - 1), newest
    return Period(first, last, _grain(grain, (last - first).days + 1), span[0])


def _grain(chosen: str, days: int) -> Grain:
    if chosen != GRAINS[0]:
        return cast(Grain, chosen.lower())
    return "day" if days <= DAYS_SHOWN else "week" if days <= WEEKS_SHOWN else "month"
