"""A process that backs up or restores until it is killed at a blob: `worker.py create|restore URL FOLDER BLOB`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from sales_platform.backup.creating import create_backup
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.listing import find_backup
from sales_platform.backup.progress import Progress
from sales_platform.backup.restoring import restore
from sales_platform_tests.backup.stand_ins import Watched


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(what: str, url: str, folder: str, moment: str) -> None:
    """moment: `before NAME`, `within NAME` for a backup; a step and a table for a restore."""
    store = FileStore(Path(folder))
    when, _, name = moment.partition(" ")
    if what == "create":
        watched = Watched(
            store,
            lambda blob: die() if when == "before" and blob.endswith(name) else None,
            lambda blob: die() if when == "within" and blob.endswith(name) else None,
        )
        create_backup(url, watched, "shop")
        return

    def at(progress: Progress) -> None:
        if f"{progress.step} {progress.table}" == moment:
            die()

    restore(store, find_backup(store), url, replace=True, report=at)


if __name__ == "__main__":
    main(*sys.argv[1:])
