"""The contract of an OLTP source: which tables of a database are read, by which key, and how changes show."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from sales_platform.contracts.bounds import (
    FRESHNESS_OF_DAYS,
    VOLUME_OTHERWISE,
    Freshness,
    FreshnessWord,
    Share,
    Volume,
    VolumeWord,
)
from sales_platform.contracts.columns import ContractModel, Rule

# What the log and staging add to a table's own columns.
LOG_COLUMNS = ("_load_id", "_extracted_at", "_event_at", "_deleted")


class SourceColumn(ContractModel):
    """What a contract says of a column beyond what the source's catalog says.

    required, accepted, pattern, check: a row that fails is quarantined, with `reject_as` or MISSING_…, UNKNOWN_…,
    INVALID_… pattern: regular expression of PostgreSQL that the value, as text, must match.
    dropped: the source no longer has the column; what was read of it stays.
    """

    required: bool = False
    accepted: tuple[str, ...] = ()
    pattern: str | None = None
    check: str | None = None
    reject_as: str | None = Field(None, pattern=r"^[A-Z][A-Z0-9_]*$")
    pii: str | None = None
    unit: str | None = None
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    description: str | None = None
    dropped: bool = False


class SourceTable(ContractModel):
    """One table. cursor: the column stamped when a row is written, or `none`: the whole table is compared by hash
    on every run. versions: staging keeps one row per key and time, for a dimension to read as events. max_delete:
    share of the rows beyond which a comparison that would delete them is refused (S-33). volume: how far the rows that
    changed on a day may lie from what is usual on that weekday.
    """

    key: tuple[str, ...] = Field(min_length=1)
    cursor: str
    versions: bool = False
    columns: dict[str, SourceColumn] = Field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    max_delete: Share = Decimal("0.2")
    volume: VolumeWord = None
    description: str | None = None


class PostgresFeedContract(ContractModel):
    """Tables of one PostgreSQL database that land in `raw.<domain>_<table>` and stand in `staging.<domain>_<table>`.

    database: a connection named in the settings. db_schema: where the tables lie there; the domain's name unless
    given. zone: of stamps without one. overlap: how far before the moment of reading the mark stays. blind_overlap:
    the same where open transactions cannot be seen. chunk_rows: rows per transaction of a first load. readers:
    tables read at once. freshness: how long ago the last look at a table that succeeded may be.
    """

    domain: str = Field(pattern=r"^[a-z][a-z0-9]*$")
    database: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    db_schema: str | None = Field(None, alias="schema")
    description: str
    zone: str = "UTC"
    overlap: timedelta = timedelta(seconds=5)
    blind_overlap: timedelta = timedelta(minutes=10)
    chunk_rows: int = Field(250_000, ge=1)
    readers: int = Field(2, ge=1)
    tables: dict[str, SourceTable] = Field(min_length=1)
    freshness: FreshnessWord = None
    owner: str = "team:sales-data"

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError):
            raise ValueError(f"{value!r} is not a time zone; write one like Europe/Paris") from None
        return value

    @model_validator(mode="after")
    def _names_are_free(self) -> PostgresFeedContract:
        for table, spoken in self.tables.items():
            clash = [name for name in (*spoken.key, *spoken.columns) if name.startswith("_")]
            if clash:
                raise ValueError(
                    f"tables.{table}: {clash[0]!r} begins with an underscore, as only the platform's own columns do"
                )
        return self

    @property
    def feeds(self) -> list[TableFeed]:
        return [TableFeed(self, name, table) for name, table in self.tables.items()]


@dataclass(frozen=True)
class TableFeed:
    """One table of a source as a feed: `invoicing_clients`."""

    source: PostgresFeedContract
    table: str
    spoken: SourceTable

    @property
    def domain(self) -> str:
        return self.source.domain

    @property
    def name(self) -> str:
        """The table's name in raw and staging, and the feed's name in ops and quality."""
        return f"{self.source.domain}_{self.table}"

    @property
    def key(self) -> tuple[str, ...]:
        return self.spoken.key

    @property
    def cursor(self) -> str | None:
        """None: the table has no stamp and is compared whole."""
        return None if self.spoken.cursor == "none" else self.spoken.cursor

    @property
    def versions(self) -> bool:
        return self.spoken.versions

    @property
    def columns(self) -> dict[str, SourceColumn]:
        return self.spoken.columns

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self.spoken.rules

    @property
    def required_columns(self) -> frozenset[str]:
        """Columns that a staged row always has; in a delete event only the key is known."""
        spoken = {name for name, column in self.columns.items() if column.required and not self.versions}
        return frozenset({*self.key, *spoken})

    @property
    def staging_key(self) -> tuple[str, ...]:
        """The grain of the staging table."""
        return (*self.key, "_event_at") if self.versions else self.key

    @property
    def source_table(self) -> tuple[str, str]:
        """Schema and table in the source database."""
        return self.source.db_schema or self.source.domain, self.table

    @property
    def description(self) -> str:
        return self.spoken.description or f"{self.table} of {self.source.domain}. {self.source.description}"

    @property
    def owner(self) -> str:
        return self.source.owner

    @property
    def volume_bounds(self) -> Volume:
        return self.spoken.volume or VOLUME_OTHERWISE

    @property
    def freshness_bounds(self) -> Freshness:
        """The comparison of each night looks at every table, whether a row changed or not."""
        return self.source.freshness or FRESHNESS_OF_DAYS

    @property
    def judgement_hash(self) -> str:
        """Changes when the contract would judge or arrange a row otherwise (Q-18)."""
        spoken = self.spoken.model_dump_json(exclude={"description", "max_delete", "volume"})
        return hashlib.sha256(f"{self.source.zone}{spoken}".encode()).hexdigest()
