"""A backup whose store fails, lies or forgets: it is a complete one or none, and the next run heals what was left."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import psycopg
import pytest

from sales_platform.backup.azure_account import Patience, container_client
from sales_platform.backup.azure_store import AzureStore
from sales_platform.backup.creating import create_backup
from sales_platform.backup.listing import list_backups
from sales_platform.backup.restoring import restore
from sales_platform.backup.verifying import verify
from sales_platform.errors import BackupDamaged, SalesPlatformError, StoreRefused, StoreUnavailable
from sales_platform.local.server import EmbeddedServer
from sales_platform_tests.azurite import CONTAINER, HASTY, Azurite, running_azurite
from sales_platform_tests.fault_proxy import Fault, FaultProxy, Rule, Status, fault_proxy

# 5,000 rows of two kilobytes: three blocks of a store
SOURCE = """
create table notes (id integer primary key, text text not null);
insert into notes select n, repeat(md5(n::text), 64) from generate_series(1, 5000) as n;
create table customers (id integer primary key, name text);
insert into customers values (1, 'Ann'), (2, 'Bob');
"""
ROWS = {"public.notes": 5000, "public.customers": 2}
NOTES, MANIFEST = "raw/notes.csv", "manifest.json"


class Scene(NamedTuple):
    """store: behind the proxy. direct: the same blobs, past it."""

    url: str
    azurite: Azurite
    proxy: FaultProxy
    prefix: str
    store: AzureStore
    direct: AzureStore

    def blob(self, name: str) -> Any:
        """Of the only backup, for somebody who writes there without us."""
        [backup] = list_backups(self.direct).backups
        return self.azurite.container().get_blob_client(f"{self.prefix}/{backup.prefix}{name}")


@pytest.fixture(scope="module")
def azurite() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


@pytest.fixture(scope="module")
def source_url(postgres_server: EmbeddedServer) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres_server.create_database(name)
    with psycopg.connect(postgres_server.url(name)) as connection:
        connection.execute(SOURCE)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def scene(azurite: Azurite, source_url: str) -> Iterator[Scene]:
    prefix = uuid.uuid4().hex
    with fault_proxy(azurite.origin) as proxy:
        stores = azurite.store(prefix, proxy.origin), azurite.store(prefix)
        yield Scene(source_url, azurite, proxy, prefix, *stores)


def block_of(name: str) -> Callable[[str, str], bool]:
    return lambda method, path: method == "PUT" and f"/{name}?comp=block&" in path


def end_of(name: str) -> Callable[[str, str], bool]:
    return lambda method, path: method == "PUT" and f"/{name}?comp=blocklist" in path


def quick_only(chosen: str, names: Iterable[str]) -> list[Any]:
    """One case of many in the quick tier, the others in the slow one."""
    return [pytest.param(name, marks=() if name == chosen else pytest.mark.slow) for name in names]


def is_healed(scene: Scene) -> None:
    """The next run makes one complete backup and leaves nothing of the one that failed."""
    scene.proxy.heal()
    backup = create_backup(scene.url, scene.store, "shop")
    listing = list_backups(scene.direct)
    assert ([one.id for one in listing.backups], listing.warnings) == ([backup.id], [])
    assert verify(scene.direct, backup, record=False).read
    assert {table.title: table.rows for table in backup.manifest.tables} == ROWS
    assert all(blob.name.startswith(backup.prefix) for blob in scene.direct.list(""))


LASTING: dict[str, tuple[Rule, type[SalesPlatformError]]] = {
    "down before anything": (Rule(lambda *_: True, Fault.RESET), StoreUnavailable),
    "down at the first block": (Rule(block_of(NOTES), Fault.RESET), StoreUnavailable),
    "down at a middle block": (Rule(block_of(NOTES), Fault.RESET, skip=1), StoreUnavailable),
    "down at the last block": (Rule(end_of(NOTES), Fault.RESET), StoreUnavailable),
    "down at the manifest": (Rule(block_of(MANIFEST), Fault.RESET), StoreUnavailable),
    "down at the manifest's end": (Rule(end_of(MANIFEST), Fault.RESET), StoreUnavailable),
    "503": (Rule(end_of(NOTES), Status(503, "ServerBusy")), StoreUnavailable),
    "429": (Rule(end_of(NOTES), Status(429, "TooManyRequests")), StoreUnavailable),
    "409": (Rule(end_of(NOTES), Status(409, "ContainerBeingDeleted")), StoreUnavailable),
    "412": (Rule(end_of(NOTES), Status(412, "LeaseIdMissing")), StoreRefused),
    "403 at the manifest": (Rule(end_of(MANIFEST), Status(403, "AuthorizationFailure")), StoreRefused),
}


@pytest.mark.parametrize("name", quick_only("down at a middle block", LASTING))
def test_k_05_k_11_a_store_that_fails_leaves_no_backup_and_the_next_run_heals(
    scene: Scene, name: str
) -> None:
    rule, kind = LASTING[name]
    scene.proxy.fail(Rule(rule.chosen, rule.fault, rule.skip))
    with pytest.raises(kind) as caught:
        create_backup(scene.url, scene.store, "shop")
    assert (bool(caught.value.where), bool(caught.value.remedy)) == (True, True)
    assert list_backups(scene.direct).backups == []
    is_healed(scene)


PASSING: dict[str, Fault | Status] = {
    "reset": Fault.RESET,
    "answer lost": Fault.ANSWER_LOST,
    "503": Status(503, "ServerBusy"),
    "429": Status(429, "TooManyRequests", {"Retry-After": "0"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_is_not_seen_in_the_backup(scene: Scene, name: str) -> None:
    for where in (block_of(NOTES), end_of(NOTES), end_of("raw/customers.csv"), end_of(MANIFEST)):
        scene.proxy.fail(Rule(where, PASSING[name], times=1))
    backup = create_backup(scene.url, scene.store, "shop")
    assert verify(scene.direct, backup, record=False).read
    assert [one.id for one in list_backups(scene.direct).backups] == [backup.id]


@pytest.mark.slow
def test_a_store_that_falls_silent_ends_the_backup(scene: Scene) -> None:
    hurried = Patience(attempts=1, first_pause_seconds=0, growth=0, answer_seconds=0.3)
    scene.proxy.fail(Rule(block_of(NOTES), Fault.SILENCE, skip=1))
    with pytest.raises(StoreUnavailable):
        create_backup(scene.url, scene.azurite.store(scene.prefix, scene.proxy.origin, hurried), "shop")
    assert list_backups(scene.direct).backups == []
    is_healed(scene)


@pytest.mark.slow
def test_a_wrong_key_and_a_missing_container_end_before_anything_is_read(scene: Scene) -> None:
    wrong = scene.azurite.settings(azure_storage_account_key="d3Jvbmc=")
    for store in (
        AzureStore(container_client(wrong, CONTAINER, patience=HASTY)),
        AzureStore(scene.azurite.container(name="nowhere")),
    ):
        with pytest.raises(StoreRefused):
            create_backup(scene.url, store, "shop")
    is_healed(scene)


def changed(blob: Any) -> None:
    content = blob.download_blob().readall()
    blob.upload_blob(bytes([content[0] ^ 1]) + content[1:], overwrite=True)


def cut(blob: Any) -> None:
    blob.upload_blob(blob.download_blob().readall()[:-1], overwrite=True)


def removed(blob: Any) -> None:
    blob.delete_blob()


def test_k_06_k_07_k_08_what_somebody_does_to_a_blob_is_named_and_refused_before_the_target_is_touched(
    scene: Scene, database_url: str
) -> None:
    backup = create_backup(scene.url, scene.direct, "shop")
    content = b"".join(scene.direct.read(f"{backup.prefix}{NOTES}"))
    for damage in (changed, cut, removed):
        blob = scene.blob(NOTES)
        damage(blob)
        for act in (
            lambda: verify(scene.direct, backup, record=False),
            lambda: restore(scene.direct, backup, database_url),
        ):
            with pytest.raises(BackupDamaged, match=NOTES):
                act()
        blob.upload_blob(content, overwrite=True)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select to_regclass('notes'), to_regclass('customers')").fetchone() == (
            None,
            None,
        )
    assert restore(scene.direct, backup, database_url).rows == sum(ROWS.values())
    removed(scene.blob(MANIFEST))
    assert list_backups(scene.direct).backups == []


@pytest.mark.slow
def test_a_connection_that_breaks_while_a_backup_is_restored_is_taken_up_again(
    scene: Scene, database_url: str
) -> None:
    backup = create_backup(scene.url, scene.direct, "shop")
    scene.proxy.fail(Rule(lambda method, path: method == "GET" and NOTES in path, Fault.CUT, skip=1, times=1))
    assert restore(scene.store, backup, database_url).rows == sum(ROWS.values())
