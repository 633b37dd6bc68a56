"""The SELECT of a fact, mart or check: its text, its parameters, what it reads, where each column comes from."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import sqlglot
from psycopg import sql
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage

from sales_platform.contracts.catalog import PROJECT_ROOT
from sales_platform.contracts.table import SqlTableContract
from sales_platform.errors import ContractError

PARTITIONS = ":'partitions'"
LAYERS = ("raw", "staging", "analytics", "marts")


class Selecting(Protocol):
    """A contract whose rows are one SELECT in a file. name: of the table or check."""

    @property
    def name(self) -> str: ...

    @property
    def sql_path(self) -> str: ...


def select_text(table: Selecting, root: Path = PROJECT_ROOT) -> str:
    """The text of the SELECT. Raises ContractError that names the file when it is not there."""
    path = root / table.sql_path
    try:
        return path.read_text(encoding="utf-8").strip().rstrip(";")
    except FileNotFoundError:
        raise ContractError(
            "its SELECT is missing.", where=table.name, remedy=f"Write it to {table.sql_path}."
        ) from None


def filled_select(
    table: SqlTableContract, partitions: list[str] | None, root: Path = PROJECT_ROOT
) -> sql.Composed:
    """The SELECT with its parameters filled in, as psql would with `\\set partitions`."""
    before, *after = select_text(table, root).split(PARTITIONS)
    literal = sql.Literal("{" + ",".join(_array_item(p) for p in partitions or []) + "}")
    parts: list[sql.Composable] = [sql.SQL(before)]
    for piece in after:
        parts += [literal, sql.SQL(piece)]
    return sql.Composed(parts)


def logic_hash(table: SqlTableContract, root: Path = PROJECT_ROOT) -> str:
    """Changes when the same input would make other rows."""
    spoken = table.model_dump_json(include={"grain", "load", "dimensions"})
    return hashlib.sha256((select_text(table, root) + spoken).encode()).hexdigest()


def inputs_of(table: Selecting, root: Path = PROJECT_ROOT) -> tuple[str, ...]:
    """The warehouse tables that the SELECT reads, sorted."""
    found = {f"{t.db}.{t.name}" for t in parsed(table, root).find_all(exp.Table) if t.db in LAYERS}
    return tuple(sorted(found))


def output_columns(table: SqlTableContract) -> tuple[str, ...]:
    """The columns of the SELECT in order, without the platform's own."""
    return tuple(name for name in parsed(table).named_selects if not name.startswith("_"))


def column_lineage(table: SqlTableContract) -> dict[str, list[tuple[str, str]]]:
    """Column → (input table, input column) pairs that it is computed from; none where the SELECT hides them."""
    try:
        # all columns at once, because to resolve the names of a SELECT takes longer than to follow one
        found = lineage(None, parsed(table), schema={}, dialect="postgres", trim_selects=False)
    except (SqlglotError, ValueError):
        found = {}
    assert isinstance(found, dict)
    return {column: _origins(found[column]) if column in found else [] for column in output_columns(table)}


def _origins(node: Node) -> list[tuple[str, str]]:
    origins = set()
    for leaf in node.walk():
        source = leaf.source
        if isinstance(source, exp.Table) and source.db in LAYERS:
            origins.add((f"{source.db}.{source.name}", leaf.name.rsplit(".", 1)[-1]))
    return sorted(origins)


@lru_cache(maxsize=256)
def _parse(text: str, where: str) -> exp.Query:
    try:
        parsed = sqlglot.parse_one(text.replace(PARTITIONS, "'{}'"), dialect="postgres")
    except SqlglotError as error:
        raise ContractError(f"the SELECT cannot be read: {str(error).splitlines()[0]}", where=where) from None
    if not isinstance(parsed, exp.Query):
        raise ContractError("the file must hold one SELECT.", where=where)
    return parsed


def parsed(table: Selecting, root: Path = PROJECT_ROOT) -> exp.Query:
    """The SELECT as a tree, which is shared: read it only."""
    return _parse(select_text(table, root), table.sql_path)


def _array_item(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
