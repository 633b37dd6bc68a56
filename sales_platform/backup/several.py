"""Backups of several databases, one after the other, and the newest of each. One database is backed up elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sales_platform.backup import naming
from sales_platform.backup.creating import create_backup
from sales_platform.backup.listing import Backup, folders, read_backup
from sales_platform.backup.manifest import Format
from sales_platform.backup.progress import Report
from sales_platform.backup.store import Store
from sales_platform.errors import Incomplete, SalesPlatformError, TransientError

# What proves that a backup's bytes are those that were written.
PROOFS = frozenset({"deep", "restored"})


@dataclass(frozen=True)
class Made:
    """backups: those that are complete. faults: source → why there is none of it."""

    backups: list[Backup] = field(default_factory=list)
    faults: dict[str, SalesPlatformError] = field(default_factory=dict)

    @property
    def passing(self) -> TransientError | None:
        """A fault that may be gone at the next try."""
        return next((fault for fault in self.faults.values() if isinstance(fault, TransientError)), None)

    @property
    def error(self) -> SalesPlatformError | None:
        """The first fault; Incomplete where other databases were backed up (K-29)."""
        if not self.faults or not self.backups:
            return next(iter(self.faults.values()), None)
        told = "; ".join(f"{source}: {fault}" for source, fault in self.faults.items())
        total = len(self.faults) + len(self.backups)
        return Incomplete(f"{len(self.backups)} of {total} databases were backed up. {told}")


def back_up(
    store: Store,
    urls: Mapping[str, Callable[[], str]],
    *,
    tables: Sequence[str] | None = None,
    format: Format = "csv",
    day: date | None = None,
    unless_since: datetime | None = None,
    report: Report | None = None,
) -> Made:
    """Back up each database, whatever becomes of the others. urls: source → what gives its URL, or raises.

    unless_since: a database whose newest backup is not older keeps that one, so that a retry makes no second.
    """
    made = Made()
    for source, url in urls.items():
        try:
            standing = newest(store, source) if unless_since else None
            if standing and unless_since and standing.manifest.made_at >= unless_since:
                made.backups.append(standing)
                continue
            made.backups.append(
                create_backup(url(), store, source, tables=tables, format=format, day=day, report=report)
            )
        except SalesPlatformError as error:
            made.faults[source] = error
    return made


def newest(store: Store, source: str) -> Backup | None:
    """The newest backup of a source. Raises BackupDamaged where its manifest cannot be read."""
    for prefix, folder in reversed(folders(store, source).items()):
        if naming.MANIFEST in folder:
            return read_backup(store, prefix, folder)
    return None


def newest_verified(store: Store, source: str) -> datetime | None:
    """When the newest backup was made that was read back or restored, and not found damaged since.

    Names alone are looked at, so that a check may ask every hour.
    """
    for prefix, folder in reversed(folders(store, source).items()):
        looks = [seen for name in folder if (seen := naming.verified_as(name))]
        if naming.MANIFEST in folder and looks and max(looks)[1] in PROOFS:
            return naming.time_of(naming.id_of(prefix))
    return None
