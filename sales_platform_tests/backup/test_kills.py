"""Backups and restores that are killed with -9 in the middle: none, or whole, and healed by the next one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sales_platform.backup.creating import create_backup
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.listing import list_backups
from sales_platform.backup.restoring import restore
from sales_platform_tests.backup.scenes import SHOP, files, rows, run, shape

NewDatabase = Callable[[], str]
PROJECT = Path(__file__).parents[2]
BACKUP_MOMENTS = [
    "before started.json",
    "within started.json",
    "before raw/customers.csv",
    "within raw/customers.csv",
    "before raw/orders.csv",
    "within raw/orders.csv",
    "before manifest.copy.json",
    "within manifest.copy.json",
    "before manifest.json",
    "within manifest.json",
]
RESTORE_MOMENTS = [
    "verify shop.customers",
    "verify shop.orders",
    "restore shop.customers",
    "restore shop.orders",
    "build constraint customers customers_pkey",
    "build constraint customers customers_email_key",
    "build constraint orders orders_pkey",
    "build fk constraint orders orders_customer_id_fkey",
    "compare shop.customers",
    "compare shop.orders",
]
QUICK = 3
some = [pytest.param(m, marks=[] if n == QUICK else [pytest.mark.slow]) for n, m in enumerate(BACKUP_MOMENTS)]
others = [
    pytest.param(m, marks=[] if n == QUICK else [pytest.mark.slow]) for n, m in enumerate(RESTORE_MOMENTS)
]


@pytest.fixture(scope="module")
def shop(new_database: NewDatabase) -> str:
    url = new_database()
    run(url, SHOP)
    return url


def killed(what: str, url: str, folder: Path, moment: str) -> None:
    program = [sys.executable, "-m", "sales_platform_tests.backup.worker", what, url, str(folder), moment]
    ended = subprocess.run(program, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == -9, ended.stderr
    # the server notices that its client is gone when it next speaks to it
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            """select pg_terminate_backend(pid, 10000) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid()"""
        )


@pytest.mark.parametrize("moment", some)
def test_k_05_k_11_a_backup_killed_at_any_moment_is_none_and_the_next_one_is_whole(
    shop: str, store: FileStore, tmp_path: Path, moment: str
) -> None:
    folder = tmp_path / "backups"
    killed("create", shop, folder, moment)
    assert list_backups(store).backups == []
    left = set(files(folder)) if folder.exists() else set()
    healed = create_backup(shop, store, "shop")
    assert [one.id for one in list_backups(store).backups] == [healed.id]
    after = {name for name in files(folder) if not name.startswith(healed.prefix)}
    # between the two writes of the manifest it looks like a backup that lost its manifest, and is told of
    assert after == (left if moment.endswith(" manifest.json") else set())


@pytest.mark.parametrize("moment", others)
def test_k_24_a_restore_killed_at_any_moment_leaves_the_target_and_can_run_again(
    shop: str, new_database: NewDatabase, store: FileStore, tmp_path: Path, moment: str
) -> None:
    backup = create_backup(shop, store, "shop")
    target = new_database()
    run(
        target,
        "create schema shop; create table shop.orders (x text); insert into shop.orders values ('mine')",
    )
    before, definitions = rows(target), shape(target)
    killed("restore", target, tmp_path / "backups", moment)
    assert (rows(target), shape(target)) == (before, definitions)
    restore(store, backup, target, replace=True)
    assert rows(target) == rows(shop)
