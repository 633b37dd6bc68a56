"""The words for column types that a contract may use, and what each means to PostgreSQL. No SQL is built
here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PLAIN_TYPES = (
    "text", "smallint", "integer", "bigint", "numeric", "boolean", "date", "timestamptz", "uuid", "jsonb",
)  # fmt: skip

_NUMERIC = re.compile(r"numeric\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")


@dataclass(frozen=True)
class ColumnType:
    """A PostgreSQL type as a contract names it; precision and scale only for `numeric(p,s)`."""

    name: str
    precision: int | None = None
    scale: int | None = None

    @property
    def sql(self) -> str:
        """The type as PostgreSQL's format_type() prints it, so that it compares with the catalog."""
        if self.name == "timestamptz":
            return "timestamp with time zone"
        return f"numeric({self.precision},{self.scale})" if self.precision is not None else self.name

    @property
    def is_number(self) -> bool:
        return self.name in {"smallint", "integer", "bigint", "numeric"}


def parse_type(word: str) -> ColumnType:
    """Read `text`, `bigint`, `numeric(12,2)`, … Raises ValueError that lists the vocabulary."""
    cleaned = word.strip().lower()
    if match := _NUMERIC.fullmatch(cleaned):
        return ColumnType("numeric", int(match[1]), int(match[2] or 0))
    if cleaned in PLAIN_TYPES:
        return ColumnType(cleaned)
    raise ValueError(f"unknown type {word!r}; known: {', '.join(PLAIN_TYPES)}, numeric(p,s)")
