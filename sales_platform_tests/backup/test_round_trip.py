"""What comes back of a backup: everything, in the form in which it stood."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import psycopg
import pytest

from sales_platform.backup.creating import create_backup
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.restoring import restore
from sales_platform_tests.backup.scenes import NASTY, rows, run, shape

NewDatabase = Callable[[], str]


@pytest.fixture(scope="module")
def nasty_url(new_database: NewDatabase, migrated_template: str) -> str:
    # the template's migrations made the roles that are granted to
    url = new_database()
    run(url, NASTY)
    return url


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_k_01_k_02_k_25_k_26_every_value_and_object_comes_back_and_no_trigger_fires(
    nasty_url: str, new_database: NewDatabase, store: FileStore, format: Literal["csv", "parquet"]
) -> None:
    before, definitions = rows(nasty_url), shape(nasty_url)
    backup = create_backup(nasty_url, store, "nasty", format=format)
    assert {copy.title: copy.rows for copy in backup.manifest.tables} == {
        name: len(content) for name, content in before.items() if name != "public.summed"
    }
    target = new_database()
    restored = restore(store, backup, target)
    assert rows(target) == before
    assert shape(target) == definitions
    assert restored.rows == sum(copy.rows for copy in backup.manifest.tables)
    # the trigger stands since the rows do, and would have written with every row
    assert before["public.noise"] == ["(before)"]
    # K-02: what is issued next is new, for an identity with a step, a serial and a sequence by itself
    with psycopg.connect(target) as connection:
        issued = connection.execute(
            "insert into typed (m) values ('sad') returning id, serial_too"
        ).fetchone()
        assert issued == (20, 4)
        # the source's session took ten numbers, from 7 on, at once
        assert connection.execute("select nextval('unowned')").fetchone() == (17,)


def test_k_23_restored_twice_or_over_a_changed_copy_the_result_is_the_same(
    nasty_url: str, new_database: NewDatabase, store: FileStore
) -> None:
    before, definitions = rows(nasty_url), shape(nasty_url)
    backup = create_backup(nasty_url, store, "nasty")
    target = new_database()
    restore(store, backup, target)
    run(target, "update typed set ok = not ok; delete from lonely; insert into part values (3, 'more')")
    run(target, "create table extra (x integer); alter table parent add y text; drop view seen")
    run(target, 'alter default privileges in schema "Other ""schema""" grant all on tables to public')
    for _ in range(2):
        restore(store, backup, target, replace=True)
        assert rows(target) == before
        assert shape(target) == definitions
