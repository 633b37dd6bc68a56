"""A large table is first read in ranges of its key: each committed, resumed after a crash, published after the last."""

from __future__ import annotations

from typing import Any

import pytest

from sales_platform.engine.oltp import first_load
from sales_platform.engine.oltp.first_load import load_in_chunks
from sales_platform.engine.oltp.watermarks import write_watermark
from sales_platform_tests.engine.oltp.world import BY_COMPARING, BY_STAMP, World

ROWS = "insert into shop.orders select n, 'new' from generate_series(1, {}) as n"


@pytest.fixture
def large(world: World) -> World:
    """Ten rows, to be read three at a time."""
    world.terms = {"chunk_rows": 3, "overlap": "PT0S"}
    world.do(ROWS.format(10))
    return world


def _chunks(world: World, count: int) -> None:
    """Load so many ranges and stop, as a process does that is killed then."""
    chunks = load_in_chunks(world.warehouse, world.database, world.feed(), "")
    for _ in range(count):
        next(chunks)


def _one_row_per_key(world: World, table: str = "orders", key: str = "id") -> bool:
    return world.ask(f"select count(*) = count(distinct ({key})) from raw.shop_{table}") == [(True,)]


def test_i_28_a_table_is_read_in_ranges_and_published_once_after_the_last(large: World) -> None:
    loaded = large.load()

    assert [report.loaded for report in loaded.reports] == [3, 3, 3, 1, 0]
    assert (large.staged(), large.logged()) == (large.held(), 10)
    assert large.ask("select count(distinct _load_id) from raw.shop_orders") == [(4,)]
    assert large.ask(
        "select version_count from (select count(*) as version_count from ops.table_version) as v"
    ) == [(1,)]
    assert large.mark("first_load") == (None,)


def test_i_28_a_table_whose_rows_are_a_multiple_of_the_range_ends_with_its_last_row(large: World) -> None:
    large.do("delete from shop.orders where id = 10")

    large.load()

    assert (large.staged(), large.logged()) == (large.held(), 9)


def test_i_28_what_changes_while_ranges_are_read_is_right_in_the_end(large: World) -> None:
    _chunks(large, 2)
    large.do(
        "update shop.orders set state = 'paid', updated_at = clock_timestamp() where id in (2, 8)",
        "insert into shop.orders values (0, 'new'), (11, 'new')",
        "delete from shop.orders where id = 9",
    )

    large.load()

    assert large.staged() == large.held()


def test_i_28_a_row_deleted_behind_the_range_goes_with_the_next_comparison(large: World) -> None:
    _chunks(large, 2)
    large.do("delete from shop.orders where id = 1")
    large.load()

    large.load(comparing=True)

    assert large.staged() == large.held()


def test_i_28_a_transaction_open_while_ranges_are_read_arrives_when_it_commits(large: World) -> None:
    with large.writer() as slow:
        slow.execute("begin")
        slow.execute("insert into shop.orders values (-1, 'late', now())")
        large.load()
        slow.execute("commit")
    large.load()

    assert large.staged() == large.held()


def test_i_10_rows_whose_stamps_move_while_ranges_are_read_are_neither_skipped_nor_doubled(
    large: World,
) -> None:
    chunks = load_in_chunks(large.warehouse, large.database, large.feed(), "")
    for number, _ in enumerate(chunks):
        large.do(
            f"update shop.orders set updated_at = clock_timestamp(), state = '{number}' where id % 2 = 0"
        )

    assert _one_row_per_key(large)
    large.load()
    assert large.staged() == large.held()


def test_i_29_a_load_that_stopped_goes_on_after_the_last_committed_range(large: World) -> None:
    _chunks(large, 2)
    assert large.logged() == 6
    assert large.ask("select to_regclass('staging.shop_orders')") == [(None,)]

    loaded = large.load()

    assert [report.read for report in loaded.reports[:-1]] == [3, 1]
    assert _one_row_per_key(large)
    assert large.staged() == large.held()


def test_i_29_a_crash_within_a_range_leaves_the_range_before_it(
    large: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[None] = []

    def crash_at_second(*given: Any) -> None:
        written.append(None)
        if len(written) == 2:
            raise RuntimeError("killed")
        write_watermark(*given)

    with monkeypatch.context() as patched:
        patched.setattr(first_load, "write_watermark", crash_at_second)
        with pytest.raises(RuntimeError):
            large.load()

    assert (large.logged(), large.mark("first_load")) == (3, ({"after": ["3"]},))
    assert large.ask("select status from ops.load order by load_id") == [("succeeded",), ("failed",)]
    large.load()
    assert (large.staged(), large.logged()) == (large.held(), 10)


def test_i_29_tables_that_are_done_are_not_read_again(large: World) -> None:
    large.do(
        "create table shop.carts (like shop.orders including all)", "insert into shop.carts table shop.orders"
    )
    large.tables = {"carts": dict(BY_STAMP), "orders": dict(BY_STAMP)}
    large.load(["carts"])
    _chunks(large, 1)

    large.load()

    assert large.ask("select count(*) from ops.load where feed = 'shop_carts' and source like 'range%'") == [
        (4,)
    ]
    assert large.staged("id", "carts") == large.held("id", "carts")


def test_i_29_a_table_without_a_stamp_is_read_in_ranges_and_compared_from_then_on(large: World) -> None:
    large.tables = {"orders": dict(BY_COMPARING)}
    _chunks(large, 2)
    large.do("delete from shop.orders where id = 1", "update shop.orders set state = 'paid' where id = 2")

    large.load()

    assert large.staged() == large.held()


@pytest.mark.parametrize(
    ("types", "key", "rows"),
    [
        pytest.param("a int, b text", "a, b", "select n % 4, 'x' || n", id="composite"),
        pytest.param("a uuid", "a", "select gen_random_uuid()", id="uuid"),
        pytest.param("a shop.size", "a", "select (enum_range(null::shop.size))[n]", id="enum"),
        pytest.param(
            "a citext", "a", "select case n % 2 when 0 then 'B' else 'a' end || n", id="text of another order"
        ),
        pytest.param("a text", "a", "select chr(64 + n) || '''\"\\ ,)'", id="quotes"),
        pytest.param(
            "a timestamp", "a", "select timestamp '2026-10-25 02:30' + n * interval '7 min'", id="timestamp"
        ),
        pytest.param("a numeric", "a", "select n / 7.0", id="numeric"),
        pytest.param("a float8", "a", "select n / 7.0::float8", id="float"),
        pytest.param("a date", "a", "select date '2026-01-01' + n", id="date"),
        pytest.param(
            "a bigint", "a", "select -9223372036854775808 + n * 922337203685477580", id="wide range"
        ),
    ],
)
def test_i_30_keys_of_any_type_are_read_whole_in_the_sources_own_order(
    empty_world: World, types: str, key: str, rows: str
) -> None:
    world = empty_world
    world.terms = {"chunk_rows": 3, "zone": "Europe/Berlin"}
    world.do(
        "create extension if not exists citext",
        "create type shop.size as enum ('xl', 'l', 'm', 's', 'xs', 'a', 'z', 'b', 'y', 'c')",
        f"create table shop.things ({types}, n int, updated_at timestamptz default clock_timestamp())",
        f"alter table shop.things add primary key ({key})",
        f"insert into shop.things {rows}, n from generate_series(1, 10) as n",
    )
    world.tables = {"things": {"key": key.split(", "), "cursor": "updated_at"}}
    _chunks_of_things = load_in_chunks(world.warehouse, world.database, world.feed("things"), "")
    next(_chunks_of_things)

    loaded = world.load()

    assert [report.loaded for report in loaded.reports] == [3, 3, 1, 0]
    assert world.staged("n", "things") == [(n,) for n in range(1, 11)]
    assert world.logged("things") == 10
    compared = world.load(comparing=True).compared
    assert compared is not None
    assert (compared.rows, compared.buckets, compared.differences) == (10, 0, 0)


def test_i_30_a_table_without_a_primary_key_is_read_by_the_key_that_the_contract_names(large: World) -> None:
    large.do(
        "alter table shop.orders drop constraint orders_pkey",
        "alter table shop.orders alter id drop not null",
    )

    large.load()

    assert large.staged() == large.held()


def test_i_31_a_column_that_is_added_between_ranges_arrives_for_all_rows(large: World) -> None:
    _chunks(large, 2)
    large.do("alter table shop.orders add colour text default 'red'")

    large.load()

    assert large.staged("id, state, colour") == large.held("id, state, colour")


def test_i_31_a_column_that_goes_between_ranges_stops_the_table_where_it_was(large: World) -> None:
    _chunks(large, 2)
    large.do("alter table shop.orders drop column state")

    (fault,) = large.try_load().faults.values()

    assert "state is no longer in the source" in str(fault)
    assert (large.logged(), large.mark("first_load")) == (6, ({"after": ["6"]},))
    large.tables["orders"] = {**BY_STAMP, "columns": {"state": {"dropped": True}}}
    large.load()
    assert large.staged("id") == large.held("id")


def test_i_25_two_first_loads_at_once_read_every_range_once(large: World) -> None:
    """Both begin before either has committed a range; the second goes on where the first one came."""
    begun = [load_in_chunks(large.warehouse, large.database, large.feed(), "") for _ in range(2)]
    for chunks in begun:
        next(chunks)
    for chunks in begun:
        list(chunks)

    assert (large.logged(), _one_row_per_key(large)) == (10, True)
    large.load()
    assert large.staged() == large.held()


def test_i_25_a_first_load_that_another_process_finished_is_not_begun_again(large: World) -> None:
    mine = load_in_chunks(large.warehouse, large.database, large.feed(), "")
    next(mine)
    large.load()

    list(mine)

    assert (large.logged(), large.staged()) == (10, large.held())
