"""Landing an export of the real payment channels: byte for byte, all days or a clear error."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sales_platform.errors import FileMissing
from sales_platform.sources.channels.importer import import_channels

HEADER = b"transaction_id,date_key\r\n"


def export_of(folder: Path, *days: str) -> Path:
    for day in days:
        path = folder / day / "transactions.csv"
        path.parent.mkdir(parents=True)
        path.write_bytes(HEADER + b"T1,20260101\r\n")
    return folder


def test_every_day_lands_as_it_is_and_a_second_import_changes_nothing(tmp_path: Path) -> None:
    export = export_of(tmp_path / "export", "2026/01/31", "2026/02/01")
    done = import_channels(export, tmp_path / "data")
    assert (done.first_day, done.last_day) == (date(2026, 1, 31), date(2026, 2, 1))
    assert (done.landed.files, done.landed.changed, done.landed.rows) == (2, 2, 2)
    landed = tmp_path / "data" / "channels" / "raw" / "2026" / "02" / "01" / "transactions.csv"
    assert landed.read_bytes() == HEADER + b"T1,20260101\r\n"
    assert import_channels(export, tmp_path / "data").landed.changed == 0


def test_a_folder_without_days_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="no file of a day"):
        import_channels(export_of(tmp_path / "export", "2026/02/31"), tmp_path / "data")
    assert not (tmp_path / "data").exists()
