"""The contract of a file feed: which files, which key, which columns and rules. It says what, never how."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Literal

from pydantic import Field, model_validator

from sales_platform.contracts.bounds import (
    FRESHNESS_OF_DAYS,
    FRESHNESS_OTHERWISE,
    VOLUME_OF_DAYS,
    VOLUME_OTHERWISE,
    Freshness,
    FreshnessWord,
    Share,
    Span,
    Volume,
    VolumeWord,
)
from sales_platform.contracts.columns import Column, ContractModel, Rule
from sales_platform.errors import ContractError

PLATFORM_COLUMNS = (
    "_load_id", "_partition", "_source_row", "_extracted_at", "_snapshot_at", "_deleted", "_absent_columns",
)  # fmt: skip


class FileFeedContract(ContractModel):
    """Files that land in `raw.<domain>_<table>` and are judged into `staging.<domain>_<table>`.

    partitions: `daily` (a file per day, the day in the path), `per_file`, or `none` (one file that is
    overwritten; every version that landed stays in raw). event_time: the column that makes each row an event of
    its key; staging then holds one row per key and time. deleted_when: SQL boolean that marks a delete event.
    reject_limit: share of rejected rows beyond which nothing is published. empty: whether a file may hold no row
    (B-04). shipped: the file below the package's `reference` folder that stands in while the data folder has none.

    versions: a file is a snapshot of its keys, and each line that differs from what was known of its key at that
    time is an event (not with `per_file`). The snapshot's time is that of the landing; with `partitions: daily` the
    begin of the day in its path; with snapshot_at the value of that column, the same in every line. Snapshots
    may come in any order; another content for a time that stands is refused until it is called a correction (S-73).
    snapshot: `complete` says that a key which a snapshot lacks was deleted at its time, unless a refused line of it
    names that key (S-37); `partial` says nothing of absent keys. scope: a complete snapshot speaks only for keys whose
    last known line has a value of this column that the snapshot has too (S-35).

    What the checks of loads hold against: volume, the rows of a load against those of the same weekday; freshness,
    the age of the newest day, or of the last look at a file that comes when it comes; late_after, how long after its
    end a day's file may come; duplicate_limit, the share of copies in a file.
    """

    domain: str = Field(pattern=r"^[a-z][a-z0-9]*$")
    table: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    path: str
    description: str
    partitions: Literal["daily", "per_file", "none"] = "none"
    key: tuple[str, ...] = Field(min_length=1)
    event_time: str | None = None
    versions: bool = False
    snapshot: Literal["partial", "complete"] = "partial"
    snapshot_at: str | None = None
    scope: str | None = None
    tie_break: str | None = None
    deleted_when: str | None = None
    on_duplicate: Literal["latest", "first", "reject", "refuse"] = "latest"
    columns: dict[str, Column] = Field(min_length=1)
    rules: tuple[Rule, ...] = ()
    reject_limit: Share = Decimal(1)
    empty: Literal["refuse", "allow"] = "refuse"
    missing: Literal["fail", "empty"] = "fail"
    shipped: str | None = Field(None, pattern=r"^[a-z0-9_/]+\.csv$")
    future_tolerance: str = "1 hour"
    volume: VolumeWord = None
    freshness: FreshnessWord = None
    late_after: Span = timedelta(hours=26)
    duplicate_limit: Share = Decimal("0.05")
    owner: str = "team:sales-data"

    @model_validator(mode="after")
    def _names_exist(self) -> FileFeedContract:
        for word, names in (
            ("key", self.key),
            ("event_time", (self.event_time,)),
            ("tie_break", (self.tie_break,)),
            ("snapshot_at", (self.snapshot_at,)),
            ("scope", (self.scope,)),
        ):
            for name in names:
                if name is not None and name not in self.columns:
                    raise ValueError(f"{word}: {name!r} is not a column of this feed")
        clash = [name for name in self.columns if name.startswith("_")]
        if clash:
            raise ValueError(
                f"columns: {clash[0]!r} begins with an underscore, as only the platform's own columns do;"
                " rename it (S-46)"
            )
        self._refuse_contradicting_snapshot_words()
        self._refuse_contradicting_column_words()
        if ("{partition" in self.path) != (self.partitions == "daily"):
            raise ValueError("path: {partition:%Y/%m/%d} stands in the path exactly when partitions is daily")
        if (PurePosixPath(self.path).name.count("*"), self.path.count("*")) not in self._stars:
            raise ValueError("path: one * stands in the file's name exactly when partitions is per_file")
        if self.shipped and self.partitions != "none":
            raise ValueError("shipped: only a feed with `partitions: none` has one file that may be shipped")
        return self

    def _refuse_contradicting_snapshot_words(self) -> None:
        if self.versions and (self.partitions == "per_file" or self.event_time):
            raise ValueError(
                "versions: only a feed with `partitions: none` or `daily` and without event_time keeps versions"
            )
        if not self.versions and (self.snapshot == "complete" or self.snapshot_at):
            raise ValueError("snapshot and snapshot_at: only a feed with `versions: true` has snapshots")
        if self.scope and self.snapshot != "complete":
            raise ValueError("scope: only a feed with `snapshot: complete` has one")
        if self.snapshot_at is None:
            return
        if self.partitions == "daily":
            raise ValueError("snapshot_at: with `partitions: daily` the path already says the time")
        if self.snapshot_at in self.key or self.columns[self.snapshot_at].kind.name not in {
            "date",
            "timestamptz",
        }:
            raise ValueError(
                "snapshot_at: name a column of type date or timestamptz that is no part of the key"
            )

    def _refuse_contradicting_column_words(self) -> None:
        taken = set(self.columns)
        for name, column in self.columns.items():
            if column.dropped and name in {*self.key, self.time_column, self.tie_break, self.scope}:
                raise ValueError(f"columns.{name}: what orders or names the rows cannot be dropped")
            for alias in column.aliases:
                if alias in taken or alias.startswith("_"):
                    raise ValueError(f"columns.{name}.aliases: {alias!r} is the name of another column")
                taken.add(alias)

    def switched(self, on: frozenset[str], known: frozenset[str]) -> FileFeedContract:
        """The contract without the defaults whose setting is off. Raises ContractError for a setting there is not."""
        conditional = {
            name: c.default.when for name, c in self.columns.items() if c.default and c.default.when
        }
        for name, setting in conditional.items():
            if setting not in known:
                raise ContractError(
                    f"columns.{name}.default.when: there is no setting {setting} that is on or off.",
                    where=self.name,
                    remedy=f"Write one of: {', '.join(sorted(known)) or 'none'}.",
                )
        off = {name for name, setting in conditional.items() if setting not in on}
        columns = {
            n: c.model_copy(update={"default": None}) if n in off else c for n, c in self.columns.items()
        }
        return self.model_copy(update={"columns": columns}) if off else self

    @property
    def _stars(self) -> set[tuple[int, int]]:
        return {(1, 1)} if self.partitions == "per_file" else {(0, 0)}

    @property
    def name(self) -> str:
        """The table's name in raw and staging, and the feed's name in ops and quality."""
        return f"{self.domain}_{self.table}"

    @property
    def staging_key(self) -> tuple[str, ...]:
        """The grain of the staging table."""
        if self.versions:
            return (*self.key, "_snapshot_at")
        return (*self.key, self.event_time) if self.event_time else self.key

    @property
    def lands_beside(self) -> bool:
        """Whether a file that comes stands in raw beside those before it, and is compared with them."""
        return self.partitions == "none" or self.versions

    @property
    def is_dated(self) -> bool:
        """Whether a snapshot says itself when it was true, by its lines or its path."""
        return self.versions and (self.partitions == "daily" or self.snapshot_at is not None)

    @property
    def is_complete(self) -> bool:
        """Whether a key that a snapshot lacks was deleted."""
        return self.snapshot == "complete"

    @property
    def marks_deletes(self) -> bool:
        """Whether the staging table has the column `_deleted`."""
        return self.is_complete or self.deleted_when is not None

    @property
    def time_column(self) -> str | None:
        """The column that says when a row was true, be it an event or a line of a snapshot."""
        return self.event_time or self.snapshot_at

    @property
    def keeps_history(self) -> bool:
        """Whether staging holds what was true at several times, and says which columns a row's file lacked."""
        return self.versions or self.event_time is not None

    @property
    def volume_bounds(self) -> Volume:
        """As written, else by the kind of feed."""
        return self.volume or (VOLUME_OF_DAYS if self.partitions == "daily" else VOLUME_OTHERWISE)

    @property
    def freshness_bounds(self) -> Freshness:
        """As written, else by the kind of feed."""
        return self.freshness or (FRESHNESS_OF_DAYS if self.partitions == "daily" else FRESHNESS_OTHERWISE)

    @property
    def required_columns(self) -> frozenset[str]:
        """Columns that a typed row always has."""
        named = {*self.key, *([self.time_column] if self.time_column else [])}
        return frozenset(
            named | {name for name, column in self.columns.items() if column.required and not column.dropped}
        )

    @property
    def judgement_hash(self) -> str:
        """Changes when the contract would judge or cast a row otherwise (Q-18)."""
        spoken = self.model_dump_json(
            exclude={
                *("description", "owner", "path", "reject_limit", "empty", "missing", "shipped"),
                *("volume", "freshness", "late_after", "duplicate_limit"),
            }
        )
        return hashlib.sha256(spoken.encode()).hexdigest()
