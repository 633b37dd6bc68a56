"""The proof of a backup: restored into a database of its own, compared, and that dropped again (K-28)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from psycopg import sql
from psycopg.conninfo import make_conninfo

from sales_platform.backup import sessions, targets
from sales_platform.backup.listing import Backup
from sales_platform.backup.progress import Report
from sales_platform.backup.restoring import Restored, restore
from sales_platform.backup.store import Store
from sales_platform.backup.verifying import note_verified
from sales_platform.engine.driver_errors import translated
from sales_platform.errors import BackupDamaged


def rehearse(
    store: Store, backup: Backup, scratch: AbstractContextManager[str], *, report: Report | None = None
) -> Restored:
    """Restore into a scratch database, compare with the manifest, and note the proof beside the backup.

    scratch: gives the URL of an empty database and drops it afterwards, e.g. `scratch_database`. Roles that its
    server lacks are played by whoever connects. What the restore raises is raised here; damage is noted.
    """
    with scratch as url:
        with sessions.connect(url) as target, translated(sessions.place(url), target):
            missing = targets.missing_roles(target, backup.manifest.roles)
            me = target.info.user
        try:
            restored = restore(store, backup, url, roles=dict.fromkeys(missing, me), report=report)
        except BackupDamaged:
            note_verified(store, backup, "damaged")
            raise
    note_verified(store, backup, "restored")
    return restored


@contextmanager
def scratch_database(server_url: str) -> Iterator[str]:
    """A new database on the server of a URL, dropped behind the block. The URL's role must be allowed to create one."""
    name = f"sales_platform_rehearsal_{uuid.uuid4().hex[:12]}"
    where = sessions.place(server_url)
    with sessions.connect(server_url) as server, translated(where, server):
        server.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
    try:
        yield make_conninfo(server_url, dbname=name)
    finally:
        with sessions.connect(server_url) as server, translated(where, server):
            server.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
