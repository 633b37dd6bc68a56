"""The words that describe one column of a feed: how its text becomes a value, and when that value is refused."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sales_platform.contracts.types import ColumnType, parse_type


class ContractModel(BaseModel):
    """Base of every contract: an unknown word is an error, a contract never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reference(ContractModel):
    """The value must exist in another table's column. missing: what happens to a row whose parent is not
    there (Q-15).
    """

    table: str = Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")
    column: str
    missing: Literal["infer", "hold", "reject"] = "infer"


class Default(ContractModel):
    """What stands for a missing value: SQL over the received row `r`. when: only if this setting is on."""

    sql: str
    when: str | None = Field(None, pattern=r"^[A-Z][A-Z0-9_]*$")

    @model_validator(mode="before")
    @classmethod
    def _plain_sql(cls, value: object) -> object:
        return {"sql": value} if isinstance(value, str) else value


class Column(ContractModel):
    """One column of a feed.

    type: from `contracts.types`. formats: strftime-like date formats, tried in order. decimal, thousands, strip:
    how numbers are written. nulls: texts that mean "missing". pattern: regular expression of PostgreSQL that a text
    must match. check: SQL boolean over the typed row; of both a missing value passes unless `required`. reject_as:
    the reason that names the rejected row, instead of MISSING_… or INVALID_…. zone: IANA zone of instants written
    without an offset; ambiguous: which of two instants an autumn hour means (S-63). dropped: the files no longer
    bring the column; what was read of it stays, and a file that lacks it says nothing of it (S-55). aliases: other
    names under which files bring it (S-58).
    """

    type: str
    required: bool = False
    formats: tuple[str, ...] = ()
    decimal: Literal[".", ","] = "."
    thousands: str | None = None
    strip: tuple[str, ...] = ()
    case: Literal["lower", "upper"] | None = None
    trim: bool | None = None
    nulls: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    pattern: str | None = None
    check: str | None = None
    reference: Reference | None = None
    reject_as: str | None = Field(None, pattern=r"^[A-Z][A-Z0-9_]*$")
    pii: str | None = None
    unit: str | None = None
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    description: str | None = None
    absent_before: date | None = None
    default: Default | None = None
    zone: str | None = None
    ambiguous: Literal["earlier", "later", "reject"] = "reject"
    dropped: bool = False
    aliases: tuple[str, ...] = ()

    @field_validator("type")
    @classmethod
    def _known_type(cls, word: str) -> str:
        parse_type(word)
        return word

    @model_validator(mode="after")
    def _words_fit_the_type(self) -> Column:
        kind = self.kind
        if self.formats and kind.name != "date":
            raise ValueError("formats: only a date column has formats")
        if self.zone and kind.name != "timestamptz":
            raise ValueError("zone: only a timestamptz column has a zone")
        if (self.thousands or self.decimal != ".") and not kind.is_number:
            raise ValueError("decimal and thousands: only a number has them")
        if self.pattern is not None and kind.name != "text":
            raise ValueError("pattern: only a text column has one")
        return self

    @cached_property
    def kind(self) -> ColumnType:
        return parse_type(self.type)

    @property
    def trims(self) -> bool:
        """Text keeps its blanks unless told (S-43); everything else is read without them."""
        return self.kind.name != "text" if self.trim is None else self.trim


class Rule(ContractModel):
    """A row rule: SQL over the typed row that must be true; unknown counts as failed (Q-04). severity: `warn` takes the
    row in all the same, and counts it (Q-19).
    """

    reason: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    check: str
    severity: Literal["error", "warn"] = "error"

    @property
    def only_warns(self) -> bool:
        return self.severity == "warn"
