"""Figures, days and changes as a person reads them: the one number format of every page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sales_platform.metrics.declared import Good, Unit
from sales_platform.metrics.query import Grain

Figure = Decimal | int | float | None
NONE = "–"
SYMBOLS: Mapping[str, str] = {"INR": "₹", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
UNITS: Mapping[str, str] = {"percent": "%", "seconds": "seconds", "count": "number", "pieces": "pieces"}


@dataclass(frozen=True)
class Change:
    """text: `+3.2%`, or `+0.50 pp` between two shares. good: whether it is welcome; None where nobody minds."""

    text: str
    good: bool | None


def figure_text(value: Figure, unit: Unit, currency: str | None = None) -> str:
    """`₹1,234.56`, `8.00%`, `2.77 sec`, `1,234`; a dash where nothing is known."""
    if value is None:
        return NONE
    if unit == "money":
        sign = "-" if value < 0 else ""
        return f"{sign}{symbol(currency)}{rounded(abs(Decimal(value))):,.2f}"
    if unit == "percent":
        return f"{rounded(value):,.2f}%"
    if unit == "seconds":
        return f"{rounded(value):,.2f} sec"
    return f"{rounded(value, 0):,.0f}"


def rounded(value: Decimal | int | float, places: int = 2) -> Decimal:
    """Half away from zero, as PostgreSQL rounds, not to the even neighbour."""
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def symbol(currency: str | None) -> str:
    """`₹`, or `CHF ` where a currency has no sign that everybody knows."""
    if currency is None:
        return ""
    return SYMBOLS.get(currency, f"{currency} ")


def unit_text(unit: Unit, currency: str | None = None) -> str:
    """What an axis or a chart says of its unit: `₹ (INR)`, `%`, `seconds`."""
    if unit != "money":
        return UNITS[unit]
    if currency is None:
        return "in each currency"
    return f"{SYMBOLS[currency]} ({currency})" if currency in SYMBOLS else currency


def change_between(now: Figure, before: Figure, unit: Unit, good: Good) -> Change | None:
    """None where one of the two is not known, or where nothing stands before a growth of per cent."""
    if now is None or before is None:
        return None
    difference = Decimal(now) - Decimal(before)
    if unit == "percent":
        text = f"{rounded(difference):+,.2f} pp"
    elif before == 0:
        return None
    else:
        text = f"{rounded(100 * difference / abs(Decimal(before)), 1):+,.1f}%"
    welcome = None if good == "neither" or difference == 0 else (difference > 0) == (good == "up")
    return Change(text, welcome)


def day_text(day: date) -> str:
    """`21-Aug-2026`."""
    return day.strftime("%d-%b-%Y")


def period_text(first: date, grain: Grain) -> str:
    """A period by its first day: `21-Aug-2026`, `Week of 17-Aug-2026`, `Aug-2026`, `Q3 2026`, `2026`."""
    if grain == "day":
        return day_text(first)
    if grain == "week":
        return f"Week of {day_text(first)}"
    if grain == "quarter":
        return f"Q{(first.month + 2) // 3} {first.year}"
    return f"{first:%b-%Y}" if grain == "month" else f"{first:%Y}"


def range_text(first: date, last: date) -> str:
    return day_text(first) if first == last else f"{day_text(first)} to {day_text(last)}"


def many(word: str, number: int) -> str:
    """`1 row`, `2 rows`, `4 cities`."""
    return f"{number:,} {word if number == 1 else plural(word)}"


def plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") and word[-2] not in "aeiou" else f"{word}s"
