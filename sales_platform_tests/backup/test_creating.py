"""How a backup comes about, and what is left where it does not."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from sales_platform.backup import naming
from sales_platform.backup.creating import create_backup
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.listing import list_backups
from sales_platform.backup.restoring import restore
from sales_platform.backup.verifying import verify
from sales_platform.errors import ConfigurationError, LockNotAvailable, StoreUnavailable, WrongUse
from sales_platform_tests.backup.scenes import SHOP, files, rows, run
from sales_platform_tests.backup.stand_ins import Watched, failing_at

NewDatabase = Callable[[], str]


@pytest.fixture(scope="module")
def shop(new_database: NewDatabase) -> str:
    url = new_database()
    run(url, SHOP)
    return url


def test_old_users_find_their_files_and_the_manifest_comes_last(
    shop: str, store: FileStore, tmp_path: Path
) -> None:
    written: list[str] = []
    watched = Watched(store, written.append, lambda name: None)
    backup = create_backup(shop, watched, "shop", day=date(2026, 3, 4))
    assert backup.prefix == f"shop/2026-03-04/{backup.id}/"
    names = [name.removeprefix(backup.prefix) for name in written]
    assert names[0] == "started.json"
    assert sorted(names[1:-2]) == ["raw/customers.csv", "raw/orders.csv"]
    assert names[-2:] == ["manifest.copy.json", "manifest.json"]
    content = (tmp_path / "backups" / backup.prefix / "raw/customers.csv").read_text(encoding="utf-8")
    assert content.splitlines()[:2] == ["customer_id,email,name", "1,c1@example.com,Name 1"]
    assert len(content.splitlines()) == 21


def test_no_name_of_a_table_leads_elsewhere_and_no_two_meet() -> None:
    tables = [
        ("s", "../../x"),
        ("s", "a/b"),
        ("s.a", "b"),
        ("s", "a.b"),
        ("s", ".."),
        ("s", "ü" * 31),
        ("ü" * 31, "ü" * 31),
    ]
    names = [naming.data_blob(schema, table, bare=False, ending="csv") for schema, table in tables]
    assert len(set(names)) == len(names)
    for name in names:
        assert name.isascii()
        assert name.count("/") == 1
        assert len(name) < 255
        assert ".." not in name.split("/")
    with pytest.raises(WrongUse):
        naming.checked_source("../accounts")


@pytest.mark.parametrize("blob", ["started.json", "raw/orders.csv", "manifest.copy.json", "manifest.json"])
def test_k_05_a_store_that_goes_down_leaves_no_backup(
    shop: str, store: FileStore, tmp_path: Path, blob: str
) -> None:
    with pytest.raises(StoreUnavailable):
        create_backup(shop, failing_at(store, blob), "shop")
    assert list_backups(store).backups == []
    healed = create_backup(shop, store, "shop")
    assert healed.restorable
    assert [naming.prefix_of(name) for name in files(tmp_path / "backups")] == [healed.prefix] * 5


def test_k_05_a_dump_that_fails_leaves_no_backup(
    shop: str, store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {
        "initdb": "",
        "pg_dump": "[ $1 = --version ] && echo pg_dump 99 && exit; echo half; exit 1",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PG_BIN", str(programs))
    with pytest.raises(Exception, match="pg_dump ended with 1"):
        create_backup(shop, store, "shop")
    assert list_backups(store).backups == []
    (programs / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.2'\n")
    with pytest.raises(ConfigurationError, match=r"pg_dump has version 15.*PG_BIN"):
        create_backup(shop, store, "shop")


def test_k_11_the_next_backup_of_the_same_database_removes_what_a_dead_one_left(
    shop: str, new_database: NewDatabase, store: FileStore, tmp_path: Path
) -> None:
    with pytest.raises(StoreUnavailable):
        create_backup(shop, failing_at(store, "manifest.copy.json"), "shop")
    dead = sorted(files(tmp_path / "backups"))
    assert len(dead) == 3
    # a database of the same source that is another one, perhaps being backed up at this moment
    other = new_database()
    run(other, SHOP)
    create_backup(other, store, "shop")
    assert set(dead) < files(tmp_path / "backups").keys()
    assert "unfinished" in list_backups(store, "shop").warnings[0]
    create_backup(shop, store, "shop")
    assert not set(dead) & files(tmp_path / "backups").keys()
    assert len(list_backups(store, "shop").backups) == 2


def test_k_12_a_backup_is_one_moment_whatever_is_written_emptied_or_dropped_meanwhile(
    new_database: NewDatabase, store: FileStore
) -> None:
    url = new_database()
    run(url, SHOP)
    before = rows(url)
    with psycopg.connect(url) as unfinished, psycopg.connect(url, autocommit=True) as busy:
        # a transaction that was open before and commits while the rows are read
        unfinished.execute("insert into shop.customers (email, name) values ('late@example.com', 'Late')")

        def disturb(name: str) -> None:
            if name.endswith("customers.csv"):
                unfinished.commit()
                busy.execute("insert into shop.orders (customer_id, amount) values (1, 1)")
                busy.execute("delete from shop.orders where order_id <= 10")
                busy.execute("set lock_timeout = '50ms'")
                for attempt in ("drop table shop.orders", "truncate shop.orders"):
                    with pytest.raises(psycopg.errors.LockNotAvailable):
                        busy.execute(attempt.encode())

        backup = create_backup(url, Watched(store, disturb, lambda name: None), "shop", workers=1)
    target = new_database()
    restore(store, backup, target)
    assert rows(target) == before


def test_k_13_a_second_one_is_refused_and_the_lock_of_a_dead_one_is_gone(shop: str, store: FileStore) -> None:
    refused: list[str] = []

    def second(name: str) -> None:
        backup = first
        if name.endswith("started.json"):
            with pytest.raises(LockNotAvailable, match="another backup or restore"):
                create_backup(shop, store, "shop")
            with pytest.raises(LockNotAvailable, match="another backup or restore"):
                restore(store, backup, shop, replace=True)
            refused.append(name)

    first = create_backup(shop, store, "shop")
    create_backup(shop, Watched(store, second, lambda name: None), "shop")
    assert len(refused) == 1
    with psycopg.connect(shop) as holder:
        holder.execute("select pg_advisory_lock(hashtextextended('sales_platform:backup', 0))")
        with pytest.raises(LockNotAvailable):
            create_backup(shop, store, "shop")
    create_backup(shop, store, "shop")


def test_k_14_ids_rise_within_one_moment_and_when_the_clock_goes_back() -> None:
    now = datetime(2026, 11, 21, 3, 0, 0, 123456, tzinfo=UTC)
    first = naming.next_id(now, [])
    assert first == "20261121T030000.123456Z"
    second = naming.next_id(now, [first])
    third = naming.next_id(now - timedelta(days=400), [second, first])
    assert first < second < third
    assert naming.time_of(third) == now + timedelta(microseconds=2)


def test_k_15_a_backup_of_what_did_not_change_is_one_of_its_own_and_says_so(
    new_database: NewDatabase, store: FileStore
) -> None:
    url = new_database()
    run(url, SHOP)
    first = create_backup(url, store, "shop")
    assert first.manifest.same_as is None
    second = create_backup(url, store, "shop", format="parquet")
    assert second.manifest.same_as == first.id
    assert verify(store, second).blobs == 2
    for change in (
        "update shop.orders set amount = amount + 1 where order_id = 7",
        "comment on table shop.orders is 'new'",
        "select nextval('shop.customers_customer_id_seq')",
    ):
        run(url, change)
        assert create_backup(url, store, "shop").manifest.same_as is None


def test_a_backup_of_chosen_tables_holds_them_alone(
    shop: str, store: FileStore, new_database: NewDatabase
) -> None:
    backup = create_backup(shop, store, "shop", tables=["orders"])
    assert [copy.title for copy in backup.manifest.tables] == ["shop.orders"]
    assert backup.manifest.partial
    target = new_database()
    restored = restore(store, backup, target)
    assert rows(target) == {"shop.orders": rows(shop)["shop.orders"]}
    assert "customer_id_fkey was left out" in restored.notes[0]
    with pytest.raises(WrongUse, match=r"no such table: shop.order\. There are: shop.customers, shop.orders"):
        create_backup(shop, store, "shop", tables=["order"])


def test_k_30_the_password_stands_nowhere(
    shop: str,
    store: FileStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    password = psycopg.conninfo.conninfo_to_dict(shop)["password"]
    assert isinstance(password, str)
    commands: list[str] = []
    run_program = subprocess.run

    def watched(command: list[object], **other: object) -> object:
        commands.append(" ".join(str(part) for part in command))
        return run_program(command, **other)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", watched)
    with caplog.at_level(logging.DEBUG):
        backup = create_backup(shop, store, "shop")
        with pytest.raises(ConfigurationError) as refused:
            create_backup(shop.replace(password, "wr0ng-secret"), store, "shop")
    assert len(commands) == 2
    said = [*commands, str(refused.value), caplog.text]
    assert not [text for text in said if password in text or "wr0ng-secret" in text]
    assert not [name for name, content in files(tmp_path).items() if password.encode() in content]
    assert "user" not in json.dumps(backup.manifest.origin.__dict__)
