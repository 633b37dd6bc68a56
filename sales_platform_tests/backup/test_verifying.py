"""What is found of a backup that somebody or something has touched, and that nothing else is restored."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sales_platform.backup.creating import create_backup
from sales_platform.backup.file_store import FileStore
from sales_platform.backup.listing import Backup, find_backup, list_backups
from sales_platform.backup.restoring import restore
from sales_platform.backup.verifying import verify
from sales_platform.errors import BackupDamaged, WrongUse
from sales_platform_tests.backup.scenes import SHOP, files, rows, run

NewDatabase = Callable[[], str]
DATA = ["raw/customers.csv", "raw/orders.csv"]


@pytest.fixture(scope="module")
def shop(new_database: NewDatabase) -> str:
    url = new_database()
    run(url, SHOP)
    return url


@pytest.fixture(scope="module")
def sound(shop: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a store with one backup."""
    folder = tmp_path_factory.mktemp("sound")
    create_backup(shop, FileStore(folder), "shop")
    return folder


@pytest.fixture(scope="module")
def target(new_database: NewDatabase) -> str:
    return new_database()


@pytest.fixture(scope="module")
def scratch(new_database: NewDatabase) -> str:
    """One target for all examples: each restore takes the place of the one before."""
    return new_database()


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """The folder of that backup in a store of its own, to be spoilt."""
    shutil.copytree(sound, tmp_path / "store")
    return tmp_path / "store" / list_backups(FileStore(sound)).backups[0].prefix


def opened(folder: Path) -> tuple[FileStore, Backup]:
    store = FileStore(folder.parents[2])
    return store, find_backup(store, "shop")


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    path.write_bytes(content)


def refused(folder: Path, target: str, *names: str) -> None:
    """Both look, and the restore touches nothing."""
    store, backup = opened(folder)
    for attempt in (lambda: verify(store, backup), lambda: restore(store, backup, target)):
        with pytest.raises(BackupDamaged) as error:
            attempt()
        assert [name for name in DATA if name in str(error.value)] == list(names)
    assert rows(target) == {}
    found = find_backup(store, "shop")
    assert found.verified
    assert found.verified.level == "damaged"
    assert not found.restorable


@pytest.mark.parametrize("content", [b"", b"customer_id,email,name\n1,c1"])
def test_k_06_an_empty_or_cut_blob_is_named_and_even_a_quick_look_sees_it(
    folder: Path, target: str, content: bytes
) -> None:
    (folder / DATA[0]).write_bytes(content)
    store, backup = opened(folder)
    assert not backup.restorable
    with pytest.raises(BackupDamaged, match=f"customers.csv has {len(content)} bytes"):
        verify(store, backup, deep=False)
    refused(folder, target, DATA[0])


def test_k_07_one_byte_in_each_blob_in_turn_is_found(folder: Path, target: str) -> None:
    for name in DATA:
        flip(folder / name, 40)
        refused(folder, target, name)
        flip(folder / name, 40)
    store, backup = opened(folder)
    assert verify(store, backup).read
    assert find_backup(store).restorable
    for name in DATA:
        flip(folder / name, 40)
    refused(folder, target, *DATA)


def test_k_08_a_missing_blob_is_an_error_and_one_too_many_a_warning(folder: Path, target: str) -> None:
    (folder / "raw/stranger.csv").write_text("x")
    store, backup = opened(folder)
    assert "raw/stranger.csv does not belong to the backup" in verify(store, backup).warnings[0]
    (folder / DATA[1]).unlink()
    refused(folder, target, DATA[1])


def test_k_08_a_damaged_manifest_is_read_from_its_copy_and_two_are_an_error(folder: Path) -> None:
    content = (folder / "manifest.json").read_bytes()
    # the digits of a count, which the text would hide
    (folder / "manifest.json").write_bytes(content.replace(b'"rows": 50', b'"rows": 51'))
    store, backup = opened(folder)
    assert backup.manifest.rows == 70
    assert "Its copy is good and is used" in list_backups(store).warnings[0]
    assert verify(store, backup).read
    (folder / "manifest.copy.json").write_bytes(b"{}")
    listing = list_backups(store)
    assert listing.backups == []
    assert "manifest.json" in listing.warnings[0]
    assert "Its copy is damaged too" in listing.warnings[0]
    with pytest.raises(BackupDamaged, match="Its copy is damaged too"):
        find_backup(store, "shop", backup.id)


def test_k_08_a_backup_whose_manifest_was_taken_away_is_none_and_its_copy_is_pointed_at(
    shop: str, folder: Path
) -> None:
    (folder / "manifest.json").unlink()
    store = FileStore(folder.parents[2])
    listing = list_backups(store)
    assert listing.backups == []
    assert "put the copy in its place" in listing.warnings[0]
    # what may be the only backup is not taken for remains
    create_backup(shop, store, "shop")
    assert (folder / DATA[0]).exists()


def test_k_09_a_quick_look_says_that_it_did_not_read_the_data(folder: Path) -> None:
    flip(folder / DATA[0], 40)
    store, backup = opened(folder)
    quick = verify(store, backup, deep=False)
    assert not quick.read
    assert "the data were not read" in quick.summary
    # and counts as no proof
    assert find_backup(store, "shop").verified is None


def test_k_20_a_time_finds_the_nearest_earlier_backup(shop: str, store: FileStore) -> None:
    with pytest.raises(WrongUse, match="no complete backup"):
        find_backup(store, "shop")
    first, second = create_backup(shop, store, "shop"), create_backup(shop, store, "shop")
    moments = [one.manifest.made_at for one in (first, second)]
    tick = timedelta(microseconds=1)
    assert find_backup(store, "shop", at=moments[0]).id == first.id
    assert find_backup(store, "shop", at=moments[1] - tick).id == first.id
    assert find_backup(store, "shop", at=moments[1] - tick).warnings == []
    latest = find_backup(store, "shop", at=moments[1] + timedelta(days=1))
    assert latest.id == second.id
    assert "is the latest backup" in latest.warnings[0]
    with pytest.raises(WrongUse, match=re.escape(f"the first backup was made at {moments[0].isoformat()}")):
        find_backup(store, "shop", at=moments[0] - tick)
    with pytest.raises(WrongUse, match=r"no complete backup '\.\./x'"):
        find_backup(store, "shop", "../x")
    assert find_backup(store).id == find_backup(store, "shop", second.id).id == second.id


damages = st.lists(
    st.tuples(
        st.sampled_from([*DATA, "manifest.json", "manifest.copy.json", "started.json"]),
        st.sampled_from(["flip", "cut", "grow", "remove", "swap"]),
        st.integers(min_value=0, max_value=100_000),
    ),
    max_size=2,
)


def spoil(folder: Path, name: str, how: str, at: int) -> None:
    path = folder / name
    if not path.exists():
        return
    content = path.read_bytes()
    if how == "remove":
        path.unlink()
    elif how == "flip" and content:
        flip(path, at)
    elif how == "swap":
        path.write_bytes(
            (folder / "raw/orders.csv").read_bytes() if (folder / "raw/orders.csv").exists() else b""
        )
    else:
        path.write_bytes(content[: at % (len(content) + 1)] if how == "cut" else content + b"\n")


def whatever_verifies_restores(
    sound: Path, target: str, expected: object, damage: list[tuple[str, str, int]]
) -> None:
    spoilt = sound.parent / "spoilt"
    shutil.rmtree(spoilt, ignore_errors=True)
    shutil.copytree(sound, spoilt)
    store = FileStore(spoilt)
    (folder,) = (path.parent for path in spoilt.rglob("started.json"))
    for one in damage:
        spoil(folder, *one)
    try:
        backup = find_backup(store, "shop")
        verify(store, backup)
    except (BackupDamaged, WrongUse):
        # found out: there must be something to find
        assert damage
        return
    restore(store, backup, target, replace=True)
    assert rows(target) == expected


relaxed = settings(
    deadline=None,
    max_examples=12,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@relaxed
@given(damage=damages)
def test_k_10_whatever_verifies_restores(
    sound: Path, shop: str, scratch: str, damage: list[tuple[str, str, int]]
) -> None:
    whatever_verifies_restores(sound, scratch, rows(shop), damage)


@pytest.mark.slow
@settings(relaxed, max_examples=400, derandomize=False)
@given(damage=damages)
def test_k_10_whatever_verifies_restores_in_many_examples(
    sound: Path, shop: str, scratch: str, damage: list[tuple[str, str, int]]
) -> None:
    whatever_verifies_restores(sound, scratch, rows(shop), damage)


def test_the_manifest_is_text_that_a_person_can_read(folder: Path, shop: str) -> None:
    document = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    body = document["body"]
    assert [(one["name"], one["rows"]) for one in body["tables"]] == [("customers", 20), ("orders", 50)]
    assert body["tables"][0]["length"] == len(files(folder)["raw/customers.csv"])
    assert "CREATE TABLE shop.customers" in "".join(one["sql"] for one in body["definitions"])
