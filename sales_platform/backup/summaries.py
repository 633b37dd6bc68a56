"""A backup in one line, for lists, metadata and JSON. What is known of it is found elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sales_platform.backup.listing import Backup


@dataclass(frozen=True)
class Summary:
    """made_at, verified_at: UTC. size: bytes of the data blobs. verified_as: quick, deep, restored or damaged.

    partial: some tables only. same_as: id of the backup before it, where that held exactly the same.
    """

    id: str
    source: str
    made_at: datetime
    tables: int
    rows: int
    size: int
    format: str
    verified_at: datetime | None
    verified_as: str | None
    restorable: bool
    partial: bool
    same_as: str | None
    warnings: list[str]


def summary_of(backup: Backup) -> Summary:
    manifest, verified = backup.manifest, backup.verified
    return Summary(
        id=backup.id,
        source=backup.source,
        made_at=manifest.made_at,
        tables=len(manifest.tables),
        rows=manifest.rows,
        size=manifest.length,
        format=manifest.format,
        verified_at=verified.at if verified else None,
        verified_as=verified.level if verified else None,
        restorable=backup.restorable,
        partial=manifest.partial,
        same_as=manifest.same_as,
        warnings=backup.warnings,
    )
