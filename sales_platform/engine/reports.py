"""What the engine says about its work: plain figures, no row values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class LoadReport:
    """The fates of the rows of one load of one partition: read = loaded + unchanged + duplicate + superseded
    + rejected.

    status: `succeeded`; `unchanged` when the file had the content that stands (nothing was read again).
    reasons: first reason → rows. seconds: of the whole transaction that the load was part of. notes: what a
    person should know, in sentences. warned: reason → rows that were taken in although a rule doubts them.
    """

    feed: str
    partition: str
    source: str
    status: Literal["succeeded", "unchanged"]
    load_id: int
    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    duplicate: int = 0
    superseded: int = 0
    rejected: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    new_columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warned: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DimensionReport:
    """What one refresh of a dimension wrote. keys: business keys that were looked at; None means all of them."""

    table: str
    keys: int | None
    inserted: int
    deleted: int
    moved: int
    overwritten: int
    facts_repointed: int
    rows: int
    seconds: float


@dataclass(frozen=True)
class AuditReport:
    """What a publication held its figures against before the commit. compared: other table → the figures in words.
    left: tables that only the check after the commit can compare, because what changed cannot be told there.
    """

    compared: dict[str, str] = field(default_factory=dict)
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableReport:
    """What one publication of a fact or mart wrote. rows: partition → rows that now stand ('' for a table
    without).

    also: stale partitions that were recomputed although the run did not ask for them (a late row moved a
    figure).
    """

    table: str
    rows: dict[str, int]
    inserted: int
    deleted: int
    inferred_members: int
    also: tuple[str, ...]
    seconds: float
    audit: AuditReport = field(default_factory=AuditReport)
