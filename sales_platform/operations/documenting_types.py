"""Which type each column of a table will have, told from contracts and DDL alone. Asks no server and runs nothing.

Types are spelled as PostgreSQL's format_type() does. A column whose type cannot be told is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import TopologicalSorter

import sqlglot
from sqlglot import exp

from sales_platform.contracts.catalog import PROJECT_ROOT, Catalog
from sales_platform.contracts.dimension import DimensionContract, DimensionRole
from sales_platform.contracts.source import TableFeed
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.selects import inputs_of
from sales_platform.operations.documenting_selects import INSTANT, Types, select_types, spelled_type

_SHORT = ((INSTANT, "timestamptz"), ("character varying", "varchar"), ("character(", "char("))
_TABLE_STATEMENT = re.compile(r"^(?:create|alter) table .+?;$", re.MULTILINE | re.DOTALL)


def short(kind: str) -> str:
    """A type as people write it: `timestamptz` instead of the standard's words."""
    for long, word in _SHORT:
        kind = kind.replace(long, word)
    return kind


def known_types(catalog: Catalog) -> dict[str, Types]:
    """Table → column → type, from raw to marts. Of a live source: as the DDL of its simulation makes them."""
    known: dict[str, Types] = {}
    for name, feed in catalog.feeds.items():
        known[f"raw.{name}"] = dict.fromkeys((*feed.columns, "_partition"), "text")
        typed = {column: spoken.kind.sql for column, spoken in feed.columns.items()}
        known[f"staging.{name}"] = typed | {"_partition": "text"}
    for table_feed in catalog.table_feeds.values():
        known |= _of_a_source(table_feed)
    for dimension in catalog.dimensions.values():
        known[dimension.name] = _of_a_dimension(dimension, known)
    reads = {name: set(inputs_of(table)) & catalog.tables.keys() for name, table in catalog.tables.items()}
    for name in TopologicalSorter(reads).static_order():
        known[name] = _of_a_select(catalog.tables[name], known)
    return known


def _of_a_source(feed: TableFeed) -> dict[str, Types]:
    """Stamps without a zone get one on the way."""
    declared = _declared(feed.domain).get(feed.table, {})
    types = {name: kind.replace("without time zone", "with time zone") for name, kind in declared.items()}
    return {f"raw.{feed.name}": types, f"staging.{feed.name}": dict(types)}


def _declared(domain: str) -> dict[str, Types]:
    tables: dict[str, Types] = {}
    for path in sorted((PROJECT_ROOT / "sql" / domain / "source").glob("*.sql")):
        for statement in _TABLE_STATEMENT.findall(path.read_text(encoding="utf-8")):
            parsed = sqlglot.parse_one(statement, dialect="postgres")
            table = parsed.find(exp.Table)
            columns = {c.name: spelled_type(c.kind) for c in parsed.find_all(exp.ColumnDef) if c.kind}
            if table is not None:
                tables.setdefault(table.name, {}).update(columns)
    return tables


def _of_a_dimension(dimension: DimensionContract, known: Mapping[str, Types]) -> Types:
    types = {dimension.surrogate_key: "bigint", **_of_keys(dimension.dimensions)}
    for name in (*dimension.key, *dimension.attributes):
        column = dimension.source_column(name)
        if kind := known[dimension.events[0].source].get(column):
            types[name] = kind
    if dimension.has_history:
        types |= {"effective_start_date": INSTANT, "effective_end_date": INSTANT, "is_current": "boolean"}
    return types | {"is_inferred": "boolean"}


def _of_a_select(table: SqlTableContract, known: Mapping[str, Types]) -> Types:
    """What the SELECT gives, and the keys that the engine attaches."""
    timed = {f"{name}_version_inferred": "boolean" for name, role in table.dimensions.items() if role.at}
    return select_types(table, known) | _of_keys(table.dimensions) | timed


def _of_keys(roles: Mapping[str, DimensionRole]) -> Types:
    return {f"{name}_key": "bigint" for name in roles}
