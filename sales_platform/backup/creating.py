"""One backup: a snapshot of a database copied into the store, its manifest last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sales_platform.backup.listing import Backup
from sales_platform.backup.manifest import Format
from sales_platform.backup.progress import Report
from sales_platform.backup.store import Store


def create_backup(
    url: str,
    store: Store,
    source: str,
    *,
    tables: Sequence[str] | None = None,
    format: Format = "csv",
    day: date | None = None,
    workers: int = 2,
    report: Report | None = None,
) -> Backup:
    """Back up a database as `source`: accounts, invoicing, warehouse, or any other name for all its schemas.

    tables: only these, `schema.table` or a bare name of the main schema. day: the folder's; default: today in UTC.
    Raises LockNotAvailable while another backup or restore of the database runs, and what the store or server says.
    """
    raise NotImplementedError
