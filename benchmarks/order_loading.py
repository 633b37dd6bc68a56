"""The process that is measured: a first load of orders from their database, and nothing else.

`python -m benchmarks.order_loading` with SOURCE_URL and WAREHOUSE_URL in the environment prints the seconds until raw
stands, the seconds from there until staging does, and peak memory in MB.
"""

from __future__ import annotations

import os

from benchmarks.measuring import peak_megabytes, seconds
from benchmarks.order_source import SOURCE
from sales_platform.engine.oltp.feeds import load_source
from sales_platform.engine.oltp.first_load import load_in_chunks
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.warehouse import Warehouse


def main() -> None:
    database = SourceDatabase("bench", os.environ["SOURCE_URL"])
    warehouse = Warehouse(os.environ["WAREHOUSE_URL"])
    feed = next(feed for feed in SOURCE.feeds if feed.table == "orders")
    raw = seconds(lambda: list(load_in_chunks(warehouse, database, feed, "")))
    staged = seconds(lambda: load_source(warehouse, database, SOURCE, ["orders"]).raise_faults())
    print(raw, staged, peak_megabytes())


if __name__ == "__main__":
    main()
