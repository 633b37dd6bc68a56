"""A world of its own for every test: an empty schema `shop` in a source, a warehouse without a row."""

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

# Loads make tables in raw and staging, and notes of changed keys; all else stood after the migrations.
_EMPTY = """
do $$
declare made regclass; standing text;
begin
    for made in select oid from pg_class where relkind = 'r' and (
        relnamespace in ('raw'::regnamespace, 'staging'::regnamespace)
        or relnamespace = 'ops'::regnamespace and relname like '%_changed_key'
    ) loop
        execute format('drop table %s', made);
    end loop;
    select string_agg(oid::regclass::text, ', ') into standing from pg_class
    where relkind = 'r' and relnamespace in ('ops'::regnamespace, 'quality'::regnamespace)
        and relname <> 'alembic_version';
    execute format('truncate %s restart identity', standing);
end $$
"""


@pytest.fixture(scope="module")
def urls(postgres_server: EmbeddedServer, migrated_template: str) -> Iterator[tuple[str, str]]:
    """A source and a migrated warehouse for a module, because making them takes longer than a test."""
    source, warehouse = (f"test_{uuid.uuid4().hex[:12]}" for _ in range(2))
    postgres_server.create_database(source)
    postgres_server.create_database(warehouse, migrated_template)
    yield postgres_server.url(source), postgres_server.url(warehouse)
    postgres_server.drop_database(source)
    postgres_server.drop_database(warehouse)


@pytest.fixture
def empty_world(urls: tuple[str, str]) -> Iterator[World]:
    source_url, warehouse_url = urls
    with psycopg.connect(warehouse_url, autocommit=True) as warehouse:
        warehouse.execute(_EMPTY)
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
