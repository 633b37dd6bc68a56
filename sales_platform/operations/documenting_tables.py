"""What is known of every table without a server: its asset, contract, columns, origins, neighbours. Writes no text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sales_platform.components.metadata import (
    PLATFORM_COLUMNS,
    TYPE_OF_THE_SELECT,
    TYPE_OF_THE_SOURCE,
)
from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.source import LOG_COLUMNS, TableFeed
from sales_platform.contracts.table import SqlTableContract
from sales_platform.operations.documenting_types import known_types, short

if TYPE_CHECKING:
    import dagster as dg

Contract = FileFeedContract | TableFeed | DimensionContract | SqlTableContract
UNTOLD = (TYPE_OF_THE_SELECT, TYPE_OF_THE_SOURCE)


@dataclass(frozen=True)
class DocumentedColumn:
    """type: empty where only a server knows it. origins: source columns, or the last ones that can be told."""

    name: str
    type: str
    meaning: str
    unit: str
    pii: str
    origins: tuple[str, ...]


@dataclass(frozen=True)
class DocumentedCheck:
    name: str
    asks: str
    blocking: bool


@dataclass(frozen=True)
class DocumentedTable:
    """name: `analytics.fact_sales`. reads, read_by: names of assets, tables written with a point."""

    name: str
    domain: str
    owner: str
    description: str
    contract: Contract
    columns: tuple[DocumentedColumn, ...]
    checks: tuple[DocumentedCheck, ...]
    reads: tuple[str, ...]
    read_by: tuple[str, ...]

    @property
    def layer(self) -> str:
        return self.name.split(".")[0]

    @property
    def key(self) -> tuple[str, ...]:
        """What a row is one of."""
        if isinstance(self.contract, DimensionContract):
            return (self.contract.surrogate_key,)
        if isinstance(self.contract, SqlTableContract):
            return self.contract.grain
        if self.layer == "staging":
            return self.contract.staging_key
        if isinstance(self.contract, TableFeed):
            return (*self.contract.key, "_load_id")
        return ("_load_id", "_partition", "_source_row")

    @property
    def is_fact(self) -> bool:
        return isinstance(self.contract, SqlTableContract) and bool(self.contract.dimensions)


def documented_tables(catalog: Catalog, definitions: dg.Definitions) -> dict[str, DocumentedTable]:
    """Every table of the definitions by name, sorted."""
    specs = {_name(spec.key): spec for spec in definitions.resolve_all_asset_specs()}
    contracts = _contracts(catalog)
    types = known_types(catalog)
    origins = Origins(specs)
    checks = _checks(definitions)
    tables = {}
    for name in sorted(name for name, spec in specs.items() if "dagster/table_name" in spec.metadata):
        spec, contract = specs[name], contracts[name]
        tables[name] = DocumentedTable(
            name=name,
            domain=spec.group_name or "",
            owner=", ".join(spec.owners),
            description=spec.description or "",
            contract=contract,
            columns=tuple(
                _column(column, types.get(name, {}), origins.of(name, column.name))
                for column in _in_order(contract, _schema(spec, name, contract))
            ),
            checks=tuple(checks.get(name, [])),
            reads=tuple(sorted(_name(dep.asset_key) for dep in spec.deps)),
            read_by=tuple(sorted(n for n, s in specs.items() if spec.key in {d.asset_key for d in s.deps})),
        )
    return tables


class Origins:
    """Follows columns from table to table, as far as the assets tell."""

    def __init__(self, specs: Mapping[str, dg.AssetSpec]) -> None:
        self.specs = specs

    def of(self, table: str, column: str) -> tuple[str, ...]:
        """`source/retail_sales.revenue` for `marts.retail_sales_daily`, `revenue`; empty for what is made here."""
        found = self._ends(table, column, frozenset())
        return tuple(sorted(found - {_written(table, column)}))

    def _ends(self, table: str, column: str, seen: frozenset[tuple[str, str]]) -> set[str]:
        nearest = [pair for pair in self._nearest(table, column) if pair not in seen]
        if not nearest:
            return {_written(table, column)}
        return {end for pair in nearest for end in self._ends(*pair, seen | {(table, column)})}

    def _nearest(self, table: str, column: str) -> list[tuple[str, str]]:
        spec = self.specs.get(table)
        lineage = spec.metadata.get("dagster/column_lineage") if spec else None
        if lineage is not None:
            deps = lineage.deps_by_column.get(column, [])
            return [(_name(dep.asset_key), dep.column_name) for dep in deps]
        layer, _, name = table.partition(".")
        below = {"staging": "raw", "raw": "source"}.get(layer)
        # raw and staging carry a column on under its own name; the platform's own columns come from nowhere
        return [(f"{below}.{name}", column)] if below and not column.startswith("_") else []


def _written(table: str, column: str) -> str:
    return f"{table.replace('source.', 'source/')}.{column}"


def _name(key: dg.AssetKey) -> str:
    return ".".join(key.path)


def _contracts(catalog: Catalog) -> dict[str, Contract]:
    feeds: dict[str, FileFeedContract | TableFeed] = {**catalog.feeds, **catalog.table_feeds}
    layered: dict[str, Contract] = {
        f"{layer}.{name}": f for name, f in feeds.items() for layer in ("raw", "staging")
    }
    return layered | {d.name: d for d in catalog.dimensions.values()} | dict(catalog.tables)


def _checks(definitions: dg.Definitions) -> dict[str, list[DocumentedCheck]]:
    graph = definitions.resolve_asset_graph()
    found: dict[str, list[DocumentedCheck]] = {}
    for key in sorted(graph.asset_check_keys, key=lambda key: key.name):
        spec = graph.get_check_spec(key)
        told = DocumentedCheck(spec.name, spec.description or "", spec.blocking)
        found.setdefault(_name(spec.asset_key), []).append(told)
    return found


def _schema(spec: dg.AssetSpec, name: str, contract: Contract) -> list[dg.TableColumn]:
    """What the asset shows; of a live source's table also the columns that the platform adds."""
    import dagster as dg

    columns: list[dg.TableColumn] = list(spec.metadata["dagster/column_schema"].columns)
    if not isinstance(contract, TableFeed):
        return columns
    staged = ("_event_at", "_deleted", "_load_id") if contract.versions else ("_load_id",)
    added = LOG_COLUMNS if name.startswith("raw.") else staged
    return [*columns, *(dg.TableColumn(column, *PLATFORM_COLUMNS[column]) for column in added)]


def _in_order(contract: Contract, columns: Iterable[dg.TableColumn]) -> list[dg.TableColumn]:
    """A surrogate key, then as the contract lists them, then what the platform adds."""
    surrogate = [contract.surrogate_key] if isinstance(contract, DimensionContract) else []
    places = {name: place for place, name in enumerate([*surrogate, *contract.columns])}
    return sorted(columns, key=lambda column: places.get(column.name, len(places)))


def _column(column: dg.TableColumn, types: Mapping[str, str], origins: tuple[str, ...]) -> DocumentedColumn:
    shown = "" if column.type in UNTOLD else column.type
    return DocumentedColumn(
        name=column.name,
        type=short(types.get(column.name, shown)),
        meaning=column.description or "",
        unit=column.tags.get("currency") or column.tags.get("unit") or "",
        pii=column.tags.get("pii", ""),
        origins=origins,
    )
