"""Loads of live sources that are killed, cut off, kept waiting or refused: the next run makes both sides equal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sales_platform.engine import loads
from sales_platform.engine.migrations import migrate
from sales_platform.engine.oltp import feeds, first_load, table_load
from sales_platform.engine.oltp.reading import read_arrived
from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.engine.warehouse import Warehouse
from sales_platform.errors import (
    ConfigurationError,
    LockNotAvailable,
    SalesPlatformError,
    ServerUnavailable,
    TransientError,
)
from sales_platform.local.postmaster import command_line
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.conftest import PROJECT, QUICK
from sales_platform_tests.faults.oltp_scene import Scene, prepare_invoicing
from sales_platform_tests.faults.oltp_worker import FIRST_LOAD_MOMENTS, MOMENTS
from sales_platform_tests.local.conftest import eventually, postmaster_id

# Each of them heals from another moment, but shows little that the others do not.
SLOW = {
    "after_the_listing",
    "while_rows_are_copied",
    "before_the_mark",
    "after_the_commit_of_a_table",
    "in_a_dimension",
    "after_the_snapshot",
    "after_the_log_is_written",
    "in_staging",
    "in_a_comparison",
    "in_a_mart",
    "within_a_range_of_keys",
    "after_the_last_range",
    "log_arrived",
    "the_session_that_keeps_the_record",
    "a_session_that_reads",
    "every_session_of_the_warehouse",
    "somebody_locked_raw",
    "every_session_of_the_warehouse_before_the_mark",
    "every_session_of_the_source",
    "the_holder_of_the_snapshot",
    "somebody_locked_staging",
}


def cases(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in names]


@pytest.fixture(scope="module")
def databases(postgres_server: EmbeddedServer, migrated_template: str) -> Iterator[tuple[str, str]]:
    """URLs of an invoicing source with a past and of a warehouse that held it, for all tests of the module."""
    source, warehouse = (f"test_{uuid.uuid4().hex[:12]}" for _ in range(2))
    postgres_server.create_database(source)
    postgres_server.create_database(warehouse, migrated_template)
    prepare_invoicing(postgres_server.url(source), postgres_server.url(warehouse))
    yield postgres_server.url(source), postgres_server.url(warehouse)
    postgres_server.drop_database(source)
    postgres_server.drop_database(warehouse)


@pytest.fixture
def scene(databases: tuple[str, str]) -> Scene:
    """A past that was loaded, and changes that were not."""
    scene = Scene("invoicing", *databases)
    scene.change()
    return scene


@pytest.fixture
def first_scene(databases: tuple[str, str], warehouse_url: str) -> Scene:
    """The same source, and a warehouse that holds nothing of it."""
    return Scene("invoicing", databases[0], warehouse_url)


def work(scene: Scene, moment: str) -> None:
    """Run the domain in a process of its own that is killed at the moment."""
    worker = subprocess.run(
        [
            sys.executable,
            "-m",
            "sales_platform_tests.faults.oltp_worker",
            scene.url,
            scene.warehouse.url,
            moment,
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert worker.returncode == -signal.SIGKILL, worker.stderr


def check_healed(scene: Scene) -> None:
    """After one more load nothing is left to find but deletes, and after comparing not even these."""
    scene.load()
    vanished = scene.vanished()
    found = scene.compare().values()
    assert sum(table.missing for table in found) == 0
    assert sum(table.changed for table in found) == 0
    assert sum(table.deleted for table in found) == vanished
    scene.publish()
    scene.assert_equal_and_sound()


@pytest.mark.parametrize("moment", cases(MOMENTS))
def test_i_14_a_worker_killed_at_any_moment_of_a_run_is_healed_by_the_next_run(
    scene: Scene, moment: str
) -> None:
    work(scene, moment)
    check_healed(scene)


@pytest.mark.parametrize("moment", cases(FIRST_LOAD_MOMENTS))
def test_i_29_a_worker_killed_in_a_first_load_is_healed_by_the_next_run(
    first_scene: Scene, moment: str
) -> None:
    work(first_scene, moment)
    first_scene.read_in_ranges()
    check_healed(first_scene)


@pytest.fixture(scope="module")
def second_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server that may be killed."""
    server = EmbeddedServer(tmp_path_factory.mktemp("second") / "home", **QUICK)
    with server.in_use():
        yield server
    assert server.remove_if_unused()


def kill_server(server: EmbeddedServer, session: psycopg.Connection[Any]) -> None:
    """Return when the server and this session of it are gone."""
    session_id = session.info.backend_pid
    os.kill(postmaster_id(server), signal.SIGKILL)
    assert eventually(lambda: not server.running and not command_line(session_id)[0])


def first_doing(act: Callable[..., None], inner: Callable[..., Any]) -> Callable[..., Any]:
    """A function that does something else before its first call."""
    lock, done = threading.Lock(), False

    def call(*arguments: Any, **named: Any) -> Any:
        nonlocal done
        with lock:
            if not done:
                done = True
                act(*arguments)
        return inner(*arguments, **named)

    return call


def check_told(
    faults: dict[str, SalesPlatformError], kind: type[SalesPlatformError], *, source: bool
) -> None:
    assert faults
    for fault in faults.values():
        assert type(fault) is kind
        assert str(fault).startswith("source invoicing (") is source, fault


@pytest.mark.parametrize("place", cases(["log_arrived", "write_watermark"]))
def test_i_15_a_warehouse_server_killed_in_a_load_is_told_and_healed_when_it_is_up_again(
    second_server: EmbeddedServer,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    name = f"warehouse_{place}"
    second_server.create_database(name)
    migrate(second_server.url(name))
    scene = prepare_invoicing(database_url, second_server.url(name))
    scene.change()
    with monkeypatch.context() as patched:
        kill = first_doing(
            lambda connection, *_: kill_server(second_server, connection), getattr(table_load, place)
        )
        patched.setattr(table_load, place, kill)
        faults = scene.try_load()

    check_told(faults, ServerUnavailable, source=False)
    check_told(scene.try_load(), ServerUnavailable, source=False)
    second_server.start()
    check_healed(scene)


def test_i_14_a_source_server_killed_in_a_load_is_told_and_healed_when_it_is_up_again(
    second_server: EmbeddedServer, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_server.create_database("source")
    scene = prepare_invoicing(second_server.url("source"), warehouse_url)
    scene.change()
    with monkeypatch.context() as patched:
        kill = first_doing(lambda reader, *_: kill_server(second_server, reader), read_arrived)
        patched.setattr(table_load, "read_arrived", kill)
        faults = scene.try_load()

    check_told(faults, ServerUnavailable, source=True)
    check_told(scene.try_load(), ServerUnavailable, source=True)
    second_server.start()
    check_healed(scene)


def end_sessions(url: str, which: str) -> None:
    """End other sessions of a database, one at least, and return when they are gone."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "select pid from pg_stat_activity"
            f" where datname = current_database() and pid <> pg_backend_pid() and {which}".encode()
        ).fetchall()
        ended = [pid for (pid,) in found]
        assert ended
        connection.execute("select pg_terminate_backend(pid, 30000) from unnest(%s::int[]) as pid", [ended])
        left = connection.execute("select count(*) from pg_stat_activity where pid = any(%s)", [ended])
        assert left.fetchone() == (0,)


OURS = "application_name like 'sales_platform%'"
HOLDER = f"{OURS} and query like '%pg_export_snapshot%'"
# which sessions; None: the one that is about to be used
CUTS: dict[str, tuple[str, Any, str, str | None]] = {
    "the_session_that_writes": ("warehouse", table_load, "log_arrived", None),
    "the_session_that_keeps_the_record": ("warehouse", loads, "bury_dead_loads", None),
    "every_session_of_the_warehouse": ("warehouse", table_load, "log_arrived", OURS),
    "every_session_of_the_warehouse_before_the_mark": ("warehouse", table_load, "write_watermark", OURS),
    "a_session_that_reads": ("source", table_load, "read_arrived", None),
    "every_session_of_the_source": ("source", table_load, "read_arrived", OURS),
    "the_holder_of_the_snapshot": ("source", table_load, "read_arrived", HOLDER),
    "the_holder_of_the_snapshot_before_it_is_read": ("source", feeds, "load_table", HOLDER),
}


@pytest.mark.parametrize("cut", cases(CUTS))
def test_i_15_a_session_ended_in_a_load_is_told_as_the_fault_of_its_side_and_healed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    side, module, place, which = CUTS[cut]
    url = scene.url if side == "source" else scene.warehouse.url

    def end(session: psycopg.Connection[Any], *_: object) -> None:
        end_sessions(url, which or f"pid = {session.info.backend_pid}")

    with monkeypatch.context() as patched:
        patched.setattr(module, place, first_doing(end, getattr(module, place)))
        faults = scene.try_load()

    check_told(faults, ServerUnavailable, source=side == "source")
    check_healed(scene)


@pytest.mark.slow
def test_i_29_a_snapshot_lost_before_a_range_is_read_passes_and_the_next_run_goes_on(
    first_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_scene.read_in_ranges()
    with monkeypatch.context() as patched:
        lose = first_doing(lambda *_: end_sessions(first_scene.url, HOLDER), vars(first_load)["_copy_chunk"])
        patched.setattr(first_load, "_copy_chunk", lose)
        faults = first_scene.try_load()

    check_told(faults, ServerUnavailable, source=True)
    assert len(faults) == 1
    check_healed(first_scene)


def test_i_07_a_transaction_open_across_five_loads_holds_nothing_up_and_arrives_when_it_commits(
    scene: Scene,
) -> None:
    scene.run()
    with psycopg.connect(scene.url) as slow:
        slow.execute("update invoicing.clients set client_name = 'Late' where client_id = 1")
        slow.execute(PAYMENT.encode(), ["late"])
        for number in range(5):
            with psycopg.connect(scene.url) as quick:
                quick.execute(PAYMENT.encode(), [f"quick {number}"])
            scene.load()
            assert scene.ask(newest_remark("staging.invoicing_payments")) == [(f"quick {number}",)]
        slow.execute(PAYMENT.encode(), ["last of the late"])

    check_healed(scene)
    assert scene.ask(newest_remark("analytics.fact_payment")) == [("last of the late",)]
    assert scene.ask("select client_name from analytics.dim_client where client_id = 1 and is_current") == [
        ("Late",)
    ]


PAYMENT = """insert into invoicing.payments (invoice_id, payment_method, amount, remarks)
    select min(invoice_id), 'CASH', 1, %s from invoicing.invoices"""


def newest_remark(table: str) -> str:
    return f"select remarks from {table} order by payment_id desc limit 1"


LOCKS = {
    "another_run_has_the_table": (
        "select pg_advisory_xact_lock(hashtextextended('sales_platform:staging.invoicing_clients', 0))"
    ),
    "somebody_locked_raw": "lock table raw.invoicing_clients in access exclusive mode",
    "somebody_locked_staging": "lock table staging.invoicing_clients in access exclusive mode",
}


@pytest.mark.parametrize("lock", cases(LOCKS))
def test_i_33_a_table_that_stays_locked_is_named_and_the_others_commit(scene: Scene, lock: str) -> None:
    patient, scene.warehouse = scene.warehouse, Warehouse(scene.warehouse.url, lock_timeout_seconds=1)
    with psycopg.connect(patient.url) as other:
        other.execute(LOCKS[lock].encode())
        faults = scene.try_load()

    check_only(scene, "clients", faults)
    check_told(faults, LockNotAvailable, source=False)
    assert "staging.invoicing_clients" in str(faults["invoicing_clients"])
    scene.warehouse = patient
    check_healed(scene)


def check_only(scene: Scene, table: str, faults: dict[str, SalesPlatformError]) -> None:
    """One table failed; of the others every new row stands already."""
    assert list(faults) == [f"invoicing_{table}"]
    for feed in scene.contract.feeds:
        (key,) = feed.key
        newest = scene.ask(f"select max({key}) from staging.{feed.name}")
        same = newest == scene.source(f"select max({key}) from {'.'.join(feed.source_table)}")
        assert same is (feed.table != table), feed.name


def test_i_14_a_source_that_ends_long_statements_fails_the_table_that_waits(scene: Scene) -> None:
    scene.database = SourceDatabase("invoicing", scene.url, statement_timeout_seconds=1)
    with psycopg.connect(scene.url) as other:
        other.execute("lock table invoicing.invoices in access exclusive mode")
        faults = scene.try_load()

    check_only(scene, "invoices", faults)
    check_told(faults, TransientError, source=True)
    assert "invoicing.invoices" in str(faults["invoicing_invoices"])
    check_healed(scene)


@pytest.fixture
def partly_blind(scene: Scene) -> Iterator[Scene]:
    """Read as a role that may not select from `invoicing.payments`."""
    role, password = f"reader_{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    owner = scene.database
    named = sql.Identifier(role)
    with psycopg.connect(scene.url, autocommit=True) as source:
        source.execute(sql.SQL("create role {} login password {}").format(named, sql.Literal(password)))
        source.execute(sql.SQL("grant usage on schema invoicing to {}").format(named))
        source.execute(sql.SQL("grant select on all tables in schema invoicing to {}").format(named))
        source.execute(sql.SQL("revoke select on invoicing.payments from {}").format(named))
        scene.database = SourceDatabase(
            "invoicing",
            make_conninfo(scene.url, user=role, password=password),
            owner.statement_timeout_seconds,
        )
        yield scene
        scene.database = owner
        source.execute(sql.SQL("revoke all on all tables in schema invoicing from {}").format(named))
        source.execute(sql.SQL("revoke all on schema invoicing from {}").format(named))
        source.execute(sql.SQL("drop role {}").format(named))


def test_i_33_a_table_that_may_not_be_read_is_named_and_the_others_commit(partly_blind: Scene) -> None:
    faults = partly_blind.try_load()

    check_only(partly_blind, "payments", faults)
    check_told(faults, ConfigurationError, source=True)
    assert "payments" in str(faults["invoicing_payments"])
    partly_blind.database = SourceDatabase("invoicing", partly_blind.url)
    check_healed(partly_blind)


@pytest.mark.parametrize("side", ["source", "warehouse"])
def test_a_wrong_password_is_a_matter_of_settings_and_told_once_without_it(scene: Scene, side: str) -> None:
    before = scene.database, scene.warehouse
    wrong = make_conninfo(scene.url if side == "source" else scene.warehouse.url, password="hunter2")
    if side == "source":
        scene.database = SourceDatabase("invoicing", wrong)
    else:
        scene.warehouse = Warehouse(wrong)

    with pytest.raises(ConfigurationError) as caught:
        scene.load()

    check_told({"invoicing": caught.value}, ConfigurationError, source=side == "source")
    assert "hunter2" not in repr(caught.value)
    assert str(caught.value).count("password authentication failed") == 1
    scene.database, scene.warehouse = before
    scene.compare()
    scene.assert_equal()
