"""A world of its own for every test: an empty source with schema `shop`, a migrated warehouse."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.warehouse import Warehouse
from sales_platform_tests.engine.oltp.world import ORDERS, World


@pytest.fixture
def empty_world(database_url: str, warehouse_url: str) -> Iterator[World]:
    with psycopg.connect(database_url, autocommit=True) as source:
        source.execute("create schema shop")
        yield World(Warehouse(warehouse_url), SourceDatabase("shop", database_url), source)


@pytest.fixture
def world(empty_world: World) -> World:
    """With the table `shop.orders`."""
    empty_world.do(ORDERS)
    return empty_world
