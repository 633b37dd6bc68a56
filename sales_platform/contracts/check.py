"""The contract of a check that is a SELECT: of which table it lists the bad rows, and how much they matter."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from sales_platform.contracts.columns import ContractModel


class SqlCheckContract(ContractModel):
    """A check of a table: `sql/<domain>/checks/<name>.sql` lists the rows that should not be.

    asset: the table, as `staging.invoicing_invoices`. severity: `error` fails `sales-platform check`, `warn` only
    tells. blocking: later tables wait until it passes. threshold: how many such rows are let pass. pii: columns of
    the SELECT whose values are masked in samples. A SELECT with a column `_partition` is asked about the days of a
    run alone.
    """

    domain: str = Field(pattern=r"^[a-z][a-z0-9]*$")
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    asset: str = Field(pattern=r"^(raw|staging|analytics|marts)\.[a-z][a-z0-9_]*$")
    description: str
    severity: Literal["error", "warn"] = "error"
    blocking: bool = False
    threshold: int = Field(0, ge=0)
    pii: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _a_warning_holds_nothing_up(self) -> SqlCheckContract:
        if self.blocking and self.severity == "warn":
            raise ValueError("blocking: only a check of severity error can hold later tables up")
        return self

    @property
    def sql_path(self) -> str:
        return f"sql/{self.domain}/checks/{self.name}.sql"
