"""A table with `load: merge`: what it holds equals a rebuild, and only rows of changed keys are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.dimension import DimensionContract
from sales_platform.contracts.feed import FileFeedContract
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.publish import publish_table
from sales_platform.engine.rebuild import verify
from sales_platform.engine.warehouse import Warehouse

ORDERS = FileFeedContract.model_validate(
    {
        "domain": "shop",
        "table": "orders",
        "description": "Orders, the newest line of each counts",
        "path": "orders.csv",
        "key": ["order_id"],
        "columns": {
            "order_id": {"type": "bigint"},
            "buyer_id": {"type": "bigint"},
            "amount": {"type": "numeric(8,2)", "required": True},
        },
    }
)
BUYERS = FileFeedContract.model_validate(
    {
        "domain": "shop",
        "table": "buyers",
        "description": "Buyers",
        "path": "buyers.csv",
        "key": ["buyer_id"],
        "columns": {"buyer_id": {"type": "bigint"}, "name": {"type": "text"}},
    }
)
BUYER = DimensionContract.model_validate(
    {
        "domain": "shop",
        "table": "dim_buyer",
        "description": "Buyers",
        "key": ["buyer_id"],
        "overwrite": ["name"],
        "events": [{"from": "staging.shop_buyers"}],
    }
)
FACT = SqlTableContract.model_validate(
    {
        "domain": "shop",
        "table": "analytics.fact_order",
        "description": "Orders",
        "grain": ["order_id"],
        "load": "merge",
        "dimensions": {"buyer": {"dimension": "dim_buyer"}},
    }
)
SELECT = "select o.order_id, o.buyer_id, o.amount from staging.shop_orders as o where o.amount >= 0\n"

Order = tuple[int, int, str]


class Shop:
    """A shop whose files land again and again."""

    def __init__(self, url: str, folder: Path) -> None:
        self.warehouse, self.folder = Warehouse(url), folder
        self.catalog = Catalog(root=folder)
        for contract in (ORDERS, BUYERS, BUYER, FACT):
            self.catalog.add(contract)
        select = folder / FACT.sql_path
        select.parent.mkdir(parents=True)
        select.write_text(SELECT)
        (folder / "buyers.csv").write_text("buyer_id,name\n1,Ann\n2,Bob\n")
        load_files(self.warehouse, BUYERS, [locate(folder, BUYERS.path, None)])
        refresh_dimension(self.warehouse, BUYER)

    def publish(self, orders: Sequence[Order]) -> None:
        lines = "".join(f"{order},{buyer},{amount}\n" for order, buyer, amount in orders)
        (self.folder / "orders.csv").write_text("order_id,buyer_id,amount\n" + lines)
        load_files(self.warehouse, ORDERS, [locate(self.folder, ORDERS.path, None)])
        publish_table(self.warehouse, FACT, catalog=self.catalog)

    def rows(self) -> dict[int, tuple[int, str, int]]:
        """Order → buyer, amount and the transaction that wrote the row."""
        with self.warehouse.transaction() as connection:
            found = connection.execute(
                "select order_id, buyer_id, amount::text, xmin::text::bigint from analytics.fact_order"
            ).fetchall()
        return {order: (buyer, amount, written) for order, buyer, amount, written in found}

    def inferred(self) -> list[int]:
        with self.warehouse.transaction() as connection:
            found = connection.execute(
                "select buyer_id from analytics.dim_buyer where is_inferred"
            ).fetchall()
        return [row[0] for row in found]


@pytest.fixture
def shop(warehouse_url: str, tmp_path: Path) -> Shop:
    return Shop(warehouse_url, tmp_path)


def test_only_the_rows_of_changed_keys_are_written(shop: Shop) -> None:
    shop.publish([(1, 1, "10.00"), (2, 2, "20.00"), (3, 1, "30.00")])
    before = shop.rows()

    shop.publish([(1, 1, "10.00"), (2, 2, "25.00"), (3, 1, "30.00"), (4, 2, "40.00")])

    after = shop.rows()
    assert {order: row[:2] for order, row in after.items()} == {
        1: (1, "10.00"), 2: (2, "25.00"), 3: (1, "30.00"), 4: (2, "40.00"),
    }  # fmt: skip
    assert [order for order in before if after[order] != before[order]] == [2]
    assert verify(shop.warehouse, shop.catalog) == []


def test_a_row_that_the_select_no_longer_gives_goes_and_its_inferred_buyer_with_it(shop: Shop) -> None:
    shop.publish([(1, 1, "10.00"), (2, 99, "20.00")])
    assert shop.inferred() == [99]

    shop.publish([(1, 1, "10.00"), (2, 99, "-1.00")])

    assert list(shop.rows()) == [1]
    assert shop.inferred() == []
    assert verify(shop.warehouse, shop.catalog) == []


def test_another_select_makes_every_row_anew(shop: Shop) -> None:
    shop.publish([(1, 1, "10.00"), (2, 2, "20.00")])

    (shop.folder / FACT.sql_path).write_text(
        SELECT.replace("o.amount from", "(o.amount * 2)::numeric(8, 2) as amount from")
    )
    publish_table(shop.warehouse, FACT, catalog=shop.catalog)

    assert {order: row[1] for order, row in shop.rows().items()} == {1: "20.00", 2: "40.00"}
