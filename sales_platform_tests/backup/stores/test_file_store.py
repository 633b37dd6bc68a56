"""Blobs as files: what only a folder can get wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sales_platform.backup.file_store import ABANDONED_SECONDS, UNFINISHED, FileStore
from sales_platform.errors import StoreRefused


def test_what_a_killed_writer_left_is_no_blob_and_goes_after_a_day(tmp_path: Path) -> None:
    unfinished = tmp_path / UNFINISHED
    unfinished.mkdir()
    old, young = unfinished / "old", unfinished / "young"
    for left in (old, young):
        left.write_bytes(b"half")
    written = old.stat().st_mtime - ABANDONED_SECONDS - 60
    os.utime(old, (written, written))
    store = FileStore(tmp_path)
    assert list(store.list("")) == []
    store.put("a", [b"x"])
    assert [left.name for left in unfinished.iterdir()] == ["young"]


def test_a_link_is_no_blob_and_leads_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    store = FileStore(tmp_path / "backups")
    store.put("a", [b"x"])
    (tmp_path / "backups" / "link").symlink_to(outside / "secret")
    (tmp_path / "backups" / "folder").symlink_to(outside)
    assert [blob.name for blob in store.list("")] == ["a"]
    for act in (
        lambda: list(store.list("folder/")),
        lambda: list(store.list("../outside/")),
        lambda: list(store.list(f"{outside}/")),
        lambda: next(store.read("link")),
        lambda: next(store.read("folder/secret")),
        lambda: store.put("folder/new", [b"x"]),
        lambda: store.remove("folder/secret"),
    ):
        with pytest.raises(StoreRefused):
            act()
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_folder_that_is_a_link_itself_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "backups").symlink_to(tmp_path / "disk")
    FileStore(tmp_path / "backups").put("a/b", [b"x"])
    assert (tmp_path / "disk/a/b").read_bytes() == b"x"


def test_backups_can_be_read_by_their_owner_only(tmp_path: Path) -> None:
    FileStore(tmp_path / "backups").put("a/b", [b"x"])
    assert (tmp_path / "backups/a/b").stat().st_mode & 0o077 == 0


def test_a_full_disk_leaves_no_blob_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)

    def full(descriptor: int, block: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(StoreRefused, match="No space left on device") as caught:
            store.put("a/b", [b"x"])
    assert caught.value.where == "a/b"
    assert list(store.list("")) == []
    assert list((tmp_path / UNFINISHED).iterdir()) == []


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("")
    with pytest.raises(StoreRefused) as caught:
        FileStore(tmp_path / "backups").put("a", [b"x"])
    assert "folder of backups" in str(caught.value)
