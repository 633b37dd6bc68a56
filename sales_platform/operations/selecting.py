"""What a selection stands for: assets, in the order of their domains, with the contracts behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.table import SqlTableContract

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class Selected:
    """The chosen assets of one domain, as names such as `staging/retail_sales`. by_file: with a partition per file."""

    domain: str
    daily: tuple[str, ...]
    undated: tuple[str, ...]
    by_file: tuple[str, ...] = ()

    def daily_feeds(self, catalog: Catalog) -> list[FileFeedContract]:
        """Feeds whose files land by day."""
        chosen = {name.removeprefix("raw/") for name in self.daily if name.startswith("raw/")}
        return [feed for name, feed in catalog.feeds.items() if name in chosen]

    def file_feeds(self, catalog: Catalog) -> list[FileFeedContract]:
        """Feeds with a partition per file."""
        chosen = {name.removeprefix("raw/") for name in self.by_file if name.startswith("raw/")}
        return [feed for name, feed in catalog.feeds.items() if name in chosen]

    def daily_tables(self, catalog: Catalog) -> list[SqlTableContract]:
        """Facts and marts with daily partitions."""
        return [table for name, table in catalog.tables.items() if name.replace(".", "/") in self.daily]

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.undated, *self.daily, *self.by_file)

    @property
    def daily_analytics(self) -> tuple[str, ...]:
        """Daily assets that come after staging."""
        return tuple(name for name in self.daily if not name.startswith(("raw/", "staging/")))


def select(definitions: dg.Definitions, selection: str) -> list[Selected]:
    """The assets of a selection by domain, in an order in which each domain comes after those it reads from.

    Raises WrongUse for a selection that is empty or cannot be read.
    """
    from sales_platform.operations.materializing import select_assets

    graph = definitions.resolve_asset_graph()
    chosen: dict[str, list[dg.AssetKey]] = {}
    for key in select_assets(definitions, selection):
        chosen.setdefault(graph.get(key).group_name or "default", []).append(key)
    parents = {
        domain: {
            graph.get(parent).group_name or "default"
            for key in keys
            for parent in graph.get(key).parent_keys
            if graph.has(parent) and graph.get(parent).group_name != domain
        }
        & chosen.keys()
        for domain, keys in chosen.items()
    }
    return [
        _sorted_out(domain, {key.to_user_string(): graph.get(key).partitions_def for key in chosen[domain]})
        for domain in TopologicalSorter(parents).static_order()
    ]


def _sorted_out(domain: str, assets: Mapping[str, dg.PartitionsDefinition[str] | None]) -> Selected:
    import dagster as dg

    by_file = {name for name, cut in assets.items() if isinstance(cut, dg.DynamicPartitionsDefinition)}
    return Selected(
        domain,
        daily=tuple(name for name, cut in assets.items() if cut is not None and name not in by_file),
        undated=tuple(name for name, cut in assets.items() if cut is None),
        by_file=tuple(name for name in assets if name in by_file),
    )


def as_selection(names: Iterable[str]) -> str:
    """Dagster's selection syntax for exactly these assets."""
    return " or ".join(f'key:"{name}"' for name in names)


def known_tables(catalog: Catalog | None = None) -> list[str]:
    """Every table that the platform makes from staging on, as `staging.retail_sales`."""
    catalog = catalog or read_catalog()
    return [
        *(f"staging.{name}" for name in (*catalog.feeds, *catalog.table_feeds)),
        *(dimension.name for dimension in catalog.dimensions.values()),
        *catalog.tables,
    ]


def tables_of(selected: Sequence[Selected]) -> list[str]:
    """The tables among selected assets that can be rebuilt, as `staging.retail_sales`."""
    names = {name.replace("/", ".") for domain in selected for name in domain.all}
    return [name for name in known_tables() if name in names]
