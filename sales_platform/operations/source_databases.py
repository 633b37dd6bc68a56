"""Opens the database of a simulated OLTP source with its tables in place. What it holds is the simulators' business."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sales_platform.local.databases import using
from sales_platform.settings import Settings
from sales_platform.sources.schema import ensure_schema


@contextmanager
def open_source(settings: Settings, name: str) -> Iterator[str]:
    """The owner's URL of a source database for the length of the block, embedded or `<NAME>_OLTP_URL`."""
    with using(settings, name) as databases:
        ensure_schema(databases.url(name), name)
        yield databases.url(name)
