"""The process that is measured: one day of sales from its file to the published fact, and nothing else.

`python -m benchmarks.loading DATA DAY` with WAREHOUSE_URL in the environment prints seconds, and peak memory in MB.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

from benchmarks.measuring import seconds
from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile, locate
from sales_platform.engine.publish import publish_table
from sales_platform.engine.warehouse import Warehouse


def main() -> None:
    data, day = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
    warehouse = Warehouse(os.environ["WAREHOUSE_URL"])
    file = locate(data, read_catalog().feeds["retail_sales"].path, day)
    spent = seconds(lambda: _load(warehouse, file))
    print(spent, _peak_megabytes())


def _load(warehouse: Warehouse, file: SourceFile) -> None:
    catalog = read_catalog()
    load_files(warehouse, catalog.feeds["retail_sales"], [file])
    publish_table(warehouse, catalog.tables["analytics.fact_sales"])


def _peak_megabytes() -> float:
    """Linux's high-water mark of this very program; getrusage would count the parent's before it became this one."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell the peak memory of a process")


if __name__ == "__main__":
    main()
