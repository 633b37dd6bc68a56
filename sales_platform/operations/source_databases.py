"""The databases of OLTP sources: which ones the contracts name, up and with their tables where they are simulated here.

What they hold is the simulators' business.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sales_platform.contracts.catalog import read_catalog
from sales_platform.local.databases import DATABASES, Databases, external_url, using
from sales_platform.settings import Settings


@contextmanager
def open_source(settings: Settings, name: str) -> Iterator[str]:
    """The owner's URL of a source database that is to be written into, embedded or `<NAME>_OLTP_URL`.

    Its tables are made where they are not there, because only a simulator or an importer writes into a source.
    """
    from sales_platform.sources.schema import ensure_schema

    with using(settings, name) as databases:
        ensure_schema(databases.url(name), name)
        yield databases.url(name)


@contextmanager
def using_with_sources(settings: Settings, *names: str) -> Iterator[Databases]:
    """These databases and every source database that the contracts name, as `using` has them.

    An embedded source has its tables; an external one is only read, whatever it lacks.
    """
    with using(settings, *names, *source_names()) as databases:
        for name in source_names():
            make_tables_if_embedded(settings, name, databases.url(name))
        yield databases


def source_names() -> tuple[str, ...]:
    """Databases of contracts that can be embedded. Any other has an URL in the environment and needs nothing."""
    named = {source.database for source in read_catalog().sources.values()}
    return tuple(name for name in DATABASES if name in named)


def make_tables_if_embedded(settings: Settings, name: str, url: str) -> None:
    """What is not embedded, or no source of ours, is left alone."""
    from sales_platform.sources.schema import ensure_schema

    if name in source_names() and external_url(settings, name) is None:
        ensure_schema(url, name)
