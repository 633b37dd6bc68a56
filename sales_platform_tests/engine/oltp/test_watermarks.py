"""What one window after another brings: every row once, whatever its stamp says of the time it was written."""

from __future__ import annotations

import pytest

from sales_platform.engine.oltp.source import SourceDatabase
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


def test_i_08_writers_whose_clocks_differ_are_read_back_to_and_known_rows_write_nothing(world: World) -> None:
    world.terms = {"overlap": "PT2M"}
    world.do("insert into shop.orders values (1, 'new', clock_timestamp())")
    world.load()
    world.do("insert into shop.orders values (2, 'from a slow clock', clock_timestamp() - interval '1 min')")

    loaded = world.load()

    assert fates(loaded) == (2, 1, 1, 0)
    assert world.logged() == 2


def test_i_09_a_row_committed_after_the_snapshot_waits_for_the_next_window(world: World) -> None:
    """Mark and rows come from one snapshot: what commits while it is read moves neither."""
    from sales_platform.engine.oltp.open_transactions import list_open_transactions
    from sales_platform.engine.oltp.source import exported_snapshot
    from sales_platform.engine.oltp.table_load import Look, load_table
    from sales_platform.engine.oltp.watermarks import warehouse_clock

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


def test_i_11_rows_without_a_stamp_are_looked_at_every_time_and_written_when_they_differ(
    world: World,
) -> None:
    world.do("insert into shop.orders values (1, 'new', null), (2, 'new', clock_timestamp())")
    assert fates(world.load()) == (2, 2, 0, 0)
    world.do(
        "insert into shop.orders values (3, 'new', null)",
        "update shop.orders set state = 'paid' where id = 1",
    )

    assert fates(world.load())[1] == 2
    assert fates(world.load())[1] == 0
    assert world.staged() == [(1, "paid"), (2, "new"), (3, "new")]


def test_i_12_a_table_of_rows_without_stamps_and_an_empty_window_do_not_end_the_reading(world: World) -> None:
    world.do("insert into shop.orders select n, 'new', null from generate_series(1, 5) as n")
    world.load()
    world.do("insert into shop.orders values (6, 'new', clock_timestamp())")
    world.load()
    world.load()
    world.do("insert into shop.orders values (7, 'new', clock_timestamp())")
    world.load()

    assert world.staged() == world.held()


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


def test_i_17_stamps_to_the_microsecond_are_neither_read_for_ever_nor_lost(world: World) -> None:
    world.do(f"insert into shop.orders values (1, 'new', {THE_PAST} + interval '0.000001 s')")
    world.load()
    world.do(f"insert into shop.orders values (2, 'new', {THE_PAST} + interval '0.000002 s')")

    assert fates(world.load())[1] == 1
    assert fates(world.load())[1] == 0
    assert world.mark()[1].microsecond == 2


def test_i_18_a_stamp_without_a_zone_is_read_in_the_sources_declared_zone(world: World) -> None:
    world.terms = {"zone": "America/Toronto"}
    world.do(
        "alter table shop.orders alter updated_at type timestamp",
        "insert into shop.orders values (1, 'new', '2026-01-01 10:00:00')",
    )
    world.load()

    assert world.staged("updated_at::text") == [("2026-01-01 15:00:00+00",)]
    assert world.ask("select _event_at::text from raw.shop_orders") == [("2026-01-01 15:00:00+00",)]
    world.do("insert into shop.orders values (2, 'new', '2026-01-01 10:00:01')")
    assert fates(world.load())[1] == 1


def test_i_18_rows_of_both_halves_of_the_repeated_autumn_hour_arrive(world: World) -> None:
    """Berlin says 02:00 to 03:00 twice on 25 October 2026; the mark may stand in the first of the two."""
    world.terms = {"zone": "Europe/Berlin"}
    world.do(
        "alter table shop.orders alter updated_at type timestamp",
        "insert into shop.orders values (1, 'first 02:50', '2026-10-25 02:50:00')",
    )
    world.load()
    # as if that load had looked at 00:50 UTC, ten minutes before the clocks went back
    world.order(
        "update ops.watermark set position = '2026-10-25 00:50:00+00', listed_at = '2026-10-25 00:50:05+00'"
    )
    world.do("insert into shop.orders values (2, 'second 02:10', '2026-10-25 02:10:00')")

    world.load()

    assert world.staged() == world.held()


def test_i_18_a_date_as_cursor_reads_the_whole_day_of_the_mark_again(world: World) -> None:
    world.terms = {"zone": "America/Toronto"}
    world.do(
        "alter table shop.orders alter updated_at drop default",
        "alter table shop.orders alter updated_at type date",
        "insert into shop.orders values (1, 'new', '2026-01-01')",
    )
    world.load()
    world.do("insert into shop.orders values (2, 'same day', '2026-01-01'), (3, 'next day', '2026-01-02')")

    assert fates(world.load())[1] == 2
    assert world.staged() == world.held()


def test_i_18_a_date_as_cursor_means_a_day_of_the_sources_zone(world: World) -> None:
    """At 03:00 UTC Toronto still writes the day before; a stamp of the future may have pushed the mark to that hour."""
    world.terms = {"zone": "America/Toronto"}
    world.do(
        "alter table shop.orders alter updated_at drop default",
        "alter table shop.orders alter updated_at type date",
        "insert into shop.orders values (1, 'new', '2026-01-01')",
    )
    world.load()
    world.order("update ops.watermark set position = '2026-01-02 03:00:00+00'")
    world.do("insert into shop.orders values (2, 'late in the evening', '2026-01-01')")

    world.load()

    assert world.staged("id") == [(1,), (2,)]


@pytest.mark.parametrize("stamp", ["null", "'infinity'", "'-infinity'"])
def test_i_11_a_row_whose_stamp_tells_no_time_is_an_event_of_when_it_was_seen(
    world: World, stamp: str
) -> None:
    world.do(f"insert into shop.orders values (1, 'new', {stamp})")
    world.load()
    world.do("update shop.orders set state = 'paid'")
    world.load()

    assert world.ask("select bool_and(_event_at = _extracted_at), count(*) from raw.shop_orders") == [
        (True, 2)
    ]


def test_i_06_a_number_as_cursor_is_refused_with_the_reason(world: World) -> None:
    """A number is drawn before its row commits, so no mark of numbers is ever safe."""
    world.tables["orders"] = {"key": ["id"], "cursor": "id"}

    with pytest.raises(ContractError, match="I-06") as refused:
        world.load()

    assert "cursor: none" in str(refused.value)


def test_i_07_stamps_of_the_future_do_not_hide_what_is_written_today(world: World) -> None:
    world.do("insert into shop.orders values (1, 'postdated', clock_timestamp() + interval '10 days')")
    world.load()
    world.do("insert into shop.orders values (2, 'new', clock_timestamp())")

    world.load()

    assert world.staged() == world.held()


@pytest.mark.parametrize(
    "stamp",
    ["infinity", "-infinity", "9999-12-31 23:59:59+00", "294000-01-01", "4000-01-01 BC", "0001-01-01"],
)
def test_i_34_a_stamp_that_is_no_real_time_stops_no_load_and_hides_no_other_row(
    world: World, stamp: str
) -> None:
    world.do(f"insert into shop.orders values (1, 'odd', '{stamp}'), (2, 'new', clock_timestamp())")
    world.load()
    world.do("insert into shop.orders values (3, 'new', clock_timestamp())")
    world.load()
    world.do(
        f"insert into shop.orders values (4, 'odd', '{stamp}')",
        "update shop.orders set state = 'odder' where id = 1",
    )
    world.load(comparing=True)

    assert world.staged() == world.held()
    assert world.load(comparing=True).compared.differences == 0  # type: ignore[union-attr]


def test_i_08_a_source_whose_clock_went_back_loses_nothing(world: World) -> None:
    """The last load saw a clock an hour ahead; since then the source stamps what it saw as the past."""
    world.do("insert into shop.orders values (1, 'new', clock_timestamp() + interval '1 h')")
    world.load()
    world.order(
        "update ops.watermark set position = position + interval '1 h', listed_at = listed_at + interval '1 h',"
        " newest = newest + interval '1 h'"
    )
    world.do("insert into shop.orders values (2, 'after the clock was set', clock_timestamp())")
    world.load()
    world.do("insert into shop.orders values (3, 'later', clock_timestamp())")
    world.load()

    assert world.staged() == world.held()
    assert world.ask("select position <= clock_timestamp() from ops.watermark") == [(True,)]


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


def test_a_table_that_is_not_there_is_named_with_what_to_do(world: World) -> None:
    world.tables["carts"] = dict(BY_STAMP)

    done = world.try_load()

    assert list(done.faults) == ["shop_carts"]
    assert "shop.carts" in str(done.faults["shop_carts"])
    assert [table.feed.name for table in done.tables] == ["shop_orders"]


def test_the_password_of_the_source_stands_in_no_name_of_it() -> None:
    where = SourceDatabase("shop", "postgresql://reader:secret@db.example:5433/shop").where

    assert where == "source shop (db.example:5433/shop)"
