"""Whether a backup's blobs are what its manifest says. No database is needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from sales_platform.backup import naming
from sales_platform.backup.listing import Backup, Level, folders, read_backup
from sales_platform.backup.manifest import TableCopy
from sales_platform.backup.progress import Progress, Report, one_at_a_time
from sales_platform.backup.store import Store
from sales_platform.backup.streaming import Tally
from sales_platform.errors import BackupDamaged, BlobMissing

_AT_ONCE = 2


@dataclass(frozen=True)
class Verified:
    """read: whether the data were read back; False: names and lengths only, as `summary` says (K-09)."""

    blobs: int
    length: int
    read: bool
    warnings: list[str]

    @property
    def summary(self) -> str:
        if self.read:
            return f"{self.blobs} blobs, {self.length} bytes read back: every hash is right."
        return f"{self.blobs} blobs are there in their lengths; the data were not read."


def verify(
    store: Store, backup: Backup, *, deep: bool = True, record: bool = True, report: Report | None = None
) -> Verified:
    """Read every blob back and compare length and SHA-256; not deep: names and lengths only.

    record: note what was found beside the backup; a look at lengths alone proves nothing and is noted only where it
    finds damage. Raises BackupDamaged that names every bad blob.
    """
    folder = folders(store, backup.source).get(backup.prefix, {})
    if naming.MANIFEST not in folder:
        raise BackupDamaged("the manifest is gone.", where=f"{backup.prefix}{naming.MANIFEST}")
    now = read_backup(store, backup.prefix, folder)
    try:
        require_intact(store, backup, backup.manifest.tables, deep=deep, report=report)
    except BackupDamaged:
        if record:
            note_verified(store, backup, "damaged")
        raise
    if record and deep:
        note_verified(store, backup, "deep")
    return Verified(len(backup.manifest.tables), backup.manifest.length, deep, now.warnings)


def require_intact(
    store: Store,
    backup: Backup,
    tables: Sequence[TableCopy],
    *,
    deep: bool = True,
    report: Report | None = None,
) -> None:
    """Look at the blobs of some tables; nothing is noted. Raises BackupDamaged that names every bad one."""
    folder = {blob.name.removeprefix(backup.prefix): blob.length for blob in store.list(backup.prefix)}
    told = one_at_a_time(report) if deep else None
    # hashing and reading let other threads run, so that two blobs take the time of one
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = list(pool.map(lambda table: _fault(store, backup, table, folder, told), tables))
    faults = [f"{table.blob} {fault}" for table, fault in zip(tables, found, strict=True) if fault]
    if faults:
        raise BackupDamaged(
            f"{len(faults)} of {len(tables)} blobs are damaged: {'; '.join(faults)}.",
            where=f"{store.place}/{backup.prefix}",
            remedy="Restore another backup, and look after the store.",
        )


def note_verified(store: Store, backup: Backup, level: Level) -> None:
    """Write beside the backup how it was looked at, now."""
    now = datetime.now(UTC)
    note = {"at": now.isoformat(), "level": level, "id": backup.id}
    store.put(f"{backup.prefix}{naming.verified_blob(now, level)}", [json.dumps(note).encode()])


def intact(store: Store, backup: Backup, table: TableCopy) -> Iterator[bytes]:
    """A table's blob in pieces. Raises BackupDamaged behind the last one where it is not what it should be."""
    tally = Tally()
    yield from tally.passing(store.read(f"{backup.prefix}{table.blob}"))
    if fault := _difference(tally, table):
        raise BackupDamaged(f"{table.blob} {fault}.", where=f"{store.place}/{backup.prefix}")


def _fault(
    store: Store, backup: Backup, table: TableCopy, folder: dict[str, int], report: Report | None
) -> str | None:
    if table.blob not in folder:
        return "is missing"
    if folder[table.blob] != table.length:
        return f"has {folder[table.blob]} bytes and not {table.length}"
    if report is None:
        return None
    tally = Tally()
    try:
        for _ in tally.passing(
            store.read(f"{backup.prefix}{table.blob}"),
            lambda length: report(Progress("verify", table.title, length, table.length)),
        ):
            pass
    except BlobMissing:
        return "is missing"
    return _difference(tally, table)


def _difference(tally: Tally, table: TableCopy) -> str | None:
    if tally.length != table.length:
        return f"has {tally.length} bytes and not {table.length}"
    return None if tally.sha256 == table.sha256 else "has other bytes than were written"
