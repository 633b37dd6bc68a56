"""A source compared with what stands of it, and nothing written: what counts as a difference, what is still coming."""

from __future__ import annotations

from decimal import Decimal

import pytest

from sales_platform.engine.oltp.equality import Equality, source_equality
from sales_platform.errors import ServerUnavailable
from sales_platform_tests.engine.oltp.world import BY_COMPARING, World

# stamped long ago, so that no window reads them again
OLD = "insert into shop.orders select n, 'new', '2026-01-01' from generate_series(1, 5000) as n"


def look(world: World, samples: int = 5) -> Equality:
    found = source_equality(world.warehouse, world.database, world.contract, ["orders"], samples=samples)[
        "orders"
    ]
    assert isinstance(found, Equality), found
    return found


def counts(found: Equality) -> tuple[int, int, int, int]:
    assert found.differing is not None
    each = found.differing
    return each.missing, each.changed, each.surplus, each.astray


@pytest.fixture
def shop(world: World) -> World:
    """5,000 old orders, loaded, with an amount each."""
    world.do("alter table shop.orders add amount numeric(12, 2) default 0.10", OLD)
    world.load()
    world.do("insert into shop.orders values (6000, 'new', '2026-01-02')")
    world.load()
    return world


def test_a_source_that_was_loaded_equals_by_count_sum_and_hash(shop: World) -> None:
    found = look(shop)
    assert found.differing is None
    assert found.source == found.warehouse
    # the newest stamp is read again by every load
    assert (found.source.rows, found.aside) == (5000, 1)
    assert found.source.sums == {"amount": Decimal("500.00")}


def test_i_36_an_edit_without_a_stamp_and_a_delete_are_named_and_not_repaired(shop: World) -> None:
    shop.do("update shop.orders set amount = 9 where id = 7", "delete from shop.orders where id in (8, 9)")
    before = shop.logged()
    found = look(shop)
    assert counts(found) == (0, 1, 2, 0)
    assert found.differing is not None
    assert found.differing.keys == (
        {"id": 7, "found": "changed"},
        {"id": 8, "found": "surplus"},
        {"id": 9, "found": "surplus"},
    )
    assert (found.source.rows, found.warehouse.rows) == (4998, 5000)
    assert found.source.sums["amount"] == Decimal("508.70")
    assert shop.logged() == before
    assert look(shop).differing is not None


def test_i_35_a_row_stamped_before_the_mark_that_no_load_saw_is_missing(shop: World) -> None:
    shop.do("insert into shop.orders values (6001, 'late', '2025-12-31')")
    assert counts(look(shop)) == (1, 0, 0, 0)


def test_what_the_next_load_reads_is_no_difference(shop: World) -> None:
    shop.do(
        "insert into shop.orders values (7000, 'new')",
        "update shop.orders set state = 'paid', updated_at = clock_timestamp() where id = 5",
        "update shop.orders set state = 'lost', updated_at = null where id = 6",
    )
    found = look(shop)
    assert found.differing is None
    assert (found.source.rows, found.aside) == (4998, 4)


def test_i_05_rows_of_a_transaction_that_was_open_at_the_last_load_are_no_difference(shop: World) -> None:
    with shop.writer() as writer:
        writer.execute("begin")
        writer.execute("insert into shop.orders values (7000, 'slow', now())")
        shop.do("insert into shop.orders values (7001, 'quick')")
        shop.load()
        assert look(shop).differing is None
        writer.execute("commit")
    assert look(shop).differing is None


def test_a_staged_row_that_contradicts_the_log_is_told_apart_from_a_silent_edit(shop: World) -> None:
    shop.order("update staging.shop_orders set amount = 1 where id = 3")
    shop.order("delete from staging.shop_orders where id = 4")
    shop.order("insert into staging.shop_orders select 99999, state, updated_at, amount, _load_id from staging.shop_orders where id = 5")  # fmt: skip  # noqa: E501
    shop.do("update shop.orders set amount = 9 where id = 10")
    found = look(shop)
    assert counts(found) == (1, 2, 1, 3)
    assert found.differing is not None
    assert [key["id"] for key in found.differing.keys] == [3, 4, 99999, 10]


def test_the_listings_of_both_sides_lie_side_by_side(shop: World) -> None:
    shop.do("update shop.orders set amount = 9 where id = 7")
    differing = look(shop).differing
    assert differing is not None
    theirs: dict[int, str] = dict(shop.source.execute(differing.listings["source"].encode()).fetchall())
    ours: dict[int, str] = dict(shop.ask(differing.listings["warehouse"]))
    assert {key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key)} == {7}
    # the range of the key alone
    assert len(ours) < 5000


def test_a_refused_row_is_known_and_no_difference(world: World) -> None:
    world.tables["orders"]["columns"] = {"state": {"accepted": ["new"]}}
    world.do("insert into shop.orders values (1, 'odd', '2026-01-01'), (2, 'new', '2026-01-02')")
    world.load()
    assert world.staged() == [(2, "new")]
    assert look(world).differing is None


def test_a_table_with_versions_is_compared_by_what_stands_now(world: World) -> None:
    world.tables["orders"]["versions"] = True
    world.do(OLD)
    world.load()
    world.do("update shop.orders set state = 'paid', updated_at = '2026-01-02' where id = 1")
    world.load()
    assert look(world).differing is None
    world.do("delete from shop.orders where id = 2")
    assert counts(look(world)) == (0, 0, 1, 0)
    world.load(comparing=True)
    assert look(world).differing is None


def test_of_a_table_without_a_cursor_whatever_changed_since_its_load_differs(world: World) -> None:
    world.tables["orders"] = dict(BY_COMPARING)
    world.do("insert into shop.orders values (1, 'a'), (2, 'b')")
    world.load()
    assert look(world).differing is None
    world.do("update shop.orders set state = 'c' where id = 2")
    assert counts(look(world)) == (0, 1, 0, 0)


def test_a_column_that_no_load_has_brought_is_named_and_left_out(shop: World) -> None:
    shop.do("alter table shop.orders add note text default 'x'")
    found = look(shop)
    assert (found.differing, found.unread) == (None, ("note",))


def test_a_table_that_was_never_loaded_or_drifted_is_told_alone(world: World) -> None:
    world.do("create table shop.lines (id int primary key, n int, updated_at timestamptz default now())")
    world.tables["lines"] = {"key": ["id"], "cursor": "updated_at"}
    world.load(["orders"])
    found = source_equality(world.warehouse, world.database, world.contract, ["orders", "lines"], samples=5)
    assert isinstance(found["orders"], Equality)
    assert "sales-platform run shop" in str(found["lines"])
    world.load()
    world.do("alter table shop.lines drop column n")
    found = source_equality(world.warehouse, world.database, world.contract, ["orders", "lines"], samples=5)
    assert isinstance(found["orders"], Equality)
    assert "column n is no longer in the source table" in str(found["lines"])


def test_a_source_that_is_down_is_one_error(shop: World) -> None:
    down = type(shop.database)("shop", "postgresql://u:secret@127.0.0.1:1/shop")
    with pytest.raises(ServerUnavailable) as told:
        source_equality(shop.warehouse, down, shop.contract, ["orders"], samples=5)
    assert "secret" not in str(told.value)
