"""Which complete backups a store holds, and what is known of each; finds one by id, by time, or the latest."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sales_platform.backup.manifest import Manifest
from sales_platform.backup.store import Store

Level = Literal["quick", "deep", "restored", "damaged"]


@dataclass(frozen=True)
class Verification:
    """at: UTC. level: how it was looked at; `damaged` is what a check found."""

    at: datetime
    level: Level


@dataclass(frozen=True)
class Backup:
    """A complete backup. prefix: `<source>/<day>/<id>/`. restorable: every blob is there in its length, and no check
    since has found damage. warnings: sentences for people.
    """

    prefix: str
    manifest: Manifest
    verified: Verification | None
    restorable: bool
    warnings: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def source(self) -> str:
        return self.manifest.source


@dataclass(frozen=True)
class Listing:
    """backups: complete ones, oldest first. warnings: what else was found: remains, extra files, damaged manifests."""

    backups: list[Backup]
    warnings: list[str]


def list_backups(store: Store, source: str | None = None) -> Listing:
    """The complete backups of a source, or of all."""
    raise NotImplementedError


def find_backup(
    store: Store, source: str | None = None, id: str = "latest", at: datetime | None = None
) -> Backup:
    """One backup: by its id, the newest (`latest`), or the newest that is not younger than `at` (K-20).

    Raises WrongUse where there is none, BackupDamaged where its manifest and the copy of that are damaged.
    """
    raise NotImplementedError
