"""The contract of a fact or mart: its grain, how it is loaded, and which dimensions the engine attaches."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from sales_platform.contracts.columns import ContractModel
from sales_platform.contracts.dimension import DescribedColumn, DimensionRole


class SqlTableContract(ContractModel):
    """A table whose rows are one SELECT: `sql/<domain>/<schema>/<table>.sql`.

    load: `replace_partition` (the SELECT reads the partitions of a run), `merge` (the keys that changed) or
    `rebuild` (everything, written only where it differs).
    """

    domain: str = Field(pattern=r"^[a-z][a-z0-9]*$")
    table: str = Field(pattern=r"^(analytics|marts)\.[a-z][a-z0-9_]*$")
    description: str
    grain: tuple[str, ...] = Field(min_length=1)
    load: Literal["replace_partition", "merge", "rebuild"]
    dimensions: dict[str, DimensionRole] = Field(default_factory=dict)
    columns: dict[str, DescribedColumn] = Field(default_factory=dict)
    owner: str = "team:sales-data"

    @model_validator(mode="after")
    def _dimensions_belong_to_facts(self) -> SqlTableContract:
        if self.dimensions and self.schema_name != "analytics":
            raise ValueError("dimensions: only a fact has dimensions; a mart joins their keys itself")
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
