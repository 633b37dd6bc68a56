"""Data and mark of a table commit together or not at all; what fails, fails alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from sales_platform.engine.oltp import feeds, first_load, table_load
from sales_platform.engine.oltp.reading import read_arrived
from sales_platform.engine.oltp.source import SourceDatabase, SourceSession
from sales_platform.engine.warehouse import Connection
from sales_platform.errors import ConfigurationError, ServerUnavailable, SourceDrift, TransientError, WrongUse
from sales_platform_tests.engine.oltp.world import BY_COMPARING, BY_STAMP, World, fates

ROWS = "insert into shop.orders select n, 'new' from generate_series({}, {}) as n"


def _state(world: World) -> tuple[object, ...]:
    return world.mark("*"), world.staged("id, xmin::text"), world.logged()


def test_i_14_a_load_that_is_cut_off_while_it_reads_leaves_the_mark_and_the_next_is_complete(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.do(ROWS.format(1, 5))
    world.load()
    before = _state(world)
    world.do(ROWS.format(6, 9))
    with monkeypatch.context() as patched:
        patched.setattr(table_load, "log_arrived", _fail)
        with pytest.raises(RuntimeError):
            world.try_load()

    assert _state(world) == before
    assert world.ask("select status, message from ops.load order by load_id desc limit 1") == [
        ("failed", "ended early (RuntimeError)")
    ]
    assert fates(world.load())[1] == 4
    assert (world.staged(), world.logged()) == (world.held(), 9)


def _fail(*_: Any, **__: Any) -> None:
    raise RuntimeError("killed")


@pytest.mark.parametrize("loads_before", [0, 1])
def test_i_15_a_warehouse_session_killed_between_data_and_mark_leaves_neither(
    world: World, monkeypatch: pytest.MonkeyPatch, loads_before: int
) -> None:
    world.do(ROWS.format(1, 5))
    for _ in range(loads_before):
        world.load()
    world.do(ROWS.format(6, 9))
    with monkeypatch.context() as patched:
        patched.setattr(table_load, "write_watermark", _kill_and_write(world))
        (fault,) = world.try_load().faults.values()

    assert isinstance(fault, ServerUnavailable)
    assert not str(fault).startswith("source ")
    assert world.ask("select count(*) from ops.watermark") == [(loads_before,)]
    world.load()
    assert (world.staged(), world.logged()) == (world.held(), 9)
    assert world.ask("select status from ops.load order by load_id")[loads_before] == ("failed",)


def _kill_and_write(world: World) -> Any:
    def write(connection: Connection, *_: Any) -> None:
        world.ask(f"select pg_terminate_backend({connection.info.backend_pid}, 10000)")
        connection.execute("select 1")

    return write


def test_i_14_a_source_session_killed_while_it_is_read_is_told_as_a_fault_of_the_source(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.do(ROWS.format(1, 5))
    world.load()
    world.do(ROWS.format(6, 9))

    def kill_and_read(reader: SourceSession, *others: Any) -> None:
        world.do(f"select pg_terminate_backend({reader.info.backend_pid}, 10000)")
        read_arrived(reader, *others)

    with monkeypatch.context() as patched:
        patched.setattr(table_load, "read_arrived", kill_and_read)
        (fault,) = world.try_load().faults.values()

    assert isinstance(fault, ServerUnavailable)
    assert str(fault).startswith("source ")
    world.load()
    assert world.staged() == world.held()


def test_i_14_a_statement_time_out_of_the_source_passes_and_names_the_source(world: World) -> None:
    world.do("create function shop.slow(int) returns text language sql as 'select pg_sleep(60)::text'")
    world.do(
        ROWS.format(1, 5),
        "create view shop.slow_orders as select id, shop.slow(id) as state, updated_at from shop.orders",
    )
    world.database = SourceDatabase("shop", world.database.url, statement_timeout_seconds=1)
    world.tables["slow_orders"] = dict(BY_STAMP)

    done = world.try_load()

    fault = done.faults["shop_slow_orders"]
    assert isinstance(fault, TransientError)
    assert str(fault).startswith("source ")
    assert world.staged() == world.held()


def test_i_25_two_loads_at_once_load_every_row_once(world: World) -> None:
    world.do(ROWS.format(1, 2000))
    together = threading.Barrier(2)

    def load(_: int) -> None:
        together.wait()
        world.load()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(load, range(2)))

    assert (world.staged(), world.logged()) == (world.held(), 2000)


@pytest.mark.parametrize("said", [BY_STAMP, BY_COMPARING])
def test_i_25_a_load_that_another_one_overtook_looks_again_instead_of_undoing_it(
    world: World, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]
) -> None:
    """Its snapshot is older than what stands: a row that it lacks was not deleted since."""
    world.tables["orders"] = {**said, "versions": True}
    world.do(ROWS.format(1, 3))
    world.load()
    overtaken: list[int] = []

    def load_after_another(warehouse: Any, feed: Any, look: Any) -> Any:
        if not overtaken:
            overtaken.append(look.looked_at)
            world.do(
                ROWS.format(4, 5),
                "update shop.orders set state = 'paid', updated_at = clock_timestamp() where id = 1",
            )
            world.load(comparing=True)
        return table_load.load_table(warehouse, feed, look)

    monkeypatch.setattr(feeds, "load_table", load_after_another)
    done = world.load(comparing=True)

    assert done.compared is not None
    assert done.compared.rows == 5
    assert world.logged() == 6
    assert world.ask("select count(*) from ops.load where status <> 'succeeded'") == [(0,)]
    assert world.staged("id, state, _deleted") == [
        (1, "new", False),
        (1, "paid", False),
        *((n, "new", False) for n in range(2, 6)),
    ]


def test_i_25_a_warehouse_whose_clock_went_back_still_loads(world: World) -> None:
    world.do(ROWS.format(1, 3))
    world.load()
    world.order("update ops.watermark set updated_at = updated_at + interval '1 h'")
    world.do(ROWS.format(4, 5))

    assert fates(world.load())[1] == 2


def test_i_33_one_table_fails_and_the_others_commit(world: World) -> None:
    world.do(
        "create table shop.carts (id int primary key, state int, updated_at timestamptz default clock_timestamp())",
        "insert into shop.carts values (1, 1)",
        ROWS.format(1, 3),
    )
    world.tables["carts"] = dict(BY_STAMP)
    world.load()
    before = world.mark("*", "carts")
    world.do(
        "alter table shop.carts alter state type text",
        "insert into shop.carts values (2, 'x')",
        ROWS.format(4, 6),
    )

    done = world.try_load()

    assert list(done.faults) == ["shop_carts"]
    with pytest.raises(SourceDrift):
        done.raise_faults()
    assert world.staged() == world.held()
    assert world.mark("*", "carts") == before
    assert fates(world.load(["orders"]))[1] == 0


def test_i_33_the_faults_of_several_tables_are_told_together(world: World) -> None:
    world.tables = {"carts": dict(BY_STAMP), "wishes": dict(BY_STAMP)}

    with pytest.raises(Exception, match=r"2 tables could not be loaded: .*shop\.carts.*shop\.wishes"):
        world.load()


def test_a_part_of_a_source_can_be_loaded_and_an_unknown_table_is_refused(world: World) -> None:
    world.do("create table shop.carts (id int primary key, updated_at timestamptz default clock_timestamp())")
    world.tables["carts"] = dict(BY_STAMP)

    world.load(["carts"])

    assert world.ask("select feed from ops.watermark") == [("shop_carts",)]
    with pytest.raises(WrongUse, match="no table basket"):
        world.load(["basket"])


def test_all_tables_of_a_load_are_read_in_one_snapshot(world: World) -> None:
    """A child committed with its parent never arrives without it, whatever is written while tables are read."""
    world.do(
        "create table shop.lines (id int primary key, order_id int, updated_at timestamptz default clock_timestamp())"
    )
    world.tables = {"lines": dict(BY_STAMP), "orders": dict(BY_STAMP)}
    world.terms = {"readers": 1, "overlap": "PT1S"}
    over = threading.Event()

    def write() -> None:
        with world.writer() as session:
            for number in range(1, 100_000):
                if over.is_set():
                    return
                with session.transaction():
                    session.execute("insert into shop.orders values (%s, 'new')", [number])
                    session.execute("insert into shop.lines values (%s, %s)", [number, number])

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        orphans = []
        for _ in range(5):
            world.load()
            orphans += world.ask(
                "select id from staging.shop_lines where order_id not in (select id from staging.shop_orders)"
            )
        over.set()
        writing.result()

    assert orphans == []
    assert world.staged("count(*) > 0", "lines") == [(True,)]


def test_a_wrong_password_and_a_source_that_is_down_are_told_apart(world: World) -> None:
    url = world.database.url
    for wrong, kind in [
        (make_conninfo(url, password="not-it"), ConfigurationError),
        (make_conninfo(url, port=1), ServerUnavailable),
        (make_conninfo(url, dbname="not_there"), ConfigurationError),
    ]:
        world.database = SourceDatabase("shop", wrong)
        with pytest.raises(kind, match="source shop"):
            world.load()


@pytest.mark.parametrize("rows_per_range", [250_000, 3])
def test_i_15_a_warehouse_that_cuts_off_every_session_is_told_as_down_and_the_next_load_is_complete(
    world: World, monkeypatch: pytest.MonkeyPatch, rows_per_range: int
) -> None:
    """The session that would note the failure is gone too."""
    world.terms = {"chunk_rows": rows_per_range}
    world.do(ROWS.format(1, 9))

    def cut_off(connection: Connection, *_: Any) -> None:
        world.ask(
            "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
            " where datname = current_database() and application_name = 'sales_platform' and pid <> pg_backend_pid()"
        )
        connection.execute("select 1")

    with monkeypatch.context() as patched:
        patched.setattr(table_load, "write_watermark", cut_off)
        patched.setattr(first_load, "write_watermark", cut_off)
        (fault,) = world.try_load().faults.values()

    assert isinstance(fault, ServerUnavailable)
    world.load()
    assert (world.staged(), world.logged()) == (world.held(), 9)
    assert ("failed", "the process ended before the load did") in world.ask(
        "select status, message from ops.load"
    )


def test_a_source_that_ends_idle_transactions_does_not_end_the_one_that_holds_the_snapshot(
    world: World,
) -> None:
    """It is idle for as long as the slowest table is read."""
    name = world.source.info.dbname
    world.do(f"alter database {name} set idle_in_transaction_session_timeout = '10s'")

    with world.database.connect() as session:
        found = session.execute("show idle_in_transaction_session_timeout").fetchone()
    world.do(f"alter database {name} reset idle_in_transaction_session_timeout")

    assert found == ("0",)
