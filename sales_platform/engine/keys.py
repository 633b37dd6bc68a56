"""Surrogate keys: issued once, recorded in `ops.surrogate_key`, found again by a rebuild, never reused."""

from __future__ import annotations

from psycopg import sql

from sales_platform.contracts.dimension import DimensionContract
from sales_platform.engine.dimension_table import business_key_json, dimension_name
from sales_platform.engine.warehouse import Connection


def assign_recorded_keys(
    connection: Connection, dimension: DimensionContract, relation: str, start: str, *, unborn: bool = False
) -> None:
    """Fill `surrogate` of a temporary relation from the record, where the same member and start had a key
    before.

    unborn: only keys that no row of the dimension bears; those that stand were matched by state already.
    """
    connection.execute(
        sql.SQL(
            """update {relation} as w set surrogate = k.surrogate_key
            from ops.surrogate_key as k
            where w.surrogate is null and k.dimension = {dimension} and k.merged_into is null
                and k.business_key = {key} and k.effective_start_date = {start}
                and not ({unborn} and exists (select from {table} as d where d.{surrogate} = k.surrogate_key))"""
        ).format(
            unborn=sql.Literal(unborn),
            table=dimension_name(dimension).sql,
            surrogate=sql.Identifier(dimension.surrogate_key),
            relation=sql.Identifier("pg_temp", relation),
            dimension=sql.Literal(dimension.table),
            key=business_key_json(dimension.key, "w"),
            start=sql.SQL(start),
        )
    )


def issue_keys(connection: Connection, dimension: DimensionContract, relation: str, start: str) -> int:
    """Give every row of a temporary relation without `surrogate` a new key, and record it. Returns how many."""
    words = {
        "relation": sql.Identifier("pg_temp", relation),
        "dimension": sql.Literal(dimension.table),
        "key": business_key_json(dimension.key, "w"),
        "start": sql.SQL(start),
    }
    return connection.execute(
        sql.SQL(
            """with issued as (
                update {relation} as w set surrogate = nextval('ops.surrogate_key_seq') where surrogate is null
                returning w.*
            )
            insert into ops.surrogate_key (dimension, business_key, effective_start_date, surrogate_key)
            select {dimension}, {key}, {start}, w.surrogate from issued as w"""
        ).format(**words)
    ).rowcount


def has_records(connection: Connection, dimension: DimensionContract) -> bool:
    row = connection.execute(
        "select exists (select from ops.surrogate_key where dimension = %s)", [dimension.table]
    ).fetchone()
    return bool(row and row[0])
