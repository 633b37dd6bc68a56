"""Which complete backups a store holds, and what is known of each; finds one by id, by time, or the latest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, cast

from sales_platform.backup import naming
from sales_platform.backup.manifest import Manifest, from_text
from sales_platform.backup.store import Store
from sales_platform.errors import BackupDamaged, BlobMissing, WrongUse

Level = Literal["quick", "deep", "restored", "damaged"]
_HOW_TO_LIST = "`sales-platform backup list` shows what there is."


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
    """backups: complete ones, oldest first. warnings: what else was found: remains, extra files, damaged manifests.

    damaged: prefix → why no manifest of a backup can be read.
    """

    backups: list[Backup]
    warnings: list[str]
    damaged: Mapping[str, BackupDamaged] = field(default_factory=dict)


Folder = dict[str, int]


def folders(store: Store, source: str | None = None) -> dict[str, Folder]:
    """What lies below each `<source>/<day>/<id>/`: the names of its blobs and their lengths."""
    found: dict[str, Folder] = {}
    for blob in store.list(f"{naming.checked_source(source)}/" if source else ""):
        if prefix := naming.prefix_of(blob.name):
            found.setdefault(prefix, {})[blob.name.removeprefix(prefix)] = blob.length
    return dict(sorted(found.items(), key=lambda item: (naming.id_of(item[0]), item[0])))


def list_backups(store: Store, source: str | None = None) -> Listing:
    """The complete backups of a source, or of all."""
    backups: list[Backup] = []
    warnings: list[str] = []
    damaged: dict[str, BackupDamaged] = {}
    for prefix, folder in folders(store, source).items():
        if naming.MANIFEST not in folder:
            warnings.append(_remains(prefix, folder))
            continue
        try:
            backup = read_backup(store, prefix, folder)
        except BackupDamaged as error:
            damaged[prefix] = error
            warnings.append(str(error))
        else:
            backups.append(backup)
            warnings += backup.warnings
    return Listing(backups, warnings, damaged)


def find_backup(
    store: Store, source: str | None = None, id: str = "latest", at: datetime | None = None
) -> Backup:
    """One backup: by its id, the newest (`latest`), or the newest that is not younger than `at` (K-20).

    Raises WrongUse where there is none, BackupDamaged where its manifest and the copy of that are damaged.
    """
    listing = list_backups(store, source)
    where = f"{store.place}/{source}" if source else store.place
    if id != "latest":
        return _by_id(listing, id, where)
    # a newer one that cannot be read is told of, and the newest that can is taken
    known = [one for one in listing.backups if at is None or one.manifest.made_at <= at]
    if known:
        newest = max(known, key=lambda one: one.id)
        if at is not None and newest is listing.backups[-1]:
            newest.warnings.append(f"{newest.id} is the latest backup; there is none nearer to the time.")
        return newest
    if listing.backups:
        raise WrongUse(
            f"the first backup was made at {listing.backups[0].manifest.made_at.isoformat()}, and none before.",
            where=where,
            remedy=_HOW_TO_LIST,
        )
    raise WrongUse(
        "there is no complete backup.", where=where, remedy="Make one with `sales-platform backup create`."
    )


def _by_id(listing: Listing, id: str, where: str) -> Backup:
    for prefix, error in listing.damaged.items():
        if naming.id_of(prefix) == id:
            raise error
    found = [one for one in listing.backups if one.id == id]
    if len(found) == 1:
        return found[0]
    if found:
        raise WrongUse(f"several sources have a backup {id}.", where=where, remedy="Name the source as well.")
    raise WrongUse(f"there is no complete backup {id!a}.", where=where, remedy=_HOW_TO_LIST)


def read_backup(store: Store, prefix: str, folder: Folder) -> Backup:
    """The backup of a folder that has a manifest. Raises BackupDamaged."""
    manifest, warnings = _manifest(store, prefix, folder)
    expected = {table.blob: table.length for table in manifest.tables}
    own = {naming.STARTED, naming.MANIFEST, naming.MANIFEST_COPY}
    checks = {name: seen for name in folder if (seen := naming.verified_as(name))}
    warnings += [
        f"{prefix}{name} does not belong to the backup; nobody reads it."
        for name in folder
        if name not in expected and name not in own and name not in checks
    ]
    newest = max(checks.values(), default=None)
    verified = Verification(newest[0], cast(Level, newest[1])) if newest else None
    whole = all(folder.get(name) == length for name, length in expected.items())
    restorable = whole and not (verified and verified.level == "damaged")
    return Backup(prefix, manifest, verified, restorable, warnings)


def _manifest(store: Store, prefix: str, folder: Folder) -> tuple[Manifest, list[str]]:
    """The manifest, or its copy where it is damaged (K-08): what is there is never written over."""
    try:
        return _read(store, prefix, naming.MANIFEST), []
    except BackupDamaged as error:
        if naming.MANIFEST_COPY not in folder:
            raise
        try:
            manifest = _read(store, prefix, naming.MANIFEST_COPY)
        except BackupDamaged:
            raise BackupDamaged(
                f"{error.what} Its copy is damaged too.",
                where=error.where,
                remedy="Restore another backup; this one's tables can only be read by hand.",
            ) from None
        return manifest, [f"{error} Its copy is good and is used in its place."]


def _read(store: Store, prefix: str, name: str) -> Manifest:
    try:
        manifest = from_text(b"".join(store.read(f"{prefix}{name}")), f"{prefix}{name}")
    except BlobMissing:
        raise BackupDamaged("the manifest is gone.", where=f"{prefix}{name}") from None
    if f"{manifest.source}/{manifest.day}/{manifest.id}/" != prefix:
        raise BackupDamaged("this is the manifest of another backup.", where=f"{prefix}{name}")
    return manifest


def _remains(prefix: str, folder: Folder) -> str:
    if naming.MANIFEST_COPY in folder:
        return (
            f"{prefix} has a copy of a manifest and no manifest, so it is no backup. Where no run failed, somebody"
            " took the manifest away: put the copy in its place. Else remove the folder."
        )
    return f"{prefix} is what an unfinished backup left; the next one of its database removes it."
