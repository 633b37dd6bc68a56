"""What a backup says of itself: its tables, their hashes, the definition of all that held them. Text in, text out."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from sales_platform.errors import BackupDamaged

VERSION = 1
Format = Literal["csv", "parquet"]


@dataclass(frozen=True)
class Column:
    """A column whose values were copied. type: as the server writes it."""

    name: str
    type: str


@dataclass(frozen=True)
class TableCopy:
    """One table and its blob.

    above: the partitioned tables that it is a part of, `schema.table`.
    blob: name below the backup. length, sha256, md5 (hex): of the blob. content_*: of the CSV stream that the server
    sent, which is the blob itself where the format is CSV. Generated columns are not among `columns`.
    """

    schema: str
    name: str
    above: list[str]
    columns: list[Column]
    blob: str
    rows: int
    length: int
    sha256: str
    md5: str
    content_length: int
    content_sha256: str

    @property
    def title(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class SequenceState:
    """Where a sequence stood. table: the one that owns it, as schema and name."""

    schema: str
    name: str
    last_value: int
    is_called: bool
    table: tuple[str, str] | None


@dataclass(frozen=True)
class Definition:
    """One entry of the DDL, in the order in which it is run.

    kind: the server's word for it, e.g. TABLE, INDEX, COMMENT. after_data: indexes, constraints, triggers and the
    like. table: the one that it belongs to, as schema and name; None for what stands by itself.
    """

    kind: str
    schema: str
    name: str
    owner: str
    sql: str
    after_data: bool
    table: tuple[str, str] | None


@dataclass(frozen=True)
class Extension:
    name: str
    schema: str
    version: str


@dataclass(frozen=True)
class Origin:
    """Where the rows come from. identity tells databases of all servers apart; nothing here is a secret."""

    database: str
    system_identifier: str
    server_version: int
    encoding: str
    snapshot: str
    wal_position: str

    @property
    def identity(self) -> str:
        return f"{self.system_identifier}/{self.database}"


@dataclass(frozen=True)
class Manifest:
    """All that a restore needs beside the blobs.

    id: its time in UTC. schemas: those that were backed up; empty_schemas: those kept without their tables.
    same_as: the id of the newest earlier backup when that held exactly the same (K-15).
    """

    id: str
    source: str
    day: str
    made_at: datetime
    finished_at: datetime
    platform_version: str
    format: Format
    origin: Origin
    schemas: list[str]
    empty_schemas: list[str]
    tables: list[TableCopy]
    sequences: list[SequenceState]
    definitions: list[Definition]
    populated_views: list[tuple[str, str]]
    roles: list[str]
    extensions: list[Extension]
    partial: bool
    same_as: str | None

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def length(self) -> int:
        """Bytes of all data blobs."""
        return sum(table.length for table in self.tables)


_MANIFEST = TypeAdapter(Manifest)


def to_text(manifest: Manifest) -> bytes:
    """JSON with the SHA-256 of its own body."""
    body = dataclasses.asdict(manifest)
    body["made_at"] = manifest.made_at.isoformat()
    body["finished_at"] = manifest.finished_at.isoformat()
    document = {"version": VERSION, "sha256": _digest(body), "body": body}
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


def from_text(text: bytes, where: str) -> Manifest:
    """The manifest of these bytes. Raises BackupDamaged where a bit of it changed, or its version is unknown."""
    try:
        document: dict[str, Any] = json.loads(text)
        version, sha256, body = document["version"], document["sha256"], document["body"]
    except (ValueError, KeyError, TypeError):
        raise BackupDamaged("the manifest is not readable.", where=where) from None
    if version != VERSION:
        raise BackupDamaged(
            f"the manifest has version {version}, and this program reads {VERSION}.",
            where=where,
            remedy="Use the version of the platform that made the backup, or a newer one.",
        )
    if sha256 != _digest(body):
        raise BackupDamaged("the manifest is not as it was written: its own hash differs.", where=where)
    try:
        return _MANIFEST.validate_json(json.dumps(body))
    except ValidationError as error:
        raise BackupDamaged(
            f"the manifest lacks what it needs: {error.error_count()} faults.", where=where
        ) from None


def _digest(body: object) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
