"""How a value that a contract calls personal is shown to people: not at all. Which columns are, the contracts say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sales_platform.contracts.catalog import Catalog

MASKED = "***"


def shown(value: object, *, personal: bool) -> object:
    """The value, or MASKED in its place; that a value is missing tells nothing about anybody."""
    return MASKED if personal and value is not None else value


def kinds_of_columns(catalog: Catalog, feed: str) -> dict[str, str | None]:
    """Column that the feed's contract speaks of → what kind of personal data it holds."""
    if feed in catalog.feeds:
        return {name: column.pii for name, column in catalog.feeds[feed].columns.items()}
    if feed in catalog.table_feeds:
        return {name: column.pii for name, column in catalog.table_feeds[feed].spoken.columns.items()}
    return {}


def may_be_personal(catalog: Catalog, feed: str, column: str) -> bool:
    """Whether a value may be personal: its contract says so, or nobody says what it is."""
    kinds = kinds_of_columns(catalog, feed)
    if column in kinds:
        return kinds[column] is not None
    return feed not in catalog.table_feeds or column.startswith("_")
