"""A source file stands whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sales_platform.errors import ConfigurationError, StorageFull
from sales_platform.sources.placing import place


def test_a_new_file_gets_its_folders(tmp_path: Path) -> None:
    assert place(tmp_path / "a" / "b.csv", b"x\n")
    assert (tmp_path / "a" / "b.csv").read_bytes() == b"x\n"


def test_the_same_content_again_leaves_the_modification_time_alone(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    place(path, b"x\n")
    os.utime(path, ns=(1, 1))
    assert not place(path, b"x\n")
    assert path.stat().st_mtime_ns == 1


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.csv"
    place(path, b"old\n")

    def full(_source: object, _target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageFull, match=r"b\.csv"):
        place(path, b"new\n")
    assert path.read_bytes() == b"old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(ConfigurationError, match="SALES_PLATFORM_DATA"):
        place(tmp_path / "data" / "b.csv", b"x\n")
