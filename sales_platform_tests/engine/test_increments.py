"""From a live source to a mart in increments: after any sequence of changes every table equals one rebuild."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.source import PostgresFeedContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.oltp.feeds import load_source
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.publish import publish_table
from sales_platform.engine.rebuild import verify
from sales_platform.engine.reports import TableReport
from sales_platform.engine.warehouse import Warehouse
from sales_platform.local.server import EmbeddedServer

DDL = """
create schema shop;
create table shop.regions (region_id int primary key, region text not null);
create table shop.buyers (
    buyer_id int primary key, name text not null, region_id int, updated_at timestamptz not null
);
create table shop.orders (
    order_id int primary key, buyer_id int, day date not null, amount numeric(10, 2) not null,
    updated_at timestamptz not null
);
create table shop.lines (
    line_id int primary key, order_id int not null, pieces int not null, updated_at timestamptz not null
);
"""
SOURCE = PostgresFeedContract.model_validate(
    {
        "domain": "shop",
        "database": "shop",
        "description": "A shop",
        "tables": {
            "regions": {"key": ["region_id"], "cursor": "none", "max_delete": "100%"},
            "buyers": {"key": ["buyer_id"], "cursor": "updated_at", "versions": True, "max_delete": "100%"},
            "orders": {"key": ["order_id"], "cursor": "updated_at", "max_delete": "100%"},
            "lines": {"key": ["line_id"], "cursor": "updated_at", "max_delete": "100%"},
        },
    }
)


def _dimension(**words: object) -> DimensionContract:
    return DimensionContract.model_validate({"domain": "shop", "description": "A dimension", **words})


REGION = _dimension(
    table="dim_region", key=["region_id"], overwrite=["region"], events=[{"from": "staging.shop_regions"}]
)
BUYER = _dimension(
    table="dim_buyer",
    key=["buyer_id"],
    track=["name"],
    events=[{"from": "staging.shop_buyers", "valid_from": "_event_at"}],
)
# the same buyers without history, belonging to a region
OWNED = _dimension(
    table="dim_order",
    key=["order_id"],
    overwrite=["buyer_id", "amount", "region_id"],
    rename={"region_id": "buyer_id"},
    dimensions={"region": {"dimension": "dim_region"}},
    events=[{"from": "staging.shop_orders"}],
)


def _table(name: str, grain: list[str], **words: object) -> SqlTableContract:
    return SqlTableContract.model_validate(
        {"domain": "shop", "table": name, "description": "A table", "grain": grain, "load": "merge", **words}
    )


ORDERS = _table(
    "analytics.fact_order", ["order_id"], dimensions={"buyer": {"dimension": "dim_buyer", "at": "updated_at"}}
)
LINES = _table("analytics.fact_line", ["line_id"])
DAILY = _table("marts.shop_daily", ["order_date_key", "buyer_key"])
# groups by the member's key without reading its dimension
BUYERS = _table("marts.shop_by_buyer", ["buyer_key"])
SELECTS = (
    (
        ORDERS,
        "select o.order_id, o.buyer_id, ops.date_key(o.day) as order_date_key, o.amount, o.updated_at"
        " from staging.shop_orders as o",
    ),
    (
        LINES,
        "select l.line_id, l.order_id, l.pieces, ops.date_key(o.day) as order_date_key"
        " from staging.shop_lines as l left join staging.shop_orders as o on l.order_id = o.order_id",
    ),
    (
        DAILY,
        "select f.order_date_key, f.buyer_key, coalesce(b.name, 'Unknown') as name, count(*) as orders,"
        " sum(f.amount) as amount from analytics.fact_order as f"
        " inner join analytics.dim_buyer as b on f.buyer_key = b.buyer_key"
        " group by f.order_date_key, f.buyer_key, b.name",
    ),
    (
        BUYERS,
        "select f.buyer_key, count(*) as orders, sum(f.amount) as amount from analytics.fact_order as f"
        " group by f.buyer_key",
    ),
)


class Shop:
    """A source database and the tables made of it."""

    def __init__(self, source_url: str, warehouse_url: str, root: Path) -> None:
        self.source = psycopg.connect(source_url, autocommit=True)
        self.source.execute(DDL)
        self.database = SourceDatabase("shop", source_url)
        self.warehouse = Warehouse(warehouse_url)
        self.catalog = Catalog(root=root)
        for contract in (SOURCE, REGION, BUYER, OWNED, ORDERS, LINES, DAILY, BUYERS):
            self.catalog.add(contract)
        for table, select in SELECTS:
            path = root / table.sql_path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(select + "\n")

    def run(self, *, comparing: bool = False) -> dict[str, TableReport]:
        load_source(self.warehouse, self.database, SOURCE, comparing=comparing).raise_faults()
        for dimension in (REGION, BUYER, OWNED):
            refresh_dimension(self.warehouse, dimension, catalog=self.catalog)
        return {
            table.table: publish_table(self.warehouse, table, catalog=self.catalog) for table, _ in SELECTS
        }

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.transaction() as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def shop(
    postgres_server: EmbeddedServer, database_url: str, warehouse_url: str, tmp_path: Path
) -> Iterator[Shop]:
    made = Shop(database_url, warehouse_url, tmp_path)
    yield made
    made.source.close()


def _fill(shop: Shop, orders: int) -> None:
    shop.source.execute("insert into shop.regions select n, 'region ' || n from generate_series(1, 3) as n")
    shop.source.execute(
        "insert into shop.buyers select n, 'buyer ' || n, n % 3 + 1, now() from generate_series(1, 5) as n"
    )
    shop.source.execute(
        "insert into shop.orders select n, n %% 5 + 1, date '2026-01-01' + n %% 10, n, clock_timestamp()"
        " from generate_series(1, %s) as n",
        [orders],
    )
    shop.source.execute(
        "insert into shop.lines select n, n, n %% 7, clock_timestamp() from generate_series(1, %s) as n",
        [orders],
    )


def test_one_changed_order_rewrites_only_its_own_day_and_buyer_in_the_mart(shop: Shop) -> None:
    _fill(shop, 100)
    shop.run()
    before = dict(shop.rows("select (order_date_key, buyer_key)::text, xmin::text from marts.shop_daily"))

    shop.source.execute(
        "update shop.orders set amount = 999, updated_at = clock_timestamp() where order_id = 7"
    )
    reports = shop.run()

    after = dict(shop.rows("select (order_date_key, buyer_key)::text, xmin::text from marts.shop_daily"))
    rewritten = [group for group, written in after.items() if before[group] != written]
    day = "20260108"
    assert [group.split(",")[0] for group in rewritten] == [f"({day}"]
    assert (reports["marts.shop_daily"].inserted, reports["marts.shop_daily"].deleted) == (1, 1)
    assert (
        shop.rows(f"select sum(amount) from marts.shop_daily where order_date_key = {day}")
        == shop.source.execute("select sum(amount) from shop.orders where day = '2026-01-08'").fetchall()
    )


def test_an_order_that_moves_to_another_day_changes_both_days_and_its_lines(shop: Shop) -> None:
    _fill(shop, 40)
    shop.run()

    shop.source.execute(
        "update shop.orders set day = '2026-02-02', updated_at = clock_timestamp() where order_id = 3"
    )
    shop.run()

    assert shop.rows("select order_date_key from analytics.fact_line where line_id = 3") == [(20260202,)]
    assert shop.rows(
        "select order_date_key, sum(orders)::bigint from marts.shop_daily where order_date_key in (20260104, 20260202)"
        " group by 1 order by 1"
    ) == [(20260104, 3), (20260202, 1)]


def test_a_mart_follows_facts_that_point_at_a_new_version_and_members_that_are_renamed(shop: Shop) -> None:
    _fill(shop, 20)
    shop.run()

    # true since before the orders: their rows move to the new version, and its name is the mart's
    shop.source.execute(
        "update shop.buyers set name = 'renamed', updated_at = updated_at + interval '1 microsecond' where buyer_id = 2"
    )
    shop.run()

    names = shop.rows("select distinct name from marts.shop_daily order by name")
    assert names == [("buyer 1",), ("buyer 3",), ("buyer 4",), ("buyer 5",), ("renamed",)]
    assert (
        shop.rows(
            "select b.name from marts.shop_by_buyer as m"
            " left join analytics.dim_buyer as b on m.buyer_key = b.buyer_key order by 1"
        )
        == names
    )
    assert verify(shop.warehouse, shop.catalog) == []


def test_a_member_names_its_owner_and_follows_it(shop: Shop) -> None:
    _fill(shop, 4)
    shop.source.execute("update shop.orders set buyer_id = 9 where order_id = 4")
    shop.run()
    owners = (
        "select o.order_id, r.region_id, r.is_inferred from analytics.dim_order as o"
        " inner join analytics.dim_region as r on o.region_key = r.region_key where o.order_key <> 0 order by 1"
    )
    assert shop.rows(owners) == [(1, 2, False), (2, 3, False), (3, 4, True), (4, 9, True)]
    inferred = "select buyer_key from analytics.dim_buyer where is_inferred"
    buyer_nine = shop.rows(inferred)

    shop.source.execute("insert into shop.regions values (9, 'nine')")
    shop.source.execute("delete from shop.orders where order_id = 3")
    shop.source.execute(
        "update shop.orders set buyer_id = 1, updated_at = clock_timestamp() where order_id = 2"
    )
    shop.run(comparing=True)

    assert shop.rows(owners) == [(1, 2, False), (2, 1, False), (4, 9, False)]
    refresh_dimension(shop.warehouse, BUYER, everything=True, catalog=shop.catalog)
    assert shop.rows(inferred) == buyer_nine
    # nobody names region 4 any more, so its inferred member is gone
    assert shop.rows("select count(*) from analytics.dim_region where is_inferred") == [(0,)]
    assert verify(shop.warehouse, shop.catalog) == []


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_any_sequence_of_changes_and_increments_equals_one_rebuild(shop: Shop, seed: int) -> None:
    draws = random.Random(seed)
    _fill(shop, 30)
    for step in range(12):
        for _ in range(draws.randrange(1, 6)):
            _change(shop, draws)
        comparing = draws.random() < 0.4
        shop.run(comparing=comparing)
        if comparing:
            assert (
                shop.rows("select sum(orders)::bigint, sum(amount) from marts.shop_daily")
                == shop.source.execute("select count(*), sum(amount) from shop.orders").fetchall()
            ), f"after step {step}"
    assert verify(shop.warehouse, shop.catalog) == []


def _change(shop: Shop, draws: random.Random) -> None:
    order, buyer, day = draws.randrange(1, 50), draws.randrange(1, 8), draws.randrange(0, 12)
    statement, values = draws.choice(
        [
            (
                "insert into shop.orders values (%s, %s, date '2026-01-01' + %s, 5, clock_timestamp())"
                " on conflict (order_id) do update set buyer_id = excluded.buyer_id, day = excluded.day,"
                " updated_at = clock_timestamp()",
                (order, buyer, day),
            ),
            (
                "update shop.orders set amount = amount + 1, updated_at = clock_timestamp() where order_id = %s",
                (order,),
            ),
            ("update shop.orders set amount = amount + 1 where order_id = %s", (order,)),
            ("delete from shop.orders where order_id = %s", (order,)),
            ("delete from shop.buyers where buyer_id = %s", (buyer,)),
            (
                "insert into shop.buyers values (%s, 'n' || %s, 1, clock_timestamp()) on conflict (buyer_id)"
                " do update set name = excluded.name, updated_at = clock_timestamp()",
                (buyer, day),
            ),
            ("update shop.buyers set name = 'silent' || %s where buyer_id = %s", (day, buyer)),
            (
                "update shop.lines set pieces = pieces + 1, updated_at = clock_timestamp() where line_id = %s",
                (order,),
            ),
            ("delete from shop.lines where line_id = %s", (order,)),
            ("delete from shop.regions where region_id = %s", (buyer,)),
            ("insert into shop.regions values (%s, 'again') on conflict do nothing", (buyer,)),
        ]
    )
    shop.source.execute(statement, values)
