"""Which definitions some tables need, of all that a backup holds. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sales_platform.backup.manifest import Definition, Manifest
from sales_platform.errors import WrongUse

Table = tuple[str, str]
# What a table may be made of, and no other table is.
FOUNDATIONS = frozenset(
    [
        *("SCHEMA", "TYPE", "SHELL TYPE", "DOMAIN", "COLLATION", "FUNCTION", "PROCEDURE", "AGGREGATE"),
        *("OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY", "CAST", "TEXT SEARCH CONFIGURATION"),
    ]
)


def of_tables(definitions: Sequence[Definition], tables: Collection[Table]) -> list[Definition]:
    """Their own definitions, and the schemas, types and functions that they may use."""
    return [
        one
        for one in definitions
        if one.table in tables or (one.table is None and one.kind in FOUNDATIONS and not one.after_data)
    ]


def named(manifest: Manifest, names: Sequence[str]) -> list[Table]:
    """The tables that a person named: `schema.table`, or the bare name where it is the only one. Raises WrongUse."""
    known = [(one.schema, one.name) for one in manifest.tables]
    found: list[Table] = []
    for name in names:
        fitting = [one for one in known if name in (one[1], ".".join(one))]
        if len(fitting) != 1:
            what = (
                "several tables of the backup have this name" if fitting else "the backup has no such table"
            )
            raise WrongUse(
                f"{what}: {name}.",
                where=manifest.id,
                remedy=f"It has {', '.join('.'.join(one) for one in known) or 'none'}.",
            )
        found += [one for one in fitting if one not in found]
    return found
