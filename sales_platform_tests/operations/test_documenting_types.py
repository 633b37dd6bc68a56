"""The types on the pages, against PostgreSQL reading the same DDL and the same SELECTs."""

from __future__ import annotations

import psycopg
from psycopg import sql

from sales_platform.contracts.catalog import Catalog, read_catalog
from sales_platform.engine.selects import filled_select, inputs_of, output_columns
from sales_platform.engine.tables import TableName, columns_of
from sales_platform.operations.documenting_types import known_types, short
from sales_platform.sources.schema import ensure_schema


def test_postgresql_gives_every_column_of_a_select_the_type_that_its_page_names(warehouse_url: str) -> None:
    catalog = read_catalog()
    known = known_types(catalog)
    with psycopg.connect(warehouse_url) as connection:
        for name in known:
            _create(connection, name, known)
        for table in catalog.tables.values():
            connection.execute(
                sql.SQL("create view public.{} as {}").format(
                    sql.Identifier(table.table_name), filled_select(table, [])
                )
            )
            found = columns_of(connection, TableName("public", table.table_name))
            told = {column: known[table.name].get(column) for column in output_columns(table)}
            assert told == {column: found[column] for column in told}, table.name


def test_postgresql_gives_every_column_of_a_source_the_type_that_its_page_names(database_url: str) -> None:
    catalog = read_catalog()
    known = known_types(catalog)
    for domain in catalog.sources:
        ensure_schema(database_url, domain)
    with psycopg.connect(database_url) as connection:
        for feed in catalog.table_feeds.values():
            there = columns_of(connection, TableName(*feed.source_table))
            zoned = {name: kind.replace("without", "with") for name, kind in there.items()}
            assert known[f"raw.{feed.name}"] == known[f"staging.{feed.name}"] == zoned


def test_every_input_of_a_select_is_known() -> None:
    catalog = read_catalog()
    assert {name for table in catalog.tables.values() for name in inputs_of(table)} <= _tables(catalog)


def test_types_are_shown_as_people_write_them() -> None:
    assert short("timestamp with time zone") == "timestamptz"
    assert short("character varying(255)") == "varchar(255)"
    assert short("character(3)") == "char(3)"


def _tables(catalog: Catalog) -> set[str]:
    return set(known_types(catalog))


def _create(connection: psycopg.Connection, name: str, known: dict[str, dict[str, str]]) -> None:
    columns = {"_partition": "text"} | known[name]
    body = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in columns.items()
    )
    connection.execute(sql.SQL("create table {} ({})").format(TableName.parse(name).sql, body))
