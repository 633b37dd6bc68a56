"""Stamps that say little of when a row was written: none, infinite, of another zone, of a clock that went back."""

from __future__ import annotations

import pytest

from sales_platform_tests.engine.oltp.world import World, fates

THE_PAST = "timestamptz '2026-01-01 10:00:00+00'"


def test_i_08_writers_whose_clocks_differ_are_read_back_to_and_known_rows_write_nothing(world: World) -> None:
    world.terms = {"overlap": "PT2M"}
    world.do("insert into shop.orders values (1, 'new', clock_timestamp())")
    world.load()
    world.do("insert into shop.orders values (2, 'from a slow clock', clock_timestamp() - interval '1 min')")

    loaded = world.load()

    assert fates(loaded) == (2, 1, 1, 0)
    assert world.logged() == 2


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
