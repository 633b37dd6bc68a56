"""Making tables again from raw, and proving that they are what raw says (the replay law).

The proof rebuilds inside one transaction that is rolled back: the layers step aside under another name, the
very functions that load them build them anew, the two are compared row by row, and nobody else ever sees any
of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine import loads, quarantine
from sales_platform.engine.changed_keys import changed_keys_name
from sales_platform.engine.history import refresh_within
from sales_platform.engine.judging import judge
from sales_platform.engine.landing_loads import restage_landings
from sales_platform.engine.locks import lock_tables
from sales_platform.engine.oltp.staged import restage_log
from sales_platform.engine.parents import deciding_parents, note_parents
from sales_platform.engine.publish import publish_within
from sales_platform.engine.selects import inputs_of
from sales_platform.engine.staged_partitions import publish_partitions
from sales_platform.engine.staging import (
    ensure_staging_table,
    finish_staging_table,
    staging_name,
    superseded_name,
)
from sales_platform.engine.tables import TableName, columns_of, exists, identifiers
from sales_platform.engine.versions import publish_versions
from sales_platform.engine.warehouse import Connection, Warehouse
from sales_platform.errors import WrongUse

LAYERS = ("staging", "analytics", "marts")


@dataclass(frozen=True)
class Rebuilt:
    """A table that was rebuilt, with the rows that stand now and how many of them changed."""

    table: str
    rows: int
    changed: int


@dataclass(frozen=True)
class Difference:
    """Rows that only the live table has, and rows that only the rebuilt one has."""

    table: str
    only_live: int
    only_rebuilt: int


def rebuild_order(catalog: Catalog) -> list[str]:
    """Every table that is made from raw, each after what it reads."""
    waiting = _needs(catalog)
    order: list[str] = []
    while waiting:
        ready = sorted(name for name, needs in waiting.items() if not needs & waiting.keys() - {name})
        if not ready:
            raise WrongUse(f"the tables {', '.join(sorted(waiting))} read one another in a circle.")
        order += ready
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
    return order


def never_landed(warehouse: Warehouse, catalog: Catalog) -> set[str]:
    """Tables that raw says nothing of: of feeds that never landed, and those that are made of them."""
    needs = _needs(catalog)
    absent: set[str] = set()
    with warehouse.transaction() as connection:
        for name in rebuild_order(catalog):
            # a staged row can do without its parents, a later table not without its inputs
            inputs: set[str] = set() if name.startswith("staging.") else needs[name] - {name}
            if not _has_raw(connection, name) or inputs & absent:
                absent.add(name)
    return absent


def _needs(catalog: Catalog) -> dict[str, set[str]]:
    """Table → those that are made before it."""
    waiting = {f"staging.{name}": set(deciding_parents(feed)) for name, feed in catalog.feeds.items()}
    waiting |= {f"staging.{name}": set() for name in catalog.table_feeds}
    waiting |= {
        d.name: {*(events.source for events in d.events), *_owners(d)} for d in catalog.dimensions.values()
    }
    for table in catalog.tables.values():
        waiting[table.name] = {*inputs_of(table, catalog.root), *_owners(table)}
    return waiting


def rebuild(warehouse: Warehouse, catalog: Catalog, names: Sequence[str]) -> Iterator[Rebuilt]:
    """Rebuild the named tables in place, in dependency order, one transaction per table; readers never see
    half of one.

    Tables whose feed never landed are left out. Raises WrongUse for an unknown name.
    """
    unknown = sorted(set(names) - set(rebuild_order(catalog)))
    if unknown:
        raise WrongUse(f"there is no table {unknown[0]}.", remedy="`sales-platform status` lists the feeds.")
    for name in (name for name in rebuild_order(catalog) if name in names):
        with warehouse.transaction() as connection:
            if _has_raw(connection, name):
                before = _copy_of(connection, name)
                _rebuild_one(connection, catalog, name)
                yield _rebuilt(connection, name, before)


def verify(warehouse: Warehouse, catalog: Catalog, names: Sequence[str] | None = None) -> list[Difference]:
    """Rebuild everything from raw beside the live tables and compare, surrogate keys included; an empty list
    is equality.

    Works on one snapshot and rolls everything back; loads that run meanwhile are neither disturbed nor seen.
    """
    with warehouse.connect() as connection:
        connection.execute("set transaction isolation level repeatable read")
        try:
            return list(_compare_scratch(connection, catalog, names))
        finally:
            connection.rollback()


def _compare_scratch(
    connection: Connection, catalog: Catalog, names: Sequence[str] | None
) -> Iterator[Difference]:
    order = [name for name in rebuild_order(catalog) if exists(connection, TableName.parse(name))]
    for layer in LAYERS:
        connection.execute(
            sql.SQL("alter schema {} rename to {}").format(
                sql.Identifier(layer), sql.Identifier(f"live_{layer}")
            )
        )
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(layer)))
    connection.execute("delete from ops.consumed_version")
    connection.execute("delete from ops.dimension_reference")
    for name in order:
        _rebuild_one(connection, catalog, name)
    for name in order:
        if names is None or name in names:
            difference = _difference(connection, name)
            if difference.only_live or difference.only_rebuilt:
                yield difference


def _rebuild_one(connection: Connection, catalog: Catalog, name: str) -> None:
    schema, _, table = name.partition(".")
    if schema == "staging" and table in catalog.table_feeds:
        lock_tables(connection, [name])
        restage_log(connection, catalog.table_feeds[table])
    elif schema == "staging":
        restage(connection, catalog.feeds[table])
    elif table in catalog.dimensions:
        refresh_within(connection, catalog.dimensions[table], catalog, everything=True)
    else:
        contract = catalog.tables[name]
        inputs = inputs_of(contract, catalog.root)
        publish_within(connection, contract, _all_partitions(connection, inputs), catalog)


def restage(connection: Connection, feed: FileFeedContract) -> None:
    """Staging of one feed, from all that raw holds. Says that the table changed, so that what reads it looks
    again.
    """
    lock_tables(connection, [str(staging_name(feed))])
    fresh = ensure_staging_table(connection, feed)
    moment = loads.newest_load_time(connection, feed.name, published=True)
    if feed.lands_beside:
        corrections = loads.corrections_of(loads.load_states(connection, feed).values())
        restage_landings(connection, feed, moment, corrections)
        if exists(connection, changed_keys_name(staging_name(feed))):
            connection.execute("delete from ops.consumed_version where input = %s", [str(staging_name(feed))])
        publish_versions(connection, str(staging_name(feed)))
    else:
        _restage_partitions(connection, feed, moment)
    if fresh:
        finish_staging_table(connection, feed)
    note_parents(connection, feed)


def _restage_partitions(connection: Connection, feed: FileFeedContract, moment: datetime) -> None:
    states = loads.load_states(connection, feed)
    landed = {p: s.landed_load_id for p, s in states.items() if s.landed_load_id is not None}
    if exists(connection, superseded_name(feed)):
        connection.execute(sql.SQL("delete from {}").format(superseded_name(feed).sql))
    corrections = loads.corrections_of(states.values())
    judged = judge(connection, feed, list(landed.values()), moment, corrections=list(corrections))
    quarantine.start_refusals(connection)
    outcome = publish_partitions(connection, feed, sorted(landed), judged)
    quarantine.finish_refusals(connection)
    if outcome.changed:
        publish_versions(connection, str(staging_name(feed)), outcome.touched)


def _owners(table: DimensionContract | SqlTableContract) -> set[str]:
    return {f"analytics.{role.dimension}" for role in table.dimensions.values()}


def _all_partitions(connection: Connection, inputs: Sequence[str]) -> list[str]:
    rows = connection.execute(
        "select distinct partition from ops.partition_version where table_name = any(%s) order by 1",
        [list(inputs)],
    ).fetchall()
    return [row[0] for row in rows]


def _has_raw(connection: Connection, name: str) -> bool:
    schema, _, table = name.partition(".")
    return schema != "staging" or exists(connection, TableName("raw", table))


def _copy_of(connection: Connection, name: str) -> bool:
    """Keep what stands now for the count of changes; returns whether there was a table."""
    if not exists(connection, TableName.parse(name)):
        return False
    connection.execute(
        sql.SQL("create temporary table before_rebuild on commit drop as select * from {}").format(
            TableName.parse(name).sql
        )
    )
    return True


def _rebuilt(connection: Connection, name: str, before: bool) -> Rebuilt:
    table = TableName.parse(name)
    row = connection.execute(sql.SQL("select count(*) from {}").format(table.sql)).fetchone()
    rows = int(row[0]) if row else 0
    if not before:
        return Rebuilt(name, rows, rows)
    columns = identifiers(tuple(columns_of(connection, table)))
    return Rebuilt(name, rows, _only_in(connection, table.sql, sql.Identifier("before_rebuild"), columns))


def _difference(connection: Connection, name: str) -> Difference:
    schema, _, table = name.partition(".")
    live, rebuilt = TableName(f"live_{schema}", table), TableName(schema, table)
    types, standing = columns_of(connection, rebuilt), columns_of(connection, live)
    columns = identifiers(tuple(types))
    # a column that came with a newer contract or release is empty until the next load
    shown = sql.SQL("(select {} from {}) as l").format(
        sql.SQL(", ").join(
            sql.SQL("{}" if column in standing else "null::{kind} as {}").format(
                sql.Identifier(column), kind=sql.SQL(kind)
            )
            for column, kind in types.items()
        ),
        live.sql,
    )
    return Difference(
        name,
        _only_in(connection, shown, rebuilt.sql, columns),
        _only_in(connection, rebuilt.sql, shown, columns),
    )


def _only_in(
    connection: Connection, these: sql.Composable, those: sql.Composable, columns: sql.Composable
) -> int:
    """Rows of `these` that `those` lacks, counted with their repetitions."""
    row = connection.execute(
        sql.SQL("select count(*) from (select {c} from {a} except all select {c} from {b}) as d").format(
            c=columns, a=these, b=those
        )
    ).fetchone()
    return int(row[0]) if row else 0
