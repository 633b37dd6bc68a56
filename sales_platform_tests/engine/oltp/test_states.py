"""What a key is and which of its states counts: composite and absent keys, partitions, one stamp twice."""

from __future__ import annotations

from sales_platform_tests.engine.oltp.world import BY_STAMP, World, fates

THE_PAST = "timestamptz '2026-01-01 10:00:00+00'"


def test_i_22_a_row_written_ten_times_between_two_loads_arrives_once_as_it_stands(world: World) -> None:
    world.do("insert into shop.orders values (1, '0', clock_timestamp())")
    world.load()
    for n in range(1, 11):
        world.do(f"update shop.orders set state = '{n}', updated_at = clock_timestamp()")

    assert fates(world.load())[1] == 1
    assert world.staged() == [(1, "10")]


def test_i_22_ten_states_seen_in_ten_loads_are_ten_events(world: World) -> None:
    world.tables["orders"] = {**BY_STAMP, "versions": True}
    world.do("insert into shop.orders values (1, '0', clock_timestamp())")
    world.load()
    for n in range(1, 10):
        world.do(f"update shop.orders set state = '{n}', updated_at = clock_timestamp()")
        world.load()

    assert [state for state, _ in world.staged("state, _event_at")] == [str(n) for n in range(10)]


def test_s_22_the_later_sighting_of_one_stamp_is_the_newer_truth(world: World) -> None:
    world.tables["orders"] = {**BY_STAMP, "versions": True}
    world.do(f"insert into shop.orders values (1, 'first', {THE_PAST})")
    world.load()
    for state in ("second", "first"):
        world.do(f"update shop.orders set state = '{state}'")
        world.load()

        assert world.staged("id, state, _event_at::text") == [(1, state, "2026-01-01 10:00:00+00")]
    assert world.logged() == 3


def test_s_29_a_row_that_came_back_with_its_old_stamp_begins_when_it_was_seen(world: World) -> None:
    world.tables["orders"] = {**BY_STAMP, "versions": True}
    world.do(f"insert into shop.orders values (1, 'new', {THE_PAST})")
    world.load()
    world.do("delete from shop.orders")
    world.load(comparing=True, allow_deletes=True)
    world.do(f"insert into shop.orders values (1, 'new', {THE_PAST})")
    world.load()

    first, gone, back = world.staged("_event_at, _deleted, state")
    assert (first[1:], gone[1:], back[1:]) == ((False, "new"), (True, None), (False, "new"))
    assert first[0] < gone[0] < back[0]


def test_i_23_a_composite_key_is_followed_as_a_whole(world: World) -> None:
    world.do(
        "create table shop.lines (a int, b text, n int, updated_at timestamptz default clock_timestamp(),"
        " primary key (a, b))",
        "insert into shop.lines values (1, 'y', 0)",
    )
    world.tables = {"lines": {"key": ["a", "b"], "cursor": "updated_at"}}
    world.load()
    world.do("insert into shop.lines values (1, 'x', 1), (2, 'y', 2)")
    world.load()

    assert world.staged("a, b, n", "lines") == [(1, "x", 1), (1, "y", 0), (2, "y", 2)]


def test_i_24_a_row_without_its_key_stops_the_table_and_nothing_is_written(world: World) -> None:
    world.do(
        "alter table shop.orders drop constraint orders_pkey",
        "alter table shop.orders alter id drop not null",
        "insert into shop.orders values (1, 'new'), (null, 'of nobody')",
    )

    (fault,) = world.try_load().faults.values()

    assert "I-24" in str(fault)
    assert world.ask("select to_regclass('raw.shop_orders')") == [(None,)]


def test_i_32_a_partition_attached_later_is_read_through_its_parent(world: World) -> None:
    world.do(
        "create table shop.parts (id int, updated_at timestamptz default clock_timestamp(), primary key (id))"
        " partition by range (id)",
        "create table shop.parts_1 partition of shop.parts for values from (0) to (100)",
        "insert into shop.parts select n from generate_series(1, 5) as n",
    )
    world.tables = {"parts": dict(BY_STAMP)}
    world.load()
    world.do(
        "create table shop.parts_2 (id int not null primary key, updated_at timestamptz default clock_timestamp())",
        "insert into shop.parts_2 values (150)",
        "alter table shop.parts attach partition shop.parts_2 for values from (100) to (200)",
    )
    world.load()

    assert world.staged("id", "parts") == [(n,) for n in (1, 2, 3, 4, 5, 150)]
    assert world.logged("parts") == 6
