"""Tells the name of a seller or client from the postal address behind it, in one string. No other field."""

from __future__ import annotations

import re

# An American address begins with a house number, or with a military box, unit or ship.
_ADDRESS = re.compile(
    r"(?P<name>.*?\S) (?P<address>(?:[0-9]|(?:PSC|Unit) [0-9]|(?:USS|USNS|USNV|USCGC) [A-Z]).*)"
)


def split_party(text: str) -> tuple[str, str]:
    """Name and address of `Kane-Morgan 968 Carr Mission Bernardville, VA 28211`.

    Where no address can be made out the whole string is the name and the address is empty, never the name again
    (SOURCES 1.6, 9).
    """
    whole = " ".join(text.split())
    found = _ADDRESS.fullmatch(whole)
    return (found["name"], found["address"]) if found else (whole, "")
