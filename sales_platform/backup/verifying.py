"""Whether a backup's blobs are what its manifest says. No database is needed."""

from __future__ import annotations

from dataclasses import dataclass

from sales_platform.backup.listing import Backup
from sales_platform.backup.progress import Report
from sales_platform.backup.store import Store


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

    record: note what was found beside the backup. Raises BackupDamaged that names every bad blob.
    """
    raise NotImplementedError
