"""How a value that a contract calls personal is shown to people: not at all. Which columns are, the contracts say."""

from __future__ import annotations

MASKED = "***"


def shown(value: object, *, personal: bool) -> object:
    """The value, or MASKED in its place; that a value is missing tells nothing about anybody."""
    return MASKED if personal and value is not None else value
