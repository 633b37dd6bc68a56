"""The process that is measured: one backup, or one restore, and nothing else.

`python -m benchmarks.backing_up create|restore STORE FORMAT` with BENCHMARK_URL in the environment prints seconds, and
peak memory in MB.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import cast

from benchmarks.measuring import peak_megabytes, seconds
from sales_platform.backup.creating import create_backup
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.listing import find_backup
from sales_platform.backup.manifest import Format
from sales_platform.backup.restoring import restore

SOURCE = "origin"


def main() -> None:
    work, folder, form = sys.argv[1:]
    store, url = FileStore(Path(folder)), os.environ["BENCHMARK_URL"]
    if form == "parquet":
        # the floor's process has it loaded too
        import_module("pyarrow.csv")
        import_module("pyarrow.parquet")
    if work == "create":
        spent = seconds(create_backup, url, store, SOURCE, format=cast(Format, form))
    else:
        spent = seconds(restore, store, find_backup(store, SOURCE), url)
    print(spent, peak_megabytes())


if __name__ == "__main__":
    main()
