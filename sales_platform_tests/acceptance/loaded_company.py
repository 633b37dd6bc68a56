"""A small company, loaded by the project's own contracts, and every check of what stands. Judges nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import dagster as dg
import yaml

from sales_platform.components.feed_checks import staging_inspection
from sales_platform.components.feed_specs import AnyFeed
from sales_platform.components.inspecting import Judge
from sales_platform.components.load_checks import LoadChecks
from sales_platform.components.source_checks import result as source_result
from sales_platform.components.sql_check import result as sql_result
from sales_platform.contracts.catalog import DEFS_FOLDER, Catalog, read_catalog
from sales_platform.contracts.check import SqlCheckContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.defs.channels.parquet import write_days
from sales_platform.defs.channels.parquet_check import compared
from sales_platform.defs.channels.parquet_check import result as parquet_result
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import SourceFile, existing_days, existing_files, locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.load_verdicts import DUE_AFTER
from sales_platform.engine.oltp.equality import source_equality
from sales_platform.engine.oltp.feeds import load_source
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.publish import publish_table
from sales_platform.engine.rebuild import rebuild_order
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.sources.accounts.generator import fill
from sales_platform.sources.billing.generator import generate as generate_invoices
from sales_platform.sources.channels.generator import generate as generate_payments
from sales_platform.sources.invoicing.generator import make_history
from sales_platform.sources.invoicing.history import SMALL
from sales_platform.sources.retail.generator import generate as generate_sales
from sales_platform.sources.schema import ensure_schema
from sales_platform_tests.components.judged import AnyTable, judges_of

DAYS = 3
PARTITIONED_LAST = {"none": 0, "daily": 1, "per_file": 1}


@dataclass(frozen=True)
class Company:
    """Its files, and its sources by domain."""

    data: Path
    sources: Mapping[str, SourceDatabase]


def founded(data: Path, invoicing_url: str, accounts_url: str) -> Company:
    """Three days of sales and payments up to yesterday, a file of invoices, two sources with a past."""
    # in the first hours of a day the one that just ended is not due yet, and checks do not miss it
    last = (datetime.now(UTC) - DUE_AFTER).date() - timedelta(days=1)
    first = last - timedelta(days=DAYS - 1)
    generate_sales(data, first=first, last=last, seed=1)
    generate_payments(data, first=first, last=last, seed=1)
    generate_invoices(data, files=1, rows=50, seed=1)
    for domain, url in (("invoicing", invoicing_url), ("accounts", accounts_url)):
        ensure_schema(url, domain)
    make_history(invoicing_url, end=last, seed=1, size=SMALL)
    fill(accounts_url, customers=10, accounts_per_customer=2, transactions_per_account=5, seed=1, end=last)
    urls = {"invoicing": invoicing_url, "accounts": accounts_url}
    return Company(data, {domain: SourceDatabase(domain, url) for domain, url in urls.items()})


def load(company: Company, warehouse: Warehouse) -> None:
    """Everything, once: feeds with the lists first, then what is made of them, then the Parquet files."""
    catalog = read_catalog()
    for feed in sorted(catalog.feeds.values(), key=lambda feed: PARTITIONED_LAST[feed.partitions]):
        load_files(warehouse, feed, list(_files(company.data, feed)))
    for domain, source in catalog.sources.items():
        load_source(warehouse, company.sources[domain], source).raise_faults()
    for name in rebuild_order(catalog):
        dimension = catalog.dimensions.get(name.removeprefix("analytics."))
        if dimension:
            refresh_dimension(warehouse, dimension)
        elif name in catalog.tables:
            publish_table(warehouse, catalog.tables[name])
    write_days(warehouse, company.data, [])


def _files(data: Path, feed: FileFeedContract) -> Iterator[SourceFile]:
    if feed.partitions == "none":
        yield locate(data, feed.path, None, shipped=feed.shipped)
        return
    found: list[date] | list[str] = (
        existing_days(data, feed.path) if feed.partitions == "daily" else existing_files(data, feed.path)
    )
    for partition in found:
        yield locate(data, feed.path, partition)


def failing(company: Company, warehouse: Warehouse) -> dict[str, str]:
    """`staging/retail_sales:range` → what it says, of every check that does not pass."""
    with warehouse.transaction() as connection:
        results = [*_of_tables(connection), *_of_sql(connection)]
        results.append(parquet_result(compared(connection, company.data, None)))
    results += _of_sources(company, warehouse)
    return {key_of(found): found.description or "" for found in results if not found.passed}


def key_of(found: dg.AssetCheckResult) -> str:
    assert found.asset_key is not None
    return f"{found.asset_key.to_user_string()}:{found.check_name}"


def _of_tables(connection: Connection) -> Iterator[dg.AssetCheckResult]:
    for judge in _judges(read_catalog()):
        yield from judge.results(connection, {spec.name for spec in judge.specs}, None)


def _judges(catalog: Catalog) -> Iterator[Judge]:
    feeds: list[AnyFeed] = [*catalog.feeds.values(), *catalog.table_feeds.values()]
    for feed in feeds:
        yield staging_inspection(feed)
        yield LoadChecks(feed)
    tables: list[AnyTable] = [*catalog.dimensions.values(), *catalog.tables.values()]
    for table in tables:
        yield from judges_of(table)


@cache
def _sql_checks() -> list[SqlCheckContract]:
    documents = [
        document
        for path in sorted(DEFS_FOLDER.rglob("defs.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]
    return [
        SqlCheckContract.model_validate(document["attributes"])
        for document in documents
        if document["type"] == "sales_platform.components.SqlCheck"
    ]


def _of_sql(connection: Connection) -> Iterator[dg.AssetCheckResult]:
    return (sql_result(connection, check, None) for check in _sql_checks())


def _of_sources(company: Company, warehouse: Warehouse) -> Iterator[dg.AssetCheckResult]:
    for domain, source in read_catalog().sources.items():
        tables = [feed.table for feed in source.feeds]
        found = source_equality(warehouse, company.sources[domain], source, tables, samples=5)
        yield from (source_result(feed, found[feed.table]) for feed in source.feeds)
