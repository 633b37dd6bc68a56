"""Finding a feed's files below a real folder, and what identifies one."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path

import pytest
from fsspec import AbstractFileSystem

from sales_platform.engine import file_systems
from sales_platform.engine.files import existing_days, locate, refuse_if_growing
from sales_platform.engine.unpacking import CHUNK_BYTES
from sales_platform.errors import ContractError, FileMissing, SourceError, SourceNotReady

DAILY = "retail/sales/{partition:%Y/%m/%d}/sales.csv"


def put(data: Path, path: str, content: bytes = b"a,b\n1,2\n") -> Path:
    place = data / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


def test_a_day_names_its_file(tmp_path: Path) -> None:
    put(tmp_path, "retail/sales/2026/02/03/sales.csv")
    file = locate(tmp_path, DAILY, date(2026, 2, 3))
    assert (file.path, file.partition) == ("retail/sales/2026/02/03/sales.csv", "2026-02-03")
    assert file.size() == 8
    with file.open() as stream:
        assert stream.read() == b"a,b\n1,2\n"


def test_a_feed_without_partitions_is_named_by_its_file(tmp_path: Path) -> None:
    put(tmp_path, "retail/customers.csv")
    assert locate(tmp_path, "retail/customers.csv", None).partition == "customers.csv"


def test_a_missing_file_names_the_path_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileMissing) as caught:
        locate(tmp_path, DAILY, date(2026, 2, 3))
    assert caught.value.where == "retail/sales/2026/02/03/sales.csv"
    assert str(tmp_path / "retail/sales/2026/02/03/sales.csv") in str(caught.value.remedy)


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "retail/customers.csv").mkdir(parents=True)
    with pytest.raises(FileMissing):
        locate(tmp_path, "retail/customers.csv", None)


@pytest.mark.parametrize("pattern", ["../secret.csv", "/etc/hostname", "link.csv", "folder/secret.csv"])
def test_no_path_leads_out_of_the_data_folder(tmp_path: Path, pattern: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    put(tmp_path, "secret.csv")
    (data / "link.csv").symlink_to(tmp_path / "secret.csv")
    (data / "folder").symlink_to(tmp_path)
    with pytest.raises(SourceError) as caught:
        locate(data, pattern, None).open()
    assert not isinstance(caught.value, FileMissing)


def test_a_link_within_the_data_folder_is_followed(tmp_path: Path) -> None:
    put(tmp_path, "landing/today.csv")
    (tmp_path / "customers.csv").symlink_to(tmp_path / "landing/today.csv")
    assert locate(tmp_path, "customers.csv", None).size() == 8


@pytest.mark.parametrize(
    "pattern", ["{partition:%Y/%m}.csv", "{partition:%Y/%m/%d/%H}.csv", "{day}.csv", "{partition}"]
)
def test_a_pattern_that_does_not_say_one_day_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ContractError) as caught:
        locate(tmp_path, pattern, date(2026, 2, 3))
    assert caught.value.where == pattern


def test_a_daily_feed_cannot_be_read_without_a_day(tmp_path: Path) -> None:
    with pytest.raises(ContractError):
        locate(tmp_path, DAILY, None)


def test_listing_finds_the_days_that_have_a_file_and_nothing_else(tmp_path: Path) -> None:
    for path in [
        "2026/01/31",
        "2025/12/31",
        "2026/02/31",
        "2026/2/3",
        "2026/02/03/extra",
        "x/01/01",
        "2026/01/30",
    ]:
        put(tmp_path, f"retail/sales/{path}/sales.csv")
    (tmp_path / "retail/sales/2026/01/29").mkdir()
    put(tmp_path, "retail/sales/2024")
    assert existing_days(tmp_path, DAILY) == [date(2025, 12, 31), date(2026, 1, 30), date(2026, 1, 31)]


def test_a_day_named_twice_in_a_path_must_agree(tmp_path: Path) -> None:
    pattern = "{partition:%Y}/{partition:sales_%Y%m%d}.csv"
    put(tmp_path, "2026/sales_20260203.csv")
    put(tmp_path, "2026/sales_20250203.csv")
    assert existing_days(tmp_path, pattern) == [date(2026, 2, 3)]
    assert locate(tmp_path, pattern, date(2026, 2, 3)).path == "2026/sales_20260203.csv"


def test_a_folder_that_is_not_there_has_no_days(tmp_path: Path) -> None:
    assert existing_days(tmp_path / "nowhere", DAILY) == []


def test_ten_years_of_days_are_listed_folder_by_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [date(2016, 1, 1) + timedelta(days=number) for number in range(3650)]
    for day in days:
        put(tmp_path, f"{day:%Y/%m/%d}.csv")
    listed: list[str] = []
    list_folder = file_systems.listing

    def counted(storage: AbstractFileSystem, folder: str) -> list[tuple[str, bool]]:
        listed.append(folder)
        return list_folder(storage, folder)

    monkeypatch.setattr(file_systems, "listing", counted)
    assert existing_days(tmp_path, "{partition:%Y/%m/%d}.csv") == days
    assert len(listed) == 1 + 10 + 120  # the root, its years, their months


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    content = b"x" * (CHUNK_BYTES + 1)
    put(tmp_path, "big.csv", content)
    assert locate(tmp_path, "big.csv", None).content_hash() == hashlib.sha256(content).hexdigest()


def test_a_file_that_grows_while_it_is_hashed_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = put(tmp_path, "customers.csv")
    file = locate(tmp_path, "customers.csv", None)
    refuse_if_growing(file)

    class Growing:
        """SHA-256 of a file to which somebody adds a line at every chunk."""

        def update(self, chunk: bytes) -> None:
            with place.open("ab") as writer:
                writer.write(b"3,4\n")
            monkeypatch.undo()

    monkeypatch.setattr(hashlib, "sha256", Growing)
    with pytest.raises(SourceNotReady) as caught:
        refuse_if_growing(file)
    assert caught.value.where == "customers.csv"


def test_a_file_that_vanishes_is_missing(tmp_path: Path) -> None:
    place = put(tmp_path, "customers.csv")
    file = locate(tmp_path, "customers.csv", None)
    place.unlink()
    for act in (file.open, file.size, file.content_hash):
        with pytest.raises(FileMissing):
            act()


def test_a_file_that_cannot_be_read_is_said_with_its_path(tmp_path: Path) -> None:
    place = put(tmp_path, "customers.csv")
    file = locate(tmp_path, "customers.csv", None)
    place.unlink()
    place.mkdir()  # permissions would not stop root
    with pytest.raises(SourceError) as caught:
        file.open()
    assert caught.value.where == "customers.csv"
