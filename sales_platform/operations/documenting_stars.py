"""The star diagram of a domain in Mermaid's words: facts, their dimensions, the marts made of them. No other text."""

from __future__ import annotations

from collections.abc import Mapping

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.operations.documenting_tables import DocumentedColumn, DocumentedTable

CALENDAR = "analytics.dim_date"
Tables = Mapping[str, DocumentedTable]


def star(domain: str, tables: Tables) -> str | None:
    """An `erDiagram`; None for a domain without a fact or mart."""
    facts = [t for t in tables.values() if t.domain == domain and t.is_fact]
    marts = [t for t in tables.values() if t.domain == domain and t.layer == "marts"]
    if not facts and not marts:
        return None
    around = {name: tables[name] for fact in facts for name, _ in _points(fact)}
    around |= {t.name: t for t in tables.values() if t.domain == domain and _is_dimension(t)}
    lines = [line for table in around.values() for line in _ties(table)]
    lines += [line for fact in facts for line in _ties(fact)]
    lines += [_feeds(tables[name], mart) for mart in marts for name in _made_of(mart, tables)]
    boxes = [box for table in (*around.values(), *facts, *marts) for box in _box(table)]
    return "\n".join(["erDiagram", *(f"    {line}" for line in (*lines, *boxes))])


def _is_dimension(table: DocumentedTable) -> bool:
    return isinstance(table.contract, DimensionContract)


def _points(table: DocumentedTable) -> list[tuple[str, str]]:
    """(dimension, column of the table that points at it)."""
    roles = (
        table.contract.dimensions if isinstance(table.contract, SqlTableContract | DimensionContract) else {}
    )
    keys = [(f"analytics.{role.dimension}", f"{name}_key") for name, role in roles.items()]
    return [*keys, *((CALENDAR, name) for name in _date_keys(table))]


def _date_keys(table: DocumentedTable) -> list[str]:
    if not table.is_fact:
        return []
    return [column.name for column in table.columns if column.name.endswith("date_key")]


def _ties(table: DocumentedTable) -> list[str]:
    return [f"{_short(dimension)} ||--o{{ {_short(table.name)} : {key}" for dimension, key in _points(table)]


def _made_of(mart: DocumentedTable, tables: Tables) -> list[str]:
    """Its facts; its dimensions where it has none."""
    read = [name for name in mart.reads if name in tables]
    return [name for name in read if tables[name].is_fact] or read


def _feeds(table: DocumentedTable, mart: DocumentedTable) -> str:
    """Many rows make one, and one may count in many, as an open amount does on every day."""
    return f"{_short(table.name)} }}o..o{{ {_short(mart.name)} : makes"


def _box(table: DocumentedTable) -> list[str]:
    pointing = {column for _, column in _points(table)}
    business = table.contract.key if isinstance(table.contract, DimensionContract) else ()
    versions = isinstance(table.contract, DimensionContract) and table.contract.has_history
    rows = []
    for column in table.columns:
        marks = ["PK"] * (column.name in table.key) + ["FK"] * (column.name in pointing)
        marks += ['"in versions"' if versions else "UK"] * (column.name in business)
        if marks or (not _is_dimension(table) and table.name != CALENDAR and _is_measure(column)):
            rows.append(f"    {_word(column.type)} {column.name} {', '.join(marks)}".rstrip())
    return [f"{_short(table.name)} {{", *rows, "}"]


def _is_measure(column: DocumentedColumn) -> bool:
    return bool(column.unit) or column.type.startswith("numeric")


def _short(name: str) -> str:
    return name.split(".")[1]


def _word(kind: str) -> str:
    """Mermaid takes one word for a type."""
    return kind.partition("(")[0] or "unknown"
