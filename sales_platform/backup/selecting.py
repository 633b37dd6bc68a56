"""Which definitions some tables need, of all that a backup holds. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sales_platform.backup.manifest import Definition, Manifest, TableCopy
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


def named(manifest: Manifest, names: Sequence[str]) -> list[TableCopy]:
    """The tables that a person named, with the partitions below them: `schema.table`, or the bare name where it is
    the only one. Raises WrongUse.
    """
    known = sorted({title for one in manifest.tables for title in (one.title, *one.above)})
    wanted: set[str] = set()
    for name in names:
        fitting = [title for title in known if name in (title, title.partition(".")[2])]
        if len(fitting) != 1:
            what = (
                "several tables of the backup have this name" if fitting else "the backup has no such table"
            )
            raise WrongUse(
                f"{what}: {name}.", where=manifest.id, remedy=f"It has {', '.join(known) or 'none'}."
            )
        wanted.update(fitting)
    return [one for one in manifest.tables if wanted.intersection([one.title, *one.above])]


def of_copies(manifest: Manifest, copies: Sequence[TableCopy], standing: Collection[str]) -> list[Definition]:
    """What makes these tables, and those above them that do not stand; none for none."""
    titles = {title for one in copies for title in (one.title, *one.above)}.difference(standing)
    tables = {one.table for one in manifest.definitions if one.table and ".".join(one.table) in titles}
    return of_tables(manifest.definitions, tables) if copies else []
