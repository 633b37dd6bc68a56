"""A source account that may not see other sessions: an overlap takes the place of knowing, and the report says so."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from sales_platform.engine.oltp.source import SourceDatabase
from sales_platform.errors import ConfigurationError
from sales_platform_tests.engine.oltp.world import BY_STAMP, World, fates


@pytest.fixture
def blind_world(world: World) -> Iterator[World]:
    """The loads read as a role that has the right to select from `shop.orders` and no other."""
    role, password = f"reader_{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    name = sql.Identifier(role)
    world.source.execute(sql.SQL("create role {} login password {}").format(name, sql.Literal(password)))
    world.source.execute(sql.SQL("grant usage on schema shop to {}").format(name))
    world.source.execute(sql.SQL("grant select on shop.orders to {}").format(name))
    world.database = SourceDatabase("shop", make_conninfo(world.database.url, user=role, password=password))
    yield world
    world.source.execute(sql.SQL("revoke all on shop.orders from {}").format(name))
    world.source.execute(sql.SQL("revoke all on schema shop from {}").format(name))
    world.source.execute(sql.SQL("drop role {}").format(name))


def _late_commit(world: World, stamp: str) -> None:
    """Leaves row 1 behind the mark of the newest load, as a late commit does."""
    world.do("insert into shop.orders values (2, 'quick', clock_timestamp())")
    world.load()
    world.do(f"insert into shop.orders values (1, 'late', {stamp})")


def test_i_05_a_late_commit_within_the_overlap_arrives_and_the_report_says_why_it_read_back(
    blind_world: World,
) -> None:
    _late_commit(blind_world, "clock_timestamp() - interval '9 min'")

    loaded = blind_world.load()

    assert fates(loaded) == (2, 1, 1, 0)
    assert loaded.reports[0].notes == (
        "read back 600 s before the mark, because the account lacks pg_read_all_stats",
    )
    assert blind_world.staged() == blind_world.held()


def test_i_35_a_commit_later_than_the_overlap_is_found_by_comparing(blind_world: World) -> None:
    blind_world.terms = {"blind_overlap": "PT1M"}
    _late_commit(blind_world, "clock_timestamp() - interval '9 min'")
    assert fates(blind_world.load())[1] == 0

    blind_world.load(comparing=True)

    assert blind_world.staged() == blind_world.held()


def test_i_08_the_mark_stands_still_while_nothing_new_comes_however_often_it_is_read_back(
    blind_world: World,
) -> None:
    _late_commit(blind_world, "clock_timestamp()")
    blind_world.load()
    before = blind_world.mark()

    for _ in range(3):
        blind_world.load()

    assert (blind_world.mark(), blind_world.logged()) == (before, 2)


@pytest.mark.parametrize("overlap", [timedelta(days=400 * 366), timedelta(days=999_999_999)])
def test_i_19_an_overlap_longer_than_history_reads_everything(blind_world: World, overlap: timedelta) -> None:
    blind_world.terms = {"blind_overlap": overlap}
    _late_commit(blind_world, "timestamptz '1970-01-01 00:00+00'")

    assert fates(blind_world.load()) == (2, 1, 1, 0)


def test_i_33_a_table_that_the_account_may_not_read_is_a_fault_of_the_source_and_of_that_table_only(
    blind_world: World,
) -> None:
    blind_world.do(
        "create table shop.secrets (id int primary key, updated_at timestamptz default clock_timestamp())"
    )
    blind_world.tables["secrets"] = dict(BY_STAMP)

    done = blind_world.try_load()

    assert [table.feed.table for table in done.tables] == ["orders"]
    fault = done.faults["shop_secrets"]
    assert isinstance(fault, ConfigurationError)
    assert str(fault).startswith("source ")
    assert "secrets" in str(fault)
