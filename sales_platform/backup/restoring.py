"""A backup becomes a database again: judged first, then written in one transaction, compared before its commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sales_platform.backup.listing import Backup
from sales_platform.backup.progress import Report
from sales_platform.backup.store import Store


@dataclass(frozen=True)
class Restored:
    """tables: those restored, `schema.table`. notes: what a person should do or know next."""

    tables: list[str]
    rows: int
    length: int
    notes: list[str]


def restore(
    store: Store,
    backup: Backup,
    url: str,
    *,
    tables: Sequence[str] | None = None,
    replace: bool = False,
    roles: Mapping[str, str] | None = None,
    report: Report | None = None,
) -> Restored:
    """Restore all of a backup, or only some tables, into the database at `url`: all of it or nothing.

    replace: take the place of what stands there. roles: name in the backup → name on the target's server.
    Raises BackupDamaged and RestoreRefused before the first write; LockNotAvailable; what the server says.
    """
    raise NotImplementedError
