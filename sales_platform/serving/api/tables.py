"""Reading tables of the warehouse for an answer: one statement each, and what it means that a table is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from fastapi import Request
from psycopg import sql
from psycopg.rows import dict_row

from sales_platform.contracts.catalog import read_catalog
from sales_platform.engine.driver_errors import translated
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import MartMissing
from sales_platform.metrics.registry import Registry
from sales_platform.serving.pool import ReaderPool

Rows = list[tuple[Any, ...]]
Records = list[dict[str, Any]]


def pool_of(request: Request) -> ReaderPool:
    pool: ReaderPool = request.app.state.pool
    return pool


def registry_of(request: Request) -> Registry:
    registry: Registry = request.app.state.registry
    return registry


def read_rows(
    connection: Connection, table: str, statement: sql.Composed, parameters: Mapping[str, Any]
) -> Rows:
    """Raises MartMissing that says what to materialize, and driver errors as errors of ours."""
    with translated(table), made(table):
        return connection.execute(statement, parameters).fetchall()


def read_records(
    connection: Connection, table: str, statement: str, parameters: Mapping[str, Any]
) -> Records:
    """Rows by the names of their columns. Raises as `read_rows`."""
    with translated(table), made(table), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement.encode(), parameters).fetchall()


@contextmanager
def made(table: str) -> Iterator[None]:
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        domain = domain_of(table)
        raise MartMissing(
            "the table was not made yet, or by an older contract.",
            where=table,
            remedy=f"Materialize {table.replace('.', '/')}: `sales-platform run {domain}`.",
        ) from None


def domain_of(table: str) -> str:
    catalog = read_catalog()
    contract = catalog.tables.get(table) or catalog.dimensions[table.removeprefix("analytics.")]
    return contract.domain
