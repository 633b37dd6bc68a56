"""The process that is measured: one day of sales from its file to the published fact, and nothing else.

`python -m benchmarks.loading DATA DAY` with WAREHOUSE_URL in the environment prints seconds, and peak memory in MB.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path

from benchmarks.measuring import peak_megabytes, seconds
from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile, locate
from sales_platform.engine.publish import publish_table
from sales_platform.engine.warehouse import Warehouse


def main() -> None:
    data, day = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
    warehouse = Warehouse(os.environ["WAREHOUSE_URL"])
    file = locate(data, read_catalog().feeds["retail_sales"].path, day)
    spent = seconds(_load, warehouse, file)
    print(spent, peak_megabytes())


def _load(warehouse: Warehouse, file: SourceFile) -> None:
    catalog = read_catalog()
    load_files(warehouse, catalog.feeds["retail_sales"], [file])
    publish_table(warehouse, catalog.tables["analytics.fact_sales"])


if __name__ == "__main__":
    main()
