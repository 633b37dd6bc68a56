"""How numbers and dates are written in invoice documents, read into values. Knows no document and no rule."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from sales_platform.sources.invoicing.amounts import CENT

# Whole digits in one row, or in groups of three behind one kind of separator; then at most cents.
_NUMBER = re.compile(r"(-?)([0-9]+|[0-9]{1,3}(?:([ .])[0-9]{3})(?:\3[0-9]{3})*)(?:,([0-9]{1,2}))?")
_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:,[0-9]{1,2})?) ?%")
_DATE = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")


def read_number(text: str) -> Decimal | None:
    """`2.040,00` or `1 234,5` or `8` as a number of at most two decimals; None for anything else (SOURCES 1.2)."""
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return None
    sign, whole, separator, cents = found.groups()
    return Decimal(f"{sign}{whole.replace(separator or ' ', '')}.{cents or '0'}").quantize(CENT)


def read_amount(text: str) -> Decimal | None:
    """A number with or without a dollar sign before it, `$ 1 234,56`, in dollars; None for anything else."""
    return read_number(text.strip().removeprefix("$"))


def read_percentage(text: str) -> Decimal | None:
    """`10%` as 10.00; None for anything else."""
    found = _PERCENTAGE.fullmatch(text.strip())
    return Decimal(found[1].replace(",", ".")).quantize(CENT) if found else None


def read_date(text: str) -> date | None:
    """`MM/DD/YYYY` as a day of the calendar; None for anything else."""
    if not _DATE.fullmatch(text.strip()):
        return None
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y").date()
    except ValueError:
        return None
