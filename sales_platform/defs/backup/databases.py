"""Which databases are backed up, and whence the assets have their URLs. What a backup is stands elsewhere."""

from collections.abc import Callable, Mapping
from functools import partial

from sales_platform.backup.scope import WAREHOUSE
from sales_platform.contracts.catalog import read_catalog
from sales_platform.resources import SourceDatabasesResource, WarehouseResource


def sources() -> tuple[str, ...]:
    """Every source database that a contract reads, then the warehouse."""
    return (*sorted({source.database for source in read_catalog().sources.values()}), WAREHOUSE)


def urls(
    warehouse: WarehouseResource, source_databases: SourceDatabasesResource
) -> Mapping[str, Callable[[], str]]:
    """Source → what gives its URL; a setting that is missing concerns that database alone."""
    found: dict[str, Callable[[], str]] = {
        name: partial(_source_url, source_databases, name) for name in sources() if name != WAREHOUSE
    }
    return {**found, WAREHOUSE: lambda: warehouse.open().url}


def _source_url(source_databases: SourceDatabasesResource, name: str) -> str:
    return source_databases.open(name).url
