"""The contract of a fact or mart: its grain, how it is loaded, and which dimensions the engine attaches."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from sales_platform.contracts.bounds import Share
from sales_platform.contracts.columns import ContractModel
from sales_platform.contracts.dimension import DescribedColumn, DimensionRole


class Figure(ContractModel):
    """An aggregate over the rows of this table and one over those of the other: SQL, or one text where they agree."""

    mine: str
    theirs: str

    @model_validator(mode="before")
    @classmethod
    def _same_on_both_sides(cls, value: object) -> object:
        return {"mine": value, "theirs": value} if isinstance(value, str) else value


class Equality(ContractModel):
    """Figures of this table that are to the last digit those of a table it is made from.

    by: columns that both have; the figures are equal for each of their values, `_partition` for each day or file, and
    without any they are equal in sum. where: SQL boolean over the other table's rows: those that count.
    """

    table: str = Field(pattern=r"^(staging|analytics|marts)\.[a-z][a-z0-9_]*$")
    by: tuple[str, ...] = ()
    where: str = "true"
    figures: dict[str, Figure] = Field(min_length=1)

    @field_validator("by", mode="before")
    @classmethod
    def _one_column(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @property
    def check_name(self) -> str:
        """`equals_retail_sales`."""
        return f"equals_{self.table.split('.')[1]}"


class SqlTableContract(ContractModel):
    """A table whose rows are one SELECT: `sql/<domain>/<schema>/<table>.sql`.

    load: `replace_partition` (the SELECT reads the partitions of a run), `merge` (the keys that changed) or
    `rebuild` (everything, written only where it differs). equals: what its figures are held against.
    unknown_rate, inferred_rate: the share of a fact's rows that, in each role, may point at the unknown member or at
    one that facts alone name, before a check warns.
    """

    domain: str = Field(pattern=r"^[a-z][a-z0-9]*$")
    table: str = Field(pattern=r"^(analytics|marts)\.[a-z][a-z0-9_]*$")
    description: str
    grain: tuple[str, ...] = Field(min_length=1)
    load: Literal["replace_partition", "merge", "rebuild"]
    dimensions: dict[str, DimensionRole] = Field(default_factory=dict)
    equals: tuple[Equality, ...] = ()
    unknown_rate: Share = Decimal("0.05")
    inferred_rate: Share = Decimal("0.05")
    columns: dict[str, DescribedColumn] = Field(default_factory=dict)
    owner: str = "team:sales-data"

    @model_validator(mode="after")
    def _dimensions_belong_to_facts(self) -> SqlTableContract:
        if self.dimensions and self.schema_name != "analytics":
            raise ValueError("dimensions: only a fact has dimensions; a mart joins their keys itself")
        return self

    @model_validator(mode="after")
    def _one_equality_per_table(self) -> SqlTableContract:
        named = [equality.check_name for equality in self.equals]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(
                f"equals: {twice[0].removeprefix('equals_')} is named twice; write its figures together"
            )
        if any(equality.table == self.table for equality in self.equals):
            raise ValueError("equals: a table is held against another one, not against itself")
        return self

    @property
    def schema_name(self) -> str:
        return self.table.split(".")[0]

    @property
    def table_name(self) -> str:
        return self.table.split(".")[1]

    @property
    def name(self) -> str:
        return self.table

    @property
    def sql_path(self) -> str:
        return f"sql/{self.domain}/{self.schema_name}/{self.table_name}.sql"
