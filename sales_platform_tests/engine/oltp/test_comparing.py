"""What no stamp shows is found by comparing whole tables: silent edits, deletes, rows stamped behind the mark."""

from __future__ import annotations

from datetime import datetime

import pytest

from sales_platform.engine.oltp.comparing import Compared
from sales_platform.errors import DataRefused
from sales_platform_tests.engine.oltp.world import BY_COMPARING, BY_STAMP, World, fates

THE_PAST = "timestamptz '2026-01-01 10:00:00+00'"


@pytest.fixture
def loaded(world: World) -> World:
    """100 rows that were loaded, each key a version per state."""
    world.tables["orders"] = {**BY_STAMP, "versions": True}
    world.do(
        f"insert into shop.orders select n, 'new', {THE_PAST} + n * interval '1 s' from generate_series(1, 100) as n"
    )
    world.load()
    return world


def _found(world: World, *, allow_deletes: bool = False) -> Compared:
    compared = world.load(comparing=True, allow_deletes=allow_deletes).compared
    assert compared is not None
    return compared


def _now(world: World) -> datetime:
    moment: datetime = world.ask("select clock_timestamp()")[0][0]
    return moment


def test_i_36_an_edit_without_a_stamp_becomes_an_event_of_when_it_was_seen_and_is_reported(
    loaded: World,
) -> None:
    loaded.do("update shop.orders set state = 'edited' where id = 7")
    assert fates(loaded.load())[1] == 0
    before = _now(loaded)

    report = loaded.load(comparing=True).reports[-1]

    assert report.source.startswith("comparison with source shop")
    assert report.notes == ("no window had shown 0 missing, 1 changed and 0 deleted rows",)
    (first, first_at), (second, second_at) = loaded.ask(
        "select state, _event_at from staging.shop_orders where id = 7 order by _event_at"
    )
    assert (first, second) == ("new", "edited")
    assert first_at.year == 2026
    assert before <= second_at <= _now(loaded)
    assert loaded.ask("select updated_at from staging.shop_orders where id = 7 and state = 'edited'") == [
        (first_at,)
    ]


def test_i_36_what_was_found_once_is_not_found_again(loaded: World) -> None:
    loaded.do(
        "update shop.orders set state = 'edited' where id in (7, 70)", "delete from shop.orders where id = 8"
    )

    assert _found(loaded).differences == 3
    assert _found(loaded) == Compared(99, 0, 0, 0, 0)
    assert fates(loaded.load())[1] == 0


def test_i_35_a_row_stamped_behind_the_mark_is_an_event_of_its_own_stamp(loaded: World) -> None:
    loaded.do(f"insert into shop.orders values (101, 'late', {THE_PAST})")
    assert fates(loaded.load())[1] == 0

    assert (_found(loaded).missing, loaded.staged("max(id)")) == (1, [(101,)])
    assert loaded.ask("select _event_at = updated_at from staging.shop_orders where id = 101") == [(True,)]


def test_i_36_a_row_set_back_to_an_older_stamp_is_an_event_of_when_it_was_seen(loaded: World) -> None:
    before = _now(loaded)
    loaded.do(
        f"update shop.orders set state = 'restored', updated_at = {THE_PAST} - interval '1 day' where id = 7"
    )

    assert _found(loaded).changed == 1
    (event,) = loaded.ask("select _event_at from staging.shop_orders where id = 7 and state = 'restored'")
    assert event[0] >= before


def test_i_21_a_delete_is_an_event_of_the_comparison_that_missed_the_row(loaded: World) -> None:
    before = _now(loaded)
    loaded.do("delete from shop.orders where id = 7")
    loaded.load()
    assert loaded.ask("select bool_or(_deleted) from staging.shop_orders") == [(False,)]

    assert _found(loaded).deleted == 1
    ((gone_at,),) = loaded.ask("select _event_at from staging.shop_orders where _deleted and id = 7")
    assert gone_at >= before


def test_i_21_a_deleted_row_leaves_a_staging_table_that_keeps_one_row_per_key(world: World) -> None:
    world.do("insert into shop.orders values (1, 'new'), (2, 'new')")
    world.load()
    world.do("delete from shop.orders where id = 1")

    world.load(comparing=True)

    assert (world.staged(), world.logged()) == ([(2, "new")], 3)


def test_s_29_a_key_that_comes_back_is_loaded_though_its_stamp_is_old(world: World) -> None:
    world.do(f"insert into shop.orders values (1, 'new', {THE_PAST}), (2, 'new', {THE_PAST})")
    world.load()
    world.do("delete from shop.orders where id = 1")
    world.load(comparing=True)
    world.do(f"insert into shop.orders values (1, 'new', {THE_PAST})")
    world.load(comparing=True)

    assert (world.staged(), world.logged()) == (world.held(), 4)


def test_s_33_more_deletes_than_allowed_are_refused_before_any_write_and_applied_when_meant(
    loaded: World,
) -> None:
    loaded.do(
        "delete from shop.orders where id <= 21", "update shop.orders set state = 'edited' where id = 50"
    )
    before = loaded.mark("*"), loaded.staged("id, state, xmin::text"), loaded.logged()

    (fault,) = loaded.try_load(comparing=True).faults.values()

    assert isinstance(fault, DataRefused)
    assert "21 of 100 rows, more than the 20%" in str(fault)
    assert "reconcile shop --allow-deletes" in str(fault)
    assert (loaded.mark("*"), loaded.staged("id, state, xmin::text"), loaded.logged()) == before
    found = _found(loaded, allow_deletes=True)
    assert (found.changed, found.deleted) == (1, 21)


@pytest.mark.parametrize("said", [BY_STAMP, BY_COMPARING])
def test_s_33_an_empty_source_is_refused(world: World, said: dict[str, object]) -> None:
    world.tables["orders"] = dict(said)
    world.do("insert into shop.orders values (1, 'new'), (2, 'new')")
    world.load()
    world.do("delete from shop.orders")

    (fault,) = world.try_load(comparing=True).faults.values()

    assert isinstance(fault, DataRefused)
    assert len(world.staged()) == 2
    world.load(comparing=True, allow_deletes=True)
    assert world.staged() == []


def test_s_33_the_share_is_the_contracts(loaded: World) -> None:
    loaded.tables["orders"]["max_delete"] = "0.5"
    loaded.do("delete from shop.orders where id <= 50")

    assert _found(loaded).deleted == 50


def test_i_36_only_ranges_that_differ_are_read_row_by_row(world: World) -> None:
    world.do("insert into shop.orders select n, 'new' from generate_series(-5000, 5000) as n")
    world.load()
    world.do(
        "update shop.orders set state = 'edited' where id in (-4000, -1999, 0, 4100)",
        "delete from shop.orders where id = 5000",
    )

    found = _found(world)

    # ranges of 2,000 keys: -4000, about zero, 4000 and the end
    assert (found.rows, found.buckets, found.changed, found.deleted) == (10_000, 3, 4, 1)
    assert world.staged() == world.held()


@pytest.mark.parametrize(
    ("types", "key", "rows"),
    [
        pytest.param("a text", "a", "'Ä' || n", id="text"),
        pytest.param("a uuid", "a", "md5(n::text)::uuid", id="uuid"),
        pytest.param("a int, b text", "a, b", "n, 'x,\"' || n", id="composite"),
        pytest.param("a timestamp", "a", "timestamp '2026-10-25' + n * interval '17 min'", id="timestamp"),
        pytest.param("a bigint", "a", "9223372036854775807 - n", id="the last whole numbers"),
        pytest.param("a smallint", "a", "n - 32769", id="small whole numbers"),
        pytest.param("a numeric", "a", "n / 3.0", id="numeric"),
        pytest.param("a shop.size", "a", "null", id="domain"),
    ],
)
def test_i_36_keys_of_any_type_are_compared(empty_world: World, types: str, key: str, rows: str) -> None:
    world = empty_world
    world.terms = {"zone": "Europe/Berlin"}
    rows = "'k' || n" if rows == "null" else rows
    world.do(
        "create domain shop.size as varchar(9)",
        f"create table shop.things ({types}, n int, updated_at timestamptz default clock_timestamp())",
        f"alter table shop.things add primary key ({key})",
        f"insert into shop.things select {rows}, n from generate_series(1, 300) as n",
    )
    world.tables = {"things": {"key": key.split(", "), "cursor": "updated_at"}}
    world.load()
    world.do(
        "update shop.things set n = -n where n in (3, 30)",
        "delete from shop.things where n = 5",
        f"insert into shop.things select {rows}, n, {THE_PAST} from generate_series(301, 302) as n",
    )

    found = _found(world)

    assert (found.rows, found.missing, found.changed, found.deleted) == (301, 2, 2, 1)
    assert world.staged("n", "things") == world.held("n", "things")
    assert _found(world).buckets == 0


def test_a_table_without_a_stamp_is_compared_by_every_load(world: World) -> None:
    world.tables["orders"] = dict(BY_COMPARING)
    world.do("insert into shop.orders select n, 'new', null from generate_series(1, 20) as n")
    assert fates(world.load()) == (20, 20, 0, 0)
    world.do(
        "update shop.orders set state = 'paid' where id = 3",
        "delete from shop.orders where id = 4",
        "insert into shop.orders values (21, 'new')",
    )

    loaded = world.load()

    assert fates(loaded) == (21, 3, 18, 0)
    assert loaded.reports[0].notes == ()
    assert world.staged() == world.held()
    assert fates(world.load()) == (20, 0, 20, 0)


def test_i_36_a_comparison_and_a_window_in_one_load_agree_on_who_found_what(loaded: World) -> None:
    """The window takes what its stamps show; the comparison only the rest."""
    loaded.do(
        "update shop.orders set state = 'paid', updated_at = clock_timestamp() where id = 1",
        "update shop.orders set state = 'edited' where id = 2",
    )

    done = loaded.load(comparing=True)

    assert [(report.read, report.loaded) for report in done.reports] == [(2, 1), (100, 1)]


def test_s_29_a_row_of_nothing_but_its_key_comes_back_too(world: World) -> None:
    """The log holds a delete as a row of NULLs, which is all that this row has."""
    world.tables["orders"] = dict(BY_COMPARING)
    world.do("insert into shop.orders values (1, null, null), (2, null, null)")
    world.load()
    world.do("delete from shop.orders where id = 1")
    world.load()
    world.do("insert into shop.orders values (1, null, null)")
    world.load()

    assert world.staged("id") == [(1,), (2,)]
