"""A world of its own for every test: an empty schema `shop` in a source, a migrated warehouse."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.engine.oltp.world import ORDERS, World


@pytest.fixture(scope="module")
def source_url(postgres_server: EmbeddedServer) -> Iterator[str]:
    """One database for a module, because making it takes longer than a test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres_server.create_database(name)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def empty_world(source_url: str, warehouse_url: str) -> Iterator[World]:
    with psycopg.connect(source_url, autocommit=True) as source:
        _forget_prepared(source)
        source.execute("drop schema if exists shop cascade")
        source.execute("create schema shop")
        yield World(Warehouse(warehouse_url), SourceDatabase("shop", source_url), source)


@pytest.fixture
def world(empty_world: World) -> World:
    """With the table `shop.orders`."""
    empty_world.do(ORDERS)
    return empty_world


def _forget_prepared(source: psycopg.Connection) -> None:
    """What a test that failed left prepared would hold its tables for ever."""
    left = source.execute("select gid from pg_prepared_xacts where database = current_database()").fetchall()
    for (name,) in left:
        source.execute(sql.SQL("rollback prepared {}").format(sql.Literal(name)))
