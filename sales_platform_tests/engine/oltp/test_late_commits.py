"""Rows stamped by a transaction that commits long after newer rows were read: none is lost, none holds others up."""

from __future__ import annotations

import pytest

from sales_platform_tests.engine.oltp.world import World, fates

INSERT = "insert into shop.orders values ({}, '{}', now())"


def test_i_05_a_row_committed_behind_the_mark_arrives_in_the_next_window(world: World) -> None:
    with world.writer() as slow:
        slow.execute("begin")
        slow.execute("insert into shop.orders values (1, 'late', now())")
        world.do(INSERT.format(2, "quick"))
        world.load()
        assert world.staged("id") == [(2,)]
        slow.execute("commit")

    world.load()

    assert world.staged() == world.held() == [(1, "late"), (2, "quick")]


def test_i_07_newer_rows_flow_past_a_transaction_open_across_five_windows_which_is_named(
    world: World,
) -> None:
    world.do(INSERT.format(1, "first"))
    world.load()
    with world.writer() as slow:
        slow.execute("begin")
        slow.execute("update shop.orders set state = 'late', updated_at = now()")
        for number in range(2, 7):
            world.do(INSERT.format(number, "quick"))
            loaded = world.load()

            assert world.staged("max(id)") == [(number,)]
            (note,) = loaded.reports[0].notes
            assert f"(process {slow.info.backend_pid})" in note
        slow.execute("commit")

    assert fates(world.load())[1] == 1
    assert world.staged() == world.held()
    assert world.load().reports[0].notes == ()


def test_i_07_a_transaction_that_was_idle_before_its_first_write_loses_nothing(world: World) -> None:
    """While it only reads it has no transaction id, yet its stamps will be of its start."""
    with world.writer() as slow:
        slow.execute("begin")
        slow.execute("select 1")
        world.do(INSERT.format(2, "quick"))
        world.load()
        slow.execute("insert into shop.orders values (1, 'late', now())")
        world.do(INSERT.format(3, "quick"))
        world.load()
        slow.execute("commit")
    world.load()

    assert world.staged() == world.held()


@pytest.mark.parametrize("looks", ["open", "prepared", "open and prepared", "idle and prepared"])
def test_i_07_a_prepared_transaction_loses_nothing_whenever_it_was_first_seen(
    world: World, looks: str
) -> None:
    world.do(INSERT.format(9, "first"))
    world.load()
    with world.writer() as slow:
        slow.execute("begin")
        slow.execute("select 1")
        if "idle" in looks:
            world.do(INSERT.format(2, "quick"))
            world.load()
        slow.execute("insert into shop.orders values (1, 'late', now())")
        if "open" in looks:
            world.do(INSERT.format(3, "quick"))
            world.load()
        slow.execute("prepare transaction 'slow'")
        if "prepared" in looks:
            for number in (4, 5):
                world.do(INSERT.format(number, "quick"))
                world.load()
                assert world.staged("max(id)") == [(9,)]
        slow.execute("commit prepared 'slow'")
    world.load()

    assert world.staged() == world.held()


def test_i_07_a_transaction_first_seen_prepared_by_the_first_load_loses_nothing(world: World) -> None:
    with world.writer() as slow:
        slow.execute("begin")
        slow.execute("insert into shop.orders values (1, 'late', now())")
        slow.execute("prepare transaction 'slow'")
        world.do(INSERT.format(2, "quick"))
        world.load()
        world.load()
        slow.execute("commit prepared 'slow'")
    world.load()

    assert world.staged() == world.held()


def test_i_07_rows_of_savepoints_arrive_and_those_rolled_back_do_not(world: World) -> None:
    with world.writer() as slow:
        slow.execute("begin")
        slow.execute("savepoint a")
        slow.execute("insert into shop.orders values (1, 'kept', now())")
        slow.execute("release a")
        slow.execute("savepoint b")
        slow.execute("insert into shop.orders values (2, 'undone', now())")
        world.do(INSERT.format(3, "quick"))
        world.load()
        slow.execute("rollback to b")
        slow.execute("commit")
    world.load()

    assert world.staged() == [(1, "kept"), (3, "quick")]


def test_i_07_a_transaction_that_is_rolled_back_costs_one_look_and_leaves_nothing(world: World) -> None:
    world.do(INSERT.format(1, "first"))
    with world.writer() as slow:
        slow.execute("begin")
        slow.execute("update shop.orders set state = 'undone', updated_at = now()")
        world.load()
        slow.execute("rollback")
    world.load()

    assert fates(world.load())[1] == 0
    assert (world.staged(), world.logged()) == ([(1, "first")], 1)


def test_i_07_what_a_load_missed_is_remembered_when_the_next_one_fails(world: World) -> None:
    with world.writer() as slow:
        slow.execute("begin")
        slow.execute("insert into shop.orders values (1, 'late', now())")
        world.do(INSERT.format(2, "quick"))
        world.load()
        slow.execute("commit")
    world.do("alter table shop.orders rename state to status")
    assert world.try_load().faults
    world.do("alter table shop.orders rename status to state")
    world.load()

    assert world.staged() == world.held()


def test_i_35_a_row_stamped_before_its_transaction_is_found_by_comparing_under_its_own_stamp(
    world: World,
) -> None:
    world.do(INSERT.format(1, "first"))
    world.load()
    world.do("insert into shop.orders values (2, 'stamped before', clock_timestamp() - interval '10 min')")
    assert fates(world.load())[1] == 0

    compared = world.load(comparing=True).compared

    assert compared is not None
    assert (compared.missing, compared.changed, compared.deleted) == (1, 0, 0)
    assert world.staged() == world.held()
    assert world.ask("select _event_at = updated_at from raw.shop_orders where id = 2") == [(True,)]


def test_i_35_the_overlap_covers_stamps_that_are_a_little_older_than_their_transaction(world: World) -> None:
    world.terms = {"overlap": "PT15M"}
    world.do(INSERT.format(1, "first"))
    world.load()
    world.do("insert into shop.orders values (2, 'stamped before', clock_timestamp() - interval '10 min')")

    assert fates(world.load())[1] == 1
