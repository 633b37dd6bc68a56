"""The CSV of rejected rows: harmless in a spreadsheet, and read back as what was meant."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales_platform.engine.rejected_rows import RejectedRow
from sales_platform.engine.sheet_cells import guarded, released
from sales_platform.errors import SalesPlatformError, SourceError, WrongUse
from sales_platform.operations.rejected_sheet import read_sheet, write_sheet

AT = datetime(2025, 1, 1, tzinfo=UTC)


def row(number: int, **record: str | None) -> RejectedRow:
    return RejectedRow(number, "a.csv", number + 1, ["INVALID_X"], 0, AT, AT, dict(record))


@pytest.mark.parametrize(
    "text", ["=1+2", "+SUM(A1)", "-2+3", "@cmd", "\t=1", "\r=1", "\n=1", "'=1", "=cmd|' /C calc'!A0", "-"]
)
def test_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+49", "-2.50", "1e9", "-1,5", "", "O'Neil", "'quoted'", "a=b"])
def test_numbers_and_other_text_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text


@given(st.text(alphabet="'=+-@\t\r\n1.,ae"))
def test_exactly_the_apostrophe_that_was_added_is_taken_away(text: str) -> None:
    assert released(guarded(text)) == text


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    records: list[dict[str, str | None]] = [
        {"x": "=1", "y": 'a "b", c'},
        {"x": None, "y": "two\r\nlines\u2028\x0c;"},
        {"x": "007", "y": "Ünï – 名"},
    ]
    path = tmp_path / "out.csv"

    assert write_sheet(path, ["x", "y"], [row(n, **record) for n, record in enumerate(records)]) == 3

    assert path.read_bytes().startswith(b"\xef\xbb\xbf_rejected_id,_reasons,_partition,_source_row,x,y\r\n")
    assert path.stat().st_mode & 0o077 == 0
    read = read_sheet(path)
    assert [(item.rejected_id, dict(item.values)) for item in read] == [
        (n, {name: text or "" for name, text in record.items()}) for n, record in enumerate(records)
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_spreadsheet_may_save_with_another_separator_and_without_a_mark(
    tmp_path: Path, delimiter: str
) -> None:
    path = tmp_path / "saved.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([["x", "_rejected_id", "y"], ["1,5", "7"], ["", "", ""], ["b", "8", "c"]])

    assert [(item.rejected_id, dict(item.values)) for item in read_sheet(path)] == [
        (7, {"x": "1,5", "y": ""}),
        (8, {"x": "b", "y": "c"}),
    ]


def test_a_file_that_somebody_may_have_corrected_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("corrected")

    with pytest.raises(WrongUse, match="the file exists"):
        write_sheet(path, ["x"], [])
    assert path.read_text() == "corrected"


def test_a_file_that_cannot_be_written_whole_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"

    with pytest.raises(ZeroDivisionError):
        write_sheet(path, ["x"], (row(1 // n, x="a") for n in (1, 0)))
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b"x,y\n1,2\n", SourceError, "no column _rejected_id"),
        (b"", SourceError, "no column _rejected_id"),
        (b"_rejected_id,x\n1,\xe4\n", SourceError, "CSV UTF-8"),
        (b"_rejected_id,x\n1,a\0\n", SourceError, "CSV UTF-8"),
        (b'_rejected_id,x\n1,"a\n', SourceError, "no CSV"),
        (b"_rejected_id,x\none,a\n", WrongUse, "line 2: _rejected_id is no whole number"),
        (b"_rejected_id,x\n1,a\n1,b\n", WrongUse, "line 3: _rejected_id 1 stands in two rows"),
        (b"_rejected_id,x\n1,a,b\n", WrongUse, "line 2: the row has more cells"),
        (b"_rejected_id,x,x\n1,a,b\n", WrongUse, "two columns are named x"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(
    tmp_path: Path, content: bytes, kind: type[SalesPlatformError], said: str
) -> None:
    path = tmp_path / "saved.csv"
    path.write_bytes(content)

    with pytest.raises(kind, match=said):
        read_sheet(path)
