"""The words of a registry file: what a person writes about dimensions, marts and metrics. Judges no SQL."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from sales_platform.contracts.columns import ContractModel

NAME = r"^[a-z][a-z0-9_]*$"
Unit = Literal["money", "count", "percent", "seconds", "pieces"]
Good = Literal["up", "down", "neither"]
OverTime = Literal["sum", "last"]


class Today(ContractModel):
    """What a dimension's member is now, whatever it was when the row was made.

    dimension: `dim_customer`, whose business key is in the mart's column. column: the attribute in it.
    """

    dimension: str = Field(pattern=r"^dim_[a-z0-9_]+$")
    column: str


class DeclaredDimension(ContractModel):
    """Something to group or filter by.

    column: of every mart that has the dimension; its text is the value. label: the column with a name for people,
    where the value is a number. today: the value is looked up by the column's, in the member as it stands.
    """

    title: str
    column: str
    label: str | None = None
    today: Today | None = None
    description: str = ""

    @model_validator(mode="after")
    def _one_way_to_a_name(self) -> DeclaredDimension:
        if self.label and self.today:
            raise ValueError("label: a value that is looked up has none")
        return self


class DeclaredMart(ContractModel):
    """What its metrics share.

    time: the column with the day; null for a mart that holds the present only. over_time: `sum`, or `last` for a
    level, of which the last day of a period counts and days are never added. by_currency: its rows differ in currency,
    which stands in the column `currency`. apart: dimensions that are never added up.
    """

    dimensions: tuple[str, ...] = ()
    time: str | None = "day"
    over_time: OverTime = "sum"
    by_currency: bool = False
    apart: tuple[str, ...] = ()


class DeclaredMetric(ContractModel):
    """One figure.

    unit: `percent` means that 8 is 8 %. formula: SQL of aggregates over columns of the mart. dimensions: those of the
    mart unless fewer are listed. good: the direction that is welcome. The currency of money comes from the contract of
    the columns in the formula.
    """

    title: str
    unit: Unit
    mart: str = Field(pattern=NAME)
    formula: str
    description: str
    dimensions: tuple[str, ...] | None = None
    good: Good = "neither"
    caveat: str = ""


class RegistryFile(ContractModel):
    """One file: `<domain>.yaml`."""

    dimensions: dict[str, DeclaredDimension] = Field(default_factory=dict)
    marts: dict[str, DeclaredMart] = Field(min_length=1)
    metrics: dict[str, DeclaredMetric] = Field(min_length=1)
