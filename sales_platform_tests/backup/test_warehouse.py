"""What a backup of the warehouse takes, and how one that was just migrated takes it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sales_platform.backup.creating import create_backup
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.restoring import restore
from sales_platform.engine.migrations import migrate
from sales_platform.errors import RestoreRefused, WrongUse
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.backup.scenes import rows, run

LOADED = """
create table raw.shop_sales (_load_id bigint, sale text);
create table staging.shop_sales (sale integer);
create view marts.sales_view as select sale from staging.shop_sales;
insert into raw.shop_sales values (1, 'a'); insert into staging.shop_sales values (1);
insert into ops.consumed_version values ('staging.shop_sales', 'raw.shop_sales', '', 1, 'x');
select setval('ops.surrogate_key_seq', 1234);
"""


def microseconds_of_2026() -> int:
    return (datetime.now(UTC) - datetime(2026, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_k_03_raw_ops_and_quality_are_kept_and_what_is_made_of_them_is_left_to_a_rebuild(
    warehouse_url: str, database_url: str, store: FileStore, new_database: Callable[[], str]
) -> None:
    run(warehouse_url, LOADED)
    backup = create_backup(warehouse_url, store, "warehouse")
    assert {copy.schema for copy in backup.manifest.tables} == {"raw", "ops", "quality"}
    assert "raw/raw.shop_sales.csv" in {copy.blob for copy in backup.manifest.tables}
    for target in (database_url, warehouse_url):
        if target == database_url:
            # as `up` finds an empty server
            migrate(target)
        else:
            with pytest.raises(RestoreRefused, match=r"raw\.shop_sales"):
                restore(store, backup, target)
            run(target, "select setval('ops.surrogate_key_seq', 3000000000000000)")
        began = microseconds_of_2026()
        restored = restore(store, backup, target, replace=target == warehouse_url)
        ended = microseconds_of_2026()
        assert "sales-platform rebuild" in restored.notes[0]
        content = rows(target)
        assert content["raw.shop_sales"] == ["(1,a)"]
        assert content["ops.consumed_version"] == []
        assert not [name for name in content if name.startswith(("staging.", "marts."))]
        with psycopg.connect(target) as connection:
            first = connection.execute("select nextval('ops.surrogate_key_seq')").fetchone()
            assert first is not None
            # beyond every key that was issued before this moment, or that the target has issued
            if target == warehouse_url:
                assert first[0] == 3_000_001_000_000_000
            else:
                assert began <= first[0] <= ended
            connection.execute("create table marts.new (x integer)")
            assert connection.execute(
                "select has_table_privilege('sales_platform_reader', 'marts.new', 'select')"
            ).fetchone() == (True,)
    with pytest.raises(WrongUse, match="this is no warehouse"):
        create_backup(new_database(), store, "warehouse")


def test_k_03_a_warehouse_that_is_lost_twice_gives_no_key_a_second_time(
    warehouse_url: str, store: FileStore, new_database: Callable[[], str]
) -> None:
    """Both times the newest backup is the same: the second restore knows nothing of the keys after the first."""
    run(warehouse_url, LOADED)
    backup = create_backup(warehouse_url, store, "warehouse")
    issued: list[int] = []
    for target in (new_database(), new_database()):
        migrate(target)
        restore(store, backup, target)
        with psycopg.connect(target) as connection:
            keys = connection.execute(
                "select nextval('ops.surrogate_key_seq') from generate_series(1, 1000)"
            ).fetchall()
        issued += [key for (key,) in keys]

    assert len(set(issued)) == 2000
    assert min(issued) > 1234


def test_k_27_a_new_server_gets_the_roles_of_the_platform_from_the_restore(
    store: FileStore, tmp_path: Path
) -> None:
    """As the way back of docs/backups.md begins: an empty database of a server that was never migrated. An account that
    may not make them is told which are missing.
    """
    lost, new = (
        EmbeddedServer(tmp_path / name, fsync="off", shared_buffers="16MB") for name in ("lost", "new")
    )
    with lost.in_use():
        lost.create_database("warehouse")
        migrate(lost.url("warehouse"))
        run(lost.url("warehouse"), LOADED)
        backup = create_backup(lost.url("warehouse"), store, "warehouse")
    with new.in_use():
        new.create_database("warehouse")
        run(new.url("warehouse"), "create role plain login password 'plain'")
        with pytest.raises(RestoreRefused, match=r"no role sales_platform_loader, .*--role OLD=NEW"):
            restore(store, backup, make_conninfo(new.url("warehouse"), user="plain", password="plain"))
        restore(store, backup, new.url("warehouse"))
        assert rows(new.url("warehouse"))["raw.shop_sales"] == ["(1,a)"]
        with psycopg.connect(new.url("warehouse")) as connection:
            assert connection.execute(
                """select rolname, rolcanlogin, has_schema_privilege(rolname, 'marts', 'usage') from pg_roles
                where rolname like 'sales\\_platform\\__%' order by 1"""
            ).fetchall() == [
                ("sales_platform_loader", False, False),
                ("sales_platform_reader", False, True),
                ("sales_platform_transformer", False, True),
            ]
