"""What `sales-platform rebuild` does: make tables anew from raw, or prove that this would change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sales_platform.contracts.catalog import read_catalog
from sales_platform.errors import WrongUse
from sales_platform.operations.opening import open_warehouse
from sales_platform.operations.selecting import known_tables, select, tables_of
from sales_platform.settings import Settings

if TYPE_CHECKING:
    from sales_platform.engine.rebuild import Difference


def rebuild(settings: Settings, selection: str | None, on_table: Callable[[str, float], None]) -> list[str]:
    """Rebuild the selected tables in place, one transaction per table, in the order of their dependencies.

    on_table hears the name and seconds of each that is done. Returns the names.
    """
    from sales_platform.engine.rebuild import rebuild as rebuild_tables

    names = _names(selection)
    done = []
    with open_warehouse(settings) as warehouse:
        for name, report in rebuild_tables(warehouse, read_catalog(), names):
            on_table(name, report.seconds)
            done.append(name)
    return done


def verify(settings: Settings, selection: str | None = None) -> list[Difference]:
    """Rebuild into a scratch schema and compare row by row, surrogate keys included. Empty: equal."""
    from sales_platform.engine.rebuild import verify as verify_tables

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
