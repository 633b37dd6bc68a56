"""Into what a backup is restored, what is refused, and that a target is never left half-way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from sales_platform.backup import targets
from sales_platform.backup.creating import create_backup
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.listing import Backup, list_backups
from sales_platform.backup.manifest import Extension
from sales_platform.backup.progress import Progress
from sales_platform.backup.rehearsing import rehearse, scratch_database
from sales_platform.backup.restoring import restore
from sales_platform.backup.roles import renamed
from sales_platform.errors import BackupDamaged, RestoreRefused, WrongUse
from sales_platform_tests.backup.scenes import SHOP, rows, run, shape

NewDatabase = Callable[[], str]


@pytest.fixture(scope="module")
def shop(new_database: NewDatabase) -> str:
    url = new_database()
    run(url, SHOP)
    return url


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> FileStore:
    return FileStore(tmp_path_factory.mktemp("backups"))


@pytest.fixture(scope="module")
def backup(shop: str, kept: FileStore) -> Backup:
    return create_backup(shop, kept, "shop")


def altered(backup: Backup, **changes: object) -> Backup:
    return replace(backup, manifest=replace(backup.manifest, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("standing", "named"),
    [
        (
            "create schema shop; create table shop.orders (x integer); insert into shop.orders values (1)",
            "shop.orders",
        ),
        ("create schema shop; create table shop.notes (x integer)", "shop.notes"),
        ("create view public.mine as select 1 as one", "public.mine"),
    ],
)
def test_k_04_what_is_not_empty_is_refused_and_replaced_on_demand(
    kept: FileStore, backup: Backup, shop: str, new_database: NewDatabase, standing: str, named: str
) -> None:
    target = new_database()
    run(target, standing)
    before, definitions = rows(target), shape(target)
    with pytest.raises(RestoreRefused, match=rf"not empty: {named}\..*--replace"):
        restore(kept, backup, target)
    assert (rows(target), shape(target)) == (before, definitions)
    restore(kept, backup, target, replace=True)
    assert rows(target) == rows(shop)


def test_k_04_others_that_depend_on_what_is_replaced_are_named_and_kept(
    kept: FileStore, backup: Backup, new_database: NewDatabase
) -> None:
    target = new_database()
    restore(kept, backup, target)
    run(target, "create schema reports; create view reports.all_orders as select * from shop.orders")
    only_shop = altered(backup, schemas=["shop"])
    with pytest.raises(RestoreRefused, match=r"depend on what it would replace: reports\.all_orders"):
        restore(kept, only_shop, target, replace=True)
    assert "all_orders" in shape(target)


@pytest.fixture
def changed(kept: FileStore, backup: Backup, new_database: NewDatabase) -> str:
    """A restored shop in which work went on."""
    target = new_database()
    restore(kept, backup, target)
    run(
        target,
        """create function shop.forbid() returns trigger language plpgsql as 'begin raise exception ''no''; end';
        create trigger forbid before insert or delete or truncate on shop.orders execute function shop.forbid();
        insert into shop.customers (email) values ('new@example.com');
        alter table shop.orders disable trigger user;
        delete from shop.orders where order_id > 40; update shop.orders set amount = 1 where order_id = 1;
        alter table shop.orders enable always trigger forbid;
        comment on constraint orders_customer_id_fkey on shop.orders is 'kept'""",
    )
    return target


def test_k_21_one_table_comes_back_and_all_around_it_stays(
    kept: FileStore, backup: Backup, shop: str, changed: str
) -> None:
    before, definitions = rows(changed), shape(changed)
    with pytest.raises(RestoreRefused, match=r"these tables hold rows: shop\.orders"):
        restore(kept, backup, changed, tables=["orders"])
    restored = restore(kept, backup, changed, tables=["orders"], replace=True)
    assert restored.tables == ["shop.orders"]
    assert rows(changed) == {**before, "shop.orders": rows(shop)["shop.orders"]}
    assert shape(changed) == definitions
    with pytest.raises(WrongUse, match=r"no such table: ordres"):
        restore(kept, backup, changed, tables=["ordres"], replace=True)


def test_k_21_references_that_would_break_are_named_and_nothing_changes(
    kept: FileStore, backup: Backup, changed: str
) -> None:
    run(changed, "alter table shop.orders disable trigger forbid")
    run(changed, "insert into shop.orders (customer_id, amount) values (21, 5)")
    before, definitions = rows(changed), shape(changed)
    with pytest.raises(RestoreRefused, match=r"shop\.orders by orders_customer_id_fkey"):
        restore(kept, backup, changed, tables=["customers"], replace=True)
    run(changed, "alter table shop.customers add column extra text")
    with pytest.raises(RestoreRefused, match="has other columns"):
        restore(kept, backup, changed, tables=["customers"], replace=True)
    run(changed, "alter table shop.customers drop column extra")
    assert (rows(changed), shape(changed)) == (before, definitions)
    restore(kept, backup, changed, tables=["customers", "orders"], replace=True)


def test_k_21_one_partition_comes_back_and_its_siblings_stay(
    store: FileStore, new_database: NewDatabase
) -> None:
    url = new_database()
    run(
        url,
        """create table days (day integer, v text, primary key (day, v)) partition by list (day);
        create table day_1 partition of days for values in (1);
        create table day_2 partition of days for values in (2);
        create table marks (day integer, v text, foreign key (day, v) references days);
        insert into days values (1, 'a'), (2, 'b'); insert into marks values (1, 'a'), (2, 'b')""",
    )
    backup = create_backup(url, store, "days")
    run(url, "insert into days values (1, 'x'), (2, 'y')")
    definitions = shape(url)
    restore(store, backup, url, tables=["day_1"], replace=True)
    assert rows(url)["public.day_1"] == ["(1,a)"]
    assert rows(url)["public.day_2"] == ["(2,b)", "(2,y)"]
    assert shape(url) == definitions
    # the whole table by its own name, into a database without it
    target = new_database()
    assert restore(store, backup, target, tables=["days"]).tables == ["public.day_1", "public.day_2"]
    with psycopg.connect(target) as connection:
        assert connection.execute("select day, v from days order by day").fetchall() == [(1, "a"), (2, "b")]


def test_k_22_a_newer_server_s_backup_and_an_encoding_that_cannot_hold_it_are_refused(
    kept: FileStore, backup: Backup, new_database: NewDatabase
) -> None:
    target = new_database()
    newer = altered(backup, origin=replace(backup.manifest.origin, server_version=990_001))
    with pytest.raises(RestoreRefused, match="made on PostgreSQL 99"):
        restore(kept, newer, target)
    assert rows(target) == {}


def test_k_24_a_restore_that_fails_at_any_step_leaves_the_target_as_it_was_and_can_run_again(
    kept: FileStore, backup: Backup, shop: str, new_database: NewDatabase
) -> None:
    target = new_database()
    run(
        target,
        "create schema shop; create table shop.customers (x text); insert into shop.customers values ('mine')",
    )
    before, definitions = rows(target), shape(target)
    seen: list[str] = []
    restore(
        kept, backup, new_database(), report=lambda progress: seen.append(f"{progress.step} {progress.table}")
    )
    steps = list(dict.fromkeys(seen))
    assert len(steps) > 8

    for step in steps:

        def fail(progress: Progress, step: str = step) -> None:
            if f"{progress.step} {progress.table}" == step:
                # what the server says when a disk is full comes to the same
                raise psycopg.errors.DiskFull

        with pytest.raises(Exception, match=r"Free disk space|disk"):
            restore(kept, backup, target, replace=True, report=fail)
        assert (rows(target), shape(target)) == (before, definitions), step
    restore(kept, backup, target, replace=True)
    assert rows(target) == rows(shop)


def test_a_restore_that_does_not_give_back_what_was_backed_up_is_rolled_back(
    kept: FileStore, backup: Backup, new_database: NewDatabase
) -> None:
    target = new_database()
    copies = [replace(copy, content_sha256="0" * 64) for copy in backup.manifest.tables]
    with pytest.raises(RestoreRefused, match=r"shop\.customers is not what the backup holds"):
        restore(kept, altered(backup, tables=copies), target)
    assert rows(target) == {}


def test_k_27_what_the_server_lacks_is_named_before_any_write_and_a_map_can_be_given(
    kept: FileStore, backup: Backup, shop: str, new_database: NewDatabase
) -> None:
    target = new_database()
    (owner,) = backup.manifest.roles
    definitions = [
        replace(one, sql=one.sql.replace(f"OWNER TO {owner}", 'OWNER TO "gone, with TO"'))
        for one in backup.manifest.definitions
    ]
    foreign = altered(backup, roles=["gone, with TO"], definitions=definitions)
    with pytest.raises(RestoreRefused, match=r"no role gone, with TO.*--role OLD=NEW"):
        restore(kept, foreign, target)
    with pytest.raises(WrongUse, match="names no role nobody"):
        restore(kept, foreign, target, roles={"nobody": owner})
    strange = Extension("strange", "public", "1.0")
    with pytest.raises(RestoreRefused, match="no extension strange"):
        restore(kept, altered(backup, extensions=[strange]), target)
    assert rows(target) == {}
    restore(kept, foreign, target, roles={"gone, with TO": owner})
    assert shape(target) == shape(shop)


def test_k_27_roles_are_renamed_where_they_are_roles_and_nowhere_else() -> None:
    names = {"old": "new one", "Ö": "n"}
    for before, after in [
        ("ALTER TABLE old.old OWNER TO old;", 'ALTER TABLE old.old OWNER TO "new one";'),
        (
            "GRANT SELECT(old,role) ON TABLE s.old TO PUBLIC, old, x;",
            'GRANT SELECT(old,role) ON TABLE s.old TO PUBLIC, "new one", x;',
        ),
        ('REVOKE ALL ON SCHEMA "FROM" FROM old;', 'REVOKE ALL ON SCHEMA "FROM" FROM "new one";'),
        (
            'ALTER DEFAULT PRIVILEGES FOR ROLE old IN SCHEMA old GRANT ALL ON TABLES TO "Ö";',
            'ALTER DEFAULT PRIVILEGES FOR ROLE "new one" IN SCHEMA old GRANT ALL ON TABLES TO "n";',
        ),
        (
            "COMMENT ON TABLE x IS 'GRANT x TO old;\nGRANT y TO old;';",
            "COMMENT ON TABLE x IS 'GRANT x TO old;\nGRANT y TO old;';",
        ),
        (
            "CREATE FUNCTION f() AS $$\nGRANT x TO old;\n$$;\nALTER FUNCTION f() OWNER TO old;",
            'CREATE FUNCTION f() AS $$\nGRANT x TO old;\n$$;\nALTER FUNCTION f() OWNER TO "new one";',
        ),
        (
            "CREATE POLICY p ON old TO old USING (x = 'TO old');",
            "CREATE POLICY p ON old TO \"new one\" USING (x = 'TO old');",
        ),
    ]:
        assert renamed(before, names) == after
        assert renamed(before, {}) == before


def test_k_28_a_rehearsal_proves_a_backup_and_leaves_no_database(
    shop: str, store: FileStore, tmp_path: Path
) -> None:
    backup = create_backup(shop, store, "shop")
    used: set[str] = set()

    @contextmanager
    def scratch() -> Iterator[str]:
        with scratch_database(shop) as url:
            used.add(str(conninfo_to_dict(url)["dbname"]))
            yield url

    assert rehearse(store, backup, scratch()).rows == 70
    (found,) = list_backups(store).backups
    assert found.verified
    assert found.verified.level == "restored"
    blob = tmp_path / "backups" / backup.prefix / "raw/orders.csv"
    blob.write_bytes(blob.read_bytes().replace(b"0.25", b"0.35"))
    with pytest.raises(BackupDamaged, match=r"raw/orders\.csv"):
        rehearse(store, backup, scratch())
    (found,) = list_backups(store).backups
    assert found.verified
    assert found.verified.level == "damaged"
    assert len(used) == 2
    assert not used & databases(shop)


def databases(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {str(name) for (name,) in connection.execute("select datname from pg_database").fetchall()}


def test_no_table_of_an_extension_or_of_others_is_dropped(new_database: NewDatabase) -> None:
    url = new_database()
    run(
        url,
        "create extension btree_gist; create schema kept; create table kept.x (i integer); create table y (i integer)",
    )
    with psycopg.connect(url, autocommit=True) as connection:
        targets.clear(connection, ["public"], "here")
        assert connection.execute(
            "select count(*) from pg_extension where extname = 'btree_gist'"
        ).fetchone() == (1,)
    assert rows(url) == {"kept.x": []}
