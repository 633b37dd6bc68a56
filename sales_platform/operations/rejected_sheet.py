"""Rejected records as a CSV file that a spreadsheet opens and a person corrects. No look at the warehouse.

UTF-8 with a byte order mark, because a spreadsheet takes the file for another encoding without one. A cell that a
spreadsheet would run as a formula begins with an apostrophe, which reading takes away again; numbers stay as they
are. Columns with an underscore before their name are the platform's, and reading looks at `_rejected_id` alone.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sales_platform.engine.rejected_rows import RejectedRow
from sales_platform.engine.resubmission import Correction
from sales_platform.engine.sheet_cells import guarded, released
from sales_platform.errors import FileMissing, SourceError, WrongUse

ID = "_rejected_id"
_ABOUT = (ID, "_reasons", "_partition", "_source_row")
_LINE = "_line"

_CELL_LIMIT = 64 << 20


def write_sheet(path: Path, columns: Sequence[str], rows: Iterable[RejectedRow]) -> int:
    """Write a new file that only its owner can read; returns its rows. columns: of the records, in their order.

    Raises WrongUse for a file that exists: somebody may have corrected it.
    """
    with _created(path) as stream:
        writer = csv.writer(stream)
        writer.writerow([*_ABOUT, *map(guarded, columns)])
        written = 0
        for row in rows:
            about = [row.rejected_id, " ".join(row.reasons), guarded(row.partition), row.source_row]
            writer.writerow([*about, *(guarded(_text(row.raw_record.get(name))) for name in columns)])
            written += 1
    return written


def read_sheet(path: Path) -> list[Correction]:
    """The rows of a file that `write_sheet` made and a spreadsheet may have saved anew, with , or ; or tabs between.

    Raises FileMissing, SourceError for what is no such file, and WrongUse that names the line of a broken row.
    """
    content = _content(path)
    csv.field_size_limit(_CELL_LIMIT)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=_delimiter(path, content), strict=True)
    try:
        header = [released(name) for name in next(reader, [])]
        _refuse_repeated(path, header)
        corrections: dict[int, Correction] = {}
        for cells in reader:
            if any(cells):
                correction = _correction(f"{path.name}, line {reader.line_num}", header, cells)
                _add(f"{path.name}, line {reader.line_num}", corrections, correction)
    except csv.Error as error:
        raise SourceError(
            f"the file is no CSV ({error}).",
            where=f"{path.name}, line {reader.line_num}",
            remedy="Save it as CSV from the spreadsheet again.",
        ) from None
    return list(corrections.values())


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@contextmanager
def _created(path: Path) -> Iterator[IO[str]]:
    """A file that vanishes again if it cannot be written whole."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise WrongUse(
            "the file exists, and somebody may have corrected it.",
            where=str(path),
            remedy="Name another --out.",
        ) from None
    except OSError as error:
        raise WrongUse(
            f"the file cannot be written ({error.strerror}).", where=str(path), remedy="Name another --out."
        ) from error
    try:
        with open(descriptor, "w", encoding="utf-8-sig", newline="") as stream:
            yield stream
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _content(path: Path) -> str:
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise FileMissing(
            "There is no such file.", where=str(path), remedy="Name an exported file."
        ) from None
    except OSError as error:
        raise SourceError(
            f"The file cannot be read ({error.strerror}).", where=str(path), remedy="Check its permissions."
        ) from error
    except UnicodeDecodeError:
        content = "\0"
    if "\0" in content:
        raise SourceError(
            "the file is no UTF-8 text.",
            where=str(path),
            remedy="Save it as “CSV UTF-8” from the spreadsheet.",
        )
    return content


def _delimiter(path: Path, content: str) -> str:
    header = content.split("\n", 1)[0]
    for delimiter in ",;\t":
        if ID in next(csv.reader([header], delimiter=delimiter), []):
            return delimiter
    raise SourceError(
        f"the first line has no column {ID}.",
        where=str(path),
        remedy="Begin with a file of `sales-platform rejected export` and keep its first line.",
    )


def _refuse_repeated(path: Path, header: Sequence[str]) -> None:
    repeated = sorted({name for name in header if name and header.count(name) > 1})
    if repeated:
        raise WrongUse(
            f"two columns are named {repeated[0]}.", where=f"{path.name}, line 1", remedy="Keep one of them."
        )


def _correction(where: str, header: Sequence[str], cells: Sequence[str]) -> Correction:
    if any(cells[len(header) :]):
        raise WrongUse(
            "the row has more cells than the first line has names.",
            where=where,
            remedy="Put text that holds the separator into quotation marks.",
        )
    # A spreadsheet leaves empty cells at the end of a row out.
    full = [*cells, *[""] * (len(header) - len(cells))]
    values = {name: released(text) for name, text in zip(header, full, strict=False)}
    number = values.get(ID, "").strip()
    if not re.fullmatch(r"\d{1,18}", number):
        raise WrongUse(
            f"{ID} is no whole number.", where=where, remedy="Leave that column as it was exported."
        )
    received = {name: text for name, text in values.items() if name and not name.startswith("_")}
    return Correction(int(number), received)


def _add(where: str, corrections: dict[int, Correction], correction: Correction) -> None:
    if correction.rejected_id in corrections:
        raise WrongUse(
            f"{ID} {correction.rejected_id} stands in two rows.",
            where=where,
            remedy="Keep the corrected one.",
        )
    corrections[correction.rejected_id] = correction
