"""What every store of backups must do, proved on each of them."""

from __future__ import annotations

import tracemalloc
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from sales_platform.backup.file_store import FileStore
from sales_platform.backup.store import Store
from sales_platform.backup.url_store import UrlStore, open_url
from sales_platform.errors import BlobExists, BlobMissing, StoreRefused
from sales_platform_tests.azurite import Azurite

NAMES = [
    "accounts/2026-02-03/01/raw/Ünï cödé & 100%#?=+.csv",
    "accounts/2026-02-03/01/raw/it's; --.csv",
    "one",
]


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    from sales_platform_tests.s3_server import s3_bucket

    with s3_bucket("backups") as url:
        yield url


@pytest.fixture(params=["folder", "azurite", "memory", pytest.param("s3", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FileStore(tmp_path / "backups")
    if request.param == "memory":
        return open_url(f"memory://{uuid.uuid4().hex}")
    if request.param == "s3":
        return open_url(f"{request.getfixturevalue('bucket')}/{uuid.uuid4().hex}")
    running: Azurite = request.getfixturevalue("azurite")
    return running.store(uuid.uuid4().hex)


def content(store: Store, name: str) -> bytes:
    return b"".join(store.read(name))


def names(store: Store, prefix: str = "") -> list[str]:
    return [blob.name for blob in store.list(prefix)]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_put_is_read_listed_and_removed(store: Store, name: str) -> None:
    store.put(name, [b"id,", b"", b"name\n", b"1,a\n"])
    assert content(store, name) == b"id,name\n1,a\n"
    assert [(blob.name, blob.length) for blob in store.list("")] == [(name, 12)]
    store.remove(name)
    store.remove(name)
    assert names(store) == []
    with pytest.raises(BlobMissing) as caught:
        next(store.read(name))
    assert caught.value.where == name


def test_an_empty_blob_is_a_blob(store: Store) -> None:
    store.put("a/empty", [])
    assert ([(blob.name, blob.length) for blob in store.list("")], content(store, "a/empty")) == (
        [("a/empty", 0)],
        b"",
    )


def test_blobs_are_listed_by_prefix_in_the_order_of_their_names(store: Store) -> None:
    for name in ["b/1", "a/2", "a/10", "a-1/1", "a/b/c", "ab", "B"]:
        store.put(name, [b"x"])
    assert names(store) == ["B", "a-1/1", "a/10", "a/2", "a/b/c", "ab", "b/1"]
    assert names(store, "a/") == ["a/10", "a/2", "a/b/c"]
    assert names(store, "a/1") == ["a/10"]
    assert names(store, "c/nothing") == []


def test_no_blob_is_overwritten(store: Store) -> None:
    store.put("a/b", [b"first"])
    with pytest.raises(BlobExists):
        store.put("a/b", [b"second"])
    assert content(store, "a/b") == b"first"


def test_two_writers_of_one_name_make_one_whole_blob_and_one_refusal(store: Store) -> None:
    def meanwhile() -> Iterator[bytes]:
        yield b"x" * (10 << 20)
        store.put("a/b", [b"the other one"])
        yield b"more"

    if not store.creates_exclusively:
        pytest.skip("this store looks first and writes then, and says so")
    with pytest.raises(BlobExists):
        store.put("a/b", meanwhile())
    assert content(store, "a/b") == b"the other one"


def test_a_blob_whose_source_breaks_never_was(store: Store) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"x" * (20 << 20)
        assert names(store) == []
        raise KeyError("the source's own error")

    with pytest.raises(KeyError, match="the source's own error"):
        store.put("a/b", breaking())
    assert names(store) == []
    store.put("a/b", [b"later"])
    assert content(store, "a/b") == b"later"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../out",
        "a/../../out",
        "a//b",
        "a/",
        "./a",
        ".hidden",
        "a/b.",
        "a\\b",
        "a\0",
        "a\nb",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(store: Store, name: str) -> None:
    for act in (lambda: store.put(name, [b"x"]), lambda: next(store.read(name)), lambda: store.remove(name)):
        with pytest.raises(StoreRefused):
            act()
    assert names(store) == []


def test_a_large_blob_passes_through_flat_memory(store: Store) -> None:
    if isinstance(store, UrlStore):
        pytest.skip("this store, or the server of it, is in this very process")
    size = 64
    megabyte = bytes(range(256)) * 4096
    tracemalloc.start()
    try:
        store.put("large", (megabyte for _ in range(size)))
        assert sum(len(piece) for piece in store.read("large")) == size << 20
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32 << 20
