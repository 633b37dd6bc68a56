"""A small company in a warehouse, loaded once for all tests of serving, by whichever worker begins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg

from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.locks import exclusive
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.acceptance.loaded_company import founded, load
from sales_platform_tests.conftest import HOME_VARIABLE, _fresh_database

TEMPLATE = "loaded_company"


def company_template(server: EmbeddedServer, migrated: str) -> str:
    """The name of a database with three days of sales and payments, billing, invoices and accounts."""
    home = Path(os.environ[HOME_VARIABLE])
    done = server.data / "company_is_loaded"
    lock = home / "company.lock"
    lock.touch()
    with exclusive(lock, wait=240):
        if not done.exists():
            server.drop_database(TEMPLATE)
            server.create_database(TEMPLATE, migrated)
            _load(server, home / "company")
            done.touch()
    return TEMPLATE


def company_copy(server: EmbeddedServer, migrated: str) -> Iterator[str]:
    """The owner's URL of a copy that a test may change."""
    yield from _fresh_database(server, company_template(server, migrated))


def _load(server: EmbeddedServer, folder: Path) -> None:
    sources = [_fresh_database(server) for _ in range(2)]
    invoicing, accounts = (next(source) for source in sources)
    load(founded(folder, invoicing, accounts), Warehouse(server.url(TEMPLATE)))
    with psycopg.connect(server.url(TEMPLATE), autocommit=True) as connection:
        connection.execute("analyze")
    for source in sources:
        next(source, None)
