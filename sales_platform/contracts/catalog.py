"""All contracts of the platform at once, read from the `defs.yaml` documents below a folder. Knows no
Dagster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.reading import read_contract
from sales_platform.contracts.source import PostgresFeedContract, TableFeed
from sales_platform.contracts.table import SqlTableContract
from sales_platform.settings import load_settings

PROJECT_ROOT = Path(__file__).parents[2]
DEFS_FOLDER = Path(__file__).parents[1] / "defs"

# Written in C where PyYAML was built with it, and then ten times as fast; both read plain values only.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

AnyContract = FileFeedContract | PostgresFeedContract | DimensionContract | SqlTableContract

_MODELS: dict[str, type[AnyContract]] = {
    "sales_platform.components.FileFeed": FileFeedContract,
    "sales_platform.components.PostgresFeed": PostgresFeedContract,
    "sales_platform.components.Dimension": DimensionContract,
    "sales_platform.components.SqlTable": SqlTableContract,
}


@dataclass(frozen=True)
class Catalog:
    """Contracts by name: file feeds and tables of OLTP sources by `retail_sales`, sources by domain, dimensions by
    `dim_customer`, tables by `analytics.fact_sales`.

    root: the folder in which `sql/` lies.
    """

    feeds: dict[str, FileFeedContract] = field(default_factory=dict)
    sources: dict[str, PostgresFeedContract] = field(default_factory=dict)
    table_feeds: dict[str, TableFeed] = field(default_factory=dict)
    dimensions: dict[str, DimensionContract] = field(default_factory=dict)
    tables: dict[str, SqlTableContract] = field(default_factory=dict)
    root: Path = PROJECT_ROOT

    def add(self, contract: AnyContract) -> None:
        if isinstance(contract, FileFeedContract):
            self.feeds[contract.name] = contract
        elif isinstance(contract, PostgresFeedContract):
            self.sources[contract.domain] = contract
            self.table_feeds.update({feed.name: feed for feed in contract.feeds})
        elif isinstance(contract, DimensionContract):
            self.dimensions[contract.table] = contract
        else:
            self.tables[contract.table] = contract


def read_catalog(folder: Path = DEFS_FOLDER) -> Catalog:
    """Read every contract below `folder`, as the settings switch it. Raises ContractError that names file and
    document.
    """
    return _read(folder, frozenset(load_settings().switches().items()))


def as_switched(feed: FileFeedContract, switches: Mapping[str, bool]) -> FileFeedContract:
    """A feed's contract as the settings switch it."""
    return feed.switched(frozenset(name for name, on in switches.items() if on), frozenset(switches))


@lru_cache(maxsize=8)
def _read(folder: Path, switches: frozenset[tuple[str, bool]]) -> Catalog:
    catalog = Catalog()
    for path in sorted(folder.rglob("defs.yaml")):
        for number, document in enumerate(yaml.load_all(path.read_text(encoding="utf-8"), _LOADER), start=1):
            where = f"{path.relative_to(folder.parent)} document {number}"
            _add_document(catalog, document or {}, where, dict(switches))
    return catalog


def _add_document(
    catalog: Catalog, document: dict[str, Any], where: str, switches: Mapping[str, bool]
) -> None:
    model = _MODELS.get(str(document.get("type")))
    if model is not None:
        contract = read_contract(model, document.get("attributes") or {}, where)
        catalog.add(as_switched(contract, switches) if isinstance(contract, FileFeedContract) else contract)
