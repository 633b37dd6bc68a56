"""Which types hold every value of another type unchanged, so that a column can take the wider one in place. No I/O.

Types are spelled as PostgreSQL's format_type() prints them.
"""

from __future__ import annotations

import re

_INTEGER_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_NUMERIC = re.compile(r"numeric\((\d+),(-?\d+)\)")
_VARYING = re.compile(r"character varying(?:\((\d+)\))?")
_UNBOUNDED = 1 << 30


def widens(standing: str, declared: str) -> bool:
    """Whether `declared` holds every value that `standing` can hold, as the same value (S-56)."""
    if standing in _INTEGER_DIGITS and declared in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[standing] < _INTEGER_DIGITS[declared]
    if (numbers := _digits(standing)) and (wider := _digits(declared)):
        return declared not in _INTEGER_DIGITS and numbers[0] <= wider[0] and numbers[1] <= wider[1]
    if length := _length(standing):
        return declared == "text" or length < (_length(declared) or 0)
    return False


def _digits(kind: str) -> tuple[int, int] | None:
    """Digits before and after the point that a number of this type can have."""
    if kind in _INTEGER_DIGITS:
        return _INTEGER_DIGITS[kind], 0
    if kind == "numeric":
        return _UNBOUNDED, _UNBOUNDED
    match = _NUMERIC.fullmatch(kind)
    return (int(match[1]) - int(match[2]), int(match[2])) if match else None


def _length(kind: str) -> int | None:
    match = _VARYING.fullmatch(kind)
    return int(match[1] or _UNBOUNDED) if match else None
