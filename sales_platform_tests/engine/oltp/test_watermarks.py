"""What one window after another brings: every row once, and a mark that says how far that was."""

from __future__ import annotations

import pytest

from sales_platform.engine.oltp.open_transactions import list_open_transactions
from sales_platform.engine.oltp.source import SourceDatabase, exported_snapshot
from sales_platform.engine.oltp.table_load import Look, load_table
from sales_platform.engine.oltp.watermarks import warehouse_clock
from sales_platform.errors import ContractError
from sales_platform_tests.engine.oltp.world import BY_STAMP, World, fates

THE_PAST = "timestamptz '2026-01-01 10:00:00+00'"


def test_i_01_the_first_load_takes_everything_and_sets_the_mark(world: World) -> None:
    world.do(
        f"insert into shop.orders select n, 'new', {THE_PAST} + n * interval '1 s' from generate_series(1, 9) as n"
    )

    loaded = world.load()

    assert fates(loaded) == (9, 9, 0, 0)
    assert world.staged() == world.held()
    assert [stamp.isoformat() for stamp in world.mark()] == ["2026-01-01T10:00:09+00:00"] * 2


def test_i_02_nothing_new_is_reported_as_nothing_and_leaves_the_mark(world: World) -> None:
    world.do(f"insert into shop.orders values (1, 'new', {THE_PAST})")
    world.load()
    before = world.mark(), world.staged("xmin::text, id"), world.logged()

    again = world.load()

    assert fates(again)[1] == 0
    assert (world.mark(), world.staged("xmin::text, id"), world.logged()) == before


def test_i_02_an_empty_table_is_loaded_as_one_and_found_when_it_fills(world: World) -> None:
    assert fates(world.load()) == (0, 0, 0, 0)
    assert world.mark() == (None, None)
    world.do(f"insert into shop.orders values (1, 'new', {THE_PAST})")

    assert fates(world.load()) == (1, 1, 0, 0)


def test_i_03_a_row_stamped_exactly_at_the_mark_is_loaded_once(world: World) -> None:
    world.do(f"insert into shop.orders values (1, 'new', {THE_PAST})")
    world.load()
    world.do(f"insert into shop.orders values (2, 'new', {THE_PAST})")

    assert fates(world.load())[1] == 1
    assert fates(world.load())[1] == 0
    assert (world.staged(), world.logged()) == ([(1, "new"), (2, "new")], 2)


def test_i_04_200_000_rows_of_one_stamp_are_loaded_once_and_the_mark_stays_small(world: World) -> None:
    world.do(f"insert into shop.orders select n, 'new', {THE_PAST} from generate_series(1, 100000) as n")
    world.load()
    world.do(f"insert into shop.orders select n, 'new', {THE_PAST} from generate_series(100001, 200000) as n")

    assert fates(world.load()) == (200_000, 100_000, 100_000, 0)
    assert world.logged() == 200_000
    assert world.ask("select count(distinct id), min(id), max(id) from staging.shop_orders") == [
        (200_000, 1, 200_000)
    ]
    assert world.ask("select pg_column_size(w) < 400 from ops.watermark as w") == [(True,)]


def test_i_09_a_row_committed_after_the_snapshot_waits_for_the_next_window(world: World) -> None:
    """Mark and rows come from one snapshot: what commits while it is read moves neither."""

    world.do(f"insert into shop.orders values (1, 'new', {THE_PAST})")
    with world.warehouse.transaction() as connection:
        looked_at = warehouse_clock(connection)
    with world.database.connect() as lister:
        listing = list_open_transactions(lister)
    with exported_snapshot(world.database) as snapshot:
        world.do(f"insert into shop.orders values (2, 'new', {THE_PAST} + interval '1 day')")
        load_table(world.warehouse, world.feed(), Look(snapshot, listing, looked_at))

    assert world.staged("id") == [(1,)]
    assert world.mark()[1].isoformat() == "2026-01-01T10:00:00+00:00"
    world.load()
    assert world.staged("id") == [(1,), (2,)]


def test_i_13_the_mark_is_the_newest_stamp_in_whatever_order_rows_come(world: World) -> None:
    world.do(
        f"insert into shop.orders select n, 'new', {THE_PAST} + (7919 * n % 1000) * interval '1 s'"
        " from generate_series(1, 1000) as n"
    )

    world.load()

    newest = world.held("max(updated_at)")[0][0]
    assert world.mark() == (newest, newest)


def test_i_16_a_lost_mark_is_made_again_and_nothing_is_doubled(world: World) -> None:
    world.do("insert into shop.orders select n, 'new' from generate_series(1, 9) as n")
    world.load()
    mark = world.mark("newest")
    world.order("delete from ops.watermark")

    assert fates(world.load()) == (9, 0, 9, 0)
    assert (world.logged(), world.mark("newest")) == (9, mark)


def test_i_06_a_number_as_cursor_is_refused_with_the_reason(world: World) -> None:
    """A number is drawn before its row commits, so no mark of numbers is ever safe."""
    world.tables["orders"] = {"key": ["id"], "cursor": "id"}

    with pytest.raises(ContractError, match="I-06") as refused:
        world.load()

    assert "cursor: none" in str(refused.value)


def test_i_26_another_server_under_the_same_name_is_compared_whole_and_said(world: World) -> None:
    """A clone's rows that are equal write nothing; what it has otherwise is found, whatever its stamps say."""
    world.do(f"insert into shop.orders select n, 'new', {THE_PAST} from generate_series(1, 100) as n")
    world.load()
    world.order("update ops.watermark set source_identity = '1/1/1'")
    world.do(
        "update shop.orders set state = 'as of the clone', updated_at = timestamptz '2025-01-01 00:00+00' where id = 7",
        "delete from shop.orders where id = 8",
    )

    loaded = world.load()

    assert world.staged() == world.held()
    assert world.logged() == 102
    assert any("another server" in note for report in loaded.reports for note in report.notes)
    assert world.load().compared is None


def test_a_table_that_is_not_there_is_named_with_what_to_do(world: World) -> None:
    world.tables["carts"] = dict(BY_STAMP)

    done = world.try_load()

    assert list(done.faults) == ["shop_carts"]
    assert "shop.carts" in str(done.faults["shop_carts"])
    assert [table.feed.name for table in done.tables] == ["shop_orders"]


def test_the_password_of_the_source_stands_in_no_name_of_it() -> None:
    where = SourceDatabase("shop", "postgresql://reader:secret@db.example:5433/shop").where

    assert where == "source shop (db.example:5433/shop)"
