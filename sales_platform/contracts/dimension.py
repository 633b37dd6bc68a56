"""The contract of a dimension: its key, which changes open a version, and where its events come from."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, model_validator

from sales_platform.contracts.bounds import Share
from sales_platform.contracts.columns import ContractModel

RESERVED = ("effective_start_date", "effective_end_date", "is_current", "is_inferred", "surrogate")


class Events(ContractModel):
    """One staging table read as events.

    valid_from: the column with the time of the event; None for a dimension without history. later: for a feed
    that keeps versions, the time of every state after a key's first one.
    """

    source: str = Field(alias="from", pattern=r"^staging\.[a-z0-9_]+$")
    valid_from: str | None = None
    later: str | None = None

    @property
    def table(self) -> str:
        return self.source.removeprefix("staging.")


class DescribedColumn(ContractModel):
    """What people read about a column of an analytics table."""

    description: str | None = None
    unit: str | None = None
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    pii: str | None = None


class DimensionRole(ContractModel):
    """How a fact finds its member: by the dimension's business key, at a time for one with history.

    by: business key column of the dimension → column of the fact, where the names differ.
    """

    dimension: str = Field(pattern=r"^dim_[a-z0-9_]+$")
    at: str | None = None
    by: dict[str, str] = Field(default_factory=dict)


class DimensionContract(ContractModel):
    """A table `analytics.<table>`: one row per version of a business key, or per key when nothing is tracked.

    track: a change opens a version. overwrite: a version takes the value of its latest event by time, without a new
    version. keep_first: of its earliest (S-49). rename: column of the dimension → column of the source.
    dimensions: whom a member belongs to, each adding `<role>_key`; only without history.
    max_close: the largest share of current rows that one complete snapshot may close (S-33).
    """

    domain: str = Field(pattern=r"^[a-z][a-z0-9]*$")
    table: str = Field(pattern=r"^dim_[a-z0-9_]+$")
    description: str
    key: tuple[str, ...] = Field(min_length=1)
    track: tuple[str, ...] = ()
    overwrite: tuple[str, ...] = ()
    keep_first: tuple[str, ...] = ()
    rename: dict[str, str] = Field(default_factory=dict)
    events: tuple[Events, ...] = Field(min_length=1)
    dimensions: dict[str, DimensionRole] = Field(default_factory=dict)
    max_close: Share = Decimal("0.2")
    columns: dict[str, DescribedColumn] = Field(default_factory=dict)
    owner: str = "team:sales-data"

    @model_validator(mode="after")
    def _consistent(self) -> DimensionContract:
        named = [*self.key, *self.track, *self.overwrite, *self.keep_first]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]!r} stands in two of key, track, overwrite and keep_first")
        clash = [name for name in named if name in (*RESERVED, self.surrogate_key)]
        if clash:
            raise ValueError(f"{clash[0]!r} is a column that the platform adds itself; rename it (S-46)")
        timeless = [events.source for events in self.events if events.valid_from is None]
        if self.has_history and timeless:
            raise ValueError(f"events: {timeless[0]} needs valid_from, because the dimension tracks changes")
        if self.dimensions and (self.has_history or any(role.at for role in self.dimensions.values())):
            raise ValueError("dimensions: only a dimension without history belongs to others, and at no time")
        if not self.has_history and len(self.events) > 1:
            raise ValueError("events: a dimension without tracked columns reads one table")
        return self

    @property
    def has_history(self) -> bool:
        return bool(self.track)

    @property
    def entity(self) -> str:
        """The last word of the table's name: dim_catalog_product → product."""
        return self.table.rsplit("_", 1)[-1]

    @property
    def surrogate_key(self) -> str:
        return f"{self.entity}_key"

    @property
    def attributes(self) -> tuple[str, ...]:
        return (*self.overwrite, *self.track, *self.keep_first)

    @property
    def name(self) -> str:
        return f"analytics.{self.table}"

    def source_column(self, column: str) -> str:
        return self.rename.get(column, column)
