"""The proof of a backup: restored into a database of its own, compared, and that dropped again (K-28)."""

from __future__ import annotations

from sales_platform.backup.listing import Backup
from sales_platform.backup.progress import Report
from sales_platform.backup.restoring import Restored
from sales_platform.backup.store import Store


def rehearse(store: Store, backup: Backup, server_url: str, *, report: Report | None = None) -> Restored:
    """Restore into a scratch database on a server, compare with the manifest, drop it, and note the proof.

    server_url: any database of the server, as a role that may create one. What the restore raises is raised here,
    with the scratch database gone.
    """
    raise NotImplementedError
