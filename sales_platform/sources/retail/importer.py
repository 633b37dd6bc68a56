"""Lands an export of the real retail system in the platform's layout: sorts records, never judges or changes.

An export is one folder with five files (SOURCES 4.1). Its only sales file holds many days and becomes one
file for each. A record without a readable sale_timestamp, or with a fault in its form, goes unchanged to the
end of the first day's file: there the load rejects it with its reason, so nothing is lost on the way.
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import BinaryIO

from sales_platform.engine.files import SourceFile
from sales_platform.engine.reader import BadRecord, Header, read_header, split_records
from sales_platform.errors import FileEmpty, FileMissing, HeaderMismatch, SourceError
from sales_platform.sources.placing import PlacedFiles, place
from sales_platform.sources.retail.layout import (
    CUSTOMER_UPDATES,
    CUSTOMERS,
    PRODUCTS,
    SALES,
    STORES,
    Row,
    sales_file,
    undated_file,
)

SALES_EXPORT = "sales.csv"
UNDATED_EXPORTS = {
    "customers.csv": ("customers", CUSTOMERS),
    "customers_updates.csv": ("customer_updates", CUSTOMER_UPDATES),
    "products.csv": ("products", PRODUCTS),
    "stores.csv": ("stores", STORES),
}

_DATE_FIRST = re.compile(r"\d{4}-\d\d-\d\d(?![\d-])")


@dataclass(frozen=True)
class RetailImport:
    """What an import landed. `undated`: sales in the first day's file because their day cannot be read."""

    landed: tuple[PlacedFiles, ...]
    first_day: date
    last_day: date
    undated: int


@dataclass
class _SalesByDay:
    """The records of a sales export under the day they happened on."""

    header: bytes
    line_end: bytes
    days: dict[date, bytearray] = field(default_factory=lambda: defaultdict(bytearray))
    undated: bytearray = field(default_factory=bytearray)
    undated_rows: int = 0
    rows: int = 0

    def add(self, day: date | None, record: bytes) -> None:
        self.rows += 1
        self.undated_rows += day is None
        target = self.undated if day is None else self.days[day]
        target += record + self.line_end

    def files(self) -> dict[date, bytes]:
        first = min(self.days)
        # Last in the file, so that an open quote among them swallows no good record.
        return {
            day: self.header + bytes(records) + (bytes(self.undated) if day == first else b"")
            for day, records in sorted(self.days.items())
        }


def import_retail(export: Path, data: Path, zone: tzinfo) -> RetailImport:
    """Land the five files of `export` below `data`; a second import of the same folder changes nothing.

    zone: where a day begins, for a sale_timestamp that carries an offset; one without is taken as it stands.
    Everything is read before anything is written. Raises FileMissing, FileEmpty,
    HeaderMismatch and SourceError.
    """
    _refuse_incomplete(export)
    undated = [_read_whole(export / name, columns) for name, (_, columns) in UNDATED_EXPORTS.items()]
    sales = _read_sales(export / SALES_EXPORT, zone)
    landed = [
        PlacedFiles(table, files=1, changed=int(place(undated_file(data, table), content)), rows=rows)
        for (table, _), (content, rows) in zip(UNDATED_EXPORTS.values(), undated, strict=True)
    ]
    files = sales.files()
    changed = sum(place(sales_file(data, day), content) for day, content in files.items())
    landed.append(PlacedFiles("sales", files=len(files), changed=changed, rows=sales.rows))
    return RetailImport(tuple(landed), min(files), max(files), sales.undated_rows)


def _refuse_incomplete(export: Path) -> None:
    expected = [*UNDATED_EXPORTS, SALES_EXPORT]
    missing = [name for name in expected if not (export / name).is_file()]
    if missing:
        raise FileMissing(
            f"the folder has no {', '.join(missing)}.",
            where=str(export),
            remedy=f"Name the folder that holds {', '.join(expected)}.",
        )


def _read_whole(path: Path, columns: Row) -> tuple[bytes, int]:
    """The bytes of a file as they are, and how many records stand in it."""
    with _source(path).open() as stream:
        content = stream.read()
    lines = io.BytesIO(content)
    header = _checked_header(lines, path, columns)
    records = split_records(lines, len(header.columns), header.lines + 1, header.delimiter.encode())
    return content, sum(1 for _ in records)


def _read_sales(path: Path, zone: tzinfo) -> _SalesByDay:
    with _source(path).open() as stream:
        header = _checked_header(stream, path, SALES)
        stream.seek(0)
        sales = _empty_sales(stream.read(header.bytes))
        delimiter = header.delimiter.encode()
        day_of = _day_reader(header, zone)
        for record in split_records(stream, len(header.columns), header.lines + 1, delimiter):
            if isinstance(record, BadRecord):
                sales.add(None, record.content)
            else:
                sales.add(day_of(record[1]), record[1])
    if not sales.rows:
        raise FileEmpty("there is no sale in the file.", where=str(path), remedy="Have it exported again.")
    if not sales.days:
        raise SourceError(
            f"no sale_timestamp of the {sales.rows} records can be read as a date.",
            where=str(path),
            remedy="Export the column as YYYY-MM-DDTHH:MM:SS.",
        )
    return sales


def _empty_sales(header: bytes) -> _SalesByDay:
    line_end = b"\r\n" if header.endswith(b"\r\n") else b"\n"
    return _SalesByDay(header.removesuffix(b"\n").removesuffix(b"\r") + line_end, line_end)


def _source(path: Path) -> SourceFile:
    return SourceFile(path=str(path), location=str(path), partition=path.name)


def _checked_header(stream: BinaryIO, path: Path, columns: Row) -> Header:
    header = read_header(stream, str(path))
    missing = [column for column in columns if column not in header.columns]
    if missing:
        raise HeaderMismatch(
            f"the header lacks {', '.join(missing)}.",
            where=f"{path}, line 1",
            remedy=f"Its columns should be {', '.join(columns)}.",
        )
    return header


def _day_reader(header: Header, zone: tzinfo) -> Callable[[bytes], date | None]:
    """A function from a record to its day, None where it has none that can be read."""
    position = header.columns.index("sale_timestamp")
    delimiter = header.delimiter.encode()

    def day_of(record: bytes) -> date | None:
        return _day(_field(record, position, delimiter).decode().strip(), zone)

    return day_of


def _field(record: bytes, position: int, delimiter: bytes) -> bytes:
    """One field of a good record without its quotes."""
    if b'"' not in record:
        return record.split(delimiter)[position]
    pieces = record.split(b'"')
    # A good record holds no NUL, so one can stand for the delimiters that count: those outside quotes.
    pieces[::2] = [outside.replace(delimiter, b"\0") for outside in pieces[::2]]
    return b"".join(pieces).split(b"\0")[position]


def _day(text: str, zone: tzinfo) -> date | None:
    # Python also reads week dates and dates without dashes, which the load does not.
    if not _DATE_FIRST.match(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(zone) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        return None
