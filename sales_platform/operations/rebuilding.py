"""What `sales-platform rebuild` does: make tables anew from raw, or prove that this would change nothing."""

from __future__ import annotations

from collections.abc import Callable

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.rebuild import Difference, Rebuilt, never_landed
from sales_platform.engine.rebuild import rebuild as rebuild_tables
from sales_platform.engine.rebuild import verify as verify_tables
from sales_platform.errors import WrongUse
from sales_platform.operations.opening import open_warehouse
from sales_platform.operations.selecting import known_tables, select, tables_of
from sales_platform.settings import Settings

__all__ = ["Difference", "Rebuilt", "rebuild", "verify"]


def rebuild(
    settings: Settings, selection: str | None = None, on_table: Callable[[Rebuilt], None] = lambda _done: None
) -> list[Rebuilt]:
    """Rebuild the selected tables in place, one transaction per table, in the order of their dependencies.

    Without a selection, all that raw says something of. on_table hears of each that is done.
    """
    names = _names(selection)
    done = []
    with open_warehouse(settings) as warehouse:
        if selection is None:
            absent = never_landed(warehouse, read_catalog())
            names = [name for name in names if name not in absent]
        for rebuilt in rebuild_tables(warehouse, read_catalog(), names):
            on_table(rebuilt)
            done.append(rebuilt)
    return done


def verify(settings: Settings, selection: str | None = None) -> list[Difference]:
    """Rebuild into a scratch schema and compare row by row, surrogate keys included. Empty: equal."""
    with open_warehouse(settings) as warehouse:
        return list(verify_tables(warehouse, read_catalog(), _names(selection) if selection else None))


def _names(selection: str | None) -> list[str]:
    if selection is None:
        return known_tables()
    from sales_platform.definitions import defs

    names = tables_of(select(defs(), selection))
    if not names:
        raise WrongUse("the selection holds no table that can be rebuilt from raw.", where=selection)
    return names
