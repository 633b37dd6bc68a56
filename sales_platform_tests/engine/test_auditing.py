"""What a publication writes is judged before its commit: what is wrong is never seen, what was refused is told."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sales_platform.contracts.catalog import Catalog
from sales_platform.contracts.table import SqlTableContract
from sales_platform.engine.feeds import load_files
from sales_platform.engine.files import locate
from sales_platform.engine.history import refresh_dimension
from sales_platform.engine.publish import publish_table
from sales_platform.engine.reports import TableReport
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import AuditFailed, SalesPlatformError
from sales_platform_tests.defs.channels_road import FACT, MART, ChannelsRoad, line
from sales_platform_tests.engine.test_merge import BUYER, BUYERS, ORDERS

DAYS = ("2026-03-01", "2026-03-02", "2026-03-03")


@pytest.fixture
def channels(warehouse_url: str, tmp_path: Path) -> ChannelsRoad:
    """Three days of two payments of INR 200.00, and SELECTs that a test may spoil."""
    road = ChannelsRoad(warehouse_url, tmp_path / "data")
    for day in DAYS:
        road.put(day, [line(f"{day}-{number}", day) for number in range(2)])
    road.run()
    shutil.copytree(road.catalog.root / "sql", tmp_path / "sql")
    road.catalog = replace(road.catalog, root=tmp_path)
    return road


def _spoil(road: ChannelsRoad, name: str, old: str, new: str) -> SqlTableContract:
    table = road.catalog.tables[name]
    path = road.catalog.root / table.sql_path
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return table


DEFECTS = {
    "a fact loses a row": (
        *(FACT, "where t._partition", "where t.transaction_id <> '2026-03-02-1' and t._partition"),
        "rows 5, but 6 in staging.channels_transactions (-1);"
        " amount 1,000.00, but 1,200.00 in staging.channels_transactions (-200.00);",
        *(1, {"2026-03-02"}),
    ),
    "a fact doubles its money": (
        *(FACT, "    t.amount,\n", "    t.amount * 2 as amount,\n"),
        "amount 2,400.00, but 1,200.00 in staging.channels_transactions (+1,200.00);",
        *(3, set(DAYS)),
    ),
    "a mart loses a row": (
        *(MART, "where f._partition", "where f.transaction_id <> '2026-03-03-0' and f._partition"),
        "transactions 5, but 6 in analytics.fact_transaction (-1);",
        *(1, {"2026-03-03"}),
    ),
    "a mart doubles its money": (
        *(MART, "sum(f.amount) as attempted_amount", "sum(f.amount) * 2 as attempted_amount"),
        "attempted_amount 2,400.00, but 1,200.00 in analytics.fact_transaction (+1,200.00)",
        *(3, set(DAYS)),
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_q_17_a_table_whose_figures_are_not_those_of_its_source_is_never_seen(
    channels: ChannelsRoad, defect: str
) -> None:
    name, old, new, said, offenders, days = DEFECTS[defect]
    table = _spoil(channels, name, old, new)
    columns = "amount" if name == FACT else "transactions, attempted_amount"
    look = f"select _partition, xmin::text, {columns} from {name} order by 1, 2, 3"
    with channels.warehouse.connect(autocommit=True) as reader:
        before = reader.execute(look.encode()).fetchall()

        with pytest.raises(AuditFailed) as caught:
            publish_table(channels.warehouse, table, catalog=channels.catalog)

        assert reader.execute(look.encode()).fetchall() == before
    assert (caught.value.where, caught.value.exit_code) == (name, 3)
    assert caught.value.what.startswith(said)
    assert f", in {', '.join(sorted(days))}. Nothing of it was published" in caught.value.what
    assert table.sql_path in str(caught.value.remedy)
    found = caught.value.evidence
    partitions, samples = found["partitions"], found["samples"]
    assert isinstance(partitions, dict)
    assert isinstance(samples, list)
    assert (found["offenders"], set(partitions)) == (offenders, days)
    assert {row["_partition"] for row in samples} == days


def test_only_the_days_that_were_written_are_compared(channels: ChannelsRoad) -> None:
    with channels.warehouse.transaction() as connection:
        connection.execute(
            "update analytics.fact_transaction set amount = 1 where transaction_id = '2026-03-01-0'"
        )
    fact = channels.catalog.tables[FACT]

    report = publish_table(channels.warehouse, fact, partitions=[DAYS[1]])

    assert report.audit.compared == {
        "staging.channels_transactions": "as in staging.channels_transactions: rows 2, amount 400.00,"
        " successful_amount 400.00, processing_time 3.00"
    }


def test_a_day_whose_grain_comes_twice_is_refused_with_samples_and_without_values_in_the_message(
    channels: ChannelsRoad,
) -> None:
    fact = _spoil(
        channels,
        FACT,
        "from staging.channels_transactions as t\n",
        "from staging.channels_transactions as t\ncross join generate_series(1, 2) as twice\n",
    )
    with pytest.raises(AuditFailed) as caught:
        publish_table(channels.warehouse, fact, catalog=channels.catalog)
    assert caught.value.what.startswith(
        "the SELECT gives more than one row for 6 values of its grain, transaction_id. Nothing of it was published"
    )
    assert "2026-03" not in str(caught.value)
    samples = caught.value.evidence["samples"]
    assert isinstance(samples, list)
    assert samples[0] == {"transaction_id": "2026-03-01-0", "rows": 2}
    assert len(samples) == 5


class Shop:
    """Orders that land again and again, a merged fact of them and a merged mart by buyer."""

    def __init__(self, url: str, root: Path) -> None:
        self.warehouse, self.root = Warehouse(url), root
        self.catalog = Catalog(root=root)
        for contract in (ORDERS, BUYERS, BUYER):
            self.catalog.add(contract)
        (root / "buyers.csv").write_text("buyer_id,name\n1,Ann\n2,Bob\n")
        load_files(self.warehouse, BUYERS, [locate(root, BUYERS.path, None)])
        refresh_dimension(self.warehouse, BUYER)
        self.orders: dict[int, tuple[int, int]] = {}

    def table(self, name: str, select: str, **words: object) -> SqlTableContract:
        spoken = {"domain": "shop", "table": name, "description": "A table", "load": "merge", **words}
        contract = SqlTableContract.model_validate(spoken)
        path = self.root / contract.sql_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(select + "\n")
        self.catalog.add(contract)
        return contract

    def fact(self, select: str, **words: object) -> SqlTableContract:
        spoken: dict[str, object] = {
            "grain": ["order_id"],
            "dimensions": {"buyer": {"dimension": "dim_buyer"}},
            "equals": [
                {
                    "table": "staging.shop_orders",
                    "by": "buyer_id",
                    "figures": {"rows": "count(*)", "amount": "sum(amount)"},
                }
            ],
        }
        return self.table("analytics.fact_order", select, **(spoken | words))

    def order(self, *orders: tuple[int, int, int]) -> None:
        """Each: number, buyer, amount."""
        self.orders |= {number: (buyer, amount) for number, buyer, amount in orders}
        lines = "".join(f"{number},{buyer},{amount}\n" for number, (buyer, amount) in self.orders.items())
        (self.root / "orders.csv").write_text("order_id,buyer_id,amount\n" + lines)
        load_files(self.warehouse, ORDERS, [locate(self.root, ORDERS.path, None)])

    def publish(self, table: SqlTableContract) -> TableReport:
        return publish_table(self.warehouse, table, catalog=self.catalog)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.warehouse.transaction() as connection:
            return connection.execute(query.encode()).fetchall()


GOOD = "select o.order_id, o.buyer_id, o.amount from staging.shop_orders as o"
HELD = "select order_id, amount::int from analytics.fact_order order by 1"


@pytest.fixture
def shop(warehouse_url: str, tmp_path: Path) -> Shop:
    return Shop(warehouse_url, tmp_path)


def test_an_increment_of_a_merged_fact_compares_the_changed_rows_alone(shop: Shop) -> None:
    fact = shop.fact(GOOD)
    shop.order((1, 1, 10), (2, 1, 20), (3, 2, 30))
    whole = {"staging.shop_orders": "as in staging.shop_orders: rows 3, amount 60.00"}
    assert shop.publish(fact).audit.compared == whole
    with shop.warehouse.transaction() as connection:
        connection.execute("update analytics.fact_order set amount = 9 where order_id = 1")

    shop.order((2, 2, 25))

    # order 1 is not what staging holds: the check that stands finds it, an increment does not look there
    assert shop.publish(fact).audit.compared == {
        "staging.shop_orders": "as in staging.shop_orders: rows 1, amount 25.00"
    }
    assert shop.publish(fact).audit.compared == {}


def test_q_17_an_increment_that_loses_a_row_is_taken_back_whole(shop: Shop) -> None:
    fact = shop.fact(f"{GOOD} where o.amount < 100")
    shop.order((1, 1, 10), (2, 1, 20))
    shop.publish(fact)
    shop.order((2, 1, 25), (3, 2, 500))

    with pytest.raises(
        AuditFailed, match=r"rows 2, but 3 in staging.shop_orders \(-1\); amount 35.00, but 535"
    ):
        shop.publish(fact)

    assert shop.rows(HELD) == [(1, 10), (2, 20)]
    # what was taken back is still to do
    shop.order((3, 2, 50))
    shop.publish(fact)
    assert shop.rows(HELD) == [(1, 10), (2, 25), (3, 50)]


def test_q_17_a_merged_mart_that_doubles_money_is_taken_back(shop: Shop) -> None:
    fact = shop.fact(GOOD)
    words = {
        "grain": ["buyer_key"],
        "equals": [
            {"table": "analytics.fact_order", "by": "buyer_key", "figures": {"amount": "sum(amount)"}},
            {"table": "staging.shop_orders", "figures": {"amount": "sum(amount)"}},
        ],
    }
    # a buyer of more than one order is joined with each of them
    doubling = (
        "select f.buyer_key, sum(f.amount) as amount from analytics.fact_order as f"
        " inner join analytics.fact_order as g on f.buyer_key = g.buyer_key group by f.buyer_key"
    )
    mart = shop.table("marts.shop_by_buyer", doubling, **words)
    shop.order((1, 1, 10), (2, 2, 20))
    shop.publish(fact)
    report = shop.publish(mart)
    # the mart does not read staging, which may be ahead of its fact
    assert (list(report.audit.compared), report.audit.left) == (
        *(["analytics.fact_order"], ("staging.shop_orders",)),
    )
    shop.order((3, 2, 30))
    shop.publish(fact)

    with pytest.raises(AuditFailed, match=r"amount 110.00, but 60.00 in analytics.fact_order \(\+50.00\)"):
        shop.publish(mart)

    assert shop.rows("select amount::int from marts.shop_by_buyer order by 1") == [(10,), (20,)]


def test_a_figure_that_reads_the_whole_table_is_no_false_alarm_of_an_increment(shop: Shop) -> None:
    figure = {
        "mine": "sum(0) + (select sum(f.amount) from analytics.fact_order as f)",
        "theirs": "sum(amount)",
    }
    fact = shop.fact(GOOD, equals=[{"table": "staging.shop_orders", "figures": {"amount": figure}}])
    shop.order((1, 1, 10), (2, 1, 20))
    shop.publish(fact)
    shop.order((3, 1, 30))
    assert shop.publish(fact).audit.compared == {
        "staging.shop_orders": "as in staging.shop_orders: amount 60.00"
    }


@pytest.mark.parametrize("standing", [False, True])
def test_a_grain_that_comes_twice_or_is_empty_is_refused_before_and_after_the_first_publication(
    shop: Shop, standing: bool
) -> None:
    shop.order((1, 1, 10))
    if standing:
        shop.publish(shop.fact(GOOD))
    twice = shop.fact(f"{GOOD} union all {GOOD}", columns={"order_id": {"pii": "identifier"}})
    shop.order((2, 2, 20))
    with pytest.raises(AuditFailed, match="more than one row for 2 values of its grain, order_id") as caught:
        shop.publish(twice)
    assert caught.value.evidence["samples"] == [{"order_id": "***", "rows": 2}] * 2

    empty = shop.fact(f"{GOOD} union all select null, 1, 5.00")
    with pytest.raises(
        AuditFailed, match="1 rows of the SELECT lack a value of its grain, order_id"
    ) as caught:
        shop.publish(empty)
    assert caught.value.exit_code == 3

    exists = shop.rows("select to_regclass('analytics.fact_order') is not null")
    assert exists == [(standing,)]
    if standing:
        assert shop.rows(HELD) == [(1, 10)]


def test_another_guard_of_the_database_keeps_its_own_name(shop: Shop) -> None:
    fact = shop.fact(GOOD)
    shop.order((1, 1, 10))
    shop.publish(fact)
    with shop.warehouse.transaction() as connection:
        connection.execute("create unique index one_per_buyer on analytics.fact_order (buyer_id)")
    shop.order((2, 1, 20))
    with pytest.raises(SalesPlatformError, match="constraint one_per_buyer") as caught:
        shop.publish(fact)
    assert not isinstance(caught.value, AuditFailed)
