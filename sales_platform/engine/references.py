"""Which fact points at which dimension, and by which columns. Neither resolves a key nor moves one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract, DimensionRole
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.tables import TableName, identifiers
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import ContractError


@dataclass(frozen=True)
class Reference:
    """One role of a fact. business_columns: the fact's columns with the dimension's key, in the key's order."""

    fact: TableName
    role: str
    dimension: DimensionContract
    business_columns: tuple[str, ...]
    at: str | None

    @property
    def key_column(self) -> str:
        return f"{self.role}_key"

    @property
    def inferred_column(self) -> str:
        return f"{self.role}_version_inferred"

    @property
    def added_columns(self) -> tuple[str, ...]:
        return (self.key_column, self.inferred_column) if self.dimension.has_history else (self.key_column,)


def references_of(
    table: SqlTableContract | DimensionContract, dimensions: Mapping[str, DimensionContract]
) -> list[Reference]:
    """The roles of a table, by the dimensions that are known. Raises ContractError for one that is not."""
    unknown = [spoken.dimension for spoken in table.dimensions.values() if spoken.dimension not in dimensions]
    if unknown:
        raise ContractError(f"there is no dimension {unknown[0]}.", where=table.name)
    return [
        _reference(TableName.parse(table.name), role, spoken, dimensions[spoken.dimension])
        for role, spoken in table.dimensions.items()
    ]


def _reference(table: TableName, role: str, spoken: DimensionRole, dimension: DimensionContract) -> Reference:
    columns = tuple(spoken.by.get(name, name) for name in dimension.key)
    return Reference(table, role, dimension, columns, spoken.at)


def declare_references(connection: Connection, references: list[Reference]) -> None:
    """Write down which fact points where, so that a refresh of the dimension finds it; index the fact for
    that.
    """
    for reference in references:
        fact = reference.fact
        connection.execute(
            """
            insert into ops.dimension_reference (fact, role, dimension, business_columns, at_column)
            values (%s, %s, %s, %s, %s)
            on conflict (fact, role) do update set dimension = excluded.dimension,
                business_columns = excluded.business_columns, at_column = excluded.at_column
            """,
            [
                str(fact),
                reference.role,
                reference.dimension.table,
                list(reference.business_columns),
                reference.at,
            ],
        )
        connection.execute(
            sql.SQL("create index if not exists {} on {} ({})").format(
                sql.Identifier(f"{fact.table}_by_{reference.role}"),
                fact.sql,
                identifiers(reference.business_columns),
            )
        )


def referencing_facts(connection: Connection, dimension: DimensionContract) -> list[str]:
    rows = connection.execute(
        "select distinct fact from ops.dimension_reference where dimension = %s", [dimension.table]
    ).fetchall()
    return [row[0] for row in rows]
